#include "tidy/shape.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "tidy/functions.h"

namespace cairn::tidy {
namespace {

constexpr size_t kMaxSlashes = 3;
constexpr size_t kSlashesInRoom = 2;

// Characters, not bytes: the continuation bytes of UTF-8 take no column.
size_t Columns(std::string_view line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

bool UsesTabs(std::string_view path) {
  return NameOf(path) == "Makefile";
}

// In the case files of redis-tests/ a blank is a byte of a value.
bool BlanksMatter(std::string_view path) {
  return path.starts_with("redis-tests/") && path.ends_with(".txt");
}

}  // namespace

Findings CheckHeaderForm(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!IsHeader(file.path)) continue;
    if (!file.text.starts_with("// ")) {
      findings.push_back(
          {file.path, 1, "a header begins with a comment: purpose, thread, lifetime"});
    }
    if (file.code.find("#pragma once\n") == std::string::npos) {
      findings.push_back({file.path, 0, "no #pragma once"});
    }
  }
  return findings;
}

Findings CheckFileLengths(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!IsCpp(file.path)) continue;
    const size_t most = IsHeader(file.path) ? kMaxHeaderLines : kMaxSourceLines;
    const size_t lines = Lines(file.text).size();
    if (lines <= most) continue;
    findings.push_back({file.path, 0, fmt::format("{} lines; at most {}", lines, most)});
  }
  return findings;
}

Findings CheckFunctionLengths(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    for (const Function& function : Functions(file.code)) {
      const size_t lines = function.last_line - function.first_line + 1;
      if (lines <= kMaxFunctionLines) continue;
      findings.push_back(
          {file.path, function.first_line,
           fmt::format("{} has {} lines; at most {}", function.name, lines, kMaxFunctionLines)});
    }
  }
  return findings;
}

Findings CheckColumns(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!IsCpp(file.path)) continue;
    size_t number = 0;
    for (const std::string_view line : Lines(file.text)) {
      ++number;
      const size_t columns = Columns(line);
      if (columns <= kMaxColumns) continue;
      findings.push_back(
          {file.path, number, fmt::format("{} columns; at most {}", columns, kMaxColumns)});
    }
  }
  return findings;
}

Findings CheckWhitespace(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!file.text.empty() && !file.text.ends_with('\n')) {
      findings.push_back({file.path, 0, "no line end at the end of the file"});
    }
    size_t number = 0;
    for (const std::string_view line : Lines(file.text)) {
      ++number;
      const bool blank_end = line.ends_with(' ') || line.ends_with('\t') || line.ends_with('\r');
      if (blank_end && !BlanksMatter(file.path)) {
        findings.push_back({file.path, number, "blanks at the end of the line"});
      }
      if (line.find('\t') != std::string_view::npos && !UsesTabs(file.path)) {
        findings.push_back({file.path, number, "a tab: write blanks, or \\t"});
      }
    }
  }
  return findings;
}

Findings CheckDepth(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    const auto slashes = static_cast<size_t>(std::count(file.path.begin(), file.path.end(), '/'));
    const size_t most = RoomOf(file.path).empty() ? kMaxSlashes : kSlashesInRoom;
    if (slashes > most) findings.push_back({file.path, 0, "too many folders deep"});
  }
  return findings;
}

}  // namespace cairn::tidy
