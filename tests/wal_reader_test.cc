// Readers: placing, following the end, crossing segments, drops under them, damage in old segments.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wal/log.h"
#include "wal/segment.h"
#include "wal_testing.h"

namespace cairn::wal {
namespace {

using test::MemoryFs;
using ::testing::HasSubstr;

LogOptions SmallSegments(uint64_t size) {
  LogOptions options = TestOptions();
  options.segment_size = size;
  return options;
}

// `count` records of `size` bytes.
void Fill(Log& log, int count, size_t size) {
  for (int i = 0; i < count; ++i) {
    AppendStream(log, size);
    ASSERT_TRUE(log.Flush(i).ok());
  }
}

TEST(WalReaderTest, IsPlacedOnTheRecordThatHoldsTheOffset) {
  MemoryFs fs;
  auto log = OpenLog(fs, SmallSegments(500));
  Fill(*log, 40, 50);
  for (uint64_t offset = 0; offset < 2000; ++offset) {
    auto reader = log->NewReader(offset);
    ASSERT_TRUE(reader.ok()) << reader.status();
    auto record = (*reader)->Next();
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_EQ(record->offset, offset / 50 * 50);
    EXPECT_EQ(record->payload, Stream(record->offset, 50));
  }
  auto at_end = log->NewReader(2000);
  ASSERT_TRUE(at_end.ok());
  EXPECT_TRUE(absl::IsOutOfRange((*at_end)->Next().status()));
  EXPECT_TRUE(absl::IsOutOfRange(log->NewReader(2001).status()));
  log->Append("appended, not flushed");
  EXPECT_TRUE(absl::IsOutOfRange(log->NewReader(2001).status()));
}

TEST(WalReaderTest, FindsItsPlaceByTheIndex) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  Fill(*log, 200, 20'000);
  const uint64_t reads = fs.calls(MemoryFs::Op::kRead);
  ASSERT_TRUE(log->NewReader(3'990'000).ok());
  EXPECT_LE(fs.calls(MemoryFs::Op::kRead) - reads, 4U);  // the header and what is near the place
  log->SyncNow().IgnoreError();
  log.reset();
  log = OpenLog(fs);
  const uint64_t reads_after = fs.calls(MemoryFs::Op::kRead);
  auto reader = log->NewReader(3'990'000);
  EXPECT_LE(fs.calls(MemoryFs::Op::kRead) - reads_after, 4U);
  EXPECT_EQ((*reader)->Next()->offset, 3'980'000U);
}

TEST(WalReaderTest, FollowsTheEndAcrossSegmentsAndMarks) {
  MemoryFs fs;
  auto log = OpenLog(fs, SmallSegments(300));
  auto reader = log->NewReader(0);
  ASSERT_TRUE(reader.ok());
  uint64_t offset = 0;
  for (int round = 0; round < 100; ++round) {
    EXPECT_TRUE(absl::IsOutOfRange((*reader)->Next().status()));
    const int records = round % 4;
    Fill(*log, records, 30);
    if (round % 5 == 0) {
      ASSERT_TRUE(log->SyncNow().ok());  // leaves a mark, which readers pass over
    }
    for (int i = 0; i < records; ++i) {
      auto record = (*reader)->Next();
      ASSERT_TRUE(record.ok()) << record.status();
      EXPECT_EQ(record->offset, offset);
      EXPECT_EQ(record->payload, Stream(offset, 30));
      offset += 30;
    }
  }
}

TEST(WalReaderTest, SaysThatItsSegmentIsGone) {
  MemoryFs fs;
  auto log = OpenLog(fs, SmallSegments(300));
  Fill(*log, 20, 100);
  ASSERT_TRUE(log->SyncNow().ok());
  auto behind = log->NewReader(0);
  auto ahead = log->NewReader(1900);
  ASSERT_TRUE((*behind)->Next().ok());
  ASSERT_TRUE(log->DropBefore(1500).ok());
  EXPECT_TRUE(absl::IsNotFound((*behind)->Next().status()));
  EXPECT_EQ((*ahead)->Next()->offset, 1900U);
}

TEST(WalReaderTest, ReadsRecordsLargerThanItsBuffer) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  for (const size_t size : {10, 300'000, 20, 700'000, 255'000, 1}) {
    AppendStream(*log, size);
    ASSERT_TRUE(log->Flush(1).ok());
  }
  EXPECT_TRUE(HoldsStream(*log, log->written_offset()));
}

TEST(WalReaderTest, FindsDamageInAnOldSegmentWhereverItIs) {
  MemoryFs fs;
  auto log = OpenLog(fs, SmallSegments(300));
  Fill(*log, 12, 60);
  ASSERT_TRUE(log->SyncNow().ok());
  log.reset();
  const std::string path = "/log/00000000000000000000.log";
  const std::string good = fs.Content(path);
  const uint64_t second = ParseSegmentName(fs.List(kDir).value()[1]).value();
  ASSERT_GT(second, 0U);
  for (size_t at = 64; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x20);
    fs.SetContent(path, bad);
    log.reset();
    log = OpenLog(fs, SmallSegments(300));
    ASSERT_NE(log, nullptr);
    const ReadBack read = ReadFrom(*log, 0);
    EXPECT_TRUE(absl::IsDataLoss(read.status)) << at << ": " << read.status;
    EXPECT_THAT(read.status.ToString(), HasSubstr(path));
    EXPECT_EQ(read.bytes, Stream(0, read.bytes.size()));
    // Behind the damage everything is as it was.
    const ReadBack rest = ReadFrom(*log, second);
    EXPECT_TRUE(absl::IsOutOfRange(rest.status));
    EXPECT_EQ(rest.bytes, Stream(second, 720 - second));
    log.reset();
  }
}

TEST(WalReaderTest, PassesOnErrorsOfTheFileSystem) {
  MemoryFs fs;
  auto log = OpenLog(fs);
  Fill(*log, 2, 60);
  auto reader = log->NewReader(0);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE((*reader)->Next().ok());
  Fill(*log, 1, 60);
  fs.Inject({.op = MemoryFs::Op::kRead, .nth = 1});
  ASSERT_TRUE((*reader)->Next().ok());  // read ahead before
  EXPECT_TRUE(absl::IsInternal((*reader)->Next().status()));
  EXPECT_EQ((*reader)->Next()->offset, 120U);  // and goes on when the disk does
}

}  // namespace
}  // namespace cairn::wal
