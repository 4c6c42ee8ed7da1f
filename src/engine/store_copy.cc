#include "engine/store_copy.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "engine/run_file.h"

namespace cairn::engine {
namespace {

constexpr std::chrono::milliseconds kLongestPause{500};
constexpr size_t kPieceBytes = 1U << 20;

absl::Status Stopped() {
  return absl::CancelledError("the copy was given up");
}

// Copies a file byte for byte and syncs it.
absl::Status CopyFile(base::FileSystem& fs, const std::string& from, const std::string& to,
                      const std::atomic<bool>& stop) {
  auto in = fs.Open(from, base::FileSystem::Mode::kRead);
  if (!in.ok()) return in.status();
  auto out = fs.Open(to, base::FileSystem::Mode::kCreate);
  if (!out.ok()) return out.status();
  std::string piece(kPieceBytes, '\0');
  for (uint64_t offset = 0; !stop;) {
    const auto size = (*in)->ReadAt(offset, piece.data(), piece.size());
    if (!size.ok()) return size.status();
    if (*size == 0) return (*out)->Sync();
    if (auto status = (*out)->WriteAt(offset, std::string_view(piece).substr(0, *size));
        !status.ok()) {
      return status;
    }
    offset += *size;
  }
  return Stopped();
}

}  // namespace

StoreCopy::StoreCopy(base::FileSystem& fs, Checkpointer& checkpointer, std::string run_dir,
                     std::string dir, ChunkLimits limits, std::function<void()> on_progress)
    : fs_(fs),
      checkpointer_(checkpointer),
      run_dir_(std::move(run_dir)),
      dir_(std::move(dir)),
      limits_(limits),
      on_progress_(std::move(on_progress)) {}

absl::StatusOr<std::unique_ptr<StoreCopy>> StoreCopy::Start(base::FileSystem& fs, Store& store,
                                                            Checkpointer& checkpointer,
                                                            std::string run_dir, std::string dir,
                                                            ChunkLimits limits,
                                                            std::function<void()> on_progress) {
  std::unique_ptr<StoreCopy> copy(new StoreCopy(fs, checkpointer, std::move(run_dir),
                                                std::move(dir), limits, std::move(on_progress)));
  // Before the snapshot: whatever run file that one needs is not removed any more.
  checkpointer.HoldRunFiles(true);
  auto reader = store.NewReader();
  absl::Status status = reader.status();
  if (status.ok()) {
    auto state = (*reader)->ReadState();
    status = state.status();
    if (status.ok()) {
      copy->reader_ = *std::move(reader);
      copy->state_ = *std::move(state);
    }
  }
  if (!status.ok()) {
    checkpointer.HoldRunFiles(false);
    return status;
  }
  copy->progress_.log_offset = copy->state_.meta.log_offset;
  copy->progress_.total_records = copy->reader_->Records();
  copy->thread_ = std::thread([copy = copy.get()] { copy->Run(); });
  return copy;
}

void StoreCopy::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

CopyProgress StoreCopy::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

void StoreCopy::Run() {
  absl::Status status = CopyRunFile();
  checkpointer_.HoldRunFiles(false);
  if (status.ok()) status = Copy();
  reader_.reset();  // its pages may be used again from now on
  {
    const std::lock_guard lock(mutex_);
    progress_.status = std::move(status);
    progress_.done = true;
  }
  on_progress_();
}

absl::Status StoreCopy::CopyRunFile() {
  const std::string to_dir = dir_ + "/run";
  if (auto status = fs_.CreateDir(to_dir); !status.ok()) return status;
  if (state_.applying == 0) return absl::OkStatus();
  const auto names = fs_.List(run_dir_);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!IsRunFileName(name)) continue;
    const std::string from = fmt::format("{}/{}", run_dir_, name);
    const auto reader = RunFileReader::Open(fs_, from);
    if (!reader.ok()) return reader.status();
    if ((*reader)->target().sequence != state_.applying) continue;
    const std::string to = fmt::format("{}/{}", to_dir, name);
    if (auto status = CopyFile(fs_, from, to, stop_); !status.ok()) return status;
    RunTarget target;
    uint64_t records = 0;
    if (auto status = VerifyRunFile(fs_, to, &target, &records); !status.ok()) return status;
    return fs_.SyncDir(to_dir);
  }
  return absl::InternalError("the store is in a checkpoint whose run file is not there");
}

absl::Status StoreCopy::Copy() {
  const std::string to_dir = dir_ + "/store";
  if (auto status = fs_.CreateDir(to_dir); !status.ok()) return status;
  auto to = OpenLmdbStore({.dir = to_dir, .first = state_.meta});
  if (!to.ok()) return to.status();
  for (const Table table : {Table::kKeys, Table::kExpiry}) {
    if (auto status = CopyTable(table, **to); !status.ok()) return status;
  }
  if (auto status = Finish(**to); !status.ok()) return status;
  if (auto status = fs_.SyncDir(to_dir); !status.ok()) return status;
  return fs_.SyncDir(dir_);
}

absl::Status StoreCopy::CopyTable(Table table, Store& to) {
  const auto cursor = reader_->NewVerifyingCursor(table);
  cursor->SeekAtLeast({});
  while (cursor->Valid()) {
    if (stop_) return Stopped();
    const auto start = Clock::now();
    auto batch = to.Begin();
    if (!batch.ok()) return batch.status();
    uint64_t keys = 0;
    uint64_t bytes = 0;
    while (cursor->Valid() && keys < limits_.keys && bytes < limits_.bytes) {
      const RecordView record{
          .table = table, .deleted = false, .key = cursor->key(), .value = cursor->value()};
      if (auto status = (*batch)->Apply(record); !status.ok()) return status;
      ++keys;
      bytes += record.key.size() + record.value.size();
      cursor->Next();
    }
    if (auto status = (*batch)->Commit(); !status.ok()) return status;
    {
      const std::lock_guard lock(mutex_);
      progress_.done_records += keys;
      progress_.done_bytes += bytes;
    }
    on_progress_();
    PauseFor(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
  }
  return cursor->status();
}

absl::Status StoreCopy::Finish(Store& to) {
  if (state_.sequence == 0 && state_.applying == 0) return absl::OkStatus();
  auto batch = to.Begin();
  if (!batch.ok()) return batch.status();
  if (state_.sequence != 0) {
    absl::Status status = (*batch)->FinishCheckpoint(state_.sequence, state_.meta);
    if (!status.ok()) return status;
  }
  if (state_.applying != 0) {
    if (auto status = (*batch)->MarkApplying(state_.applying); !status.ok()) return status;
  }
  return (*batch)->Commit();
}

// Half of the disk's and the processor's time is left to everybody else.
void StoreCopy::PauseFor(int64_t work_us) {
  const auto pause =
      std::min<std::chrono::microseconds>(std::chrono::microseconds(work_us), kLongestPause);
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, pause, [this] { return stop_.load(); });
}

}  // namespace cairn::engine
