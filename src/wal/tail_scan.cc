#include "wal/tail_scan.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "wal/format.h"
#include "wal/record_file.h"

namespace cairn::wal {
namespace {

// Looks for whole records at every byte of a stretch of the file, because the length of a damaged
// record leads nowhere.
class MarkFinder {
 public:
  MarkFinder(RecordFile& file, const SegmentInfo& segment, std::optional<uint32_t> salt)
      : file_(file),
        first_offset_(segment.first_offset),
        size_(segment.bytes),
        salt_(salt),
        budget_(kBudgetPerByte * segment.bytes) {}

  // The largest mark of a record that begins at `position` or later; 0 when there is none.
  absl::StatusOr<uint64_t> Find(uint64_t position);

 private:
  // Payloads may hold bytes made to look like headers of long records, to keep us busy.
  // Checksumming stops after so many bytes for each byte of the file; real records are found long
  // before.
  static constexpr uint64_t kBudgetPerByte = 4;
  static constexpr uint64_t kWindow = 256 << 10;

  // The next place at or after `position` where a header may be, or size_.
  absl::StatusOr<uint64_t> NextCandidate(uint64_t position);
  [[nodiscard]] bool MayBeHeader(const char* at) const {
    return (!salt_.has_value() || base::LoadLittle32(at + kRecordSaltAt) == *salt_) &&
           PlausibleRecordHeader(at);
  }

  // False when the record at `position` cannot be one of this segment: it is an old block of the
  // disk. A record's offset grows with its place in the file, and its mark is not ahead of it.
  [[nodiscard]] bool BelongsAt(uint64_t position) const {
    const RecordHeader& header = file_.header();
    return position >= kSegmentHeaderSize && header.offset >= first_offset_ &&
           header.offset - first_offset_ <= position - kSegmentHeaderSize &&
           header.synced_offset <= header.offset;
  }

  RecordFile& file_;
  uint64_t first_offset_;
  uint64_t size_;
  std::optional<uint32_t> salt_;
  uint64_t budget_;
};

absl::StatusOr<uint64_t> MarkFinder::NextCandidate(uint64_t position) {
  while (position + kRecordHeaderSize <= size_) {
    auto window = file_.Peek(position, kWindow, size_);
    if (!window.ok()) {
      return window.status();
    }
    if (window->size() < kRecordHeaderSize) {
      break;
    }
    for (size_t i = 0; i + kRecordHeaderSize <= window->size(); ++i) {
      if (MayBeHeader(window->data() + i)) {
        return position + i;
      }
    }
    position += window->size() - kRecordHeaderSize + 1;
  }
  return size_;
}

absl::StatusOr<uint64_t> MarkFinder::Find(uint64_t position) {
  uint64_t mark = 0;
  while (true) {
    auto candidate = NextCandidate(position);
    if (!candidate.ok()) {
      return candidate.status();
    }
    if (*candidate >= size_) {
      return mark;
    }
    auto result = file_.Read(*candidate, size_);
    if (!result.ok()) {
      return result.status();
    }
    if (*result == RecordFile::Result::kRecord) {
      if (BelongsAt(*candidate)) {
        mark = std::max(mark, file_.header().synced_offset);
      }
      position = *candidate + file_.record_size();
      continue;
    }
    if (file_.record_size() <= size_ - *candidate) {  // it was checksummed
      if (file_.record_size() > budget_) {
        return mark;
      }
      budget_ -= file_.record_size();
    }
    position = *candidate + 1;
  }
}

// Reads whole records from the front; the result says where they end.
absl::Status ScanPrefix(RecordFile& file, uint64_t size, TailScan& scan) {
  scan.info.bytes = kSegmentHeaderSize;
  while (true) {
    auto result = file.Read(scan.info.bytes, size);
    if (!result.ok()) {
      return result.status();
    }
    if (*result == RecordFile::Result::kEnd) {
      return absl::OkStatus();
    }
    if (*result == RecordFile::Result::kBad) {
      scan.problem = file.problem();
      return absl::OkStatus();
    }
    if (file.header().offset != scan.end_offset) {
      scan.problem = fmt::format("a record of stream offset {} is here", file.header().offset);
      return absl::OkStatus();
    }
    scan.mark = std::max(scan.mark, file.header().synced_offset);
    scan.info.AddToIndex({scan.end_offset, scan.info.bytes});
    scan.info.bytes += file.record_size();
    scan.end_offset += file.header().length;
  }
}

}  // namespace

absl::StatusOr<TailScan> ScanSegment(base::FileSystem& fs, const SegmentInfo& segment,
                                     std::optional<uint32_t> salt) {
  auto opened = fs.Open(segment.path, base::FileSystem::Mode::kRead);
  if (!opened.ok()) {
    return opened.status();
  }
  RecordFile file(std::move(*opened), salt);
  TailScan scan;
  scan.info = segment;
  scan.end_offset = segment.first_offset;
  if (salt.has_value()) {
    if (absl::Status status = ScanPrefix(file, segment.bytes, scan); !status.ok()) {
      return status;
    }
    if (scan.problem.empty()) {
      return scan;
    }
  } else {
    scan.info.bytes = 0;
    scan.problem = "the segment has no header";
  }
  auto mark = MarkFinder(file, segment, salt).Find(scan.info.bytes);
  if (!mark.ok()) {
    return mark.status();
  }
  scan.mark = std::max(scan.mark, *mark);
  return scan;
}

}  // namespace cairn::wal
