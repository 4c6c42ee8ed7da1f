#include "server/backup.h"

#include <utility>

#include <fmt/format.h>

#include "base/status.h"
#include "server/log.h"

namespace cairn::server {
namespace {

// Log bytes that are copied in one turn: about a millisecond's work.
constexpr uint64_t kSliceBytes = 1U << 20;
// The copy's syncs are waited for in good time, so that no write to it waits for the disk.
constexpr uint64_t kMostUnsynced = 32U << 20;

absl::Status CheckFolder(base::FileSystem& fs, const std::string& dir) {
  if (!dir.starts_with('/')) {
    return base::InvalidArgument("the folder of a backup is an absolute path");
  }
  if (!fs.Exists(dir)) return absl::OkStatus();
  const auto names = fs.List(dir);
  if (!names.ok()) return names.status();
  if (names->empty()) return absl::OkStatus();
  return base::InvalidArgument(fmt::format("{} is not empty: a backup wants a new folder", dir));
}

}  // namespace

Backup::Backup(base::FileSystem& fs, const base::Clock& clock, engine::Engine& engine,
               wal::Log& log, wal::LogId log_id, std::function<void()> wake)
    : fs_(&fs),
      clock_(&clock),
      engine_(&engine),
      log_(&log),
      log_id_(log_id),
      wake_(std::move(wake)) {}

Backup::~Backup() {
  Abort();
}

absl::Status Backup::Start(const std::string& dir) {
  if (step_ != Step::kNone) {
    return base::FailedPrecondition("a backup is in progress already");
  }
  if (auto status = CheckFolder(*fs_, dir); !status.ok()) return status;
  if (auto status = fs_->CreateDir(dir); !status.ok()) return status;
  if (auto status = fs_->SyncDir(base::ParentDir(dir)); !status.ok()) return status;
  if (auto status = engine_->StartCopy(dir); !status.ok()) return status;
  needed_log_ = engine_->copy()->log_offset;
  progress_.running = true;
  progress_.dir = dir;
  progress_.log_offset = 0;
  progress_.started_ms = clock_->WallMs();
  start_us_ = clock_->MonotonicUs();
  step_ = Step::kStore;
  return absl::OkStatus();
}

bool Backup::Abort() {
  if (step_ == Step::kNone) return false;
  engine_->CancelCopy();
  End(absl::CancelledError("given up"));
  return true;
}

bool Backup::Continue() {
  if (step_ == Step::kNone) return false;
  absl::Status status;
  bool more = false;
  if (step_ == Step::kStore) status = ContinueStore();
  if (status.ok() && step_ == Step::kLog) status = ContinueLog(&more);
  if (status.ok() && step_ == Step::kSync) status = ContinueSync();
  if (!status.ok()) End(std::move(status));
  return more;
}

absl::Status Backup::ContinueStore() {
  const engine::CopyProgress copy = *engine_->copy();
  progress_.done_records = copy.done_records;
  progress_.total_records = copy.total_records;
  if (!copy.done) return absl::OkStatus();
  if (!copy.status.ok()) return copy.status;
  wal::LogOptions options{
      .dir = progress_.dir + "/log", .identity = {.id = log_id_}, .start_offset = copy.log_offset};
  wal::OpenReport report;
  auto opened = wal::Log::Open(*fs_, std::move(options), &report);
  if (!opened.ok()) return opened.status();
  copy_ = *std::move(opened);
  copy_->set_sync_listener(wake_);
  auto reader = log_->NewReader(copy.log_offset);
  if (!reader.ok()) return reader.status();
  reader_ = *std::move(reader);
  progress_.log_offset = log_->written_offset();
  step_ = Step::kLog;
  return absl::OkStatus();
}

absl::Status Backup::ContinueLog(bool* more) {
  const uint64_t slice_end = copy_->written_offset() + kSliceBytes;
  while (copy_->written_offset() < progress_.log_offset) {
    if (copy_->written_offset() - copy_->synced_offset() >= kMostUnsynced) {
      copy_->RequestSync();
      return absl::OkStatus();  // the sync's end wakes the loop
    }
    if (copy_->written_offset() >= slice_end) {
      *more = true;
      return absl::OkStatus();
    }
    const auto record = reader_->Next();
    if (!record.ok()) return record.status();
    if (record->offset != copy_->appended_offset()) {
      return base::DataLoss(fmt::format("the log has a record at offset {} where one at {} belongs",
                                        record->offset, copy_->appended_offset()));
    }
    copy_->Append(record->payload);
    if (auto status = copy_->Flush(record->time_ms); !status.ok()) return status;
    needed_log_ = copy_->written_offset();
  }
  copy_->RequestSync();
  step_ = Step::kSync;
  return absl::OkStatus();
}

absl::Status Backup::ContinueSync() {
  if (!copy_->error().ok()) return copy_->error();
  if (copy_->synced_offset() < progress_.log_offset) return absl::OkStatus();
  // Nothing is waited for here: it leaves the mark of what is lasting.
  if (auto status = copy_->SyncNow(); !status.ok()) return status;
  if (auto status = WriteNote(); !status.ok()) return status;
  End(absl::OkStatus());
  return absl::OkStatus();
}

absl::Status Backup::WriteNote() {
  return fs_->ReplaceFile(
      fmt::format("{}/{}", progress_.dir, kBackupNote),
      fmt::format("backup\nlog_offset {}\nstarted_unix_ms {}\nended_unix_ms {}\n",
                  progress_.log_offset, progress_.started_ms, clock_->WallMs()));
}

void Backup::End(absl::Status status) {
  step_ = Step::kNone;
  reader_.reset();
  copy_.reset();
  needed_log_.reset();
  progress_.running = false;
  progress_.took_ms = (clock_->MonotonicUs() - start_us_) / 1000;
  if (status.ok()) {
    progress_.last_good_ms = clock_->WallMs();
    LogNotice("the backup in {} is complete: {} records and the log to offset {}, in {} ms",
              progress_.dir, progress_.done_records, progress_.log_offset, progress_.took_ms);
  } else {
    LogWarning("the backup in {} has failed: {}", progress_.dir, base::Message(status));
  }
  progress_.status = std::move(status);
}

BackupProgress Backup::progress() const {
  BackupProgress progress = progress_;
  if (step_ == Step::kStore) {
    const auto copy = engine_->copy();
    if (copy.has_value()) {
      progress.done_records = copy->done_records;
      progress.total_records = copy->total_records;
    }
  }
  return progress;
}

}  // namespace cairn::server
