// What a string value means: numbers in it, ranges of it, its encoding by Redis' names.
//
// Pure functions: C++ values in, values or absl::Status out; no arguments of a command, no reply.
// The text of a Status is the wire's (resp/errors.h). Thread-safe. Sources: Redis' command pages of
// the string group.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "keyspace/record.h"

namespace cairn::types {

// "int", "embstr" or "raw": the name that OBJECT ENCODING gives for a string.
std::string_view StringEncoding(std::string_view value, keyspace::EncodingHint hint);

// The number in `value` (0 when `value` is a key that does not exist) plus `delta`.
absl::StatusOr<int64_t> Increment(std::string_view value, bool exists, int64_t delta);

// The same for INCRBYFLOAT: numbers with a fraction, the sum in the form that Redis stores.
absl::StatusOr<std::string> IncrementFloat(std::string_view value, bool exists,
                                           std::string_view delta);

// The part of `value` from `start` to `end`, both counted from the end when negative, both
// inclusive.
std::string_view Substring(std::string_view value, int64_t start, int64_t end);

// `value` with `patch` written at `offset`; zero bytes fill a gap.
std::string Overwrite(std::string_view value, uint64_t offset, std::string_view patch);

}  // namespace cairn::types
