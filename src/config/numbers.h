// Numbers as the configuration writes them, over base/numbers.h.
//
// Pure functions; thread-safe. Errors are kInvalidArgument with the words that Redis 7.2 uses for
// CONFIG SET.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace cairn::config {

// A decimal 64-bit number without blanks, plus sign or leading zeros.
absl::StatusOr<int64_t> ParseInteger(std::string_view text);

// A number of bytes up to 2^63-1 with an optional unit (base::ParseMemorySize).
absl::StatusOr<int64_t> ParseMemory(std::string_view text);

// Octal digits, as in a file mode.
absl::StatusOr<int64_t> ParseOctal(std::string_view text);

// The shortest exact spelling that ParseMemory reads: 67108864 -> "64mb", 1000 -> "1000".
std::string FormatMemory(int64_t bytes);

// `value` with at most six decimals and no trailing zeros: 99.9 -> "99.9", 50 -> "50".
std::string FormatDecimal(double value);

}  // namespace cairn::config
