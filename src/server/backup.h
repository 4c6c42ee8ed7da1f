// Online backups: a data folder of its own, made while everything goes on.
//
//   1. The store is copied from a read transaction, every record verified (engine/store_copy).
//   2. The log from the store's offset to its present end is written anew there, record by record.
//   3. Both are made lasting, and a note is left that says what this is.
//
// A server that is started on the folder finds exactly what had been written when step 2 began. It
// takes a new replication id then, because its history and the one of the server that the backup
// comes from part ways. Log segments that the server still needs for a running backup are kept.
//
// Thread: loop thread. Steps 1 and the syncs of 3 run on threads of engine/ and wal/; step 2 is
// done in slices. The storage's parts must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/engine.h"
#include "wal/log.h"
#include "wal/log_id.h"

namespace cairn::server {

// The note in a backup's folder. A server that finds it in its data folder removes it when its
// store has the new replication id.
inline constexpr std::string_view kBackupNote = "BACKUP";

struct BackupProgress {
  bool running = false;
  std::string dir;  // of the running or the last one
  uint64_t done_records = 0;
  uint64_t total_records = 0;
  uint64_t log_offset = 0;   // what the backup reaches; 0 while the store is being copied
  int64_t started_ms = 0;    // Unix ms; 0 = none yet
  int64_t took_ms = 0;       // of the last one that has ended
  absl::Status status;       // of the last one that has ended
  int64_t last_good_ms = 0;  // when the last good one ended, Unix ms; 0 = never
};

class Backup {
 public:
  // `wake` makes the loop turn once more; any thread may call it.
  Backup(base::FileSystem& fs, const base::Clock& clock, engine::Engine& engine, wal::Log& log,
         wal::LogId log_id, std::function<void()> wake);
  // Gives up a backup that runs.
  ~Backup();
  Backup(const Backup&) = delete;
  Backup& operator=(const Backup&) = delete;

  // Begins one into `dir`, an absolute path that is not there yet, or an empty folder.
  // kFailedPrecondition: one is running; kInvalidArgument: the path; others as the system says.
  absl::Status Start(const std::string& dir);
  // Gives up; what was written stays. False when none is running.
  bool Abort();
  // Goes on, as far as that is possible at once. To be called at each turn's end; true when there
  // is more to do at once.
  bool Continue();

  [[nodiscard]] BackupProgress progress() const;
  // The oldest log offset that a running backup still has to read.
  [[nodiscard]] std::optional<uint64_t> needed_log() const { return needed_log_; }

 private:
  enum class Step : uint8_t { kNone, kStore, kLog, kSync };

  absl::Status ContinueStore();
  absl::Status ContinueLog(bool* more);
  absl::Status ContinueSync();
  absl::Status WriteNote();
  void End(absl::Status status);

  base::FileSystem* fs_;
  const base::Clock* clock_;
  engine::Engine* engine_;
  wal::Log* log_;
  wal::LogId log_id_;  // the copy is the same log, up to where it ends
  std::function<void()> wake_;

  Step step_ = Step::kNone;
  BackupProgress progress_;
  int64_t start_us_ = 0;
  std::optional<uint64_t> needed_log_;
  std::unique_ptr<wal::Reader> reader_;
  std::unique_ptr<wal::Log> copy_;  // the backup's log
};

}  // namespace cairn::server
