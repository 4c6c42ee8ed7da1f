// From configuration text to directives, and from directives to options.
//
// Pure but for `include`, which reads through the given file system; thread-safe. Errors are
// kInvalidArgument and begin with the place: "conf/cairn.conf:12: 'appendfsync sometimes':
// argument(s) must be one of the following: everysec, always, no". Values of sensitive directives
// never appear in them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "config/options.h"

namespace cairn::config {

// One line of a configuration, with every `include` already replaced by what it names.
struct Directive {
  std::string name;  // lower case; known or not
  std::vector<std::string> args;
  std::string origin;     // the file, or what the caller called the text
  int line = 0;           // from 1; 0 on the command line
  bool included = false;  // came through `include`
};

// Splits `text` into directives, following includes (at most 16 deep). `origin` names the text in
// errors; when it is a path, includes are looked for in its folder first, then in the current
// folder. An include may hold wildcards (* ? [..]) and then takes every match in byte order, or
// none. Only the form is judged here: quotes, and that included files can be read.
absl::StatusOr<std::vector<Directive>> ParseText(base::FileSystem& files, std::string_view text,
                                                 std::string_view origin);

// ParseText of a file's content.
absl::StatusOr<std::vector<Directive>> ParseFile(base::FileSystem& files, const std::string& path);

// Directives from command-line words: `--name value ...` or `--name=value`; a directive's values
// end at the next word that begins with "--".
absl::StatusOr<std::vector<Directive>> ParseOverrides(base::FileSystem& files,
                                                      std::span<const std::string> words);

// Sets the directives in order, so later ones win. Stops at the first error; `options` then holds
// what came before it.
absl::Status Apply(std::span<const Directive> directives, ServerOptions& options);

// "conf/cairn.conf:12", or "command line".
std::string Place(const Directive& directive);

}  // namespace cairn::config
