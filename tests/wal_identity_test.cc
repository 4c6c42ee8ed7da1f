// A log's id: in every segment, and what Open does when a folder does not hold the log that it
// should.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wal/format.h"
#include "wal/log.h"
#include "wal/segment.h"
#include "wal/survey.h"
#include "wal_testing.h"

namespace cairn::wal {
namespace {

using test::MemoryFs;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr LogId kOtherId = {'o', 't', 'h', 'e', 'r'};

LogOptions Begun(LogId id = kTestLogId) {
  LogOptions options = TestOptions();
  options.identity = {.id = id, .replaced = kNoLogId, .begun = true};
  return options;
}

// A lasting log of `bytes` bytes in segments of about 200.
void MakeLog(MemoryFs& fs, LogId id, size_t bytes) {
  LogOptions options = TestOptions();
  options.identity.id = id;
  options.segment_size = 200;
  auto log = OpenLog(fs, options);
  while (log->appended_offset() < bytes) {
    AppendStream(*log, 50);
    ASSERT_TRUE(log->Flush(1).ok());
  }
  ASSERT_TRUE(log->SyncNow().ok());
}

// Every file of the folder with its bytes.
std::vector<std::string> FolderContent(MemoryFs& fs) {
  std::vector<std::string> content;
  const auto names = fs.List(kDir);
  if (!names.ok()) return content;
  for (const std::string& name : *names) {
    content.push_back(name + ": " + fs.Content(std::string(kDir) + "/" + name));
  }
  return content;
}

std::vector<LogId> IdsOf(MemoryFs& fs) {
  const auto found = FindSegments(fs, kDir);
  EXPECT_TRUE(found.ok()) << found.status();
  std::vector<LogId> ids;
  for (const FoundSegment& segment : *found) ids.push_back(segment.header->log_id);
  return ids;
}

TEST(WalIdentityTest, IdsAreRandomAndPrinted) {
  EXPECT_NE(NewLogId(), NewLogId());
  EXPECT_EQ(FormatLogId(kTestLogId), "000102030405060708090a0b0c0d0e0f");
  LogId high = kNoLogId;
  high[15] = '\xff';
  EXPECT_EQ(FormatLogId(high), "000000000000000000000000000000ff");
}

TEST(WalIdentityTest, EverySegmentCarriesIt) {
  MemoryFs fs;
  LogOptions options = TestOptions();
  options.segment_size = 200;
  auto log = OpenLog(fs, options);
  for (int i = 0; i < 20; ++i) {
    AppendStream(*log, 50);
    ASSERT_TRUE(log->Flush(1).ok());
  }
  // What is not lasting after a failed sync goes into a segment that is made in another way.
  fs.Inject({.op = MemoryFs::Op::kSync, .nth = 1, .times = 1});
  ASSERT_FALSE(log->SyncNow().ok());
  ASSERT_TRUE(log->Recover(2).ok());
  for (int i = 0; i < 20; ++i) {
    AppendStream(*log, 50);
    ASSERT_TRUE(log->Flush(1).ok());
  }
  ASSERT_TRUE(log->SyncNow().ok());
  const std::vector<LogId> ids = IdsOf(fs);
  EXPECT_GT(ids.size(), 5U);
  for (const LogId& id : ids) EXPECT_EQ(id, kTestLogId);
  log.reset();
  EXPECT_TRUE(HoldsStream(*OpenLog(fs, Begun()), 2000));
}

TEST(WalIdentityTest, AnotherLogIsRefusedAndLeftAsItIs) {
  MemoryFs fs;
  MakeLog(fs, kOtherId, 1000);
  const auto before = FolderContent(fs);
  for (const bool begun : {true, false}) {
    LogOptions options = Begun();
    options.identity.begun = begun;
    OpenReport report;
    const absl::Status status = Log::Open(fs, options, &report).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_EQ(report.mismatch, Mismatch::kForeign);
    EXPECT_THAT(status.ToString(),
                AllOf(HasSubstr("00000000000000000000.log"), HasSubstr(FormatLogId(kOtherId)),
                      HasSubstr(FormatLogId(kTestLogId))));
    EXPECT_EQ(FolderContent(fs), before);
  }
}

TEST(WalIdentityTest, OneForeignSegmentIsRefused) {
  MemoryFs fs;
  MakeLog(fs, kTestLogId, 1000);
  const auto found = FindSegments(fs, kDir);
  ASSERT_GT(found->size(), 2U);
  MemoryFs other;
  MakeLog(other, kOtherId, 1000);
  for (const FoundSegment& segment : *found) {
    const std::string own = fs.Content(segment.info.path);
    fs.SetContent(segment.info.path, other.Content(segment.info.path));
    OpenReport report;
    const absl::Status status = Log::Open(fs, Begun(), &report).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(status.ToString(), HasSubstr(segment.info.path));
    fs.SetContent(segment.info.path, own);
  }
  EXPECT_TRUE(HoldsStream(*OpenLog(fs, Begun()), 1000));
}

TEST(WalIdentityTest, AMissingLogIsRefused) {
  MemoryFs fs;
  OpenReport report;
  const auto refused = [&] {
    report = {};
    const absl::Status status = Log::Open(fs, Begun(), &report).status();
    return absl::IsNotFound(status) && report.mismatch == Mismatch::kMissing &&
           status.ToString().find(FormatLogId(kTestLogId)) != std::string::npos;
  };
  EXPECT_TRUE(refused());
  EXPECT_FALSE(fs.Exists(kDir)) << "a refused Open makes nothing";
  ASSERT_TRUE(fs.CreateDir(kDir).ok());
  EXPECT_TRUE(refused());
  fs.SetContent("/log/00000000000000000000.log.tmp", "x");
  fs.SetContent("/log/other", "x");
  EXPECT_TRUE(refused());
  EXPECT_TRUE(fs.Exists("/log/00000000000000000000.log.tmp"));
}

TEST(WalIdentityTest, ALogBeginsWhereNoneIsAndIsThenExpected) {
  MemoryFs fs;
  ASSERT_TRUE(fs.CreateDir(kDir).ok());
  fs.SetContent("/log/00000000000000000000.log.tmp", "x");
  LogOptions options = TestOptions();
  options.start_offset = 700;
  auto log = OpenLog(fs, options);
  EXPECT_EQ(log->appended_offset(), 700U);
  EXPECT_FALSE(fs.Exists("/log/00000000000000000000.log.tmp"));
  log.reset();
  EXPECT_EQ(OpenLog(fs, Begun())->first_offset(), 700U);
  // A process that had died before it could note that the log has begun.
  EXPECT_EQ(OpenLog(fs, options)->first_offset(), 700U);
}

TEST(WalIdentityTest, AReplacedLogGivesWay) {
  MemoryFs fs;
  MakeLog(fs, kOtherId, 1000);
  LogOptions options = TestOptions();
  options.identity.replaced = kOtherId;
  options.start_offset = 5000;
  auto log = OpenLog(fs, options);
  EXPECT_EQ(log->first_offset(), 5000U);
  EXPECT_EQ(log->appended_offset(), 5000U);
  EXPECT_EQ(IdsOf(fs), std::vector<LogId>{kTestLogId});
  AppendStream(*log, 100);
  ASSERT_TRUE(log->Flush(1).ok());
  ASSERT_TRUE(log->SyncNow().ok());
  log.reset();
  EXPECT_TRUE(HoldsStream(*OpenLog(fs, options), 5100));
}

// The old log's segments may begin where the new one does, before it and behind it.
TEST(WalIdentityTest, PowerCutsWhileALogIsReplaced) {
  for (const uint64_t start : {0ULL, 250ULL, 5000ULL}) {
    MemoryFs fs;
    MakeLog(fs, kOtherId, 1000);
    LogOptions options = TestOptions();
    options.identity.replaced = kOtherId;
    options.start_offset = start;
    bool opened = false;
    for (uint64_t nth = 1; !opened; ++nth) {
      ASSERT_LT(nth, 500U);
      auto attempt = fs.Kill();
      attempt->Inject({.op = std::nullopt, .nth = nth, .times = 1'000'000});
      OpenReport report;
      opened = Log::Open(*attempt, options, &report).ok();
      for (uint64_t seed = 0; seed < 10; ++seed) {
        SCOPED_TRACE(testing::Message() << "start " << start << " nth " << nth << " seed " << seed);
        auto after = attempt->Crash(seed);
        auto log = OpenLog(*after, options, &report);
        ASSERT_NE(log, nullptr);
        EXPECT_EQ(report.first_offset, start);
        EXPECT_EQ(report.end_offset, start);
        EXPECT_EQ(IdsOf(*after), std::vector<LogId>{kTestLogId});
        log.reset();
        auto again = after->Crash(seed + 1);
        EXPECT_NE(OpenLog(*again, Begun()), nullptr) << "what Open has begun is lasting";
      }
    }
  }
}

TEST(WalIdentityTest, AnEmptyLogIsToldFromOneThatHoldsSomething) {
  MemoryFs fs;
  ASSERT_TRUE(fs.CreateDir(kDir).ok());
  const auto empty = [&fs] { return EmptyLog(FindSegments(fs, kDir).value()); };
  EXPECT_EQ(empty(), kNoLogId);
  auto log = OpenLog(fs);
  EXPECT_EQ(empty(), kTestLogId);
  AppendStream(*log, 1);
  ASSERT_TRUE(log->Flush(1).ok());
  EXPECT_EQ(empty(), std::nullopt);
  log.reset();
  const std::string path = "/log/00000000000000000000.log";
  const std::string bytes = fs.Content(path);
  fs.SetContent(path, bytes.substr(0, kSegmentHeaderSize));
  EXPECT_EQ(empty(), kTestLogId);
  fs.SetContent(path, bytes.substr(0, kSegmentHeaderSize - 1));
  EXPECT_EQ(empty(), std::nullopt);
  ASSERT_TRUE(fs.Remove(path).ok());
  LogOptions options = TestOptions();
  options.start_offset = 1;
  OpenLog(fs, options);
  EXPECT_EQ(empty(), std::nullopt) << "what stood before it is not there";
}

}  // namespace
}  // namespace cairn::wal
