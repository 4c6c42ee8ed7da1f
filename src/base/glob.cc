#include "base/glob.h"

#include <utility>

#include "absl/strings/ascii.h"

namespace cairn::base {
namespace {

constexpr size_t kNone = std::string_view::npos;

char Fold(char c, bool nocase) {
  return nocase ? absl::ascii_tolower(static_cast<unsigned char>(c)) : c;
}

bool InRange(char first, char last, char c, bool nocase) {
  // Redis orders the ends before it folds their case, and as signed numbers.
  auto low = static_cast<signed char>(first);
  auto high = static_cast<signed char>(last);
  if (low > high) std::swap(low, high);
  const auto folded = static_cast<signed char>(Fold(c, nocase));
  return folded >= static_cast<signed char>(Fold(static_cast<char>(low), nocase)) &&
         folded <= static_cast<signed char>(Fold(static_cast<char>(high), nocase));
}

// The answer of one element of a pattern (all but a star) for one byte, and where the next element
// begins.
struct Step {
  bool matches;
  size_t next;
};

// `at` is the place after "[".
Step MatchClass(std::string_view pattern, size_t at, char c, bool nocase) {
  const size_t size = pattern.size();
  const bool negated = at < size && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  while (at < size && pattern[at] != ']') {
    if (pattern[at] == '\\' && at + 1 < size) {
      found |= pattern[at + 1] == c;
      at += 2;
    } else if (at + 2 < size && pattern[at + 1] == '-') {
      found |= InRange(pattern[at], pattern[at + 2], c, nocase);
      at += 3;
    } else {
      found |= Fold(pattern[at], nocase) == Fold(c, nocase);
      ++at;
    }
  }
  return {found != negated, at < size ? at + 1 : size};
}

Step MatchElement(std::string_view pattern, size_t at, char c, bool nocase) {
  switch (pattern[at]) {
    case '?':
      return {true, at + 1};
    case '[':
      return MatchClass(pattern, at + 1, c, nocase);
    case '\\':
      if (at + 1 < pattern.size()) ++at;
      [[fallthrough]];
    default:
      return {Fold(pattern[at], nocase) == Fold(c, nocase), at + 1};
  }
}

size_t SkipStars(std::string_view pattern, size_t at) {
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at;
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view text, bool nocase) {
  if (text.empty()) return pattern.empty();
  size_t at = 0;
  size_t position = 0;
  // Between two stars every element takes one byte, so the first place where a piece matches is as
  // good as any later one: only the last star ever has to take more.
  size_t after_star = kNone;
  size_t star_position = 0;
  while (position < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      at = after_star = SkipStars(pattern, at);
      if (at == pattern.size()) return true;
      star_position = position;
      continue;
    }
    if (at < pattern.size()) {
      const Step step = MatchElement(pattern, at, text[position], nocase);
      if (step.matches) {
        at = step.next;
        ++position;
        continue;
      }
    }
    if (after_star == kNone) return false;
    at = after_star;
    position = ++star_position;
  }
  return SkipStars(pattern, at) == pattern.size();
}

GlobPrefix LiteralPrefix(std::string_view pattern) {
  GlobPrefix prefix;
  size_t at = 0;
  for (; at < pattern.size(); ++at) {
    char c = pattern[at];
    if (c == '*' || c == '?' || c == '[') break;
    if (c == '\\' && at + 1 < pattern.size()) c = pattern[++at];
    prefix.literal.push_back(c);
  }
  if (at == pattern.size()) {
    prefix.rest = GlobPrefix::Rest::kNothing;
  } else {
    prefix.rest =
        pattern.substr(at) == "*" ? GlobPrefix::Rest::kAnything : GlobPrefix::Rest::kPattern;
  }
  return prefix;
}

}  // namespace cairn::base
