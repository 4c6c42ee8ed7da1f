// The log in ordinary use: append, flush, reopen, segments, drops.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"
#include "wal/format.h"
#include "wal/log.h"
#include "wal_testing.h"

namespace cairn::wal {
namespace {

using test::MemoryFs;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr size_t kMiB = size_t{1} << 20;

TEST(WalLogTest, BytesComeBackAsTheyWereAppended) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  EXPECT_EQ(log->appended_offset(), 0U);
  EXPECT_EQ(log->Append("one"), 3U);
  EXPECT_EQ(log->Append(""), 3U);
  EXPECT_EQ(log->Append("two"), 6U);
  EXPECT_EQ(log->written_offset(), 0U);
  ASSERT_TRUE(log->Flush(5).ok());
  EXPECT_EQ(log->written_offset(), 6U);
  EXPECT_EQ(log->synced_offset(), 0U);
  log->Append("three");
  ASSERT_TRUE(log->Flush(6).ok());
  ASSERT_TRUE(log->SyncNow().ok());
  EXPECT_EQ(log->synced_offset(), 11U);

  auto reader = log->NewReader(0);
  ASSERT_TRUE(reader.ok());
  auto record = (*reader)->Next();
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->offset, 0U);
  EXPECT_EQ(record->time_ms, 5);
  EXPECT_EQ(record->payload, "onetwo");
  record = (*reader)->Next();
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->offset, 6U);
  EXPECT_EQ(record->time_ms, 6);
  EXPECT_EQ(record->payload, "three");
  EXPECT_TRUE(absl::IsOutOfRange((*reader)->Next().status()));
}

TEST(WalLogTest, FlushWithoutBytesWritesNothing) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  const uint64_t writes = fs.calls(MemoryFs::Op::kWrite);
  ASSERT_TRUE(log->Flush(1).ok());
  log->Append("");
  ASSERT_TRUE(log->Flush(1).ok());
  EXPECT_EQ(fs.calls(MemoryFs::Op::kWrite), writes);
}

TEST(WalLogTest, OneWritePerFlush) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  const uint64_t writes = fs.calls(MemoryFs::Op::kWrite);
  for (int i = 0; i < 1000; ++i) {
    AppendStream(*log, 130);
  }
  ASSERT_TRUE(log->Flush(1).ok());
  EXPECT_EQ(fs.calls(MemoryFs::Op::kWrite), writes + 1);
  EXPECT_THAT(ReadFrom(*log, 0).records, ElementsAre(130'000));
}

TEST(WalLogTest, ReopensWhereItEnded) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.start_offset = 77;
  auto log = OpenLog(fs, options);
  EXPECT_EQ(log->first_offset(), 77U);
  for (int round = 0; round < 5; ++round) {
    AppendStream(*log, 100);
    ASSERT_TRUE(log->Flush(round).ok());
    AppendStream(*log, 50);
    ASSERT_TRUE(log->Flush(round).ok());
    log.reset();
    OpenReport report;
    options.start_offset = 0;  // only an empty log begins where the options say
    log = OpenLog(fs, options, &report);
    const uint64_t end = 77 + 150 * (static_cast<uint64_t>(round) + 1);
    EXPECT_EQ(report.first_offset, 77U);
    EXPECT_EQ(report.end_offset, end);
    EXPECT_EQ(report.segments, 1U);
    EXPECT_EQ(report.cut_bytes, 0U);
    EXPECT_EQ(report.cut_reason, "");
    EXPECT_EQ(log->appended_offset(), end);
    EXPECT_EQ(log->written_offset(), end);
    EXPECT_EQ(log->synced_offset(), end);
    EXPECT_TRUE(HoldsStream(*log, end));
  }
}

TEST(WalLogTest, WhatWasNotFlushedIsGone) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  AppendStream(*log, 10);
  ASSERT_TRUE(log->Flush(1).ok());
  AppendStream(*log, 10);
  log.reset();
  log = OpenLog(fs);
  EXPECT_TRUE(HoldsStream(*log, 10));
}

TEST(WalLogTest, ARecordPastOneMiBIsClosedByTheAppendThatCrosses) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  AppendStream(*log, kMiB - 10);
  AppendStream(*log, 10);  // exactly 1 MiB: not past it
  AppendStream(*log, 5);   // crosses
  AppendStream(*log, 100);
  ASSERT_TRUE(log->Flush(1).ok());
  AppendStream(*log, 3 * kMiB);  // one Append, one record
  AppendStream(*log, 1);
  ASSERT_TRUE(log->Flush(2).ok());
  const ReadBack read = ReadFrom(*log, 0);
  EXPECT_THAT(read.records, ElementsAre(kMiB + 5, 100, 3 * kMiB, 1));
  EXPECT_EQ(read.bytes, Stream(0, 4 * kMiB + 106));
}

TEST(WalLogTest, AppendsOfManySizesKeepTheirOrder) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.segment_size = 3 * kMiB;
  options.max_unsynced_bytes = 4 * kMiB;
  auto log = OpenLog(fs, options);
  size_t size = 1;
  for (int i = 0; i < 400; ++i) {
    size = (size * 7919 + 13) % (i % 50 == 0 ? 2 * kMiB : 20'000);
    AppendStream(*log, size);
    if (i % 3 == 0) {
      ASSERT_TRUE(log->Flush(i).ok());
    }
  }
  ASSERT_TRUE(log->Flush(1000).ok());
  const uint64_t end = log->appended_offset();
  EXPECT_TRUE(HoldsStream(*log, end));
  log.reset();
  log = OpenLog(fs, options);
  EXPECT_TRUE(HoldsStream(*log, end));
}

TEST(WalLogTest, LargeRecords) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  const std::string large(80 * kMiB, 'v');
  log->Append("before");
  log->Append(large);
  ASSERT_TRUE(log->Flush(1).ok());
  log->Append("after");
  ASSERT_TRUE(log->Flush(2).ok());
  log.reset();
  log = OpenLog(fs);
  const ReadBack read = ReadFrom(*log, 0);
  EXPECT_THAT(read.records, ElementsAre(large.size() + 6, 5));
  EXPECT_TRUE(read.bytes == "before" + large + "after");
}

// Needs 4 GB of memory and of disk; run by hand (--gtest_also_run_disabled_tests).
TEST(WalLogTest, DISABLED_ARecordOverOneGiB) {
  const test::TempDir folder;
  LogOptions options = TestOptions();
  options.dir = folder.path() + "/log";
  const size_t size = 1024 * kMiB + 12345;
  {
    auto log = OpenLog(base::PosixFileSystem(), options);
    log->Append("x");
    log->Append(std::string(size, 'v'));
    ASSERT_TRUE(log->Flush(1).ok());
    log->Append("y");
    ASSERT_TRUE(log->Flush(1).ok());
    ASSERT_TRUE(log->SyncNow().ok());
  }
  auto log = OpenLog(base::PosixFileSystem(), options);
  EXPECT_EQ(log->written_offset(), size + 2);
  auto reader = log->NewReader(5);
  ASSERT_TRUE(reader.ok());
  auto record = (*reader)->Next();
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->payload.size(), size + 1);
  EXPECT_EQ(record->payload.find_first_not_of('v', 1), std::string_view::npos);
  EXPECT_EQ((*reader)->Next()->payload, "y");
}

TEST(WalLogTest, SegmentsRollAndChain) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.segment_size = 1000;
  auto log = OpenLog(fs, options);
  for (int i = 0; i < 50; ++i) {
    AppendStream(*log, 200);
    ASSERT_TRUE(log->Flush(i).ok());
  }
  const auto names = fs.List(kDir).value();
  EXPECT_GT(names.size(), 8U);
  EXPECT_EQ(log->disk_bytes(), FileBytes(fs));
  EXPECT_TRUE(HoldsStream(*log, 10'000));
  ASSERT_TRUE(log->SyncNow().ok());
  OpenReport report;
  log.reset();
  log = OpenLog(fs, options, &report);
  EXPECT_EQ(report.segments, names.size());
  EXPECT_EQ(report.end_offset, 10'000U);
  EXPECT_TRUE(HoldsStream(*log, 10'000));
}

TEST(WalLogTest, ATinySegmentSizeHoldsOneFlushEach) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.segment_size = 1;
  auto log = OpenLog(fs, options);
  for (int i = 0; i < 5; ++i) {
    AppendStream(*log, 10);
    ASSERT_TRUE(log->Flush(i).ok());
  }
  EXPECT_THAT(fs.List(kDir).value(), SizeIs(5));
  EXPECT_TRUE(HoldsStream(*log, 50));
}

TEST(WalLogTest, OpenReadsOnlyTheTail) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.segment_size = 100'000;
  auto log = OpenLog(fs, options);
  for (int i = 0; i < 50; ++i) {
    AppendStream(*log, 60'000);
    ASSERT_TRUE(log->Flush(i).ok());
    ASSERT_TRUE(log->SyncNow().ok());
  }
  const size_t segments = fs.List(kDir).value().size();
  EXPECT_GT(segments, 20U);
  log.reset();
  const uint64_t reads = fs.calls(MemoryFs::Op::kRead);
  log = OpenLog(fs, options);
  // One for each header, and a few for the last segment.
  EXPECT_LE(fs.calls(MemoryFs::Op::kRead) - reads, segments + 10);
}

TEST(WalLogTest, DropsWholeSegmentsThatAreNotWanted) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.segment_size = 1000;
  auto log = OpenLog(fs, options);
  for (int i = 0; i < 50; ++i) {
    AppendStream(*log, 200);
    ASSERT_TRUE(log->Flush(i).ok());
  }
  ASSERT_TRUE(log->SyncNow().ok());
  const uint64_t before = log->disk_bytes();
  ASSERT_TRUE(log->DropBefore(5000).ok());
  EXPECT_LE(log->first_offset(), 5000U);
  EXPECT_GT(log->first_offset(), 3000U);
  EXPECT_LT(log->disk_bytes(), before);
  EXPECT_TRUE(absl::IsNotFound(log->NewReader(0).status()));
  EXPECT_TRUE(HoldsStream(*log, 10'000));
  const uint64_t first = log->first_offset();
  log.reset();  // waits for the deletions
  log = OpenLog(fs, options);
  EXPECT_EQ(log->first_offset(), first);
  EXPECT_TRUE(HoldsStream(*log, 10'000));
  // The last segment stays, whatever is asked for.
  ASSERT_TRUE(log->DropBefore(UINT64_MAX).ok());
  AppendStream(*log, 10);
  ASSERT_TRUE(log->Flush(99).ok());
  EXPECT_TRUE(HoldsStream(*log, 10'010));
  log.reset();
  EXPECT_THAT(fs.List(kDir).value(), SizeIs(1));
}

TEST(WalLogTest, KeepsSegmentsThatHoldYoungRecords) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.segment_size = 1000;
  auto log = OpenLog(fs, options);
  for (int i = 0; i < 50; ++i) {
    AppendStream(*log, 200);
    ASSERT_TRUE(log->Flush(i * 1000).ok());
  }
  ASSERT_TRUE(log->SyncNow().ok());
  // Whatever is asked for, what was written at 20 s or later stays.
  ASSERT_TRUE(log->DropBefore(UINT64_MAX, 20'000).ok());
  EXPECT_GT(log->first_offset(), 2000U);
  const auto oldest = (*log->NewReader(log->first_offset()))->Next();
  ASSERT_TRUE(oldest.ok());
  EXPECT_LE(oldest->time_ms, 20'000);
  EXPECT_TRUE(log->NewReader(20 * 200).ok());
  // Nothing is younger than the end of time.
  ASSERT_TRUE(log->DropBefore(5000).ok());
  EXPECT_GT(log->first_offset(), 4000U);
}

TEST(WalLogTest, KeepsASegmentWhoseSuccessorIsNotLasting) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.segment_size = 100;
  auto log = OpenLog(fs, options);
  AppendStream(*log, 200);
  ASSERT_TRUE(log->Flush(1).ok());
  ASSERT_TRUE(log->SyncNow().ok());
  AppendStream(*log, 10);
  ASSERT_TRUE(log->Flush(2).ok());  // a new segment, not synced
  ASSERT_TRUE(log->DropBefore(200).ok());
  EXPECT_EQ(log->first_offset(), 0U);
  ASSERT_TRUE(log->SyncNow().ok());
  ASSERT_TRUE(log->DropBefore(200).ok());
  EXPECT_EQ(log->first_offset(), 200U);
}

TEST(WalLogTest, AnIdleLogMarksWhatIsLasting) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  AppendStream(*log, 10);
  ASSERT_TRUE(log->Flush(5000).ok());
  ASSERT_TRUE(log->WaitSynced(10).ok());
  const uint64_t bytes = log->disk_bytes();
  ASSERT_TRUE(log->Flush(5999).ok());
  EXPECT_EQ(log->disk_bytes(), bytes);
  ASSERT_TRUE(log->Flush(6000).ok());
  EXPECT_EQ(log->disk_bytes(), bytes + kRecordHeaderSize);
  ASSERT_TRUE(log->Flush(9000).ok());
  EXPECT_EQ(log->disk_bytes(), bytes + kRecordHeaderSize);
  EXPECT_TRUE(HoldsStream(*log, 10));
  log.reset();
  log = OpenLog(fs);
  EXPECT_TRUE(HoldsStream(*log, 10));
}

TEST(WalLogTest, OtherFilesInTheFolderAreLeftAlone) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  log.reset();
  fs.SetContent("/log/notes.txt", "mine");
  fs.SetContent("/log/00000000000000000009.log.tmp", "left over");
  log = OpenLog(fs);
  EXPECT_THAT(fs.List(kDir).value(), ElementsAre("00000000000000000000.log", "notes.txt"));
}

TEST(WalLogTest, FolderThatCannotBeUsed) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.dir = "/no/such/folder";
  OpenReport report;
  EXPECT_TRUE(absl::IsNotFound(Log::Open(fs, options, &report).status()));
}

}  // namespace
}  // namespace cairn::wal
