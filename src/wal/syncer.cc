#include "wal/syncer.h"

#include <algorithm>
#include <utility>

#include "base/canary.h"
#include "base/clock.h"
#include "base/failpoint.h"

namespace cairn::wal {

Syncer::Syncer(base::FileSystem& fs, std::string dir, std::shared_ptr<base::File> file,
               uint64_t synced_offset)
    : fs_(fs),
      dir_(std::move(dir)),
      written_offset_(synced_offset),
      synced_offset_(synced_offset),
      files_{std::move(file)},
      thread_([this] { Run(); }) {}

Syncer::~Syncer() {
  {
    const Lock lock(mutex_);
    stop_ = true;
    work_.notify_one();
  }
  thread_.join();
}

void Syncer::SwitchFile(std::shared_ptr<base::File> file) {
  const Lock lock(mutex_);
  files_.push_back(std::move(file));
  new_entries_ = true;
}

void Syncer::Restart(std::shared_ptr<base::File> file, uint64_t synced_offset) {
  const Lock lock(mutex_);
  files_ = {std::move(file)};
  new_entries_ = false;
  written_offset_.store(synced_offset, std::memory_order_release);
  synced_offset_.store(synced_offset, std::memory_order_release);
  failure_ = absl::OkStatus();
  failed_.store(false, std::memory_order_release);
}

void Syncer::Request() {
  const Lock lock(mutex_);
  if (wanted_ || !failure_.ok() ||
      synced_offset() == written_offset_.load(std::memory_order_acquire)) {
    return;
  }
  wanted_ = true;
  if (sleeping_) {
    work_.notify_one();
  }
}

absl::Status Syncer::WaitFor(uint64_t offset) {
  Lock lock(mutex_);
  while (synced_offset() < offset) {
    if (!failure_.ok()) {
      return failure_;
    }
    if (written_offset_.load(std::memory_order_acquire) < offset) {
      return absl::UnavailableError("the log is not written up to this offset yet");
    }
    wanted_ = true;
    work_.notify_one();
    done_.wait(lock);
  }
  return absl::OkStatus();
}

absl::Status Syncer::failure() const {
  const Lock lock(mutex_);
  return failure_;
}

Log::SyncStats Syncer::stats() const {
  const Lock lock(mutex_);
  return stats_;
}

void Syncer::set_listener(std::function<void()> listener) {
  const Lock lock(mutex_);
  listener_ = std::move(listener);
}

absl::Status Syncer::RemoveFiles(std::vector<std::string> paths) {
  const Lock lock(mutex_);
  std::move(paths.begin(), paths.end(), std::back_inserter(removals_));
  work_.notify_one();
  return std::exchange(removal_error_, absl::OkStatus());
}

void Syncer::Run() {
  Lock lock(mutex_);
  while (true) {
    if (wanted_) {
      Sync(lock);
    } else if (HasWork()) {
      RemoveOne(lock);
    } else if (stop_) {
      return;
    } else {
      sleeping_ = true;
      work_.wait(lock, [this] { return stop_ || HasWork(); });
      sleeping_ = false;
    }
  }
}

void Syncer::Sync(Lock& lock) {
  wanted_ = false;
  if (!failure_.ok()) {
    return;
  }
  // Read under the lock: SwitchFile puts a file into the list before any offset in it can be seen
  // here.
  const std::vector<std::shared_ptr<base::File>> files = files_;
  const bool new_entries = std::exchange(new_entries_, false);
  const uint64_t target = written_offset_.load(std::memory_order_acquire);
  const base::SystemClock clock;

  lock.unlock();
  const int64_t begin_us = clock.MonotonicUs();
  base::Failpoint("before log sync");
  absl::Status status;
  for (const auto& file : files) {
    if (!base::LeavesOut("log sync")) {
      status.Update(file->Sync());
    }
  }
  base::Failpoint("after log sync");
  if (new_entries && !base::LeavesOut("log folder sync")) {
    base::Failpoint("before log folder sync");
    status.Update(fs_.SyncDir(dir_));
    base::Failpoint("after log folder sync");
  }
  const auto took_us = static_cast<uint64_t>(clock.MonotonicUs() - begin_us);
  lock.lock();

  ++stats_.syncs;
  stats_.last_us = took_us;
  stats_.max_us = std::max(stats_.max_us, took_us);
  if (status.ok()) {
    // All but the newest of these files were complete before the sync began.
    files_.erase(files_.begin(), files_.begin() + static_cast<std::ptrdiff_t>(files.size()) - 1);
    synced_offset_.store(target, std::memory_order_release);
  } else {
    failure_ = status;
    failed_.store(true, std::memory_order_release);
  }
  done_.notify_all();
  const std::function<void()> listener = listener_;
  lock.unlock();
  if (listener) {
    listener();
  }
  lock.lock();
}

void Syncer::RemoveOne(Lock& lock) {
  const std::string path = removals_.front();
  lock.unlock();
  base::Failpoint("before segment removal");
  absl::Status status = fs_.Remove(path);
  if (absl::IsNotFound(status)) {
    status = absl::OkStatus();
  }
  if (status.ok()) {
    base::Failpoint("before segment removal sync");
    status = fs_.SyncDir(dir_);
    base::Failpoint("after segment removal");
  }
  lock.lock();
  if (status.ok()) {
    removals_.pop_front();
  } else {
    removal_error_ = status;
  }
}

}  // namespace cairn::wal
