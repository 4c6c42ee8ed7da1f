// The log: the one ordered byte stream of everything that changed, on disk.
//
// Its payload is exactly the byte stream that a Redis replica receives, and an offset counts
// payload bytes, so the log serves recovery, replication and audit alike (FORMAT.md beside this
// file describes the bytes). Appends are collected in memory; Flush writes them as one record,
// which is either whole after a crash or not there at all.
//
// Written is not lasting: what is written survives the death of the process, what is synced also a
// power cut. What is written but not synced is kept in memory as well (LogOptions bounds it),
// because after a failed sync nobody else has it.
//
// Thread: the loop thread owns a Log. The only other thread is the log's own helper, which syncs
// and deletes files; of the public functions `synced_offset`, `RequestSync` and `WaitSynced` may be
// called from any thread. Lifetime: readers must not outlive the log, and nobody may be in
// WaitSynced when it is destroyed. The destructor writes nothing: what was not flushed is gone, as
// in a crash (Flush and SyncNow come first in an orderly end).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "wal/log_id.h"

namespace cairn::wal {

struct LogOptions {
  std::string dir;                      // the folder of the segments
  LogIdentity identity;                 // which log is there; its id is not kNoLogId
  uint64_t segment_size = 64ULL << 20;  // a segment is closed when it has grown past this, bytes
  uint64_t start_offset = 0;            // where the log begins when it has not begun yet
  uint64_t sync_every_bytes =
      16ULL << 20;  // a sync is requested by itself when so much is written but not synced
  uint64_t max_unsynced_bytes = 64ULL << 20;  // with so much, Flush waits for the disk
  uint64_t salt_seed = 0;  // for the segments' salts; 0 = from the system (tests want fixed bytes)
};

// Why a folder does not hold the log that it should.
enum class Mismatch : uint8_t {
  kNone,
  kMissing,  // the log has begun, but the folder is missing or holds none of its segments
  kForeign,  // there is a segment of another log
};

// What Open found and did, for the log line and for tools.
struct OpenReport {
  Mismatch mismatch = Mismatch::kNone;  // when Open has failed for it
  uint64_t first_offset = 0;
  uint64_t end_offset = 0;
  uint64_t segments = 0;
  uint64_t cut_bytes = 0;  // bytes of a torn tail that were cut off (file bytes, headers included)
  std::string cut_reason;  // why, with file and position; empty when nothing was cut
};

// One record as a reader sees it. The view is valid until the reader's next call.
struct Record {
  uint64_t offset = 0;  // stream offset of the first payload byte
  int64_t time_ms = 0;  // wall time at which it was written, Unix ms
  std::string_view payload;
};

// A time after all records.
inline constexpr int64_t kKeepNone = INT64_MAX;

// Walks records in order from an offset. Reads files, never the log's unwritten buffer.
class Reader {
 public:
  virtual ~Reader() = default;
  // The next record, or kOutOfRange at the end of what is written (call again later), or kDataLoss
  // for damage, or kNotFound when the segment has been dropped.
  virtual absl::StatusOr<Record> Next() = 0;
};

class Log {
 public:
  // Opens the log, or begins it in a folder (created when missing) that holds none of its segments
  // while identity.begun is not set. When identity.begun is set such a folder is kNotFound, and a
  // segment of a log that is neither the wanted one nor the replaced one is kFailedPrecondition;
  // both texts say what was found, report->mismatch which it is, and nothing has been changed then.
  // Segments of the replaced log are deleted. A torn tail, which a power cut may leave behind what
  // is known to be lasting, is cut and reported; damage anywhere else is kDataLoss, with a text
  // that says file, position and what to do (older segments are not read here: readers find damage
  // in them); an unknown format version is kFailedPrecondition. After Open everything is lasting:
  // synced_offset() == appended_offset().
  static absl::StatusOr<std::unique_ptr<Log>> Open(base::FileSystem& fs, LogOptions options,
                                                   OpenReport* report);

  virtual ~Log() = default;

  // Adds payload bytes to the record being built. Bytes appended between two Flush calls share one
  // record, except that a record past 1 MiB is closed at the end of the Append that crosses it; one
  // Append never straddles two records. Returns the stream offset after them. Cannot fail: no file
  // is touched. At most 4 GiB - 1 MiB at once (CHECK).
  virtual uint64_t Append(std::string_view payload) = 0;
  // Writes what was appended. `now_ms` (Unix ms) is stored in the record. On failure (disk full,
  // I/O error) nothing is lost: the bytes stay buffered, error() is set and the next Flush tries to
  // write them again at the same place. After a failed sync it touches no file and returns error():
  // only Recover helps. With nothing to write it is a few compares; call it in idle turns too: a
  // second after the last write it leaves a mark of what is lasting (FORMAT.md).
  virtual absl::Status Flush(int64_t now_ms) = 0;
  // Asks the syncer to make everything flushed so far lasting; returns at once. Requests that come
  // during a sync are joined into the next one (group commit). Does nothing, and the listener is
  // not called, when all is lasting already or a sync has failed. Any thread.
  virtual void RequestSync() = 0;
  // Asks for a sync and waits until everything before `offset` is lasting. kUnavailable when
  // `offset` is not flushed yet; otherwise the failure of the sync. Any thread.
  virtual absl::Status WaitSynced(uint64_t offset) = 0;
  // Flushes nothing; syncs what is flushed, waits for it and marks it as lasting. The last call
  // before an orderly end.
  virtual absl::Status SyncNow() = 0;

  // Offset after the last appended / flushed / synced byte. appended >= written >= synced.
  [[nodiscard]] virtual uint64_t appended_offset() const = 0;
  [[nodiscard]] virtual uint64_t written_offset() const = 0;
  [[nodiscard]] virtual uint64_t synced_offset() const = 0;  // any thread
  // Oldest offset that can still be read.
  [[nodiscard]] virtual uint64_t first_offset() const = 0;
  // The last failure of a write or a sync, sticky until a Flush and a sync after it have both
  // worked. While it is set the server refuses writes. A failed fdatasync may have dropped dirty
  // pages, so after one, everything that was not known to be synced is written again from memory
  // into a new segment before the error is cleared.
  [[nodiscard]] virtual absl::Status error() const = 0;
  // Tries to get out of error(): rewrites what is not lasting, with what is appended but not
  // flushed, and syncs it, waiting for the disk. Ok when there is no error any more.
  virtual absl::Status Recover(int64_t now_ms) = 0;

  // Called on the syncer's thread each time a sync has ended, well or not. It must only wake the
  // loop. No lock is held.
  virtual void set_sync_listener(std::function<void()> listener) = 0;

  // Gives up whole segments that end at or before `offset` and hold nothing that was written at
  // `keep_since_ms` (Unix ms) or later; the last segment always stays, and so does one whose
  // successor is not lasting yet. The files are deleted in the background, oldest
  // first. An error is that of an earlier deletion, which is then tried again.
  virtual absl::Status DropBefore(uint64_t offset, int64_t keep_since_ms = kKeepNone) = 0;
  // File bytes of all segments.
  [[nodiscard]] virtual uint64_t disk_bytes() const = 0;
  // Syncs in all, and the duration of the last and the longest one in microseconds.
  struct SyncStats {
    uint64_t syncs = 0;
    uint64_t last_us = 0;
    uint64_t max_us = 0;
  };
  [[nodiscard]] virtual SyncStats sync_stats() const = 0;

  // A reader placed at the record that starts at `offset` or, when `offset` is inside a record, on
  // that record. kOutOfRange when `offset` is past written_offset(), kNotFound when it is before
  // first_offset(), kDataLoss as Next.
  virtual absl::StatusOr<std::unique_ptr<Reader>> NewReader(uint64_t offset) = 0;
};

}  // namespace cairn::wal
