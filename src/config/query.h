// CONFIG GET: directives by name or pattern.
//
// Pure function; thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/options.h"

namespace cairn::config {

// Name and value of every directive that one of `patterns` names, once each, in the table's order.
// A pattern (with * ? or [) matches without case and gives the table's name; a plain name is given
// back as it was written, as Redis 7.0 does. A second name (alias) is a name of its own. File-only
// directives are never given.
std::vector<std::pair<std::string, std::string>> GetMatching(
    const ServerOptions& options, std::span<const std::string_view> patterns);

}  // namespace cairn::config
