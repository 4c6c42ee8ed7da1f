#include "config/numbers.h"

#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/status.h"

namespace cairn::config {

absl::StatusOr<int64_t> ParseInteger(std::string_view text) {
  const std::optional<int64_t> value = base::ParseInt64(text);
  if (!value) return base::InvalidArgument("argument couldn't be parsed into an integer");
  return *value;
}

absl::StatusOr<int64_t> ParseMemory(std::string_view text) {
  const std::optional<uint64_t> value = base::ParseMemorySize(text);
  if (!value || *value > uint64_t{std::numeric_limits<int64_t>::max()}) {
    return base::InvalidArgument("argument must be a memory value");
  }
  return static_cast<int64_t>(*value);
}

absl::StatusOr<int64_t> ParseOctal(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 8);
  if (error != std::errc() || stop != end) {
    return base::InvalidArgument("argument couldn't be parsed as an octal number");
  }
  return value;
}

std::string FormatMemory(int64_t bytes) {
  struct Unit {
    std::string_view name;
    int64_t bytes;
  };
  constexpr Unit kUnits[] = {{"gb", 1LL << 30}, {"mb", 1LL << 20}, {"kb", 1LL << 10}};
  for (const Unit& unit : kUnits) {
    if (bytes != 0 && bytes % unit.bytes == 0) {
      return fmt::format("{}{}", bytes / unit.bytes, unit.name);
    }
  }
  return std::to_string(bytes);
}

std::string FormatDecimal(double value) {
  std::string text = fmt::format("{:.6f}", value);
  const size_t last = text.find_last_not_of('0');
  text.resize(text[last] == '.' ? last : last + 1);
  return text;
}

}  // namespace cairn::config
