// Glob patterns as Redis matches them (KEYS, SCAN MATCH, CONFIG GET, PSUBSCRIBE).
//
//   *        any bytes, none included        ?        any one byte
//   [abc]    one of these bytes              [^abc]   any byte but these
//   [a-c]    a range, ends in either order   \x       the byte x itself, inside a class too
//
// Corner cases, taken from experiments with redis-server 7.0.15: a class that is not closed ends
// with the pattern; "]" and "-" have no special place in a class ("[]a]" is the empty class, then
// "a]"; "[a-]" is the open range from "]" to "a"); "\" at the very end is itself; range ends
// compare as signed bytes; the empty text matches the empty pattern only (commands treat the
// pattern "*" as no pattern). Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::base {

// True when `pattern` matches all of `text`. `nocase` compares ASCII letters without case, except
// those written with "\" inside a class (as Redis). Time is at most proportional to the product of
// both sizes.
bool GlobMatch(std::string_view pattern, std::string_view text, bool nocase = false);

// What a pattern demands of the beginning of every text that it matches (with case).
struct GlobPrefix {
  enum class Rest : uint8_t {
    kNothing,   // the pattern matches exactly `literal`
    kAnything,  // the pattern is `literal` and a star: all that begins with `literal`
    kPattern,   // further conditions: GlobMatch has to be asked
  };
  std::string literal;  // escapes resolved
  Rest rest = Rest::kNothing;
};
GlobPrefix LiteralPrefix(std::string_view pattern);

}  // namespace cairn::base
