// Run files: a sealed overlay as a sorted, checksummed file. It makes a checkpoint of many
// transactions all-or-nothing: once the file is complete, the checkpoint can be carried out again
// from its beginning after any crash. FORMAT.md describes the bytes.
//
// Thread: one at a time. The file system must outlive readers and writers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/record_view.h"

namespace cairn::engine {

// What a run file is for.
struct RunTarget {
  uint64_t sequence = 0;  // of the checkpoint
  CheckpointMeta meta;
};

// The names in the run folder.
std::string RunFileName(uint64_t log_offset);
bool IsRunFileName(std::string_view name);
bool IsTemporaryRunFileName(std::string_view name);

// Writes one run file under its temporary name; Finish gives it its own. After an error, and when
// it is destroyed unfinished, the temporary file is removed as far as that is possible.
class RunFileWriter {
 public:
  static absl::StatusOr<std::unique_ptr<RunFileWriter>> Create(base::FileSystem& fs,
                                                               std::string dir,
                                                               const RunTarget& target);
  ~RunFileWriter();
  RunFileWriter(const RunFileWriter&) = delete;
  RunFileWriter& operator=(const RunFileWriter&) = delete;

  // Adds a record. They must come sorted by table, then key.
  absl::Status Add(const RecordView& record);
  // Makes what has been written so far lasting, so that Finish need not sync everything at once.
  absl::Status SyncSoFar();
  // Bytes that went to the file since SyncSoFar.
  [[nodiscard]] uint64_t unsynced_bytes() const { return offset_ - synced_; }
  // Writes the footer, syncs, renames into place and syncs the folder. When it returns Ok, the file
  // is complete and lasting.
  absl::Status Finish();
  // Where the finished file is.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  RunFileWriter(base::FileSystem& fs, std::string dir, const RunTarget& target);
  absl::Status WriteHeader();
  absl::Status WriteBlock();
  absl::Status WriteLargeRecord(std::string_view record_header, const RecordView& record);
  absl::Status WriteFooter();
  absl::Status MoveIntoPlace();

  base::FileSystem& fs_;
  std::string dir_;
  std::string path_;
  std::string temporary_path_;
  RunTarget target_;
  std::unique_ptr<base::File> file_;
  std::string block_;
  uint32_t block_records_ = 0;
  uint64_t records_ = 0;
  uint64_t offset_ = 0;
  uint64_t synced_ = 0;
  bool finished_ = false;
};

// Reads a run file from front to back.
class RunFileReader {
 public:
  // Opens the file and reads its header. kDataLoss: damaged or cut off; kFailedPrecondition:
  // unknown version.
  static absl::StatusOr<std::unique_ptr<RunFileReader>> Open(base::FileSystem& fs,
                                                             std::string path);

  // Reads the next record into `record`, whose views are valid until the next call. Returns false
  // when all have been read and the footer is good; then target() has the blob and records() the
  // count. kDataLoss names file and position.
  absl::StatusOr<bool> Next(RecordView* record);

  // The sequence and offset, from the header; the blob, only after the end.
  [[nodiscard]] const RunTarget& target() const { return target_; }
  [[nodiscard]] uint64_t records() const { return records_; }

 private:
  RunFileReader(std::string path, std::unique_ptr<base::File> file, uint64_t size);
  [[nodiscard]] absl::Status Damaged(std::string_view what) const;
  absl::Status ReadExactly(size_t size, std::string* out);
  absl::Status ReadHeader();
  // Reads the next block or the footer and checks it; the footer sets done_.
  absl::Status ReadBlock();
  absl::Status ParseFooter();

  std::string path_;
  std::unique_ptr<base::File> file_;
  uint64_t size_;
  uint64_t offset_ = 0;       // where the next block begins
  uint64_t block_start_ = 0;  // where the present one began, for messages
  RunTarget target_;
  std::string block_;
  size_t block_at_ = 0;
  uint32_t block_records_left_ = 0;
  uint64_t records_ = 0;
  bool done_ = false;
};

// Reads a whole run file without using it; Ok when every byte is as it was written. `*target` gets
// what it is for (also as far as it is known when the file is damaged), `*records` how many it has.
absl::Status VerifyRunFile(base::FileSystem& fs, const std::string& path, RunTarget* target,
                           uint64_t* records);

}  // namespace cairn::engine
