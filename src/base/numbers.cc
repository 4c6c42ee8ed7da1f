#include "base/numbers.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "absl/strings/ascii.h"
#include "base/check.h"

namespace cairn::base {
namespace {

// Redis' bound on the text of a long double: LDBL_MAX has 4933 digits before the point.
constexpr size_t kMaxLongDoubleChars = 5 * 1024;

// Runs strtod or strtold over all of `text`; both need a terminator, which a view does not have.
template <typename Float, Float (*kConvert)(const char*, char**)>
std::optional<Float> ParseFloat(std::string_view text) {
  if (text.empty() || absl::ascii_isspace(static_cast<unsigned char>(text.front()))) return {};
  char small[128];
  std::string large;
  const char* begin = small;
  if (text.size() < sizeof(small)) {
    std::memcpy(small, text.data(), text.size());
    small[text.size()] = '\0';
  } else {
    large = text;
    begin = large.c_str();
  }
  char* end = nullptr;
  errno = 0;
  const Float value = kConvert(begin, &end);
  if (end != begin + text.size() || std::isnan(value)) return {};
  // A subnormal result also sets ERANGE, and is accepted.
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return {};
  return value;
}

// The shortest decimal digits of a finite, non-zero, positive double: 0.d1d2d3... times 10^point.
struct Decimal {
  char digits[17];
  int size = 0;
  int point = 0;
};

Decimal ShortestDecimal(double value) {
  char text[kMaxDoubleChars];
  const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific);
  Decimal decimal;
  const char* p = text;
  for (; *p != 'e'; ++p) {
    if (*p != '.') decimal.digits[decimal.size++] = *p;
  }
  const char* exponent = p[1] == '+' ? p + 2 : p + 1;
  std::from_chars(exponent, end.ptr, decimal.point);
  ++decimal.point;
  return decimal;
}

char* WriteDigits(const char* digits, int size, char* out) {
  std::memcpy(out, digits, static_cast<size_t>(size));
  return out + size;
}

char* WriteZeros(int count, char* out) {
  std::memset(out, '0', static_cast<size_t>(count));
  return out + count;
}

char* WriteScientific(const Decimal& decimal, char* out) {
  *out++ = decimal.digits[0];
  if (decimal.size > 1) {
    *out++ = '.';
    out = WriteDigits(decimal.digits + 1, decimal.size - 1, out);
  }
  const int exponent = decimal.point - 1;
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  return WriteInteger(static_cast<int64_t>(std::abs(exponent)), out);
}

// Chooses between plain and scientific notation as Redis 7.2 does. `trailing` is the power of ten
// of the last digit.
char* WriteDecimal(const Decimal& decimal, char* out) {
  const int trailing = decimal.point - decimal.size;
  const int magnitude = std::abs(decimal.point - 1);
  if (trailing >= 0 && magnitude < decimal.size + 7) {
    out = WriteDigits(decimal.digits, decimal.size, out);
    return WriteZeros(trailing, out);
  }
  if (trailing >= 0 || (trailing <= -7 && magnitude >= 4)) return WriteScientific(decimal, out);
  if (decimal.point <= 0) {
    *out++ = '0';
    *out++ = '.';
    out = WriteZeros(-decimal.point, out);
    return WriteDigits(decimal.digits, decimal.size, out);
  }
  out = WriteDigits(decimal.digits, decimal.point, out);
  *out++ = '.';
  return WriteDigits(decimal.digits + decimal.point, decimal.size - decimal.point, out);
}

char* WriteText(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

std::optional<uint64_t> UnitFactor(std::string_view unit) {
  struct Unit {
    std::string_view name;
    uint64_t factor;
  };
  static constexpr Unit kUnits[] = {{"", 1},
                                    {"b", 1},
                                    {"k", 1000},
                                    {"kb", 1024},
                                    {"m", 1000 * 1000},
                                    {"mb", 1024 * 1024},
                                    {"g", 1000 * 1000 * 1000},
                                    {"gb", 1024 * 1024 * 1024}};
  std::string lower(unit);
  absl::AsciiStrToLower(&lower);
  for (const Unit& candidate : kUnits) {
    if (lower == candidate.name) return candidate.factor;
  }
  return {};
}

}  // namespace

std::optional<uint64_t> ParseUint64(std::string_view text) {
  constexpr size_t kSafeDigits = 19;  // cannot overflow
  if (text.empty() || text.size() > kSafeDigits + 1) return {};
  if (text.front() == '0' && text.size() > 1) return {};
  uint64_t value = 0;
  for (const char c : text.substr(0, kSafeDigits)) {
    const auto digit = static_cast<uint8_t>(c - '0');
    if (digit > 9) return {};
    value = value * 10 + digit;
  }
  if (text.size() > kSafeDigits) {
    const auto digit = static_cast<uint8_t>(text.back() - '0');
    if (digit > 9 || __builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, uint64_t{digit}, &value)) {
      return {};
    }
  }
  return value;
}

std::optional<int64_t> ParseInt64(std::string_view text) {
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const bool negative = !text.empty() && text.front() == '-';
  const std::optional<uint64_t> magnitude = ParseUint64(negative ? text.substr(1) : text);
  if (!magnitude) return {};
  if (!negative) {
    if (*magnitude > kMax) return {};
    return static_cast<int64_t>(*magnitude);
  }
  if (*magnitude == 0 || *magnitude > kMax + 1) return {};
  return static_cast<int64_t>(-*magnitude);
}

std::optional<double> ParseDouble(std::string_view text) {
  return ParseFloat<double, std::strtod>(text);
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  if (text.size() >= kMaxLongDoubleChars) return {};
  return ParseFloat<long double, std::strtold>(text);
}

std::string FormatLongDouble(long double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[kMaxLongDoubleChars];
  const int size = std::snprintf(text, sizeof(text), "%.17Lf", value);
  CAIRN_CHECK(size > 0 && static_cast<size_t>(size) < sizeof(text));
  std::string_view view(text, static_cast<size_t>(size));
  if (view.find('.') != std::string_view::npos) {
    view = view.substr(0, view.find_last_not_of('0') + 1);
    if (view.back() == '.') view.remove_suffix(1);
  }
  return view == "-0" ? "0" : std::string(view);
}

char* WriteDouble(double value, char* out) {
  constexpr double kMaxWhole = 4611686018427387904.0;  // 2^62
  if (std::isnan(value)) return WriteText("nan", out);
  if (std::isinf(value)) return WriteText(value > 0 ? "inf" : "-inf", out);
  if (value == 0) return WriteText(std::signbit(value) ? "-0" : "0", out);
  if (std::abs(value) <= kMaxWhole && std::trunc(value) == value) {
    return WriteInteger(static_cast<int64_t>(value), out);
  }
  if (value < 0) *out++ = '-';
  return WriteDecimal(ShortestDecimal(std::abs(value)), out);
}

std::string FormatDouble(double value) {
  char text[kMaxDoubleChars];
  return {text, WriteDouble(value, text)};
}

std::optional<uint64_t> ParseMemorySize(std::string_view text) {
  uint64_t value = 0;
  const auto digits = std::from_chars(text.data(), text.data() + text.size(), value);
  if (digits.ec != std::errc()) return {};
  const std::optional<uint64_t> factor =
      UnitFactor(text.substr(static_cast<size_t>(digits.ptr - text.data())));
  if (!factor || __builtin_mul_overflow(value, *factor, &value)) return {};
  return value;
}

}  // namespace cairn::base
