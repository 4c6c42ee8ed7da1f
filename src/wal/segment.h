// Segments: their names, their creation, and the table of those that a log consists of.
//
// A SegmentTable is not thread-safe; it belongs to its log and is read by the log's readers, all on
// the loop thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "wal/format.h"

namespace cairn::wal {

// `dir`/<first offset as 20 decimal digits>.log: names sort as offsets do.
std::string SegmentPath(const std::string& dir, uint64_t first_offset);
// The first offset in a file name, or nullopt when it is not a segment's name.
std::optional<uint64_t> ParseSegmentName(std::string_view name);
// What a path gets appended while its segment is not complete; such files are left-overs and never
// read.
inline constexpr std::string_view kTemporarySuffix = ".tmp";

// Creates (or empties) the file and writes the header and then `records`; nothing is synced. On an
// error the file is removed again if that works.
absl::StatusOr<std::shared_ptr<base::File>> CreateSegment(
    base::FileSystem& fs, const std::string& path, const SegmentHeader& header,
    std::span<const std::string_view> records);

// kDataLoss for damage in the file at byte `position`, where the stream has come to `offset`: says
// what is wrong and what an operator can do.
absl::Status Damage(std::string_view path, uint64_t position, uint64_t offset,
                    std::string_view problem);

// A place in a segment at which a record begins.
struct IndexPoint {
  uint64_t offset = 0;    // in the stream
  uint64_t position = 0;  // in the file
};

// Distance between index points in the file, bytes: what a reader reads at most before it reaches
// its offset.
inline constexpr uint64_t kIndexStep = 256 << 10;

struct SegmentInfo {
  uint64_t first_offset = 0;
  uint64_t sequence = 0;
  std::string path;
  uint64_t bytes = 0;  // of the file: header and whole records
  std::vector<IndexPoint>
      index;  // some of the records, in order; empty for segments that were not read at Open

  // Remembers the record, unless one near it is remembered.
  void AddToIndex(IndexPoint point);
  // The last known record that begins at or before `offset`.
  [[nodiscard]] IndexPoint Nearest(uint64_t offset) const;
};

class SegmentTable {
 public:
  // REQUIRES: not empty for all but Add and the byte count.
  [[nodiscard]] uint64_t first_offset() const { return segments_.begin()->first; }
  [[nodiscard]] uint64_t written_offset() const { return written_offset_; }
  [[nodiscard]] uint64_t disk_bytes() const { return disk_bytes_; }
  [[nodiscard]] size_t size() const { return segments_.size(); }
  [[nodiscard]] const SegmentInfo& last() const { return segments_.rbegin()->second; }

  // The segment that `offset` lies in: the last one that begins at or before it. Null when there is
  // none.
  [[nodiscard]] const SegmentInfo* Find(uint64_t offset) const;
  // Stream offset after the segment's last byte.
  [[nodiscard]] uint64_t EndOf(const SegmentInfo& segment) const;

  // Adds a segment behind all others; `end_offset` is the log's end from now on.
  void Add(SegmentInfo segment, uint64_t end_offset);
  // `bytes` more in the last segment, which bring the log to `end_offset`.
  void Extend(uint64_t bytes, uint64_t end_offset);
  // Adds a segment in place of all that begin at or after its first offset; what an earlier one
  // holds from there on no longer counts either.
  void ReplaceFrom(SegmentInfo segment, uint64_t end_offset);
  // Takes out the first segment and returns its path. REQUIRES: size() > 1.
  std::string PopFirst();
  // Where the second segment begins, or nullopt when there is only one.
  [[nodiscard]] std::optional<uint64_t> second_offset() const;

 private:
  std::map<uint64_t, SegmentInfo> segments_;  // by first offset
  uint64_t written_offset_ = 0;
  uint64_t disk_bytes_ = 0;
};

}  // namespace cairn::wal
