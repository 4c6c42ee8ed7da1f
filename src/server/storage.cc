#include "server/storage.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/canary.h"
#include "base/check.h"
#include "base/failpoint.h"
#include "base/status.h"
#include "exec/apply.h"
#include "keyspace/saved_state.h"
#include "resp/errors.h"
#include "wal/survey.h"

namespace cairn::server {
namespace {

// An empty `dir` is the current folder.
std::string Join(const std::string& dir, std::string_view name) {
  return fmt::format("{}/{}", dir.empty() ? "." : dir, name);
}

// The pages that a transaction of the store changes are memory that no budget counts, so with a
// small budget transactions are small as well.
uint64_t ChunkBytes(uint64_t write_buffer_size) {
  return std::min(engine::Options().chunk_bytes, write_buffer_size / 8);
}

absl::Status TooFewDatabases(uint64_t offset, int databases) {
  return base::FailedPrecondition(
      fmt::format("the log at offset {} writes into a database beyond `databases` {}: set it to "
                  "what it was, at least until the next checkpoint",
                  offset, databases));
}

uint64_t SystemSeed() {
  std::array<char, 8> bytes{};
  base::FillRandomBytes(bytes);
  return base::LoadLittle64(bytes.data());
}

}  // namespace

Storage::Storage(base::FileSystem& fs, const base::Clock& clock, const exec::CommandTable& table,
                 StorageOptions options)
    : fs_(&fs),
      clock_(&clock),
      table_(&table),
      options_(std::move(options)),
      random_(SystemSeed()),
      scan_cursors_(random_.Next()) {
  environment_.table = table_;
  environment_.scan_cursors = &scan_cursors_;
  environment_.access_clock = &access_clock_;
  environment_.random = &random_;
  environment_.start_ms = clock.WallMs();
}

Storage::~Storage() = default;

absl::StatusOr<std::unique_ptr<Storage>> Storage::Open(base::FileSystem& fs,
                                                       const base::Clock& clock,
                                                       const exec::CommandTable& table,
                                                       StorageOptions options,
                                                       RecoveryReport* report) {
  const int64_t start_us = clock.MonotonicUs();
  std::unique_ptr<Storage> storage(new Storage(fs, clock, table, std::move(options)));
  if (auto status = storage->OpenFolder(); !status.ok()) return status;
  if (auto status = storage->OpenEngine(report); !status.ok()) return status;
  if (auto status = storage->OpenLog(report); !status.ok()) return status;
  if (auto status = storage->Replay(report); !status.ok()) return status;
  report->duration_us = clock.MonotonicUs() - start_us;
  return storage;
}

absl::Status Storage::OpenFolder() {
  const std::string& dir = options_.dir;
  if (auto status = fs_->CreateDir(dir); !status.ok()) return status;
  // Who may not look into the parent folder has not made this one: its name is its maker's matter.
  absl::Status synced;
  if (!base::LeavesOut("outer folder sync")) {
    synced = fs_->SyncDir(base::ParentDir(dir.substr(0, dir.find_last_not_of('/') + 1)));
  }
  if (!synced.ok() && !absl::IsPermissionDenied(synced)) return synced;
  auto lock = fs_->Lock(Join(dir, "LOCK"));
  if (lock.ok()) {
    lock_ = *std::move(lock);
    return absl::OkStatus();
  }
  if (lock.status().code() != absl::StatusCode::kAlreadyExists) return lock.status();
  return base::MakeStatus(
      absl::StatusCode::kAlreadyExists,
      fmt::format("the data folder {} is in use by another process: stop it, or "
                  "give this one another `dir`",
                  dir));
}

absl::StatusOr<std::string> Storage::BeginLog() {
  const std::string log_dir = Join(options_.dir, "log");
  wal::LogId id = wal::NewLogId();
  if (const auto segments = wal::FindSegments(*fs_, log_dir); segments.ok()) {
    // A process that died at this place has left an empty log, or what a power cut made of it.
    const auto left = wal::EmptyLog(*segments);
    if (!left.has_value()) {
      return base::DataLoss(fmt::format(
          "the store `{}` is missing, but `{}` holds a log: bring the store back from where it "
          "went, or restore the whole data folder from a backup. When the log is whole from its "
          "beginning, `cairn-check --rebuild-store {}` makes a new store for it; to begin with no "
          "data at all, move the folder `log` away",
          Join(options_.dir, "store"), log_dir, options_.dir));
    }
    if (*left != wal::kNoLogId) id = *left;
  } else if (!absl::IsNotFound(segments.status())) {
    return segments.status();
  }
  wal::OpenReport unused;
  auto log =
      wal::Log::Open(*fs_, {.dir = log_dir, .identity = {.id = id}, .start_offset = 0}, &unused);
  if (!log.ok()) return log.status();
  keyspace::SavedState state;
  state.hash_seed = SystemSeed();
  state.stream_db = exec::Stream::kUnknownDb;
  state.replication_id = base::RandomHex(keyspace::kReplicationIdDigits);
  state.log_id = id;
  state.databases = keyspace::EncodeDatabases({});
  return keyspace::EncodeState(state);
}

absl::Status Storage::OpenEngine(RecoveryReport* report) {
  engine::Options options;
  options.dir = options_.dir;
  options.write_buffer_size = options_.write_buffer_size;
  if (!engine::Engine::Exists(*fs_, options_.dir)) {
    auto first = BeginLog();
    if (!first.ok()) return first.status();
    options.first.blob = *std::move(first);
  }
  options.chunk_bytes = ChunkBytes(options_.write_buffer_size);
  options.sync_log = [this](uint64_t offset) {
    return base::LeavesOut("checkpoint log sync") ? absl::OkStatus() : log_->WaitSynced(offset);
  };
  options.on_progress = [this] {
    engine_moved_.store(true, std::memory_order_release);
    if (options_.on_progress) options_.on_progress();
  };
  auto engine = engine::Engine::Open(*fs_, std::move(options), &report->engine);
  if (!engine.ok()) return engine.status();
  engine_ = *std::move(engine);
  report->store_offset = engine_->recovered().log_offset;
  return LoadState(engine_->recovered().blob);
}

absl::Status Storage::LoadState(std::string_view blob) {
  auto state = keyspace::DecodeState(blob);
  if (!state.ok()) return state.status();
  hash_seed_ = state->hash_seed;
  stream_db_ = state->stream_db;
  replication_id_ = std::move(state->replication_id);
  log_id_ = state->log_id;
  replaced_log_id_ = state->replaced_log_id;
  // From here on this history is not that of the server that the backup was made of.
  has_note_ = fs_->Exists(NotePath());
  if (has_note_) ChangeReplicationId();
  keyspace_ = std::make_unique<keyspace::Keyspace>(*engine_, options_.databases, hash_seed_);
  return keyspace_->Load(state->databases);
}

std::string Storage::SaveState(uint64_t log_offset, int stream_db) {
  return keyspace::EncodeState({.hash_seed = hash_seed_,
                                .stream_db = stream_db,
                                .replication_id = replication_id_,
                                .log_id = log_id_,
                                .replaced_log_id = replaced_log_id_,
                                .databases = keyspace_->Save(log_offset)});
}

absl::Status Storage::OpenLog(RecoveryReport* report) {
  const uint64_t store_offset = engine_->recovered().log_offset;
  wal::LogOptions options{.dir = Join(options_.dir, "log"),
                          .identity = {.id = log_id_,
                                       .replaced = replaced_log_id_,
                                       .begun = replaced_log_id_ == wal::kNoLogId},
                          .segment_size = options_.log_segment_size,
                          .start_offset = store_offset};
  auto log = wal::Log::Open(*fs_, std::move(options), &report->log);
  if (!log.ok()) return ExplainMismatch(log.status(), report->log.mismatch, store_offset);
  log_ = *std::move(log);
  if (store_offset < log_->first_offset() || store_offset > log_->appended_offset()) {
    return base::DataLoss(fmt::format(
        "the store reaches log offset {}, but the log in {}/log holds offsets {} to {}: files of "
        "different times were put together, or log files are missing; restore them from where they "
        "came",
        store_offset, options_.dir, log_->first_offset(), log_->appended_offset()));
  }
  log_->set_sync_listener([this] {
    if (options_.on_synced) options_.on_synced();
  });
  backup_ = std::make_unique<Backup>(*fs_, *clock_, *engine_, *log_, log_id_, [this] {
    if (options_.on_progress) options_.on_progress();
  });
  stream_ = std::make_unique<exec::Stream>(*log_);
  executor_ =
      std::make_unique<exec::Executor>(*table_, *keyspace_, *stream_, environment_, *clock_);
  return replaced_log_id_ == wal::kNoLogId ? absl::OkStatus() : SettleLog();
}

absl::Status Storage::SettleLog() {
  if (auto status = engine_->WaitIdle(); !status.ok()) return status;
  replaced_log_id_ = wal::kNoLogId;
  SealAt(engine_->checkpoint().log_offset, stream_db_);
  return engine_->WaitIdle();
}

absl::Status Storage::ExplainMismatch(const absl::Status& status, wal::Mismatch mismatch,
                                      uint64_t store_offset) const {
  if (mismatch == wal::Mismatch::kNone) return status;
  const std::string_view what =
      mismatch == wal::Mismatch::kMissing
          ? "Put the folder `log` back (perhaps its disk is not mounted)"
          : "The files come from another data folder: put those back that belong to this store";
  return base::DataLoss(fmt::format(
      "{}. All that was acknowledged after log offset {}, the store's last checkpoint, is in that "
      "log and nowhere else. {}, or restore the whole data folder from a backup. To give up those "
      "writes and go on with what the store has, run `cairn-check --accept-log-loss {}`",
      base::Message(status), store_offset, what, options_.dir));
}

absl::Status Storage::Replay(RecoveryReport* report) {
  sealed_offset_ = engine_->recovered().log_offset;
  sealed_ms_ = clock_->MonotonicUs() / 1000;
  last_checkpoint_ms_ = clock_->WallMs();
  // The store keeps no keys beyond `databases` (LoadState has seen to that); the log may.
  if (stream_db_ >= options_.databases && log_->appended_offset() > sealed_offset_) {
    return TooFewDatabases(sealed_offset_, options_.databases);
  }
  auto reader = log_->NewReader(sealed_offset_);
  if (!reader.ok()) return reader.status();
  exec::Applier applier(*executor_, std::max(stream_db_, 0));
  while (true) {
    const auto record = (*reader)->Next();
    if (record.status().code() == absl::StatusCode::kOutOfRange) break;
    if (!record.ok()) return record.status();
    if (auto status = applier.Apply(record->payload); !status.ok()) {
      if (base::Message(status).ends_with(resp::errors::kDbIndexOutOfRange)) {
        return TooFewDatabases(record->offset, options_.databases);
      }
      return base::MakeStatus(status.code(), fmt::format("log record at offset {}: {}",
                                                         record->offset, base::Message(status)));
    }
    report->replayed_bytes += record->payload.size();
    engine_->Renew();
    // A log longer than the memory for writes is brought to the store on the way.
    if (engine_->write_room_bytes() == 0) {
      if (auto status = engine_->WaitIdle(); !status.ok()) return status;
    }
    if (engine_->WantsSeal(0)) SealAt(record->offset + record->payload.size(), applier.db());
  }
  report->replayed_commands = applier.commands();
  // Before anything was appended the stream is in no database yet.
  const bool empty = stream_db_ == exec::Stream::kUnknownDb && applier.commands() == 0;
  stream_->set_db(empty ? exec::Stream::kUnknownDb : applier.db());
  return absl::OkStatus();
}

absl::Status Storage::FlushLog() {
  return log_->Flush(clock_->WallMs());
}

void Storage::TakeEngineProgress() {
  if (!engine_moved_.exchange(false, std::memory_order_acquire)) return;
  engine_->Renew();
  keyspace_->ContinueReclaim();
  const uint64_t checkpoints = engine_->stats().checkpoints;
  if (checkpoints == checkpoints_seen_) return;
  checkpoints_seen_ = checkpoints;
  last_checkpoint_ms_ = clock_->WallMs();
  DropLog();
  if (!has_note_) return;
  const auto state = keyspace::DecodeState(engine_->checkpoint().blob);
  if (state.ok() && state->replication_id == replication_id_) {
    has_note_ = !fs_->Remove(NotePath()).ok();
  }
}

void Storage::DropLog() {
  const uint64_t store_offset = engine_->checkpoint().log_offset;
  if (store_offset <= options_.log_history_size) return;
  const uint64_t needed = backup_->needed_log().value_or(store_offset);
  // A failed deletion costs space, no data, and the next checkpoint tries again.
  const int64_t keep_since_ms =
      options_.log_retention_ms > 0 ? clock_->WallMs() - options_.log_retention_ms : wal::kKeepNone;
  log_->DropBefore(std::min(store_offset - options_.log_history_size, needed), keep_since_ms)
      .IgnoreError();
}

std::string Storage::NotePath() const {
  return Join(options_.dir, kBackupNote);
}

bool Storage::SealIsDue() const {
  const uint64_t log_bytes = log_->appended_offset() - sealed_offset_;
  if (checkpoint_requested_ || engine_->WantsSeal(log_bytes)) return true;
  if (log_bytes == 0) return false;
  if (log_bytes >= options_.checkpoint_log_size) return true;
  return options_.checkpoint_interval_ms > 0 &&
         clock_->MonotonicUs() / 1000 - sealed_ms_ >= options_.checkpoint_interval_ms;
}

void Storage::MaybeSeal() {
  if (!engine_->CanSeal() || log_->written_offset() != log_->appended_offset()) return;
  if (SealIsDue()) Seal();
}

void Storage::Seal() {
  CAIRN_CHECK(log_->written_offset() == log_->appended_offset());
  checkpoint_requested_ = false;
  log_->RequestSync();
  SealAt(log_->appended_offset(), stream_->db());
}

void Storage::SealAt(uint64_t log_offset, int stream_db) {
  sealed_offset_ = log_offset;
  sealed_ms_ = clock_->MonotonicUs() / 1000;
  base::Failpoint("before seal");
  engine_->Seal({.log_offset = log_offset, .blob = SaveState(log_offset, stream_db)});
  base::Failpoint("after seal");
}

absl::Status Storage::CheckpointNow() {
  if (auto status = FlushLog(); !status.ok()) return status;
  if (auto status = engine_->WaitIdle(); !status.ok()) return status;
  // The checkpointer's call of on_progress may still be on its way when the wait is over.
  engine_moved_ = true;
  TakeEngineProgress();
  Seal();
  auto status = engine_->WaitIdle();
  engine_moved_ = true;
  TakeEngineProgress();
  return status;
}

absl::Status Storage::Close(bool checkpoint) {
  if (auto status = FlushLog(); !status.ok()) return status;
  if (auto status = log_->SyncNow(); !status.ok()) return status;
  if (!checkpoint) return absl::OkStatus();
  if (changes_since_checkpoint() == 0) return engine_->WaitIdle();
  if (auto status = CheckpointNow(); !status.ok()) return status;
  return log_->SyncNow();
}

void Storage::ChangeReplicationId() {
  replication_id_ = base::RandomHex(keyspace::kReplicationIdDigits);
  RequestCheckpoint();
}

void Storage::SetWriteBufferSize(uint64_t bytes) {
  options_.write_buffer_size = bytes;
  engine_->set_write_buffer_size(bytes);
}

}  // namespace cairn::server
