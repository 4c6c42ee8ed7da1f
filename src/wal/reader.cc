#include "wal/reader.h"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace cairn::wal {
namespace {

absl::Status Dropped(uint64_t offset, uint64_t first_offset) {
  return absl::NotFoundError(
      fmt::format("offset {} is no longer in the log, which begins at {}", offset, first_offset));
}

// The header of a segment that the log knows, checked against what it knows.
absl::StatusOr<SegmentHeader> ReadHeader(base::File& file, const SegmentInfo& segment) {
  std::array<char, kSegmentHeaderSize> bytes{};
  auto got = file.ReadAt(0, bytes.data(), bytes.size());
  if (!got.ok()) {
    return got.status();
  }
  SegmentHeader header;
  uint32_t version = 0;
  if (*got < bytes.size() ||
      DecodeSegmentHeader(bytes.data(), &header, &version) != SegmentCheck::kOk ||
      header.first_offset != segment.first_offset || header.sequence != segment.sequence) {
    return Damage(segment.path, 0, segment.first_offset, "the header of the segment is damaged");
  }
  return header;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogReader>> LogReader::Create(base::FileSystem& fs,
                                                             const SegmentTable& table,
                                                             uint64_t offset) {
  if (offset > table.written_offset()) {
    return absl::OutOfRangeError(
        fmt::format("offset {} is past the end of the log, {}", offset, table.written_offset()));
  }
  const SegmentInfo* segment = table.Find(offset);
  if (segment == nullptr) {
    return Dropped(offset, table.first_offset());
  }
  std::unique_ptr<LogReader> reader(new LogReader(fs, table, offset));
  if (absl::Status status = reader->OpenSegment(*segment); !status.ok()) {
    return status;
  }
  return reader;
}

absl::StatusOr<bool> LogReader::ReadRecord(const SegmentInfo& segment, uint64_t offset) {
  auto result = file_->Read(position_, segment.bytes);
  if (!result.ok()) {
    return result.status();
  }
  if (*result == RecordFile::Result::kBad) {
    return Damage(segment.path, position_, offset, file_->problem());
  }
  if (*result == RecordFile::Result::kEnd) {
    return false;
  }
  if (file_->header().offset != offset) {
    return Damage(segment.path, position_, offset,
                  fmt::format("a record of stream offset {} is here", file_->header().offset));
  }
  return true;
}

absl::Status LogReader::OpenSegment(const SegmentInfo& segment) {
  file_.reset();
  sequence_.reset();
  auto file = fs_.Open(segment.path, base::FileSystem::Mode::kRead);
  if (!file.ok()) {
    return file.status();
  }
  auto header = ReadHeader(**file, segment);
  if (!header.ok()) {
    return header.status();
  }
  file_.emplace(std::move(*file), header->salt);
  const IndexPoint start = segment.Nearest(next_);
  uint64_t offset = start.offset;
  position_ = start.position;
  const uint64_t end = table_.EndOf(segment);
  while (offset < end) {
    auto found = ReadRecord(segment, offset);
    if (!found.ok()) {
      return found.status();
    }
    if (!*found) {
      return Damage(segment.path, position_, offset,
                    fmt::format("the file ends here, but the stream goes on to {}", end));
    }
    if (offset + file_->header().length > next_) {
      break;
    }
    offset += file_->header().length;
    position_ += file_->record_size();
  }
  next_ = offset;
  sequence_ = segment.sequence;
  return absl::OkStatus();
}

absl::StatusOr<Record> LogReader::Next() {
  while (true) {
    if (next_ >= table_.written_offset()) {
      return absl::OutOfRangeError("the end of the log");
    }
    const SegmentInfo* segment = table_.Find(next_);
    if (segment == nullptr) {
      return Dropped(next_, table_.first_offset());
    }
    if (sequence_ != segment->sequence) {
      if (absl::Status status = OpenSegment(*segment); !status.ok()) {
        return status;
      }
    }
    auto found = ReadRecord(*segment, next_);
    if (!found.ok()) {
      return found.status();
    }
    if (!*found) {
      return Damage(
          segment->path, position_, next_,
          fmt::format("the file ends here, but the stream goes on to {}", table_.EndOf(*segment)));
    }
    position_ += file_->record_size();
    next_ += file_->header().length;
    if (file_->header().type == RecordType::kData) {
      return Record{.offset = file_->header().offset,
                    .time_ms = file_->header().time_ms,
                    .payload = file_->payload()};
    }
  }
}

}  // namespace cairn::wal
