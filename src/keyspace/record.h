// The bytes of a key's record: what the engine stores for a key name. FORMAT.md beside this file
// describes them.
//
// Pure functions over bytes; thread-safe. Views point into the bytes that were handed in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace cairn::keyspace {

// Kinds of values. Written to disk: never renumber.
enum class Type : uint8_t {
  kNone = 0,  // no such key; never stored
  kString = 1,
};

// How a value came to be, as far as OBJECT ENCODING shows it: Redis reports a string that was
// appended to as `raw` and one that came from INCRBYFLOAT never as `int`. Written to disk: never
// renumber.
enum class EncodingHint : uint8_t { kNatural = 0, kRaw = 1, kNotInt = 2 };

// "No expiry". Every other value is a Unix time in milliseconds and may be in the past. (The least
// value can stand for none because no command stores a negative time; the greatest one is a time
// that clients do set.)
inline constexpr int64_t kNoExpiry = INT64_MIN;

struct Record {
  Type type = Type::kNone;
  EncodingHint hint = EncodingHint::kNatural;
  int64_t expire_ms = kNoExpiry;
  std::string_view long_key;  // the whole user key when it did not fit the engine key, else empty
  std::string_view payload;   // the value, as its type defines it
};

// Longest header: tag, expiry, length of the long key (the key itself follows).
inline constexpr size_t kMaxRecordHeader = 1 + 8 + 4;

// Reads a record. kDataLoss when the bytes are not one.
absl::StatusOr<Record> DecodeRecord(std::string_view bytes);

// Appends everything of the record but the payload, which follows it directly.
void AppendRecordHead(const Record& record, std::string* out);

// The name that TYPE replies.
std::string_view TypeName(Type type);

}  // namespace cairn::keyspace
