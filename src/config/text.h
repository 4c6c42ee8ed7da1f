// Small text helpers on std::string_view, over abseil's, whose string_view is another type in
// Debian's build.
//
// Pure functions; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace cairn::config {

inline absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

// ASCII letters compare without case.
inline bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(ToAbsl(a), ToAbsl(b));
}

inline std::string ToLower(std::string_view text) {
  return absl::AsciiStrToLower(ToAbsl(text));
}

// `text` without white space at its ends.
inline std::string_view Trim(std::string_view text) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(ToAbsl(text));
  return {trimmed.data(), trimmed.size()};
}

// The pieces between separators; always at least one.
inline std::vector<std::string> Split(std::string_view text, char separator) {
  return absl::StrSplit(ToAbsl(text), separator);
}

}  // namespace cairn::config
