// The parts of the benchmark that would spoil its figures without being noticed: what is sent, how
// replies are counted, and how medians become a table.
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bench/reply_scanner.h"
#include "bench/report.h"
#include "bench/workload.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cairn::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kReplies =
    "+OK\r\n:42\r\n$5\r\nab\r\nc\r\n$-1\r\n-ERR first\r\n-ERR second\r\n*0\r\n*-1\r\n"
    "*3\r\n$1\r\nx\r\n*2\r\n:1\r\n-ERR in an array\r\n$0\r\n\r\n+done\r\n";
constexpr uint64_t kReplyCount = 10;

void ExpectAllCounted(const ReplyScanner& scanner) {
  EXPECT_EQ(scanner.replies(), kReplyCount);
  EXPECT_EQ(scanner.errors(), 3u);
  EXPECT_EQ(scanner.nulls(), 2u);
  EXPECT_EQ(scanner.first_error(), "ERR first");
}

TEST(ReplyScannerTest, CountsRepliesInOnePiece) {
  ReplyScanner scanner;
  ASSERT_TRUE(scanner.Feed(kReplies));
  ExpectAllCounted(scanner);
}

TEST(ReplyScannerTest, CountsRepliesCutAnywhere) {
  for (size_t cut = 0; cut <= kReplies.size(); ++cut) {
    ReplyScanner scanner;
    ASSERT_TRUE(scanner.Feed(kReplies.substr(0, cut)));
    ASSERT_TRUE(scanner.Feed(kReplies.substr(cut)));
    ExpectAllCounted(scanner);
  }
}

TEST(ReplyScannerTest, CountsRepliesByteByByte) {
  ReplyScanner scanner;
  for (size_t i = 0; i < kReplies.size(); ++i) ASSERT_TRUE(scanner.Feed(kReplies.substr(i, 1)));
  ExpectAllCounted(scanner);
}

TEST(ReplyScannerTest, AReplyIsNotCountedBeforeItsLastByte) {
  ReplyScanner scanner;
  ASSERT_TRUE(scanner.Feed("$3\r\nabc\r"));
  EXPECT_EQ(scanner.replies(), 0u);
  ASSERT_TRUE(scanner.Feed("\n"));
  EXPECT_EQ(scanner.replies(), 1u);
}

TEST(ReplyScannerTest, RefusesWhatIsNotResp2) {
  for (std::string_view bytes :
       {"HTTP/1.1 400\r\n", "\r\n", "+OK\n", "$x\r\n", "*-2\r\n", "%1\r\n"}) {
    ReplyScanner scanner;
    EXPECT_FALSE(scanner.Feed(bytes)) << bytes;
  }
}

TEST(WorkloadTest, RequestsAreRespWithFreshKeys) {
  KeySource keys(1'000'000'000'000, false, 3);
  KeySource same_keys(1'000'000'000'000, false, 3);
  Batch batch(Command::kSet, 2, 8, 5);
  for (int round = 0; round < 3; ++round) {
    std::string expected;
    const std::string_view bytes = batch.Fill(2, keys);
    for (int i = 0; i < 2; ++i) {
      const std::string_view value =
          bytes.substr(bytes.size() / 2 * static_cast<size_t>(i + 1) - 10, 8);
      expected += FormatRequest({"SET", KeyName("key:", same_keys.Next()), value});
    }
    EXPECT_EQ(bytes, expected);
  }
}

TEST(WorkloadTest, EveryCommandHasItsShape) {
  KeySource keys(1, true, 0);  // only key 0
  EXPECT_EQ(Batch(Command::kGet, 1, 100, 1).Fill(1, keys),
            "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n");
  EXPECT_EQ(Batch(Command::kIncr, 1, 100, 1).Fill(1, keys),
            "*2\r\n$4\r\nINCR\r\n$16\r\ncnt:000000000000\r\n");
  const std::string mset(Batch(Command::kMset10, 1, 100, 1).Fill(1, keys));
  EXPECT_THAT(mset, StartsWith("*21\r\n$4\r\nMSET\r\n$16\r\nkey:000000000000\r\n$100\r\n"));
  EXPECT_EQ(mset.size(), 15 + 10 * (23 + 108));
}

TEST(WorkloadTest, AShorterBatchIsAPrefix) {
  Batch batch(Command::kMset10, 4, 10, 1);
  KeySource keys(1'000, false, 1);
  const size_t all = batch.Fill(4, keys).size();
  EXPECT_EQ(batch.Fill(1, keys).size() * 4, all);
}

TEST(WorkloadTest, EachOnceIsAPermutation) {
  for (uint64_t count : {1u, 2u, 3u, 10u, 1000u, 4096u, 30030u}) {
    KeySource keys(count, true, 12'345);
    std::set<uint64_t> seen;
    for (uint64_t i = 0; i < count; ++i) seen.insert(keys.Next());
    EXPECT_EQ(seen.size(), count);
    EXPECT_EQ(*seen.rbegin(), count - 1);
  }
}

TEST(WorkloadTest, RandomKeysFillTheRange) {
  KeySource keys(100, false, 1);
  std::set<uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(keys.Next());
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_EQ(*seen.rbegin(), 99u);
}

TEST(ReportTest, MedianOfOddEvenAndNone) {
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(Median({}), 0);
}

TEST(ReportTest, TablesAreAligned) {
  Table table({"name", "n"}, 1);
  table.AddRow({"a", "100"});
  EXPECT_EQ(table.Render(Format::kText), "name    n\n----  ---\na     100\n");
  EXPECT_EQ(table.Render(Format::kMarkdown), "| name |   n |\n|---|---:|\n| a    | 100 |\n");
}

TEST(ReportTest, ThroughputShowsMediansRatioAndWorstMaximum) {
  Cell cell{Policy::kAlways, Command::kGet, 16, {}};
  for (double ops : {1000.0, 5000.0, 2000.0}) {
    CellRun run;
    run.ops_per_s = ops;
    run.max_ms = ops / 1000;
    run.requests = 1000;
    run.cpu_s = ops / 1e6;
    cell.runs[kRedis].push_back(run);
    run.ops_per_s = 1'000'000 + ops;
    cell.runs[kCairn].push_back(run);
  }
  const std::string text = RenderThroughput({cell}, Format::kText);
  EXPECT_THAT(
      text, HasSubstr("always  GET         16        2,000    1,002,000  501.00  201.00..1001.00"));
  EXPECT_THAT(text, HasSubstr("5.00 / 5.00"));  // the worst maximum
  EXPECT_THAT(text,
              HasSubstr("2.67 / 2.67"));  // processor time of all runs over all their requests
}

TEST(ReportTest, CellsWithoutRunsShowADash) {
  const std::string text = RenderThroughput({{Policy::kNone, Command::kSet, 1, {}}}, Format::kText);
  EXPECT_THAT(text, HasSubstr("- / -"));
}

}  // namespace
}  // namespace cairn::bench
