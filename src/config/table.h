// The directives that a server knows: the one table behind the configuration file, the command line
// and CONFIG GET, SET and REWRITE.
//
// Constants that live as long as the process; pure functions, thread-safe. To add a directive: a
// field in options.h, a row in table.cc, an explanation in conf/cairn.conf (a test asks for it).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "config/row.h"

namespace cairn::config {

// All rows, in the order of conf/cairn.conf. Names and aliases are lower case and differ from each
// other. Whoever prints rows to clients leaves out those that are kFileOnly.
std::span<const Row> Rows();

// The row with that name or alias, in any case; null when there is none. The second form looks in
// the given rows.
const Row* FindRow(std::string_view name);
const Row* FindRow(std::span<const Row> rows, std::string_view name);

// SetFromFile for the row called `name`; kNotFound with UnknownDirective's text (suggest.h) when
// there is none.
absl::Status Set(std::string_view name, std::span<const std::string> args, ServerOptions& options);

}  // namespace cairn::config
