#include <string>

#include "exec/statistics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cairn::exec {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(LatencyHistogram, IsEmptyAtFirst) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.Percentile(0), 0);
  EXPECT_EQ(histogram.Percentile(100), 0);
}

TEST(LatencyHistogram, KeepsSmallTimesExactly) {
  LatencyHistogram histogram;
  for (uint64_t us = 1; us <= 10; ++us) histogram.Add(us);
  EXPECT_EQ(histogram.Percentile(0), 1);
  EXPECT_EQ(histogram.Percentile(10), 1);
  EXPECT_EQ(histogram.Percentile(50), 5);
  EXPECT_EQ(histogram.Percentile(90), 9);
  EXPECT_EQ(histogram.Percentile(91), 10);
  EXPECT_EQ(histogram.Percentile(100), 10);
}

// One value alone: the answer is never below it, and at most a sixteenth above it.
TEST(LatencyHistogram, IsASixteenthOffAtMost) {
  for (uint64_t us = 1; us < (uint64_t{1} << 42); us += 1 + us / 7) {
    LatencyHistogram histogram;
    histogram.Add(us);
    const double shown = histogram.Percentile(50);
    EXPECT_GE(shown, static_cast<double>(us));
    EXPECT_LE(shown, static_cast<double>(us) * (1 + 1.0 / 16));
  }
}

TEST(LatencyHistogram, OrdersNeighbouringTimes) {
  double before = -1;
  for (uint64_t us = 0; us < 100'000; us += 1 + us / 20) {
    LatencyHistogram histogram;
    histogram.Add(us);
    EXPECT_GE(histogram.Percentile(100), before);
    before = histogram.Percentile(100);
  }
}

TEST(LatencyHistogram, TakesTheLongestTimes) {
  LatencyHistogram histogram;
  histogram.Add(UINT64_MAX);
  EXPECT_GT(histogram.Percentile(100), 1e12);
}

TEST(LatencyHistogram, SeesOneSlowCallAmongMany) {
  LatencyHistogram histogram;
  for (int i = 0; i < 999; ++i) histogram.Add(3);
  histogram.Add(1'000'000);
  EXPECT_EQ(histogram.Percentile(50), 3);
  EXPECT_EQ(histogram.Percentile(99.9), 3);
  EXPECT_GE(histogram.Percentile(100), 1'000'000);
}

TEST(Statistics, CountsPerCommand) {
  Statistics statistics(3);
  statistics.CountCall(1, 10, /*failed=*/false);
  statistics.CountCall(1, 5, /*failed=*/true);
  statistics.CountRejected(1);
  statistics.CountRejected(2);

  EXPECT_EQ(statistics.command(0).calls, 0U);
  EXPECT_EQ(statistics.command(0).latency, nullptr);
  EXPECT_EQ(statistics.command(1).calls, 2U);
  EXPECT_EQ(statistics.command(1).us, 15U);
  EXPECT_EQ(statistics.command(1).failed, 1U);
  EXPECT_EQ(statistics.command(1).rejected, 1U);
  ASSERT_NE(statistics.command(1).latency, nullptr);
  EXPECT_EQ(statistics.command(1).latency->Percentile(100), 10);
  EXPECT_EQ(statistics.command(2).rejected, 1U);
  EXPECT_EQ(statistics.command(2).calls, 0U);
  EXPECT_EQ(statistics.total_calls(), 2U);
}

TEST(Statistics, CountsErrorsByTheirFirstWord) {
  Statistics statistics(1);
  statistics.CountError("-ERR syntax error\r\n");
  statistics.CountError("-ERR no such key\r\n");
  statistics.CountError("-NOAUTH Authentication required.\r\n");
  statistics.CountError("-OOPS\r\n");
  EXPECT_THAT(statistics.errors(),
              ElementsAre(Pair("ERR", 2U), Pair("NOAUTH", 1U), Pair("OOPS", 1U)));
  EXPECT_EQ(statistics.total_errors(), 4U);
}

TEST(Statistics, ErrorCodesAreBounded) {
  Statistics statistics(1);
  for (int i = 0; i < 1000; ++i) statistics.CountError("-E" + std::to_string(i) + " made up\r\n");
  EXPECT_EQ(statistics.errors().size(), 128U);
  EXPECT_EQ(statistics.total_errors(), 1000U);
  statistics.CountError("-E0 made up\r\n");
  EXPECT_EQ(statistics.errors().find("E0")->second, 2U);
}

TEST(Statistics, ResetForgetsAllAndKeepsTheCommands) {
  Statistics statistics(2);
  statistics.CountCall(1, 10, /*failed=*/true);
  statistics.CountRejected(0);
  statistics.CountError("-ERR x\r\n");
  statistics.Reset();
  EXPECT_EQ(statistics.command(1).calls, 0U);
  EXPECT_EQ(statistics.command(1).latency, nullptr);
  EXPECT_EQ(statistics.command(0).rejected, 0U);
  EXPECT_TRUE(statistics.errors().empty());
  EXPECT_EQ(statistics.total_calls(), 0U);
  EXPECT_EQ(statistics.total_errors(), 0U);
}

}  // namespace
}  // namespace cairn::exec
