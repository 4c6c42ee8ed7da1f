// Numbers as text, read and written exactly as Redis does it.
//
// Pure functions; thread-safe; independent of the locale except where the C library's strtod is
// used (a daemon keeps the "C" numeric locale). Sources: the observable behaviour of
// redis-server 7.0.15 (INCRBY, INCRBYFLOAT, ZADD, CONFIG SET) and, for doubles in replies, the
// documented output of Redis 7.2.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::base {

// Longest output of WriteInteger: the sign and 19 digits, or 20 digits.
inline constexpr size_t kMaxIntegerChars = 20;
// Room that WriteDouble needs at most.
inline constexpr size_t kMaxDoubleChars = 32;

// A whole number in its only accepted spelling: an optional '-', no '+', no leading zero, no space,
// not "-0". Empty when `text` is anything else or does not fit.
std::optional<int64_t> ParseInt64(std::string_view text);
// The same without a sign.
std::optional<uint64_t> ParseUint64(std::string_view text);

// Writes the decimal form of `value` at `out` (kMaxIntegerChars bytes at least); returns the end.
// No terminator.
inline char* WriteInteger(int64_t value, char* out) {
  return std::to_chars(out, out + kMaxIntegerChars, value).ptr;
}
inline char* WriteInteger(uint64_t value, char* out) {
  return std::to_chars(out, out + kMaxIntegerChars, value).ptr;
}

// The decimal form of an integer on the stack, for as long as this object lives.
class IntegerText {
 public:
  explicit IntegerText(int64_t value) {
    size_ = static_cast<uint8_t>(WriteInteger(value, chars_) - chars_);
  }
  explicit IntegerText(uint64_t value) {
    size_ = static_cast<uint8_t>(WriteInteger(value, chars_) - chars_);
  }

  [[nodiscard]] std::string_view view() const { return {chars_, size_}; }

 private:
  char chars_[kMaxIntegerChars];
  uint8_t size_;
};

// A double as an argument (increment, score): all that strtod reads (decimal, hexadecimal, "inf",
// "infinity", a leading
// '+'), with nothing before or after it. Empty for not-a-number, and for what is too large or too
// small for a double.
std::optional<double> ParseDouble(std::string_view text);
// The same for INCRBYFLOAT's argument and value; texts of 5120 bytes and more are refused, as Redis
// does.
std::optional<long double> ParseLongDouble(std::string_view text);

// Redis' "human friendly" form, which INCRBYFLOAT stores and replies: 17 digits after the point,
// then trailing zeros and a trailing point removed; a zero that is left over never has a sign.
// Infinities are "inf" and "-inf".
std::string FormatLongDouble(long double value);

// A double in a reply of Redis 7.2: whole numbers within +-2^62 without a point or exponent;
// otherwise the shortest digits that read back the same, with an exponent ("1e+20", "1e-7") only
// where plain notation would pad with many zeros; "inf", "-inf", "nan", "-0". Writes at `out`
// (kMaxDoubleChars bytes at least) and returns the end.
char* WriteDouble(double value, char* out);
std::string FormatDouble(double value);

// Bytes as redis.conf writes them: digits and an optional unit in any case: b; k, m, g (powers of
// 1000); kb, mb, gb (powers of 1024). Empty when there is no digit, another unit, or more than 2^64
// - 1 bytes (Redis lets the first and the last pass, as 0 and as a remainder).
std::optional<uint64_t> ParseMemorySize(std::string_view text);

}  // namespace cairn::base
