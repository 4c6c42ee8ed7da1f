#include "types/string_value.h"

#include <algorithm>
#include <cmath>

#include "base/numbers.h"
#include "base/status.h"
#include "resp/errors.h"

namespace cairn::types {
namespace {

// The longest string that Redis keeps in one allocation with its object.
constexpr size_t kMaxEmbedded = 44;

}  // namespace

std::string_view StringEncoding(std::string_view value, keyspace::EncodingHint hint) {
  if (hint == keyspace::EncodingHint::kRaw) return "raw";
  if (hint == keyspace::EncodingHint::kNatural && base::ParseInt64(value).has_value()) return "int";
  return value.size() <= kMaxEmbedded ? "embstr" : "raw";
}

absl::StatusOr<int64_t> Increment(std::string_view value, bool exists, int64_t delta) {
  int64_t number = 0;
  if (exists) {
    const auto parsed = base::ParseInt64(value);
    if (!parsed.has_value()) return base::InvalidArgument(resp::errors::kNotInteger);
    number = *parsed;
  }
  int64_t sum = 0;
  if (__builtin_add_overflow(number, delta, &sum)) {
    return base::InvalidArgument(resp::errors::kOverflow);
  }
  return sum;
}

absl::StatusOr<std::string> IncrementFloat(std::string_view value, bool exists,
                                           std::string_view delta) {
  long double number = 0;
  if (exists) {
    const auto parsed = base::ParseLongDouble(value);
    if (!parsed.has_value()) return base::InvalidArgument(resp::errors::kNotFloat);
    number = *parsed;
  }
  const auto increment = base::ParseLongDouble(delta);
  if (!increment.has_value()) return base::InvalidArgument(resp::errors::kNotFloat);
  const long double sum = number + *increment;
  if (std::isnan(sum) || std::isinf(sum)) {
    return base::InvalidArgument(resp::errors::kNanOrInfinity);
  }
  return base::FormatLongDouble(sum);
}

std::string_view Substring(std::string_view value, int64_t start, int64_t end) {
  const auto size = static_cast<int64_t>(value.size());
  if (size == 0 || (start < 0 && end < 0 && start > end)) return {};
  if (start < 0) start = std::max<int64_t>(0, start + size);
  if (end < 0) end = std::max<int64_t>(0, end + size);
  end = std::min(end, size - 1);
  if (start > end) return {};
  return value.substr(static_cast<size_t>(start), static_cast<size_t>(end - start + 1));
}

std::string Overwrite(std::string_view value, uint64_t offset, std::string_view patch) {
  std::string result;
  result.reserve(std::max<size_t>(value.size(), offset + patch.size()));
  result.assign(value);
  if (result.size() < offset + patch.size()) result.resize(offset + patch.size(), '\0');
  result.replace(offset, patch.size(), patch);
  return result;
}

}  // namespace cairn::types
