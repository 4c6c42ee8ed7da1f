#include "engine/checkpointer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"

namespace cairn::engine {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kFirstBackOff{50};
constexpr milliseconds kLongestBackOff{5000};
constexpr milliseconds kLongestPause{1000};
// A run file is synced in pieces: one sync of all of it would hold up the log's.
constexpr uint64_t kRunSyncBytes = 8ULL << 20;

}  // namespace

Checkpointer::Checkpointer(base::FileSystem& fs, Store& store, CheckpointerOptions options)
    : fs_(fs), store_(store), options_(std::move(options)), thread_([this] { Run(); }) {}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

// ---- the loop's side

void Checkpointer::Submit(CheckpointJob job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_all();
}

std::vector<CheckpointJob> Checkpointer::TakeFinished() {
  const std::lock_guard lock(mutex_);
  return std::exchange(finished_, {});
}

void Checkpointer::SetMemoryUse(uint64_t used, uint64_t budget) {
  const double free =
      1.0 - static_cast<double>(used) / static_cast<double>(std::max<uint64_t>(budget, 1));
  const double ease = std::clamp((free - 0.25) * 4, 0.0, 1.0);
  bool hurry = false;
  {
    const std::lock_guard lock(mutex_);
    hurry = ease == 0.0 && ease_ != 0.0;
    ease_ = ease;
  }
  if (hurry) wake_.notify_all();
}

void Checkpointer::SetUrgent(bool urgent) {
  {
    const std::lock_guard lock(mutex_);
    urgent_ = urgent;
  }
  wake_.notify_all();
}

void Checkpointer::WaitProgress() {
  std::unique_lock lock(mutex_);
  told_progress_.wait(lock, [this] { return progress_.load(); });
}

absl::Status Checkpointer::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

CheckpointerStats Checkpointer::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void Checkpointer::HoldRunFiles(bool hold) {
  {
    const std::lock_guard lock(mutex_);
    hold_run_files_ = hold;
  }
  wake_.notify_all();
}

bool Checkpointer::WantsReopen() const {
  const std::lock_guard lock(mutex_);
  return wants_reopen_;
}

void Checkpointer::Reopened() {
  {
    const std::lock_guard lock(mutex_);
    wants_reopen_ = false;
  }
  wake_.notify_all();
}

void Checkpointer::Reclaim(std::string prefix) {
  {
    const std::lock_guard lock(mutex_);
    reclaims_.push_back(std::move(prefix));
  }
  wake_.notify_all();
}

bool Checkpointer::ReclaimDone() const {
  const std::lock_guard lock(mutex_);
  return reclaims_.empty();
}

// ---- the thread

void Checkpointer::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto may_remove = [this] { return !hold_run_files_ && !kept_run_files_.empty(); };
    wake_.wait(lock,
               [&] { return stopping() || !jobs_.empty() || !reclaims_.empty() || may_remove(); });
    if (stopping()) return;
    if (may_remove()) {
      lock.unlock();
      RemoveKeptRunFiles();
      lock.lock();
    }
    if (!jobs_.empty()) {
      const CheckpointJob job = jobs_.front();
      lock.unlock();
      if (!RunJob(job)) return;
      lock.lock();
    }
    // One slice also between two checkpoints that follow each other, so that it goes on at all
    // under constant load.
    if (!reclaims_.empty() && !stopping()) {
      lock.unlock();
      ReclaimSlice();
      lock.lock();
    }
  }
}

bool Checkpointer::RunJob(const CheckpointJob& job) {
  const auto start = Clock::now();
  busy_ = {};
  {
    const std::lock_guard lock(mutex_);
    stats_.running = true;
    stats_.done_records = 0;
    stats_.total_records = job.generation->records();
  }
  if (!job.has_run_file && !Insist([&] { return SyncLog(job); })) return false;
  const auto sort_start = Clock::now();
  GenerationSource source(job.generation.get());
  const bool needs_run_file = job.has_run_file || !FitsOneChunk(*job.generation, options_.limits);
  busy_ += Clock::now() - sort_start;
  if (needs_run_file && !job.has_run_file && !Insist([&] { return WriteRunFile(job); })) {
    return false;
  }
  do {
    if (!Insist([&] { return ApplyNextChunk(job, &source); })) return false;
  } while (source.Valid());
  if (needs_run_file) RemoveRunFile(job);
  NoteFinished(job, Clock::now() - start);
  return true;
}

void Checkpointer::NoteFinished(const CheckpointJob& job, Clock::duration took) {
  const double seconds = std::chrono::duration<double>(busy_).count();
  const uint64_t bytes = job.generation->bytes();
  const double rate = static_cast<double>(bytes) / std::max(seconds, 1e-6);
  {
    const std::lock_guard lock(mutex_);
    jobs_.pop_front();
    finished_.push_back(job);
    ++stats_.finished;
    stats_.running = false;
    stats_.last_us = duration_cast<microseconds>(took).count();
    // Half of the figure is the newest checkpoint's. Nearly empty ones say nothing about the rate.
    constexpr uint64_t kTelling = 1U << 20;
    if (bytes >= kTelling) {
      const auto known = static_cast<double>(stats_.drain_rate);
      stats_.drain_rate = static_cast<uint64_t>(known == 0 ? rate : (known + rate) / 2);
    }
  }
  Progress();
}

bool Checkpointer::Insist(const std::function<absl::Status()>& step) {
  for (int attempts = 0; !stopping(); ++attempts) {
    const auto start = Clock::now();
    const absl::Status status = step();
    if (stopping() && !status.ok()) return false;
    busy_ += Clock::now() - start;
    if (status.ok()) {
      if (attempts == 0) return true;
      const std::lock_guard lock(mutex_);
      error_ = absl::OkStatus();
      return true;
    }
    NoteFailure(status);
    BackOff(attempts);
  }
  return false;
}

void Checkpointer::NoteFailure(const absl::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    error_ = status;
    ++stats_.failures;
    wants_reopen_ = store_.needs_reopen();
  }
  Progress();
}

void Checkpointer::Progress() {
  {
    const std::lock_guard lock(mutex_);
    progress_ = true;
  }
  told_progress_.notify_all();
  if (options_.on_progress) options_.on_progress();
}

void Checkpointer::BackOff(int attempts) {
  const auto wait = std::min(kLongestBackOff, kFirstBackOff * (1 << std::min(attempts, 10)));
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, wait, [this] { return stopping() || urgent_; });
  wake_.wait(lock, [this] { return stopping() || !wants_reopen_; });
}

void Checkpointer::PauseAfter(Clock::duration work) {
  std::unique_lock lock(mutex_);
  const auto in_a_hurry = [this] {
    return stopping() || urgent_ || jobs_.size() > 1 || ease_ == 0.0;
  };
  const auto pause = duration_cast<microseconds>(work * ease_);
  wake_.wait_for(lock, std::min<microseconds>(pause, kLongestPause), in_a_hurry);
}

// ---- the steps

absl::Status Checkpointer::SyncLog(const CheckpointJob& job) {
  return options_.sync_log ? options_.sync_log(job.target.meta.log_offset) : absl::OkStatus();
}

absl::Status Checkpointer::WriteRunFile(const CheckpointJob& job) {
  auto writer = RunFileWriter::Create(fs_, options_.run_dir, job.target);
  if (!writer.ok()) return writer.status();
  auto slice_start = Clock::now();
  for (GenerationSource source(job.generation.get()); source.Valid();) {
    if (absl::Status status = (*writer)->Add(source.record()); !status.ok()) return status;
    if (absl::Status status = source.Next(); !status.ok()) return status;
    if ((*writer)->unsynced_bytes() < kRunSyncBytes) continue;
    if (absl::Status status = (*writer)->SyncSoFar(); !status.ok()) return status;
    const auto pause_start = Clock::now();
    PauseAfter(pause_start - slice_start);
    slice_start = Clock::now();
    busy_ -= slice_start - pause_start;
    if (stopping()) return absl::CancelledError("stopped");
  }
  return (*writer)->Finish();
}

absl::Status Checkpointer::ApplyNextChunk(const CheckpointJob& job, GenerationSource* source) {
  const auto start = Clock::now();
  GenerationSource next = *source;
  const auto applied = ApplyChunk(store_, next, options_.limits, job.target);
  if (!applied.ok()) return applied.status();
  *source = next;
  {
    const std::lock_guard lock(mutex_);
    stats_.done_records += *applied;
  }
  if (!source->Valid()) return absl::OkStatus();  // NoteFinished tells
  Progress();
  const auto pause_start = Clock::now();
  PauseAfter(pause_start - start);
  busy_ -= Clock::now() - pause_start;
  return absl::OkStatus();
}

void Checkpointer::RemoveRunFile(const CheckpointJob& job) {
  {
    const std::lock_guard lock(mutex_);
    kept_run_files_.push_back(
        fmt::format("{}/{}", options_.run_dir, RunFileName(job.target.meta.log_offset)));
  }
  RemoveKeptRunFiles();
}

void Checkpointer::RemoveKeptRunFiles() {
  std::vector<std::string> paths;
  {
    const std::lock_guard lock(mutex_);
    if (hold_run_files_) return;
    paths = std::exchange(kept_run_files_, {});
  }
  // The store has it all, so a file that stays does no harm: the next Open removes it.
  for (const std::string& path : paths) {
    base::Failpoint("before run file removal");
    if (!fs_.Remove(path).ok()) continue;
    base::Failpoint("before run file removal sync");
    fs_.SyncDir(options_.run_dir).IgnoreError();
    base::Failpoint("after run file removal");
  }
}

absl::StatusOr<bool> Checkpointer::DeleteSlice(const std::string& prefix) {
  auto batch = store_.Begin();
  if (!batch.ok()) return batch.status();
  bool finished = false;
  uint64_t keys_left = options_.limits.keys;
  for (const Table table : {Table::kExpiry, Table::kKeys}) {
    const auto deleted =
        (*batch)->DeletePrefix(table, prefix, keys_left, options_.limits.bytes, &finished);
    if (!deleted.ok()) return deleted.status();
    if (!finished) break;
    keys_left -= *deleted;
  }
  base::Failpoint("before reclaim commit");
  if (absl::Status status = (*batch)->Commit(); !status.ok()) return status;
  base::Failpoint("after reclaim commit");
  return finished;
}

void Checkpointer::ReclaimSlice() {
  std::string prefix;
  {
    const std::lock_guard lock(mutex_);
    prefix = reclaims_.front();
  }
  const auto start = Clock::now();
  bool finished = false;
  const bool worked = Insist([&] {
    const auto slice = DeleteSlice(prefix);
    finished = slice.ok() && *slice;
    return slice.status();
  });
  if (!worked) return;
  if (finished) {
    const std::lock_guard lock(mutex_);
    reclaims_.pop_front();
  }
  Progress();
  // A checkpoint that waits is not kept waiting.
  std::unique_lock lock(mutex_);
  const auto pause = duration_cast<microseconds>((Clock::now() - start) * ease_);
  wake_.wait_for(lock, std::min<microseconds>(pause, kLongestPause),
                 [this] { return stopping() || !jobs_.empty(); });
}

}  // namespace cairn::engine
