// A log's reader: walks records across segments, and follows the end of the log while it grows.
//
// Same thread as its log, which must outlive it. It keeps a file open, so a segment that is dropped
// under it stays on the disk until the reader moves on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "wal/log.h"
#include "wal/record_file.h"
#include "wal/segment.h"

namespace cairn::wal {

class LogReader final : public Reader {
 public:
  // A reader at the record that holds `offset`; errors as Log::NewReader gives them.
  static absl::StatusOr<std::unique_ptr<LogReader>> Create(base::FileSystem& fs,
                                                           const SegmentTable& table,
                                                           uint64_t offset);

  absl::StatusOr<Record> Next() override;

 private:
  LogReader(base::FileSystem& fs, const SegmentTable& table, uint64_t offset)
      : fs_(fs), table_(table), next_(offset) {}

  // Opens the segment that holds next_ and moves to the record that holds it; next_ becomes that
  // record's first offset.
  absl::Status OpenSegment(const SegmentInfo& segment);
  // Reads the record at position_, which must continue the stream at `offset`. False: the file has
  // no more.
  absl::StatusOr<bool> ReadRecord(const SegmentInfo& segment, uint64_t offset);

  base::FileSystem& fs_;
  const SegmentTable& table_;
  uint64_t next_;                     // stream offset of the next payload byte
  std::optional<RecordFile> file_;    // the open segment
  std::optional<uint64_t> sequence_;  // its number
  uint64_t position_ = 0;             // of the next record in it
};

}  // namespace cairn::wal
