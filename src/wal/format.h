// The bytes of a log segment: constants, and the two headers as C++ values. FORMAT.md describes
// them in words.
//
// Pure functions over memory; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wal/log_id.h"

namespace cairn::wal {

inline constexpr std::string_view kSegmentMagic = "CAIRNLOG";
inline constexpr uint32_t kFormatVersion = 2;

// Where each field of a segment's header begins, and its size in all.
inline constexpr size_t kSegmentVersionAt = 8;
inline constexpr size_t kSegmentSaltAt = 12;
inline constexpr size_t kSegmentFirstAt = 16;
inline constexpr size_t kSegmentSequenceAt = 24;
inline constexpr size_t kSegmentSyncedAt = 32;
inline constexpr size_t kSegmentLogIdAt = 40;
inline constexpr size_t kSegmentChecksumAt = 56;
inline constexpr size_t kSegmentHeaderSize = 64;
static_assert(kSegmentMagic.size() == kSegmentVersionAt);
static_assert(kSegmentSaltAt == kSegmentVersionAt + sizeof(uint32_t));
static_assert(kSegmentFirstAt == kSegmentSaltAt + sizeof(uint32_t));
static_assert(kSegmentSequenceAt == kSegmentFirstAt + sizeof(uint64_t));
static_assert(kSegmentSyncedAt == kSegmentSequenceAt + sizeof(uint64_t));
static_assert(kSegmentLogIdAt == kSegmentSyncedAt + sizeof(uint64_t));
static_assert(kSegmentChecksumAt == kSegmentLogIdAt + sizeof(LogId));
static_assert(kSegmentHeaderSize == kSegmentChecksumAt + sizeof(uint64_t));
// The header must lie in one disk sector: a power cut leaves it whole or leaves it out.
static_assert(kSegmentHeaderSize <= 512);

// Where each field of a record's header begins, and its size in all.
inline constexpr size_t kRecordChecksumAt = 0;
inline constexpr size_t kRecordSaltAt = 8;
inline constexpr size_t kRecordLengthAt = 12;
inline constexpr size_t kRecordOffsetAt = 16;
inline constexpr size_t kRecordSyncedAt = 24;
inline constexpr size_t kRecordTimeAt = 32;
inline constexpr size_t kRecordTypeAt = 40;
inline constexpr size_t kRecordReservedAt = 44;
inline constexpr size_t kRecordHeaderSize = 48;
static_assert(kRecordSaltAt == kRecordChecksumAt + sizeof(uint64_t));
static_assert(kRecordLengthAt == kRecordSaltAt + sizeof(uint32_t));
static_assert(kRecordOffsetAt == kRecordLengthAt + sizeof(uint32_t));
static_assert(kRecordSyncedAt == kRecordOffsetAt + sizeof(uint64_t));
static_assert(kRecordTimeAt == kRecordSyncedAt + sizeof(uint64_t));
static_assert(kRecordTypeAt == kRecordTimeAt + sizeof(int64_t));
static_assert(kRecordReservedAt == kRecordTypeAt + sizeof(uint32_t));
static_assert(kRecordHeaderSize == kRecordReservedAt + sizeof(uint32_t));

// The most payload bytes that the length field can say.
inline constexpr uint64_t kMaxPayload = UINT32_MAX;

enum class RecordType : uint32_t {
  kData = 1,  // bytes of the stream
  kMark = 2,  // no payload: only says what is lasting
};

struct SegmentHeader {
  uint32_t salt = 0;          // every record of the segment repeats it
  uint64_t first_offset = 0;  // stream offset of the first record
  uint64_t sequence = 0;  // segments of a log are numbered in the order in which they were begun
  uint64_t synced_offset = 0;  // every byte before it was lasting when the segment was begun
  LogId log_id = kNoLogId;     // the same in all segments of a log
};

struct RecordHeader {
  uint32_t salt = 0;
  uint32_t length = 0;         // payload bytes
  uint64_t offset = 0;         // stream offset of the first payload byte
  uint64_t synced_offset = 0;  // every byte before it was lasting when the record was written
  int64_t time_ms = 0;         // Unix time at which the record was written
  RecordType type = RecordType::kData;
};

// Writes kSegmentHeaderSize bytes to `out`, checksum included.
void EncodeSegmentHeader(const SegmentHeader& header, char* out);

enum class SegmentCheck : uint8_t {
  kOk,
  kDamaged,         // no magic, or the checksum is wrong
  kUnknownVersion,  // whole, but of a version that this program does not know
};
// Reads kSegmentHeaderSize bytes at `in`. `version` is set unless the result is kDamaged, `header`
// only when it is kOk.
SegmentCheck DecodeSegmentHeader(const char* in, SegmentHeader* header, uint32_t* version);

// Writes only length and offset into a record's header: enough to find the record again and
// complete it later.
void EncodeRecordPlace(uint32_t length, uint64_t offset, char* record);
// Writes the kRecordHeaderSize bytes in front of a payload that is already at `record +
// kRecordHeaderSize`, checksum included.
void EncodeRecordHeader(const RecordHeader& header, char* record);
// Reads kRecordHeaderSize bytes at `in` and judges nothing.
RecordHeader DecodeRecordHeader(const char* in);
// True when the reserved field is zero and the type is known: what can be told from the header
// alone.
bool PlausibleRecordHeader(const char* in);
// True when the checksum of the record (header and `length` payload bytes, contiguous at `record`)
// is right.
bool RecordChecksumOk(const char* record, size_t length);

// A salt from a random number. None of its four bytes is zero, so a run of zeros never contains it.
uint32_t SaltFrom(uint64_t random);

}  // namespace cairn::wal
