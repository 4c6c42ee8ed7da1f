// The log's helper thread: makes written bytes lasting, and deletes segments that are no longer
// wanted.
//
// The loop thread says what is written (Advance, SwitchFile) and asks for a sync; requests that
// come during a sync are joined into the next one, which covers everything written by then. A
// failed sync is final: the kernel may have dropped the bytes and would report success the next
// time, so nothing is synced any more until Restart.
//
// Thread: each function says who may call it. Lifetime: the destructor ends the running sync,
// deletes what is still to be deleted and joins the thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/file.h"
#include "wal/log.h"

namespace cairn::wal {

class Syncer {
 public:
  // `file`: the segment that is written now, of folder `dir`. Everything before `synced_offset` is
  // lasting.
  Syncer(base::FileSystem& fs, std::string dir, std::shared_ptr<base::File> file,
         uint64_t synced_offset);
  ~Syncer();
  Syncer(const Syncer&) = delete;
  Syncer& operator=(const Syncer&) = delete;

  // Loop thread: everything before `written_offset` is in the files.
  void Advance(uint64_t written_offset) {
    written_offset_.store(written_offset, std::memory_order_release);
  }
  // Loop thread: what is written from now on goes to `file`, whose folder entry is not lasting yet.
  void SwitchFile(std::shared_ptr<base::File> file);
  // Loop thread, after a failure: everything before `synced_offset` is lasting again, and `file` is
  // written from now on.
  void Restart(std::shared_ptr<base::File> file, uint64_t synced_offset);

  // Any thread: asks for a sync of all that is written; nothing when all of it is lasting, or after
  // a failure.
  void Request();
  // Any thread: asks for a sync and waits until everything before `offset` is lasting. kUnavailable
  // when `offset` is not written yet, or the failure.
  absl::Status WaitFor(uint64_t offset);
  // Any thread.
  [[nodiscard]] uint64_t synced_offset() const {
    return synced_offset_.load(std::memory_order_acquire);
  }
  [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_acquire); }
  [[nodiscard]] absl::Status failure() const;
  [[nodiscard]] Log::SyncStats stats() const;

  void set_listener(std::function<void()> listener);

  // Loop thread: deletes the files one after another, each deletion lasting before the next begins,
  // so that a power cut leaves no gap among them. Returns the failure of an earlier deletion, which
  // is then tried again.
  absl::Status RemoveFiles(std::vector<std::string> paths);

 private:
  using Lock = std::unique_lock<std::mutex>;

  void Run();
  // One sync. Leaves the lock while the disk works.
  void Sync(Lock& lock);
  void RemoveOne(Lock& lock);
  [[nodiscard]] bool HasWork() const {
    return wanted_ || (!removals_.empty() && removal_error_.ok());
  }

  base::FileSystem& fs_;
  const std::string dir_;
  std::atomic<uint64_t> written_offset_;
  std::atomic<uint64_t> synced_offset_;
  std::atomic<bool> failed_ = false;

  mutable std::mutex mutex_;
  std::condition_variable work_;  // for the helper thread
  std::condition_variable done_;  // for those who wait
  // All below are guarded by mutex_.
  std::vector<std::shared_ptr<base::File>>
      files_;                 // with bytes that are not lasting; the last one is written now
  bool new_entries_ = false;  // one of them has a folder entry that is not lasting
  bool wanted_ = false;
  bool sleeping_ = false;
  bool stop_ = false;
  absl::Status failure_;
  std::deque<std::string> removals_;
  absl::Status removal_error_;
  std::function<void()> listener_;
  Log::SyncStats stats_;

  std::thread thread_;  // last: starts when all else is there
};

}  // namespace cairn::wal
