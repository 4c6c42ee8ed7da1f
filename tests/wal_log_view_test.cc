// A log read by somebody who does not own it: the same records as its own readers give, nothing
// changed, damage and torn tails told apart, and a writer that goes on meanwhile.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"
#include "wal/format.h"
#include "wal/log_view.h"
#include "wal/segment.h"
#include "wal_testing.h"

namespace cairn::wal {
namespace {

using test::MemoryFs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class WalLogViewTest : public testing::Test {
 protected:
  // A log of 1000 bytes in records of 50 and segments of about 300; all lasting, or with the last
  // `unsynced` records not known to be so.
  void MakeLog(int unsynced = 0) {
    LogOptions options = TestOptions();
    options.segment_size = 300;
    auto log = OpenLog(fs_, options);
    for (int i = 0; i < 20; ++i) {
      AppendStream(*log, 50);
      ASSERT_TRUE(log->Flush(1000 + i).ok());
      if (20 - i > unsynced) {
        ASSERT_TRUE(log->WaitSynced(log->written_offset()).ok());
      }
    }
    if (unsynced == 0) {
      ASSERT_TRUE(log->SyncNow().ok());
    }
  }
  std::unique_ptr<LogView> Open() {
    auto view = LogView::Open(fs_, kDir);
    EXPECT_TRUE(view.ok()) << view.status();
    return view.ok() ? std::move(*view) : nullptr;
  }
  std::vector<std::string> Paths() {
    std::vector<std::string> paths;
    const auto names = fs_.List(kDir).value();
    for (const std::string& name : names) paths.push_back(std::string(kDir) + "/" + name);
    return paths;
  }
  // Payloads from `offset` on, joined; the reading must end with `code`.
  static std::string Read(const LogView& view, uint64_t offset, absl::StatusCode code) {
    std::string bytes;
    const auto reader = view.NewReader(offset);
    absl::Status status = reader.status();
    while (status.ok()) {
      const auto record = (*reader)->Next();
      status = record.status();
      if (record.ok()) bytes.append(record->payload);
    }
    EXPECT_EQ(status.code(), code) << status;
    return bytes;
  }

  MemoryFs fs_;
};

TEST_F(WalLogViewTest, ReadsAWholeLogAndChangesNothing) {
  MakeLog();
  fs_.SetContent("/log/00000000000000099999.log.tmp", "left over");
  const uint64_t writes = fs_.calls(MemoryFs::Op::kWrite);
  const auto view = Open();
  EXPECT_EQ(view->id(), kTestLogId);
  EXPECT_EQ(view->first_offset(), 0U);
  EXPECT_EQ(view->end_offset(), 1000U);
  EXPECT_GT(view->segments().size(), 3U);
  EXPECT_TRUE(view->damage().ok());
  EXPECT_EQ(view->torn_bytes(), 0U);
  EXPECT_EQ(Read(*view, 0, absl::StatusCode::kOutOfRange), Stream(0, 1000));
  EXPECT_EQ(Read(*view, 620, absl::StatusCode::kOutOfRange), Stream(600, 400));
  EXPECT_EQ(Read(*view, 1001, absl::StatusCode::kOutOfRange), "");
  EXPECT_EQ(fs_.calls(MemoryFs::Op::kWrite), writes);
  EXPECT_EQ(fs_.calls(MemoryFs::Op::kRemove), 0U);
  EXPECT_EQ(fs_.calls(MemoryFs::Op::kLock), 0U);
  EXPECT_TRUE(fs_.Exists("/log/00000000000000099999.log.tmp"));
}

TEST_F(WalLogViewTest, NoLogIsSaid) {
  EXPECT_TRUE(absl::IsNotFound(LogView::Open(fs_, kDir).status()));
  ASSERT_TRUE(fs_.CreateDir(kDir).ok());
  EXPECT_TRUE(absl::IsNotFound(LogView::Open(fs_, kDir).status()));
  fs_.SetContent("/log/00000000000000000000.log", "garbage");
  EXPECT_TRUE(absl::IsDataLoss(LogView::Open(fs_, kDir).status()));
}

TEST_F(WalLogViewTest, SegmentsOfTwoLogsAreRefused) {
  MakeLog();
  const std::vector<std::string> paths = Paths();
  const std::string kept = fs_.Content(paths[1]);
  ASSERT_TRUE(fs_.Remove("/log/00000000000000000000.log").ok());
  LogOptions options = TestOptions();
  options.identity.id = {'x'};
  MemoryFs other;
  OpenLog(other, options);
  fs_.SetContent(paths[0], other.Content(paths[0]));
  const absl::Status status = LogView::Open(fs_, kDir).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.ToString(), AllOf(HasSubstr(paths[0]), HasSubstr(paths[1])));
}

// The last record is cut at every byte: the view says what the next Open would cut.
TEST_F(WalLogViewTest, ATornTailIsWhatOpenCuts) {
  MakeLog(/*unsynced=*/8);
  const std::string path = Paths().back();
  const std::string bytes = fs_.Content(path);
  for (size_t size = 1; size < bytes.size(); ++size) {
    fs_.SetContent(path, bytes.substr(0, size));
    const auto view = Open();
    ASSERT_TRUE(view->damage().ok()) << size << ": " << view->damage();
    const std::string read = Read(*view, 0, absl::StatusCode::kOutOfRange);
    const auto copy = fs_.Kill();
    OpenReport report;
    const auto log = OpenLog(*copy, TestOptions(), &report);
    ASSERT_NE(log, nullptr);
    EXPECT_EQ(view->end_offset(), report.end_offset) << size;
    EXPECT_EQ(view->torn_bytes(), report.cut_bytes) << size;
    EXPECT_EQ(view->torn_text(), report.cut_reason) << size;
    EXPECT_EQ(read, Stream(0, report.end_offset)) << size;
  }
}

// Whatever byte is changed: what is read is the stream up to some place, and unless all of it is
// read or the rest is a torn tail, something says where it is damaged.
TEST_F(WalLogViewTest, EveryFlippedByteIsToldOrHarmless) {
  MakeLog();
  for (const std::string& path : Paths()) {
    const std::string bytes = fs_.Content(path);
    for (size_t at = 0; at < bytes.size(); ++at) {
      SCOPED_TRACE(testing::Message() << path << " " << at);
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
      fs_.SetContent(path, damaged);
      const auto view = LogView::Open(fs_, kDir);
      if (!view.ok()) continue;  // another version, or the file seems to be renamed
      std::string read;
      const auto reader = (*view)->NewReader(0);
      absl::Status status = reader.status();
      while (status.ok()) {
        const auto record = (*reader)->Next();
        status = record.status();
        if (record.ok()) read.append(record->payload);
      }
      ASSERT_EQ(read, Stream(0, read.size()));
      if (read.size() < 1000) {
        ASSERT_TRUE(absl::IsDataLoss(status) || !(*view)->damage().ok() ||
                    (*view)->torn_bytes() > 0);
      }
    }
    fs_.SetContent(path, bytes);
  }
}

TEST_F(WalLogViewTest, BehindDamageOneCanReadOn) {
  MakeLog();
  const std::vector<std::string> paths = Paths();
  std::string bytes = fs_.Content(paths[1]);
  bytes[kSegmentHeaderSize + kRecordHeaderSize + 5] ^= 1;
  fs_.SetContent(paths[1], bytes);
  const auto view = Open();
  EXPECT_TRUE(view->damage().ok()) << "older segments are not read before a reader does";
  const std::string before = Read(*view, 0, absl::StatusCode::kDataLoss);
  EXPECT_EQ(before, Stream(0, view->segments()[1].info.first_offset));
  const auto next = view->NextSegment(before.size());
  ASSERT_EQ(next, view->segments()[2].info.first_offset);
  EXPECT_EQ(Read(*view, *next, absl::StatusCode::kOutOfRange), Stream(*next, 1000 - *next));
  EXPECT_EQ(view->NextSegment(999), std::nullopt);
}

TEST_F(WalLogViewTest, AMissingSegmentIsDamage) {
  MakeLog();
  const std::vector<std::string> paths = Paths();
  ASSERT_TRUE(fs_.Remove(paths[2]).ok());
  const auto view = Open();
  EXPECT_TRUE(absl::IsDataLoss(view->damage())) << view->damage();
  const uint64_t hole = ParseSegmentName(paths[2].substr(5)).value();
  EXPECT_EQ(Read(*view, 0, absl::StatusCode::kDataLoss), Stream(0, hole));
}

// A writer that begins segments and drops them as fast as it can, on a real disk.
TEST_F(WalLogViewTest, ALogIsReadWhileItGrowsAndIsDropped) {
  const test::TempDir folder;
  base::FileSystem& fs = base::PosixFileSystem();
  LogOptions options = TestOptions();
  options.dir = folder.path() + "/log";
  options.max_unsynced_bytes = 200'000;
  options.segment_size = 20'000;
  auto log = OpenLog(fs, options);
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> written = 0;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      AppendStream(*log, 300);
      CAIRN_CHECK(log->Flush(i).ok());
      written = log->written_offset();
      if (i % 16 == 0) log->RequestSync();
      if (i % 8 == 0 && log->synced_offset() > 100'000) {
        log->DropBefore(log->synced_offset() - 100'000).IgnoreError();
      }
    }
  });
  // Until it has dropped something many times over.
  uint64_t first = 0;
  while (first < 400'000 && !HasFailure()) {
    const uint64_t least = written;
    const auto view = LogView::Open(fs, options.dir);
    EXPECT_TRUE(view.ok()) << view.status();
    if (!view.ok()) break;
    EXPECT_TRUE((*view)->damage().ok()) << (*view)->damage();
    EXPECT_GE((*view)->end_offset(), least);
    first = (*view)->first_offset();
    std::string read;
    const auto reader = (*view)->NewReader(first);
    absl::Status status = reader.status();
    while (status.ok()) {
      const auto record = (*reader)->Next();
      status = record.status();
      if (record.ok()) read.append(record->payload);
    }
    EXPECT_TRUE(absl::IsOutOfRange(status) || absl::IsNotFound(status)) << status;
    EXPECT_TRUE(read == Stream(first, read.size()));
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace cairn::wal
