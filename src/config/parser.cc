#include "config/parser.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fnmatch.h>

#include "base/split_args.h"
#include "base/status.h"
#include "config/quote.h"
#include "config/suggest.h"
#include "config/table.h"
#include "config/text.h"

namespace cairn::config {
namespace {

constexpr size_t kMaxIncludeDepth = 16;
constexpr std::string_view kCommandLine = "command line";

absl::Status ErrorAt(const Directive& directive, std::string_view text) {
  return base::InvalidArgument(fmt::format("{}: {}", Place(directive), text));
}

// The folder part of a path with its slash: "conf/a.conf" -> "conf/", "a.conf" -> "".
std::string_view FolderOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "" : path.substr(0, slash + 1);
}

bool HasWildcard(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

// Gathers directives from texts and what they include.
class Reader {
 public:
  Reader(base::FileSystem& files, std::string_view origin)
      : files_(files), open_{std::string(origin)} {}

  // Reads the text whose origin is the innermost open one.
  absl::Status ReadText(std::string_view text) {
    int line = 0;
    for (const std::string& raw : Split(text, '\n')) {
      ++line;
      const std::string_view trimmed = Trim(raw);
      if (trimmed.empty() || trimmed.front() == '#') continue;
      absl::Status read = ReadLine(trimmed, line);
      if (!read.ok()) return read;
    }
    return absl::OkStatus();
  }

  absl::Status Take(Directive directive) {
    if (directive.name == "include") return Include(directive);
    directives_.push_back(std::move(directive));
    return absl::OkStatus();
  }

  std::vector<Directive> Finish() && { return std::move(directives_); }

 private:
  absl::Status ReadLine(std::string_view text, int line) {
    Directive directive{"", {}, open_.back(), line, open_.size() > 1};
    std::optional<std::vector<std::string>> words = base::SplitArgs(text);
    // The line itself is not shown: it may hold a password.
    if (!words) {
      return ErrorAt(directive,
                     "unbalanced quotes: a quoted value ends with the quote it began with, and a "
                     "blank or the end of "
                     "the line follows");
    }
    if (words->empty()) return absl::OkStatus();
    directive.name = absl::AsciiStrToLower(words->front());
    directive.args.assign(std::make_move_iterator(words->begin() + 1),
                          std::make_move_iterator(words->end()));
    return Take(std::move(directive));
  }

  absl::Status Include(const Directive& directive) {
    if (directive.args.size() != 1 || directive.args[0].empty()) {
      return ErrorAt(directive, "include needs one argument, the path of a file");
    }
    if (open_.size() > kMaxIncludeDepth) {
      return ErrorAt(directive,
                     fmt::format("includes are nested more than {} deep", kMaxIncludeDepth));
    }
    const absl::StatusOr<std::vector<std::string>> paths = Resolve(directive);
    if (!paths.ok()) return paths.status();
    for (const std::string& path : *paths) {
      absl::Status read = IncludeFile(path, directive);
      if (!read.ok()) return read;
    }
    return absl::OkStatus();
  }

  absl::Status IncludeFile(const std::string& path, const Directive& directive) {
    if (std::find(open_.begin(), open_.end(), path) != open_.end()) {
      return ErrorAt(directive, fmt::format("'{0}' includes itself: {1} > {0}", path,
                                            fmt::join(open_, " > ")));
    }
    const absl::StatusOr<std::string> text = files_.ReadAll(path);
    if (!text.ok()) return ErrorAt(directive, base::Message(text.status()));
    open_.push_back(path);
    absl::Status read = ReadText(*text);
    open_.pop_back();
    return read;
  }

  // The files that an include means. An absolute path stands alone; any other is tried in the
  // folder of the including file, then in the current folder.
  absl::StatusOr<std::vector<std::string>> Resolve(const Directive& directive) {
    const std::string& wanted = directive.args[0];
    if (HasWildcard(FolderOf(wanted))) {
      return ErrorAt(directive, "wildcards may stand in the last part of the path only");
    }
    std::vector<std::string> places;
    const std::string_view folder = FolderOf(directive.origin);
    if (wanted.front() != '/' && !folder.empty()) {
      places.push_back(fmt::format("{}{}", folder, wanted));
    }
    places.push_back(wanted);
    for (const std::string& place : places) {
      if (HasWildcard(wanted)) {
        std::vector<std::string> matches = Match(place);
        if (!matches.empty()) return matches;
      } else if (files_.Exists(place)) {
        return std::vector<std::string>{place};
      }
    }
    if (HasWildcard(wanted)) return std::vector<std::string>{};
    return ErrorAt(directive, fmt::format("include '{}': there is no file {}", wanted,
                                          fmt::join(places, " and no file ")));
  }

  // Files whose name matches the last part of `pattern`, in byte order. A folder that cannot be
  // listed has none.
  std::vector<std::string> Match(const std::string& pattern) {
    const std::string_view folder = FolderOf(pattern);
    const std::string name_pattern = pattern.substr(folder.size());
    std::vector<std::string> matches;
    const auto names = files_.List(folder.empty() ? "." : std::string(folder));
    if (!names.ok()) return matches;
    for (const std::string& name : *names) {
      if (fnmatch(name_pattern.c_str(), name.c_str(), FNM_PERIOD) == 0) {
        matches.push_back(fmt::format("{}{}", folder, name));
      }
    }
    return matches;
  }

  base::FileSystem& files_;
  std::vector<std::string> open_;  // origins of the texts being read, the outermost first
  std::vector<Directive> directives_;
};

// "'appendfsync sometimes'", without the value when that is a secret.
std::string Show(const Directive& directive, const Row& row) {
  if (row.Has(kSensitive)) return fmt::format("'{} ...'", directive.name);
  std::string shown = directive.name;
  for (const std::string& arg : directive.args) shown.append(" ").append(Quote(arg));
  return fmt::format("'{}'", shown);
}

absl::Status ApplyOne(const Directive& directive, ServerOptions& options) {
  const Row* row = FindRow(directive.name);
  if (row == nullptr) return ErrorAt(directive, UnknownDirective(directive.name));
  const absl::Status set = SetFromFile(*row, directive.args, options);
  if (set.ok()) return set;
  const bool comment = std::any_of(directive.args.begin(), directive.args.end(),
                                   [](const std::string& arg) { return arg.starts_with('#'); });
  return ErrorAt(directive, fmt::format("{}: {}{}", Show(directive, *row), base::Message(set),
                                        comment ? " (a comment needs a line of its own)" : ""));
}

}  // namespace

absl::StatusOr<std::vector<Directive>> ParseText(base::FileSystem& files, std::string_view text,
                                                 std::string_view origin) {
  Reader reader(files, origin);
  absl::Status read = reader.ReadText(text);
  if (!read.ok()) return read;
  return std::move(reader).Finish();
}

absl::StatusOr<std::vector<Directive>> ParseFile(base::FileSystem& files, const std::string& path) {
  const absl::StatusOr<std::string> text = files.ReadAll(path);
  if (!text.ok()) return text.status();
  return ParseText(files, *text, path);
}

absl::StatusOr<std::vector<Directive>> ParseOverrides(base::FileSystem& files,
                                                      std::span<const std::string> words) {
  std::vector<Directive> given;
  for (const std::string& word : words) {
    if (word.starts_with("--")) {
      const size_t equals = std::min(word.find('='), word.size());
      given.push_back(
          {ToLower(word.substr(2, equals - 2)), {}, std::string(kCommandLine), 0, false});
      if (equals < word.size()) given.back().args.push_back(word.substr(equals + 1));
    } else if (!given.empty()) {
      given.back().args.push_back(word);
    } else {
      return base::InvalidArgument(
          fmt::format("{}: '{}' belongs to no directive: write --name value", kCommandLine, word));
    }
  }
  Reader reader(files, kCommandLine);
  for (Directive& directive : given) {
    absl::Status taken = reader.Take(std::move(directive));
    if (!taken.ok()) return taken;
  }
  return std::move(reader).Finish();
}

absl::Status Apply(std::span<const Directive> directives, ServerOptions& options) {
  for (const Directive& directive : directives) {
    absl::Status applied = ApplyOne(directive, options);
    if (!applied.ok()) return applied;
  }
  return absl::OkStatus();
}

std::string Place(const Directive& directive) {
  if (directive.line == 0) return directive.origin;
  return fmt::format("{}:{}", directive.origin, directive.line);
}

}  // namespace cairn::config
