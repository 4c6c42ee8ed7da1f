#include "wal/format.h"

#include <cstring>

#include <xxhash.h>

#include "base/bytes.h"

namespace cairn::wal {

using base::LoadLittle32;
using base::LoadLittle64;
using base::StoreLittle32;
using base::StoreLittle64;

namespace {

uint64_t RecordChecksum(const char* record, size_t length) {
  return XXH3_64bits(record + kRecordSaltAt, kRecordHeaderSize - kRecordSaltAt + length);
}

}  // namespace

void EncodeSegmentHeader(const SegmentHeader& header, char* out) {
  std::memcpy(out, kSegmentMagic.data(), kSegmentMagic.size());
  StoreLittle32(out + kSegmentVersionAt, kFormatVersion);
  StoreLittle32(out + kSegmentSaltAt, header.salt);
  StoreLittle64(out + kSegmentFirstAt, header.first_offset);
  StoreLittle64(out + kSegmentSequenceAt, header.sequence);
  StoreLittle64(out + kSegmentSyncedAt, header.synced_offset);
  std::memcpy(out + kSegmentLogIdAt, header.log_id.data(), header.log_id.size());
  StoreLittle64(out + kSegmentChecksumAt, XXH3_64bits(out, kSegmentChecksumAt));
}

SegmentCheck DecodeSegmentHeader(const char* in, SegmentHeader* header, uint32_t* version) {
  if (std::memcmp(in, kSegmentMagic.data(), kSegmentMagic.size()) != 0 ||
      LoadLittle64(in + kSegmentChecksumAt) != XXH3_64bits(in, kSegmentChecksumAt)) {
    return SegmentCheck::kDamaged;
  }
  *version = LoadLittle32(in + kSegmentVersionAt);
  if (*version != kFormatVersion) {
    return SegmentCheck::kUnknownVersion;
  }
  header->salt = LoadLittle32(in + kSegmentSaltAt);
  header->first_offset = LoadLittle64(in + kSegmentFirstAt);
  header->sequence = LoadLittle64(in + kSegmentSequenceAt);
  header->synced_offset = LoadLittle64(in + kSegmentSyncedAt);
  std::memcpy(header->log_id.data(), in + kSegmentLogIdAt, header->log_id.size());
  return SegmentCheck::kOk;
}

void EncodeRecordPlace(uint32_t length, uint64_t offset, char* record) {
  StoreLittle32(record + kRecordLengthAt, length);
  StoreLittle64(record + kRecordOffsetAt, offset);
}

void EncodeRecordHeader(const RecordHeader& header, char* record) {
  StoreLittle32(record + kRecordSaltAt, header.salt);
  StoreLittle32(record + kRecordLengthAt, header.length);
  StoreLittle64(record + kRecordOffsetAt, header.offset);
  StoreLittle64(record + kRecordSyncedAt, header.synced_offset);
  StoreLittle64(record + kRecordTimeAt, static_cast<uint64_t>(header.time_ms));
  StoreLittle32(record + kRecordTypeAt, static_cast<uint32_t>(header.type));
  StoreLittle32(record + kRecordReservedAt, 0);
  StoreLittle64(record + kRecordChecksumAt, RecordChecksum(record, header.length));
}

RecordHeader DecodeRecordHeader(const char* in) {
  return {.salt = LoadLittle32(in + kRecordSaltAt),
          .length = LoadLittle32(in + kRecordLengthAt),
          .offset = LoadLittle64(in + kRecordOffsetAt),
          .synced_offset = LoadLittle64(in + kRecordSyncedAt),
          .time_ms = static_cast<int64_t>(LoadLittle64(in + kRecordTimeAt)),
          .type = static_cast<RecordType>(LoadLittle32(in + kRecordTypeAt))};
}

bool PlausibleRecordHeader(const char* in) {
  const auto type = static_cast<RecordType>(LoadLittle32(in + kRecordTypeAt));
  return (type == RecordType::kData || type == RecordType::kMark) &&
         LoadLittle32(in + kRecordReservedAt) == 0;
}

bool RecordChecksumOk(const char* record, size_t length) {
  return LoadLittle64(record + kRecordChecksumAt) == RecordChecksum(record, length);
}

uint32_t SaltFrom(uint64_t random) {
  uint32_t salt = 0;
  for (int i = 0; i < 4; ++i) {
    const uint64_t byte = (random >> (8 * i)) & 0xff;
    salt |= static_cast<uint32_t>(byte == 0 ? 0xa5 : byte) << (8 * i);
  }
  return salt;
}

}  // namespace cairn::wal
