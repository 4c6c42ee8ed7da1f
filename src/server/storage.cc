#include "server/storage.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/status.h"
#include "exec/apply.h"
#include "resp/errors.h"

namespace cairn::server {
namespace {

constexpr uint32_t kStateVersion = 1;
constexpr size_t kReplicationIdDigits = 40;
constexpr size_t kIdAt = 4 + 8 + 4;  // in the state

// An empty `dir` is the current folder.
std::string Join(const std::string& dir, std::string_view name) {
  return fmt::format("{}/{}", dir.empty() ? "." : dir, name);
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
  const std::string& dir = storage->options_.dir;
  if (auto status = fs.CreateDir(dir); !status.ok()) return status;
  auto lock = fs.Lock(Join(dir, "LOCK"));
  if (!lock.ok()) {
    if (lock.status().code() != absl::StatusCode::kAlreadyExists) return lock.status();
    return base::MakeStatus(
        absl::StatusCode::kAlreadyExists,
        fmt::format("the data folder {} is in use by another process: stop it, or "
                    "give this one another `dir`",
                    dir));
  }
  storage->lock_ = *std::move(lock);
  if (auto status = storage->OpenEngine(report); !status.ok()) return status;
  if (auto status = storage->OpenLog(report); !status.ok()) return status;
  if (auto status = storage->Replay(report); !status.ok()) return status;
  report->duration_us = clock.MonotonicUs() - start_us;
  return storage;
}

absl::Status Storage::OpenEngine(RecoveryReport* report) {
  engine::Options options;
  options.dir = options_.dir;
  options.write_buffer_size = options_.write_buffer_size;
  options.sync_log = [this](uint64_t offset) { return log_->WaitSynced(offset); };
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
  has_note_ = fs_->Exists(NotePath());
  if (blob.empty()) {
    if (engine_->recovered().log_offset != 0) {
      return base::DataLoss("the store has lost its state");
    }
    replication_id_ = base::RandomHex(kReplicationIdDigits);
    hash_seed_ = SystemSeed();
    keyspace_ = std::make_unique<keyspace::Keyspace>(*engine_, options_.databases, hash_seed_);
    return absl::OkStatus();
  }
  constexpr size_t kHead = kIdAt + kReplicationIdDigits;
  if (blob.size() < kHead) return base::DataLoss("the store's state is cut short");
  const uint32_t version = base::LoadLittle32(blob.data());
  if (version != kStateVersion) {
    return base::FailedPrecondition(
        fmt::format("the store's state has format {}; this server knows format {}: start the "
                    "version that wrote it",
                    version, kStateVersion));
  }
  hash_seed_ = base::LoadLittle64(blob.data() + 4);
  stream_db_ = static_cast<int>(base::LoadLittle32(blob.data() + 12));
  replication_id_.assign(blob.substr(kIdAt, kReplicationIdDigits));
  // From here on this history is not that of the server that the backup was made of.
  if (has_note_) ChangeReplicationId();
  keyspace_ = std::make_unique<keyspace::Keyspace>(*engine_, options_.databases, hash_seed_);
  return keyspace_->Load(blob.substr(kHead));
}

std::string Storage::SaveState(uint64_t log_offset, int stream_db) {
  std::string blob;
  base::AppendLittle32(&blob, kStateVersion);
  base::AppendLittle64(&blob, hash_seed_);
  base::AppendLittle32(&blob, static_cast<uint32_t>(stream_db));
  blob += replication_id_;
  blob += keyspace_->Save(log_offset);
  return blob;
}

absl::Status Storage::OpenLog(RecoveryReport* report) {
  const uint64_t store_offset = engine_->recovered().log_offset;
  wal::LogOptions options{.dir = Join(options_.dir, "log"),
                          .segment_size = options_.log_segment_size,
                          .start_offset = store_offset,
                          .now_ms = clock_->WallMs()};
  auto log = wal::Log::Open(*fs_, std::move(options), &report->log);
  if (!log.ok()) return log.status();
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
  backup_ = std::make_unique<Backup>(*fs_, *clock_, *engine_, *log_, [this] {
    if (options_.on_progress) options_.on_progress();
  });
  stream_ = std::make_unique<exec::Stream>(*log_);
  executor_ =
      std::make_unique<exec::Executor>(*table_, *keyspace_, *stream_, environment_, *clock_);
  return absl::OkStatus();
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
  if (has_note_ &&
      std::string_view(engine_->checkpoint().blob).substr(kIdAt).starts_with(replication_id_)) {
    has_note_ = !fs_->Remove(NotePath()).ok();
  }
}

void Storage::DropLog() {
  const uint64_t store_offset = engine_->checkpoint().log_offset;
  if (store_offset <= options_.log_history_size) return;
  const uint64_t needed = backup_->needed_log().value_or(store_offset);
  // A failed deletion costs space, no data, and the next checkpoint tries again.
  log_->DropBefore(std::min(store_offset - options_.log_history_size, needed)).IgnoreError();
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
  engine_->Seal({.log_offset = log_offset, .blob = SaveState(log_offset, stream_db)});
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
  replication_id_ = base::RandomHex(kReplicationIdDigits);
  RequestCheckpoint();
}

void Storage::SetWriteBufferSize(uint64_t bytes) {
  options_.write_buffer_size = bytes;
  engine_->set_write_buffer_size(bytes);
}

}  // namespace cairn::server
