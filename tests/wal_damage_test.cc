// Truncation at every byte and a flip of every byte of small logs: cut or refused as
// src/wal/FORMAT.md says, and never a wrong byte.
#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wal/format.h"
#include "wal/log.h"
#include "wal/segment.h"
#include "wal_testing.h"

namespace cairn::wal {
namespace {

using test::MemoryFs;
using ::testing::HasSubstr;

constexpr char kFirst[] = "/log/00000000000000000000.log";

struct Place {
  size_t position = 0;
  RecordHeader header;
};

// The records of a segment, as its bytes say.
std::vector<Place> Records(const std::string& bytes) {
  std::vector<Place> records;
  for (size_t at = kSegmentHeaderSize; at < bytes.size();) {
    records.push_back({at, DecodeRecordHeader(bytes.data() + at)});
    at += kRecordHeaderSize + records.back().header.length;
  }
  return records;
}

class WalDamageTest : public testing::Test {
 protected:
  // Opens the log in fs_; checks that what is left is the test stream up to `end`, that the report
  // agrees with the files, and that the log works on and reopens without a further cut.
  void ExpectCutAt(uint64_t end, uint64_t cut_bytes) {
    OpenReport report;
    auto log = Log::Open(*fs_, options_, &report);
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_EQ(report.end_offset, end);
    EXPECT_EQ(report.cut_bytes, cut_bytes);
    EXPECT_EQ(report.cut_reason.empty(), cut_bytes == 0);
    ASSERT_TRUE(HoldsStream(**log, end));
    AppendStream(**log, 33);
    ASSERT_TRUE((*log)->Flush(1).ok());
    log->reset();
    auto again = OpenLog(*fs_, options_, &report);
    EXPECT_EQ(report.cut_bytes, 0U);
    EXPECT_TRUE(HoldsStream(*again, end + 33));
  }

  void ExpectRefused(const std::string& path) {
    OpenReport report;
    const absl::Status status = Log::Open(*fs_, options_, &report).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(status.ToString(), HasSubstr(path));
    EXPECT_THAT(status.ToString(), HasSubstr("damaged at byte"));
  }

  // A segment with synced and unsynced records and a mark in the middle; returns its bytes.
  std::string OneSegment() {
    auto log = OpenLog(*fs_, options_);
    for (int i = 0; i < 6; ++i) {
      AppendStream(*log, 40 + static_cast<size_t>(i));
      EXPECT_TRUE(log->Flush(i).ok());
      if (i == 1) {
        EXPECT_TRUE(log->SyncNow().ok());
      }
      if (i == 3) {
        EXPECT_TRUE(log->WaitSynced(log->written_offset()).ok());
      }
    }
    log.reset();
    return fs_->Content(kFirst);
  }

  std::unique_ptr<MemoryFs> fs_ = std::make_unique<MemoryFs>();
  LogOptions options_ = TestOptions();
};

TEST_F(WalDamageTest, TruncationAtEveryByte) {
  const std::string good = OneSegment();
  const std::vector<Place> records = Records(good);
  ASSERT_EQ(records.size(), 7U);
  for (size_t size = 0; size < good.size(); ++size) {
    SCOPED_TRACE(size);
    fs_->SetContent(kFirst, std::string_view(good).substr(0, size));
    if (size < kSegmentHeaderSize) {
      ExpectRefused(kFirst);  // the oldest segment's header is lasting before there is a record
      continue;
    }
    // The whole records that are left. None of their marks is past their end, so nothing proves
    // that more was there.
    uint64_t end = 0;
    size_t position = kSegmentHeaderSize;
    for (const Place& record : records) {
      const size_t record_end = record.position + kRecordHeaderSize + record.header.length;
      if (record_end <= size) {
        end = record.header.offset + record.header.length;
        position = record_end;
      }
    }
    ExpectCutAt(end, size - position);
  }
}

TEST_F(WalDamageTest, FlipOfEveryByte) {
  const std::string good = OneSegment();
  const std::vector<Place> records = Records(good);
  int refused = 0;
  int cut = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int mask : {0x01, 0x80, 0xff}) {
      SCOPED_TRACE(at);
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ mask);
      fs_->SetContent(kFirst, bad);
      if (at < kSegmentHeaderSize) {
        ExpectRefused(kFirst);
        continue;
      }
      // What the other records prove against where the damaged one begins.
      uint64_t mark = 0;
      Place damaged;
      for (const Place& record : records) {
        if (at >= record.position &&
            at < record.position + kRecordHeaderSize + record.header.length) {
          damaged = record;
        } else {
          mark = std::max(mark, record.header.synced_offset);
        }
      }
      if (damaged.header.offset < mark) {
        ++refused;
        ExpectRefused(kFirst);
      } else {
        ++cut;
        ExpectCutAt(damaged.header.offset, good.size() - damaged.position);
      }
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(cut, 0);
}

TEST_F(WalDamageTest, AHoleInFrontOfValidRecordsIsCutWhereNothingWasPromised) {
  auto log = OpenLog(*fs_, options_);
  for (int i = 0; i < 10; ++i) {
    AppendStream(*log, 1000);
    ASSERT_TRUE(log->Flush(i).ok());
  }
  log.reset();
  std::string bytes = fs_->Content(kFirst);
  const Place third = Records(bytes)[2];
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(third.position), 512, '\0');
  fs_->SetContent(kFirst, bytes);
  ExpectCutAt(2000, bytes.size() - third.position);
}

TEST_F(WalDamageTest, ZerosBehindTheEndAreCut) {
  std::string bytes = OneSegment();
  const size_t size = bytes.size();
  bytes.resize(size + 3000);
  fs_->SetContent(kFirst, bytes);
  ExpectCutAt(255, 3000);
}

TEST_F(WalDamageTest, AnOrderlyEndProtectsEverything) {
  auto log = OpenLog(*fs_, options_);
  AppendStream(*log, 100);
  ASSERT_TRUE(log->Flush(1).ok());
  ASSERT_TRUE(log->SyncNow().ok());
  log.reset();
  const std::string good = fs_->Content(kFirst);
  for (size_t at = 0; at < good.size() - kRecordHeaderSize; ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    fs_->SetContent(kFirst, bad);
    ExpectRefused(kFirst);
  }
}

// Payload that looks like records must not count as proof: the salt is secret to the log.
TEST_F(WalDamageTest, RecordsInsidePayloadsProveNothing) {
  std::string forged(kRecordHeaderSize, '\0');
  EncodeRecordHeader({.salt = 0x11223344,
                      .length = 0,
                      .offset = 1 << 20,
                      .synced_offset = 1 << 20,
                      .time_ms = 1,
                      .type = RecordType::kMark},
                     forged.data());
  auto log = OpenLog(*fs_, options_);
  log->Append("x" + forged + forged);
  ASSERT_TRUE(log->Flush(1).ok());
  log.reset();
  std::string bytes = fs_->Content(kFirst);
  bytes[kSegmentHeaderSize + kRecordHeaderSize] = 'y';
  fs_->SetContent(kFirst, bytes);
  OpenReport report;
  log.reset();
  log = OpenLog(*fs_, options_, &report);
  ASSERT_NE(log, nullptr);
  EXPECT_EQ(report.end_offset, 0U);
}

class WalSegmentDamageTest : public WalDamageTest {
 protected:
  // Five segments of five records each of 50 bytes; synced at the end, or only in the first
  // segment.
  void Fill(bool synced) {
    options_.segment_size = 500;
    auto log = OpenLog(*fs_, options_);
    for (int i = 0; i < 25; ++i) {
      AppendStream(*log, 50);
      ASSERT_TRUE(log->Flush(i).ok());
      if (synced || i == 2) {
        ASSERT_TRUE(log->WaitSynced(log->written_offset()).ok());
      }
    }
    log.reset();
    ASSERT_EQ(fs_->List(kDir).value().size(), 5U);
  }
  static std::string Path(int segment) {
    return SegmentPath(kDir, static_cast<uint64_t>(segment) * 250);
  }
};

TEST_F(WalSegmentDamageTest, AMissingSegmentInTheMiddleIsRefused) {
  Fill(true);
  ASSERT_TRUE(fs_->Remove(Path(2)).ok());
  ExpectRefused(Path(1));
}

TEST_F(WalSegmentDamageTest, AShortenedOldSegmentIsRefused) {
  Fill(true);
  fs_->SetContent(Path(1), fs_->Content(Path(1)).substr(0, 250));
  ExpectRefused(Path(1));
}

TEST_F(WalSegmentDamageTest, ADamagedHeaderOfAnOldSegmentIsRefused) {
  Fill(true);
  for (size_t at = 0; at < kSegmentHeaderSize; ++at) {
    std::string bytes = fs_->Content(Path(1));
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    fs_->SetContent(Path(1), bytes);
    ExpectRefused(Path(1));
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    fs_->SetContent(Path(1), bytes);
  }
}

TEST_F(WalSegmentDamageTest, ARenamedSegmentIsRefused) {
  Fill(true);
  ASSERT_TRUE(fs_->Rename(Path(0), std::string(kDir) + "/00000000000000000001.log").ok());
  ExpectRefused("00000000000000000001.log");
  EXPECT_THAT(Log::Open(*fs_, options_, std::make_unique<OpenReport>().get()).status().ToString(),
              HasSubstr("the file was renamed"));
}

// The last header is lost, but the records behind it prove that they were lasting.
TEST_F(WalSegmentDamageTest, ALostHeaderInFrontOfLastingRecordsIsRefused) {
  Fill(true);
  std::string bytes = fs_->Content(Path(4));
  std::fill_n(bytes.begin(), 64, '\0');
  fs_->SetContent(Path(4), bytes);
  ExpectRefused(Path(4));
  std::fill_n(bytes.begin(), 200, '\0');  // and without the first record too
  fs_->SetContent(Path(4), bytes);
  ExpectRefused(Path(4));
}

TEST_F(WalSegmentDamageTest, ATailOverSeveralSegmentsIsCutWhereItIsTorn) {
  for (int torn = 1; torn < 5; ++torn) {
    for (const size_t keep : {size_t{0}, size_t{30}, kSegmentHeaderSize, size_t{200}}) {
      SCOPED_TRACE(torn * 1000 + static_cast<int>(keep));
      fs_ = std::make_unique<MemoryFs>();
      Fill(false);
      uint64_t cut = fs_->Content(Path(torn)).size();
      for (int later = torn + 1; later < 5; ++later) {
        cut += fs_->Content(Path(later)).size();
      }
      // What is lost is zero, as when the file's length was lasting before its bytes.
      std::string bytes = fs_->Content(Path(torn)).substr(0, keep);
      const size_t whole = keep < kSegmentHeaderSize ? 0 : keep == 200 ? 64 + 98 : 64;
      bytes.resize(fs_->Content(Path(torn)).size());
      fs_->SetContent(Path(torn), bytes);
      const uint64_t end = static_cast<uint64_t>(torn) * 250 + (keep == 200 ? 50 : 0);
      ExpectCutAt(end, cut - whole);
    }
  }
}

// What was not synced when the power went may be what the disk's blocks held before: parts of
// segments that were deleted, of this log or another one.
TEST_F(WalSegmentDamageTest, OldBlocksInTheTailAreATornTail) {
  MemoryFs other_disk;
  LogOptions other = options_;
  other.identity.id = {9, 9, 9};
  other.start_offset = 1 << 20;
  auto other_log = OpenLog(other_disk, other);
  for (int i = 0; i < 5; ++i) {
    AppendStream(*other_log, 50);
    ASSERT_TRUE(other_log->Flush(i).ok());
    ASSERT_TRUE(other_log->SyncNow().ok());
  }
  other_log.reset();
  const std::string foreign = other_disk.Content(SegmentPath(kDir, other.start_offset));
  for (int torn = 1; torn < 5; ++torn) {
    for (int kind = 0; kind < 4; ++kind) {
      SCOPED_TRACE(torn * 10 + kind);
      fs_ = std::make_unique<MemoryFs>();
      Fill(false);
      const std::string first = fs_->Content(Path(0));
      std::string bytes = fs_->Content(Path(torn));
      if (kind == 0) bytes.replace(0, kSegmentHeaderSize, first, 0, kSegmentHeaderSize);
      if (kind == 1) bytes.replace(0, kSegmentHeaderSize, foreign, 0, kSegmentHeaderSize);
      if (kind == 2) bytes = first;
      if (kind == 3) bytes = std::string(kSegmentHeaderSize, '\0') + foreign.substr(64);
      fs_->SetContent(Path(torn), bytes);
      uint64_t cut = 0;
      for (int i = torn; i < 5; ++i) cut += fs_->Content(Path(i)).size();
      ExpectCutAt(static_cast<uint64_t>(torn) * 250, cut);
    }
  }
}

TEST_F(WalSegmentDamageTest, AMissingSegmentOfTheTailEndsTheLog) {
  Fill(false);
  ASSERT_TRUE(fs_->Remove(Path(2)).ok());
  const uint64_t cut = fs_->Content(Path(3)).size() + fs_->Content(Path(4)).size();
  ExpectCutAt(500, cut);
}

}  // namespace
}  // namespace cairn::wal
