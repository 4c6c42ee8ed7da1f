#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "bench/histogram.h"
#include "gtest/gtest.h"

namespace cairn::bench {
namespace {

// The value that `percent` of the sorted `values` do not exceed: what Percentile approximates.
uint64_t ExactPercentile(const std::vector<uint64_t>& values, double percent) {
  const double rank = std::ceil(percent / 100.0 * static_cast<double>(values.size()));
  return values[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

void ExpectNeverBelowAndWithinOnePercent(uint64_t got, uint64_t exact) {
  EXPECT_GE(got, exact);
  EXPECT_LE(got - exact, exact / 100);
}

TEST(HistogramTest, EmptyIsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.Percentile(50), 0u);
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (uint64_t value = 0; value < 256; ++value) histogram.Record(value);
  EXPECT_EQ(histogram.count(), 256u);
  EXPECT_EQ(histogram.Percentile(0), 0u);
  EXPECT_EQ(histogram.Percentile(50), 127u);
  EXPECT_EQ(histogram.Percentile(100), 255u);
}

TEST(HistogramTest, OneValueIsEveryPercentile) {
  for (uint64_t value : {uint64_t{1}, uint64_t{257}, uint64_t{123'456'789}, UINT64_MAX}) {
    Histogram histogram;
    histogram.Record(value);
    for (double percent : {0.0, 50.0, 99.9, 100.0}) EXPECT_EQ(histogram.Percentile(percent), value);
    EXPECT_EQ(histogram.max(), value);
  }
}

// Both ends of every power of two, where a wrong bucket would show.
TEST(HistogramTest, BucketsAreNarrowEverywhere) {
  for (int bit = 1; bit < 64; ++bit) {
    const uint64_t power = uint64_t{1} << bit;
    for (uint64_t value : {power - 1, power, power + 1, power + power / 2, power + power / 3}) {
      Histogram histogram;
      histogram.Record(value);
      histogram.Record(UINT64_MAX);
      ExpectNeverBelowAndWithinOnePercent(histogram.Percentile(50), value);
    }
  }
}

TEST(HistogramTest, PercentilesOfASkewedSample) {
  std::mt19937_64 random(42);
  std::lognormal_distribution<double> latency(11.0, 1.5);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 200'000; ++i) {
    values.push_back(static_cast<uint64_t>(latency(random)));
    histogram.Record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (double percent : {0.1, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99}) {
    ExpectNeverBelowAndWithinOnePercent(histogram.Percentile(percent),
                                        ExactPercentile(values, percent));
  }
  EXPECT_EQ(histogram.Percentile(100), values.back());
  EXPECT_EQ(histogram.max(), values.back());
}

TEST(HistogramTest, MergeEqualsRecordingIntoOne) {
  Histogram left;
  Histogram right;
  Histogram both;
  for (uint64_t i = 0; i < 10'000; ++i) {
    const uint64_t value = i * i * 7;
    (i % 3 == 0 ? left : right).Record(value);
    both.Record(value);
  }
  left.Merge(right);
  EXPECT_EQ(left.count(), both.count());
  EXPECT_EQ(left.max(), both.max());
  for (double percent : {1.0, 50.0, 99.0, 99.9}) {
    EXPECT_EQ(left.Percentile(percent), both.Percentile(percent));
  }
}

}  // namespace
}  // namespace cairn::bench
