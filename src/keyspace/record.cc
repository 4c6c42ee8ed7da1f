#include "keyspace/record.h"

#include "absl/status/status.h"
#include "base/bytes.h"

namespace cairn::keyspace {
namespace {

// The tag byte: type in the low four bits, then two flags, then the encoding hint.
constexpr uint8_t kTypeMask = 0x0f;
constexpr uint8_t kHasExpiry = 0x10;
constexpr uint8_t kHasLongKey = 0x20;
constexpr int kHintShift = 6;

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(std::string("malformed record: ") + std::string(what));
}

}  // namespace

absl::StatusOr<Record> DecodeRecord(std::string_view bytes) {
  if (bytes.empty()) return Malformed("empty");
  const auto tag = static_cast<uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  Record record;
  if ((tag & kTypeMask) != static_cast<uint8_t>(Type::kString)) return Malformed("unknown type");
  record.type = Type::kString;
  if ((tag >> kHintShift) > static_cast<uint8_t>(EncodingHint::kNotInt)) {
    return Malformed("unknown encoding");
  }
  record.hint = static_cast<EncodingHint>(tag >> kHintShift);
  if ((tag & kHasExpiry) != 0) {
    if (bytes.size() < 8) return Malformed("short expiry");
    record.expire_ms = static_cast<int64_t>(base::LoadLittle64(bytes.data()));
    bytes.remove_prefix(8);
  }
  if ((tag & kHasLongKey) != 0) {
    if (bytes.size() < 4) return Malformed("short key length");
    const uint32_t size = base::LoadLittle32(bytes.data());
    bytes.remove_prefix(4);
    if (bytes.size() < size) return Malformed("short key");
    record.long_key = bytes.substr(0, size);
    bytes.remove_prefix(size);
  }
  record.payload = bytes;
  return record;
}

void AppendRecordHead(const Record& record, std::string* out) {
  auto tag = static_cast<uint8_t>(static_cast<uint8_t>(record.type) |
                                  (static_cast<uint8_t>(record.hint) << kHintShift));
  if (record.expire_ms != kNoExpiry) tag |= kHasExpiry;
  if (!record.long_key.empty()) tag |= kHasLongKey;
  out->push_back(static_cast<char>(tag));
  if (record.expire_ms != kNoExpiry) {
    base::AppendLittle64(out, static_cast<uint64_t>(record.expire_ms));
  }
  if (!record.long_key.empty()) {
    base::AppendLittle32(out, static_cast<uint32_t>(record.long_key.size()));
    out->append(record.long_key);
  }
}

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kNone:
      return "none";
    case Type::kString:
      return "string";
  }
  return "none";
}

}  // namespace cairn::keyspace
