// The second thread: brings sealed generations into the store, one after another, and deletes what
// nobody wants any more.
//
// One checkpoint: the log is made lasting up to its offset; the generation is written as a run
// file; it is applied in small synced transactions, the last of which notes the offset; the run
// file is removed. A generation that fits one transaction needs no run file. A step that fails is
// tried again, later and later, until it works or the checkpointer is stopped; nothing is skipped.
// Between steps the thread pauses as long as they took, so that the log's syncs and readers get the
// disk, unless memory is short or somebody waits.
//
// Threads: constructed, used and destroyed by the loop thread; the callbacks run on the
// checkpointer's.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/file.h"
#include "engine/apply.h"
#include "engine/generation.h"
#include "engine/run_file.h"
#include "engine/store.h"

namespace cairn::engine {

struct CheckpointerOptions {
  std::string run_dir;
  ChunkLimits limits;
  std::function<absl::Status(uint64_t offset)> sync_log;
  std::function<void()> on_progress;
};

// A sealed generation and what its checkpoint brings the store to.
struct CheckpointJob {
  std::shared_ptr<const Generation> generation;
  RunTarget target;
  // The run file is there, complete and lasting, and so is the log up to the target: a crash has
  // cut the checkpoint off behind it.
  bool has_run_file = false;
};

// Figures, read together.
struct CheckpointerStats {
  uint64_t finished = 0;
  uint64_t failures = 0;
  bool running = false;
  uint64_t done_records = 0;
  uint64_t total_records = 0;
  int64_t last_us = 0;
  uint64_t drain_rate = 0;  // bytes a second of work, pauses not counted; 0 when unknown
};

class Checkpointer {
 public:
  Checkpointer(base::FileSystem& fs, Store& store, CheckpointerOptions options);
  // Stops after the current step; jobs that are not finished are dropped.
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  void Submit(CheckpointJob job);
  // True once after each progress (chunk, end, failure). Cheap.
  bool TakeProgress() {
    return progress_.load(std::memory_order_relaxed) &&
           progress_.exchange(false, std::memory_order_acquire);
  }
  // The jobs that have been finished since the last call, oldest first.
  std::vector<CheckpointJob> TakeFinished();

  // While held, run files of finished checkpoints stay: a copy of the store that was begun in the
  // middle of one needs its file. Any thread.
  void HoldRunFiles(bool hold);

  // How much of the memory budget writes have taken: below a half the thread works at its ease,
  // above three quarters as fast as it can.
  void SetMemoryUse(uint64_t used, uint64_t budget);
  // While true there are no pauses, and what failed is tried again at once.
  void SetUrgent(bool urgent);
  // Blocks until there is progress that TakeProgress has not told.
  void WaitProgress();

  // Ok, or why the present step does not work.
  [[nodiscard]] absl::Status error() const;
  [[nodiscard]] CheckpointerStats stats() const;

  // True when the store refuses everything until it is reopened. The thread does not touch it from
  // then until Reopened.
  [[nodiscard]] bool WantsReopen() const;
  void Reopened();

  // Adds a prefix whose keys are to be deleted from both tables when there is nothing better to do.
  void Reclaim(std::string prefix);
  [[nodiscard]] bool ReclaimDone() const;

 private:
  using Clock = std::chrono::steady_clock;

  void Run();
  // Carries out a whole job; false when stopped before its end.
  bool RunJob(const CheckpointJob& job);
  void NoteFinished(const CheckpointJob& job, Clock::duration took);
  void ReclaimSlice();
  // Repeats `step` until it is Ok; false when stopped.
  bool Insist(const std::function<absl::Status()>& step);
  void NoteFailure(const absl::Status& status);
  void Progress();
  // Waits, but not when stopped, urgent, or short of memory.
  void PauseAfter(Clock::duration work);
  void BackOff(int attempts);
  [[nodiscard]] bool stopping() const { return stop_.load(std::memory_order_relaxed); }

  // The steps that touch the disk, each by itself so that tests can fail or stop at any of them.
  absl::Status SyncLog(const CheckpointJob& job);
  absl::Status WriteRunFile(const CheckpointJob& job);
  absl::Status ApplyNextChunk(const CheckpointJob& job, GenerationSource* source);
  void RemoveRunFile(const CheckpointJob& job);
  void RemoveKeptRunFiles();
  absl::StatusOr<bool> DeleteSlice(const std::string& prefix);

  base::FileSystem& fs_;
  Store& store_;
  const CheckpointerOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;           // the thread waits on it
  std::condition_variable told_progress_;  // WaitProgress waits on it
  std::deque<CheckpointJob> jobs_;         // the first is being worked on
  std::vector<CheckpointJob> finished_;
  std::deque<std::string> reclaims_;
  absl::Status error_;
  CheckpointerStats stats_;
  bool hold_run_files_ = false;
  std::vector<std::string> kept_run_files_;  // paths, no longer needed once nothing is held
  bool urgent_ = false;
  bool wants_reopen_ = false;
  double ease_ = 1.0;  // pause per time of work, 0 to 1

  std::atomic<bool> progress_ = false;
  std::atomic<bool> stop_ = false;
  Clock::duration busy_{};  // work on the present job, pauses not counted; the thread's own
  std::thread thread_;      // last: it uses all of the above
};

}  // namespace cairn::engine
