#include <cstdint>

#include <gtest/gtest.h>

#include "server/rates.h"

namespace cairn::server {
namespace {

constexpr int64_t kTenthUs = 100'000;

TEST(ServerRates, SteadyRateIsThatRate) {
  Rates rates;
  for (int i = 1; i <= 40; ++i) {
    rates.Sample(Rates::kCommands, i * kTenthUs, static_cast<uint64_t>(i) * 500);
  }
  EXPECT_EQ(rates.PerSecond(Rates::kCommands), 5000U);
  EXPECT_EQ(rates.PerSecond(Rates::kNetInput), 0U);
}

TEST(ServerRates, TheFirstSampleIsNoRate) {
  Rates rates;
  rates.Sample(Rates::kNetInput, kTenthUs, 1'000'000);
  EXPECT_EQ(rates.PerSecond(Rates::kNetInput), 0U);
}

TEST(ServerRates, OldSamplesAreForgotten) {
  Rates rates;
  uint64_t total = 0;
  int64_t now_us = kTenthUs;
  for (int i = 0; i < 17; ++i) rates.Sample(Rates::kCommands, now_us += kTenthUs, total += 1000);
  EXPECT_EQ(rates.PerSecond(Rates::kCommands), 10'000U);
  for (int i = 0; i < 8; ++i) rates.Sample(Rates::kCommands, now_us += kTenthUs, total);
  EXPECT_EQ(rates.PerSecond(Rates::kCommands), 5'000U);
  for (int i = 0; i < 8; ++i) rates.Sample(Rates::kCommands, now_us += kTenthUs, total);
  EXPECT_EQ(rates.PerSecond(Rates::kCommands), 0U);
}

// CONFIG RESETSTAT sets totals to zero: that is no negative rate.
TEST(ServerRates, AResetTotalGivesNoRate) {
  Rates rates;
  rates.Sample(Rates::kCommands, kTenthUs, 1'000'000);
  rates.Sample(Rates::kCommands, 2 * kTenthUs, 10);
  EXPECT_EQ(rates.PerSecond(Rates::kCommands), 0U);
  rates.Sample(Rates::kCommands, 3 * kTenthUs, 170);
  EXPECT_EQ(rates.PerSecond(Rates::kCommands), 100U);  // 1600 a second, one sample of sixteen
}

TEST(ServerRates, NoTimeNoRate) {
  Rates rates;
  rates.Sample(Rates::kCommands, kTenthUs, 0);
  rates.Sample(Rates::kCommands, kTenthUs, 500);
  EXPECT_EQ(rates.PerSecond(Rates::kCommands), 0U);
}

}  // namespace
}  // namespace cairn::server
