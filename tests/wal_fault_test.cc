// Calls that fail: nothing appended is lost, the error is sticky until the disk works, and Recover
// gets out of it.
#include <cerrno>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wal/log.h"
#include "wal_testing.h"

namespace cairn::wal {
namespace {

using test::MemoryFs;
using Op = MemoryFs::Op;

LogOptions SmallSegments() {
  LogOptions options = TestOptions();
  options.segment_size = 400;
  return options;
}

TEST(WalFaultTest, AFailedWriteIsTriedAgainAtTheSamePlace) {
  for (size_t partial = 0; partial < 200; partial += 7) {
    MemoryFs fs;
    auto log = OpenLog(fs);
    AppendStream(*log, 50);
    ASSERT_TRUE(log->Flush(1).ok());
    AppendStream(*log, 60);
    fs.Inject({.op = Op::kWrite, .error = ENOSPC, .partial_bytes = partial});
    EXPECT_TRUE(absl::IsResourceExhausted(log->Flush(2)));
    EXPECT_TRUE(absl::IsResourceExhausted(log->error()));
    EXPECT_EQ(log->written_offset(), 50U);
    EXPECT_EQ(log->appended_offset(), 110U);
    AppendStream(*log, 70);
    EXPECT_TRUE(log->Flush(3).ok());
    EXPECT_EQ(log->written_offset(), 180U);
    // Sticky until it is lasting.
    EXPECT_TRUE(absl::IsResourceExhausted(log->error()));
    EXPECT_TRUE(absl::IsResourceExhausted(log->Flush(4)));
    ASSERT_TRUE(log->SyncNow().ok());
    EXPECT_TRUE(log->error().ok());
    EXPECT_TRUE(HoldsStream(*log, 180));
    auto disk = fs.Crash(partial);
    auto after = OpenLog(*disk);
    EXPECT_TRUE(HoldsStream(*after, 180));
  }
}

TEST(WalFaultTest, AHalfWrittenRecordIsCutAfterAKill) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  AppendStream(*log, 50);
  ASSERT_TRUE(log->Flush(1).ok());
  AppendStream(*log, 60);
  fs.Inject({.op = Op::kWrite, .partial_bytes = 90});
  EXPECT_FALSE(log->Flush(2).ok());
  auto after = fs.Kill();
  OpenReport report;
  auto reopened = OpenLog(*after, TestOptions(), &report);
  EXPECT_EQ(report.cut_bytes, 90U);
  EXPECT_THAT(report.cut_reason, testing::HasSubstr("byte 162 (stream offset 50)"));
  EXPECT_TRUE(HoldsStream(*reopened, 50));
}

TEST(WalFaultTest, AFullDiskAndItsEnd) {
  MemoryFs fs;
  auto log = OpenLog(fs, SmallSegments());
  fs.set_capacity(2000);
  while (log->error().ok()) {
    AppendStream(*log, 90);
    log->Flush(1).IgnoreError();
  }
  const uint64_t end = log->appended_offset();
  EXPECT_LT(log->written_offset(), end);
  EXPECT_FALSE(log->Recover(2).ok());
  // Reads go on.
  EXPECT_EQ(ReadFrom(*log, 0).bytes, Stream(0, log->written_offset()));
  fs.set_capacity(1 << 20);
  EXPECT_TRUE(log->Recover(3).ok());
  EXPECT_TRUE(log->error().ok());
  EXPECT_EQ(log->synced_offset(), end);
  EXPECT_TRUE(HoldsStream(*log, end));
}

TEST(WalFaultTest, AFailedSyncIsFinalUntilRecover) {
  MemoryFs fs;
  auto log = OpenLog(fs, SmallSegments());
  AppendStream(*log, 100);
  ASSERT_TRUE(log->Flush(1).ok());
  ASSERT_TRUE(log->SyncNow().ok());
  AppendStream(*log, 100);
  ASSERT_TRUE(log->Flush(2).ok());
  fs.Inject({.op = Op::kSync});
  EXPECT_TRUE(absl::IsInternal(log->SyncNow()));
  EXPECT_TRUE(absl::IsInternal(log->error()));
  // The kernel would report success now, but the bytes are gone from the disk.
  EXPECT_TRUE(absl::IsInternal(log->SyncNow()));
  const uint64_t syncs = fs.calls(Op::kSync);
  log->RequestSync();
  AppendStream(*log, 100);
  EXPECT_TRUE(absl::IsInternal(log->Flush(3)));
  EXPECT_EQ(fs.calls(Op::kSync), syncs);
  EXPECT_EQ(log->synced_offset(), 100U);

  ASSERT_TRUE(log->Recover(4).ok());
  EXPECT_TRUE(log->error().ok());
  EXPECT_EQ(log->synced_offset(), 300U);
  EXPECT_EQ(log->written_offset(), 300U);
  EXPECT_TRUE(HoldsStream(*log, 300));
  for (uint64_t seed = 0; seed < 50; ++seed) {
    auto disk = fs.Crash(seed);
    auto after = OpenLog(*disk, SmallSegments());
    EXPECT_TRUE(HoldsStream(*after, 300));
  }
  AppendStream(*log, 500);
  ASSERT_TRUE(log->Flush(5).ok());
  ASSERT_TRUE(log->SyncNow().ok());
  EXPECT_TRUE(HoldsStream(*log, 800));
}

// Several segments were begun since the last good sync; the one that is written anew replaces them
// all.
TEST(WalFaultTest, RecoverReplacesSegments) {
  for (const uint64_t lasting : {0, 100, 1000}) {
    MemoryFs fs;
    auto log = OpenLog(fs, SmallSegments());
    AppendStream(*log, lasting);
    ASSERT_TRUE(log->Flush(1).ok());
    ASSERT_TRUE(log->SyncNow().ok());
    auto reader = log->NewReader(0);
    for (int i = 0; i < 12; ++i) {
      AppendStream(*log, 100);
      ASSERT_TRUE(log->Flush(2).ok());
    }
    const uint64_t end = log->appended_offset();
    ASSERT_TRUE((*reader)->Next().ok());
    fs.Inject({.op = Op::kSync});
    EXPECT_FALSE(log->SyncNow().ok());
    ASSERT_TRUE(log->Recover(3).ok());
    EXPECT_TRUE(HoldsStream(*log, end));
    // A reader from before goes on, across to the new segment.
    uint64_t next = lasting == 0 ? 100 : lasting;
    for (auto record = (*reader)->Next(); record.ok(); record = (*reader)->Next()) {
      EXPECT_EQ(record->offset, next);
      EXPECT_EQ(record->payload, Stream(next, record->payload.size()));
      next += record->payload.size();
    }
    EXPECT_EQ(next, end);
    for (uint64_t seed = 0; seed < 20; ++seed) {
      auto disk = fs.Crash(seed);
      auto after = OpenLog(*disk, SmallSegments());
      EXPECT_TRUE(HoldsStream(*after, end));
    }
    EXPECT_GE(FileBytes(fs), log->disk_bytes());
  }
}

// A segment could neither be begun nor deleted again; its empty file must not stand among later
// segments.
TEST(WalFaultTest, RecoverRemovesWhatAFailedRollLeft) {
  MemoryFs fs;
  auto log = OpenLog(fs, SmallSegments());
  AppendStream(*log, 450);
  ASSERT_TRUE(log->Flush(1).ok());
  AppendStream(*log, 100);
  fs.Inject({.op = Op::kWrite});
  fs.Inject({.op = Op::kRemove});
  EXPECT_FALSE(log->Flush(2).ok());
  ASSERT_EQ(fs.List(kDir).value().size(), 2U);
  fs.Inject({.op = Op::kSync});
  EXPECT_FALSE(log->SyncNow().ok());
  ASSERT_TRUE(log->Recover(3).ok());
  for (int i = 0; i < 10; ++i) {
    AppendStream(*log, 300);
    ASSERT_TRUE(log->Flush(4).ok());
  }
  ASSERT_TRUE(log->SyncNow().ok());
  log.reset();
  log = OpenLog(fs, SmallSegments());
  ASSERT_NE(log, nullptr);
  EXPECT_TRUE(HoldsStream(*log, 3550));
}

// What is not lasting is kept in memory, however much it is and whatever came between.
TEST(WalFaultTest, RecoverWritesAllThatWasNotLasting) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  AppendStream(*log, 1000);
  ASSERT_TRUE(log->Flush(1).ok());
  ASSERT_TRUE(log->SyncNow().ok());
  for (int i = 0; i < 60; ++i) {
    AppendStream(*log, i == 30 ? 3 << 20 : 90'000);
    ASSERT_TRUE(log->Flush(2 + i).ok());
    ASSERT_TRUE(log->Flush(2 + i).ok());
  }
  AppendStream(*log, 10);  // appended, not flushed: written by Recover too
  const uint64_t end = log->appended_offset();
  fs.Inject({.op = Op::kSync});
  EXPECT_FALSE(log->SyncNow().ok());
  ASSERT_TRUE(log->Recover(100).ok());
  EXPECT_EQ(log->synced_offset(), end);
  EXPECT_TRUE(HoldsStream(*log, end));
  // Records that were in the file keep the time at which they were written.
  auto reader = log->NewReader(1000);
  EXPECT_EQ((*reader)->Next()->time_ms, 2);
  EXPECT_EQ((*log->NewReader(end - 1).value()).Next()->time_ms, 100);
  auto disk = fs.Crash(1);
  auto after = OpenLog(*disk);
  EXPECT_TRUE(HoldsStream(*after, end));
}

// The process dies after a failed sync: the next one reads the bytes, but must write them again to
// make them lasting.
TEST(WalFaultTest, OpenMakesLastingWhatAFailedSyncLost) {
  MemoryFs fs;
  auto log = OpenLog(fs, SmallSegments());
  for (int i = 0; i < 10; ++i) {
    AppendStream(*log, 100);
    ASSERT_TRUE(log->Flush(2).ok());
  }
  fs.Inject({.op = Op::kSync, .nth = 1, .times = 10});
  EXPECT_FALSE(log->SyncNow().ok());
  auto after = fs.Kill();
  auto reopened = OpenLog(*after, SmallSegments());
  EXPECT_EQ(reopened->synced_offset(), 1000U);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    auto disk = after->Crash(seed);
    auto again = OpenLog(*disk, SmallSegments());
    EXPECT_TRUE(HoldsStream(*again, 1000));
  }
}

TEST(WalFaultTest, AMarkThatCannotBeWrittenHurtsNobody) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  AppendStream(*log, 10);
  ASSERT_TRUE(log->Flush(1).ok());
  ASSERT_TRUE(log->WaitSynced(10).ok());
  fs.Inject({.op = Op::kWrite, .partial_bytes = 20});
  EXPECT_TRUE(log->SyncNow().ok());
  EXPECT_TRUE(log->error().ok());
  AppendStream(*log, 10);
  ASSERT_TRUE(log->Flush(2).ok());
  EXPECT_TRUE(HoldsStream(*log, 20));
}

TEST(WalFaultTest, ADeletionThatFailsIsReportedAndTriedAgain) {
  MemoryFs fs;
  auto log = OpenLog(fs, SmallSegments());
  for (int i = 0; i < 20; ++i) {
    AppendStream(*log, 100);
    ASSERT_TRUE(log->Flush(2).ok());
  }
  ASSERT_TRUE(log->SyncNow().ok());
  fs.Inject({.op = Op::kRemove});
  ASSERT_TRUE(log->DropBefore(1000).ok());
  absl::Status status;
  while (status.ok()) {  // until the helper thread has met the error
    status = log->DropBefore(1000);
  }
  EXPECT_TRUE(absl::IsInternal(status));
  const uint64_t first = log->first_offset();
  log.reset();
  log = OpenLog(fs, SmallSegments());
  EXPECT_EQ(log->first_offset(), first);
}

// Writes, syncs, rolls, drops and reads; every error is answered by Recover until the disk works
// again.
void Scenario(MemoryFs& fs, Log& log) {
  for (int i = 0; i < 15; ++i) {
    AppendStream(log, 120);
    log.Flush(i).IgnoreError();
    if (i % 4 == 3) {
      log.SyncNow().IgnoreError();
    }
    if (i == 9) {
      log.DropBefore(600).IgnoreError();
    }
    for (int attempts = 0; !log.error().ok() && attempts < 5; ++attempts) {
      log.Recover(i).IgnoreError();
    }
  }
  fs.ClearFaults();
  EXPECT_TRUE(log.Recover(100).ok());
  EXPECT_TRUE(log.Flush(100).ok());
  EXPECT_TRUE(log.SyncNow().ok());
  EXPECT_EQ(log.synced_offset(), 15U * 120);
}

TEST(WalFaultTest, AFaultAtEveryCallInTurn) {
  const uint64_t calls = [] {
    MemoryFs fs;
    auto log = OpenLog(fs, SmallSegments());
    const uint64_t before = fs.calls();
    Scenario(fs, *log);
    return fs.calls() - before;
  }();
  ASSERT_GT(calls, 30U);
  for (const uint64_t times : {1, 2, 5}) {
    for (uint64_t nth = 1; nth <= calls + 5; ++nth) {
      SCOPED_TRACE(nth);
      MemoryFs fs;
      auto log = OpenLog(fs, SmallSegments());
      fs.Inject(
          {.op = std::nullopt, .nth = nth, .times = times, .error = EIO, .partial_bytes = nth * 3});
      Scenario(fs, *log);
      EXPECT_TRUE(HoldsStream(*log, 15U * 120));
      auto disk = fs.Crash(nth);
      log.reset();
      auto after = OpenLog(*disk, SmallSegments());
      ASSERT_NE(after, nullptr);
      EXPECT_TRUE(HoldsStream(*after, 15U * 120));
      auto again = OpenLog(fs, SmallSegments());
      ASSERT_NE(again, nullptr);
      EXPECT_TRUE(HoldsStream(*again, 15U * 120));
    }
  }
}

// As above, and the power fails while the log is still in error.
TEST(WalFaultTest, APowerCutInTheMiddleOfRecover) {
  for (uint64_t nth = 1; nth < 12; ++nth) {
    for (uint64_t seed = 0; seed < 30; ++seed) {
      SCOPED_TRACE(nth * 1000 + seed);
      MemoryFs fs;
      auto log = OpenLog(fs, SmallSegments());
      for (int i = 0; i < 12; ++i) {
        AppendStream(*log, 100);
        ASSERT_TRUE(log->Flush(i).ok());
        if (i == 3) {
          ASSERT_TRUE(log->SyncNow().ok());
        }
      }
      fs.Inject({.op = Op::kSync});
      ASSERT_FALSE(log->SyncNow().ok());
      fs.Inject({.op = std::nullopt, .nth = nth, .times = 1'000'000});
      const bool recovered = log->Recover(50).ok();
      const uint64_t synced = log->synced_offset();
      ASSERT_EQ(synced, recovered ? 1200U : 400U);
      auto disk = fs.Crash(seed);
      OpenReport report;
      auto after = OpenLog(*disk, SmallSegments(), &report);
      ASSERT_NE(after, nullptr);
      EXPECT_GE(report.end_offset, synced);
      EXPECT_TRUE(HoldsStream(*after, report.end_offset));
      // A mere kill loses nothing at all.
      auto alive = fs.Kill();
      auto killed = OpenLog(*alive, SmallSegments(), &report);
      ASSERT_NE(killed, nullptr);
      EXPECT_TRUE(HoldsStream(*killed, 1200));
    }
  }
}

}  // namespace
}  // namespace cairn::wal
