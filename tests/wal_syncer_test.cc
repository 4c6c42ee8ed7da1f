// The helper thread: group commit, rolls during a sync, bounds, waiting from other threads.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "wal/log.h"
#include "wal_testing.h"

namespace cairn::wal {
namespace {

using test::MemoryFs;
using Op = MemoryFs::Op;

// Counts what the listener is told, and lets a test wait for it.
class Listener {
 public:
  std::function<void()> Callback() {
    return [this] {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++calls_;
      changed_.notify_all();
    };
  }
  void WaitFor(int calls) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return calls_ >= calls; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int calls_ = 0;
};

void Write(Log& log, size_t size) {
  AppendStream(log, size);
  ASSERT_TRUE(log.Flush(1).ok());
}

TEST(WalSyncerTest, TellsTheListenerAfterEachSync) {
  MemoryFs fs;
  Listener listener;
  auto log = OpenLog(fs);
  log->set_sync_listener(listener.Callback());
  Write(*log, 10);
  log->RequestSync();
  listener.WaitFor(1);
  EXPECT_EQ(log->synced_offset(), 10U);
  EXPECT_EQ(log->sync_stats().syncs, 1U);
  EXPECT_GE(log->sync_stats().max_us, log->sync_stats().last_us);
  Write(*log, 10);
  fs.Inject({.op = Op::kSync});
  log->RequestSync();
  listener.WaitFor(2);  // also when it failed
  EXPECT_FALSE(log->error().ok());
  EXPECT_EQ(log->synced_offset(), 10U);
}

TEST(WalSyncerTest, OneSyncServesAllRequestsThatCameDuringAnother) {
  MemoryFs fs;
  Listener listener;
  auto log = OpenLog(fs);
  log->set_sync_listener(listener.Callback());
  fs.HoldSyncs();
  Write(*log, 10);
  log->RequestSync();
  fs.WaitForHeldSync();
  for (int i = 0; i < 100; ++i) {
    Write(*log, 10);
    log->RequestSync();
  }
  EXPECT_EQ(log->synced_offset(), 0U);
  fs.ReleaseSyncs();
  listener.WaitFor(2);
  EXPECT_EQ(log->synced_offset(), 1010U);
  EXPECT_EQ(log->sync_stats().syncs, 2U);
}

TEST(WalSyncerTest, NothingToSyncNeedsNoSync) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  const uint64_t syncs = fs.calls(Op::kSync);
  log->RequestSync();
  EXPECT_TRUE(log->SyncNow().ok());
  EXPECT_TRUE(log->WaitSynced(0).ok());
  log.reset();
  EXPECT_EQ(fs.calls(Op::kSync), syncs);
}

TEST(WalSyncerTest, SegmentsRollWhileASyncRuns) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.segment_size = 200;
  auto log = OpenLog(fs, options);
  fs.HoldSyncs();
  Write(*log, 100);
  log->RequestSync();
  fs.WaitForHeldSync();
  for (int i = 0; i < 20; ++i) {
    Write(*log, 100);
  }
  // Only what the running sync covers becomes lasting by it.
  fs.ReleaseSyncs();
  ASSERT_TRUE(log->WaitSynced(100).ok());
  for (uint64_t seed = 0; seed < 50; ++seed) {
    OpenReport report;
    auto disk = fs.Crash(seed);
    auto after = OpenLog(*disk, options, &report);
    ASSERT_NE(after, nullptr);
    EXPECT_GE(report.end_offset, 100U);
  }
  ASSERT_TRUE(log->SyncNow().ok());
  for (uint64_t seed = 0; seed < 50; ++seed) {
    auto disk = fs.Crash(seed);
    auto after = OpenLog(*disk, options);
    ASSERT_NE(after, nullptr);
    EXPECT_TRUE(HoldsStream(*after, 2100));
  }
}

TEST(WalSyncerTest, SyncsByItselfAfterSoManyBytes) {
  MemoryFs fs;
  Listener listener;
  LogOptions options = TestOptions();
  options.sync_every_bytes = 1000;
  auto log = OpenLog(fs, options);
  log->set_sync_listener(listener.Callback());
  for (int i = 0; i < 9; ++i) {
    Write(*log, 100);
  }
  EXPECT_EQ(log->sync_stats().syncs, 0U);
  Write(*log, 100);
  listener.WaitFor(1);
  EXPECT_EQ(log->synced_offset(), 1000U);
}

TEST(WalSyncerTest, FlushWaitsWhenTooMuchIsNotLasting) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.sync_every_bytes = 400;
  options.max_unsynced_bytes = 1000;
  auto log = OpenLog(fs, options);
  for (int i = 0; i < 10'000; ++i) {
    Write(*log, 100);
    ASSERT_LE(log->written_offset() - log->synced_offset(), 1000U);
  }
  EXPECT_TRUE(HoldsStream(*log, 1'000'000));
  // A single record may be larger than the bound.
  Write(*log, 5000);
  EXPECT_EQ(log->written_offset(), 1'005'000U);
  // A sync that fails ends the waiting.
  ASSERT_TRUE(log->SyncNow().ok());
  fs.Inject({.op = Op::kSync, .nth = 1, .times = 1000});
  Write(*log, 900);
  AppendStream(*log, 200);
  EXPECT_FALSE(log->Flush(2).ok());
  EXPECT_EQ(log->written_offset(), 1'005'900U);
  fs.ClearFaults();
  EXPECT_TRUE(log->Recover(3).ok());
  EXPECT_TRUE(HoldsStream(*log, 1'006'100));
}

TEST(WalSyncerTest, OtherThreadsWaitForWhatIsLasting) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.segment_size = 2000;
  auto log = OpenLog(fs, options);
  std::atomic<uint64_t> written = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.emplace_back([&] {
      while (!stop) {
        const uint64_t offset = written;
        EXPECT_TRUE(log->WaitSynced(offset).ok());
        EXPECT_GE(log->synced_offset(), offset);
        log->RequestSync();
      }
    });
  }
  for (int i = 0; i < 3000; ++i) {
    Write(*log, 50);
    written = log->written_offset();
    if (i % 500 == 0) {
      EXPECT_TRUE(log->DropBefore(log->synced_offset() / 2).ok());
    }
  }
  stop = true;
  for (std::thread& waiter : waiters) {
    waiter.join();
  }
  EXPECT_TRUE(absl::IsUnavailable(log->WaitSynced(log->written_offset() + 1)));
  EXPECT_TRUE(HoldsStream(*log, 150'000));
}

TEST(WalSyncerTest, TheEndWaitsForARunningSync) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  Write(*log, 10);
  fs.HoldSyncs();
  log->RequestSync();
  fs.WaitForHeldSync();
  std::thread releasing([&] { fs.ReleaseSyncs(); });
  log.reset();
  releasing.join();
  log = OpenLog(fs);
  EXPECT_TRUE(HoldsStream(*log, 10));
}

}  // namespace
}  // namespace cairn::wal
