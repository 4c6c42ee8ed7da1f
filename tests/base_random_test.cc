#include <array>
#include <set>
#include <string>

#include "base/random.h"
#include "gtest/gtest.h"

namespace cairn::base {
namespace {

TEST(RandomTest, TheSameSeedGivesTheSameNumbers) {
  Random a(7);
  Random b(7);
  Random c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = a.Next();
    EXPECT_EQ(value, b.Next());
    differs |= value != c.Next();
  }
  EXPECT_TRUE(differs);
}

// What other implementations of xoshiro256** give from the state that splitmix64 makes of 0.
TEST(RandomTest, IsTheGeneratorItSaysItIs) {
  Random random(0);
  EXPECT_EQ(random.Next(), 0x99ec5f36cb75f2b4U);
  EXPECT_EQ(random.Next(), 0xbf6e1f784956452aU);
  EXPECT_EQ(random.Next(), 0x1a5f849d4933e6e0U);
}

TEST(RandomTest, NumbersAreSpreadEvenly) {
  Random random(9);
  std::array<int, 10> counts{};
  for (int i = 0; i < 100000; ++i) ++counts[random.Below(10)];
  for (const int count : counts) {
    EXPECT_GT(count, 9500);
    EXPECT_LT(count, 10500);
  }
  EXPECT_EQ(random.Below(1), 0U);
  const uint64_t bound = (uint64_t{1} << 63) + 1;  // nearly half of all numbers have to be dropped
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.Below(bound), bound);
}

TEST(RandomTest, IdsAreHexadecimalAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const std::string id = RandomHex(40);
    EXPECT_EQ(id.size(), 40U);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 100U);
  EXPECT_EQ(RandomHex(0), "");
}

}  // namespace
}  // namespace cairn::base
