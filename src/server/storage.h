// Everything on disk and what is built on it, without a socket: the lock on the data folder, the
// store, the log, the databases and the executor. Opening it is recovery: run file, then the log
// from the store's offset.
//
//   data/LOCK    one process a folder
//   data/store   LMDB (engine/)
//   data/run     run files (engine/)
//   data/log     segments (wal/)
//   data/BACKUP  only in a folder that a backup has made and no server has made its own (backup.h)
//
// Thread: loop thread. Callbacks named in Options come from helper threads and must only wake the
// loop. Destroying a Storage writes nothing: Close comes first in an orderly end.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "engine/engine.h"
#include "exec/command_table.h"
#include "exec/context.h"
#include "exec/executor.h"
#include "exec/stream.h"
#include "keyspace/keyspace.h"
#include "keyspace/scan_cursors.h"
#include "server/backup.h"
#include "wal/log.h"

namespace cairn::server {

struct StorageOptions {
  std::string dir;
  int databases = 16;
  uint64_t write_buffer_size = 256ULL << 20;
  uint64_t log_segment_size = 64ULL << 20;
  uint64_t log_history_size = 1ULL << 30;  // log kept behind the store's offset, bytes
  int64_t log_retention_ms = 0;            // log younger than this is kept, too
  // A checkpoint is due when so much log was written since the last one, or after so long if
  // anything was written at all (0 = never by time).
  uint64_t checkpoint_log_size = 256ULL << 20;
  int64_t checkpoint_interval_ms = 300'000;
  std::function<void()> on_synced;    // a sync has ended
  std::function<void()> on_progress;  // the checkpointer has moved
};

// What recovery did, for the log lines at start and for tests.
struct RecoveryReport {
  engine::OpenReport engine;
  wal::OpenReport log;
  uint64_t store_offset = 0;
  uint64_t replayed_bytes = 0;
  uint64_t replayed_commands = 0;
  int64_t duration_us = 0;
};

class Storage {
 public:
  // kAlreadyExists: another process has the folder. Other errors as of the parts, each with what to
  // do.
  static absl::StatusOr<std::unique_ptr<Storage>> Open(base::FileSystem& fs,
                                                       const base::Clock& clock,
                                                       const exec::CommandTable& table,
                                                       StorageOptions options,
                                                       RecoveryReport* report);
  ~Storage();

  // Flushes and syncs the log and, when `checkpoint`, brings the store up to date, so that the next
  // start has nothing to replay. The first error ends it. REQUIRES: nothing is used afterwards.
  absl::Status Close(bool checkpoint);

  // ---- the turn's end
  // Writes what was appended.
  absl::Status FlushLog();
  // Takes in the checkpointer's progress, if there was any: renews reads, reclaims flushed
  // databases, drops log that nobody needs.
  void TakeEngineProgress();
  // Seals the overlay when it is due. Does nothing while the log has unwritten bytes.
  void MaybeSeal();

  // Asks for a checkpoint as soon as one is possible (BGSAVE).
  void RequestCheckpoint() { checkpoint_requested_ = true; }
  // Makes one now and waits for it (SAVE, DEBUG CHECKPOINT, shutdown).
  absl::Status CheckpointNow();
  // Unix ms of the last finished checkpoint, or of Open.
  [[nodiscard]] int64_t last_checkpoint_ms() const { return last_checkpoint_ms_; }
  [[nodiscard]] uint64_t changes_since_checkpoint() const {
    return log_->appended_offset() - sealed_offset_;
  }

  // The replication id of this history, 40 hexadecimal digits; kept in the store.
  [[nodiscard]] const std::string& replication_id() const { return replication_id_; }
  void ChangeReplicationId();

  void SetWriteBufferSize(uint64_t bytes);
  StorageOptions& options() { return options_; }

  [[nodiscard]] Backup& backup() { return *backup_; }

  [[nodiscard]] wal::Log& log() { return *log_; }
  [[nodiscard]] engine::Engine& engine() { return *engine_; }
  [[nodiscard]] keyspace::Keyspace& keyspace() { return *keyspace_; }
  [[nodiscard]] exec::Executor& executor() { return *executor_; }
  [[nodiscard]] exec::Environment& environment() { return environment_; }

 private:
  Storage(base::FileSystem& fs, const base::Clock& clock, const exec::CommandTable& table,
          StorageOptions options);

  // Makes the folder, its name lasting, and claims it.
  absl::Status OpenFolder();
  // Begins a log where there is neither a log nor a store yet, and returns the state with which the
  // store is then created: what names a log exists after it.
  absl::StatusOr<std::string> BeginLog();
  absl::Status OpenEngine(RecoveryReport* report);
  absl::Status OpenLog(RecoveryReport* report);
  // Notes in the store that its log has taken its place; nothing may be acknowledged before.
  absl::Status SettleLog();
  // What to say of a log that cannot be the store's.
  [[nodiscard]] absl::Status ExplainMismatch(const absl::Status& status, wal::Mismatch mismatch,
                                             uint64_t store_offset) const;
  absl::Status Replay(RecoveryReport* report);
  [[nodiscard]] bool SealIsDue() const;
  void Seal();
  void SealAt(uint64_t log_offset, int stream_db);
  [[nodiscard]] std::string SaveState(uint64_t log_offset, int stream_db);
  absl::Status LoadState(std::string_view blob);
  [[nodiscard]] std::string NotePath() const;
  // Log that nobody needs any more: neither a restart, nor the history to be kept, nor a backup.
  void DropLog();

  base::FileSystem* fs_;
  const base::Clock* clock_;
  const exec::CommandTable* table_;
  StorageOptions options_;
  base::Random random_;
  exec::AccessClock access_clock_;
  keyspace::ScanCursors scan_cursors_;
  exec::Environment environment_;
  std::string replication_id_;
  wal::LogId log_id_ = wal::kNoLogId;
  wal::LogId replaced_log_id_ = wal::kNoLogId;
  uint64_t hash_seed_ = 0;
  int stream_db_ = exec::Stream::kUnknownDb;  // as the store's state says
  // Destroyed from the bottom up: the engine's thread waits on the log, so the log outlives it.
  std::unique_ptr<base::FileLock> lock_;
  std::unique_ptr<wal::Log> log_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<keyspace::Keyspace> keyspace_;
  std::unique_ptr<Backup> backup_;
  std::unique_ptr<exec::Stream> stream_;
  std::unique_ptr<exec::Executor> executor_;
  uint64_t sealed_offset_ = 0;  // log offset of the last Seal
  int64_t sealed_ms_ = 0;       // and its time, monotonic
  uint64_t checkpoints_seen_ = 0;
  int64_t last_checkpoint_ms_ = 0;
  bool checkpoint_requested_ = false;
  bool has_note_ = false;  // a backup's note is there, and the store has not got the new id yet
  std::atomic<bool> engine_moved_ = false;  // set by the checkpointer's thread
};

}  // namespace cairn::server
