// A consistent copy of the store, made while the engine goes on: every record of one read
// transaction, verified against its checksum, written into a new store beside.
//
// When the store is in the middle of a checkpoint, the copy is so too and gets a copy of that
// checkpoint's run file, so that Engine::Open finds there what it would have found here.
//
//   <dir>/store   a store of its own, without free pages
//   <dir>/run     the run file, when there is one
//
// Threads: constructed, asked and destroyed by the loop thread; it has one of its own, on which
// on_progress runs. The store must not be reopened or destroyed before the copy is.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "engine/apply.h"
#include "engine/checkpointer.h"
#include "engine/engine.h"
#include "engine/store.h"

namespace cairn::engine {

class StoreCopy {
 public:
  // Takes the snapshot and begins. `dir` must exist and have neither `store` nor `run` in it.
  static absl::StatusOr<std::unique_ptr<StoreCopy>> Start(base::FileSystem& fs, Store& store,
                                                          Checkpointer& checkpointer,
                                                          std::string run_dir, std::string dir,
                                                          ChunkLimits limits,
                                                          std::function<void()> on_progress);
  ~StoreCopy() { Stop(); }
  StoreCopy(const StoreCopy&) = delete;
  StoreCopy& operator=(const StoreCopy&) = delete;

  // Gives up, when it is still running, and waits for the thread. What was written stays.
  void Stop();
  [[nodiscard]] CopyProgress progress() const;

 private:
  using Clock = std::chrono::steady_clock;

  StoreCopy(base::FileSystem& fs, Checkpointer& checkpointer, std::string run_dir, std::string dir,
            ChunkLimits limits, std::function<void()> on_progress);

  void Run();
  absl::Status Copy();
  absl::Status CopyRunFile();
  absl::Status CopyTable(Table table, Store& to);
  absl::Status Finish(Store& to);
  void PauseFor(int64_t work_us);

  base::FileSystem& fs_;
  Checkpointer& checkpointer_;
  const std::string run_dir_;
  const std::string dir_;
  const ChunkLimits limits_;
  const std::function<void()> on_progress_;
  std::unique_ptr<StoreReader> reader_;
  StoreState state_;

  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;
  std::condition_variable wake_;  // PauseFor waits on it
  CopyProgress progress_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace cairn::engine
