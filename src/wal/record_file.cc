#include "wal/record_file.h"

#include <algorithm>
#include <utility>

namespace cairn::wal {
namespace {

// Read at once, bytes; a larger record gets a buffer of its own size, which is given back after it.
constexpr size_t kBlock = 256 << 10;

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

absl::StatusOr<std::string_view> RecordFile::Peek(uint64_t position, uint64_t want,
                                                  uint64_t limit) {
  want = std::min(want, limit - position);
  if (position < buffer_position_ || position + want > buffer_position_ + buffered_) {
    const size_t size =
        static_cast<size_t>(std::min(std::max<uint64_t>(want, kBlock), limit - position));
    if (capacity_ < size || (capacity_ > kBlock && size <= kBlock)) {
      buffer_.reset();
      capacity_ = std::max(size, kBlock);
      buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);
    }
    buffered_ = 0;
    auto got = file_->ReadAt(position, buffer_.get(), size);
    if (!got.ok()) {
      return got.status();
    }
    buffer_position_ = position;
    buffered_ = *got;
  }
  const auto skipped = static_cast<size_t>(position - buffer_position_);
  return std::string_view(buffer_.get() + skipped, buffered_ - skipped);
}

RecordFile::Result RecordFile::Bad(std::string_view problem) {
  problem_ = problem;
  return Result::kBad;
}

absl::StatusOr<RecordFile::Result> RecordFile::Read(uint64_t position, uint64_t limit) {
  if (position >= limit) {
    return Result::kEnd;
  }
  auto head = Peek(position, kRecordHeaderSize, limit);
  if (!head.ok()) {
    return head.status();
  }
  if (head->size() < kRecordHeaderSize) {
    return Bad("the file ends inside the header of a record");
  }
  if (AllZero(head->substr(0, kRecordHeaderSize))) {
    return Bad("zero bytes where a record should begin");
  }
  header_ = DecodeRecordHeader(head->data());
  if ((salt_.has_value() && header_.salt != *salt_) || !PlausibleRecordHeader(head->data())) {
    return Bad("no record begins here");
  }
  if (header_.length > limit - position - kRecordHeaderSize) {
    return Bad("the file ends inside a record");
  }
  auto record = Peek(position, record_size(), limit);
  if (!record.ok()) {
    return record.status();
  }
  if (record->size() < record_size()) {
    return Bad("the file ends inside a record");
  }
  if (!RecordChecksumOk(record->data(), header_.length)) {
    return Bad("the checksum of a record is wrong");
  }
  payload_ = record->substr(kRecordHeaderSize, header_.length);
  return Result::kRecord;
}

}  // namespace cairn::wal
