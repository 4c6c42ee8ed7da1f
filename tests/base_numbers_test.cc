// The expected values without a remark come from redis-server 7.0.15 (INCRBY, INCRBYFLOAT, ZADD,
// CONFIG SET).
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/random.h"
#include "gtest/gtest.h"

namespace cairn::base {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(NumbersTest, ParsesIntegersInTheirOneSpelling) {
  EXPECT_EQ(ParseInt64("0"), 0);
  EXPECT_EQ(ParseInt64("-1"), -1);
  EXPECT_EQ(ParseInt64("10"), 10);
  EXPECT_EQ(ParseInt64("9223372036854775807"), kMax);
  EXPECT_EQ(ParseInt64("-9223372036854775808"), kMin);
  for (const std::string_view bad :
       {"", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1a", "--1", "9223372036854775808",
        "-9223372036854775809", "18446744073709551615", "99999999999999999999",
        "123456789012345678901", "1.0", "0x1", "1e3"}) {
    EXPECT_EQ(ParseInt64(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(ParseInt64(std::string_view("1\0", 2)), std::nullopt);
}

TEST(NumbersTest, ParsesUnsignedIntegers) {
  EXPECT_EQ(ParseUint64("0"), 0U);
  EXPECT_EQ(ParseUint64("9999999999999999999"), 9999999999999999999U);
  EXPECT_EQ(ParseUint64("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  for (const std::string_view bad :
       {"", "-1", "+1", "01", "18446744073709551616", "1844674407370955161x",
        "28446744073709551615", "111111111111111111111"}) {
    EXPECT_EQ(ParseUint64(bad), std::nullopt) << bad;
  }
}

TEST(NumbersTest, WritesIntegersThatReadBack) {
  EXPECT_EQ(IntegerText(kMin).view(), "-9223372036854775808");
  EXPECT_EQ(IntegerText(kMax).view(), "9223372036854775807");
  EXPECT_EQ(IntegerText(std::numeric_limits<uint64_t>::max()).view(), "18446744073709551615");
  EXPECT_EQ(IntegerText(int64_t{0}).view(), "0");
  Random random(1);
  for (int i = 0; i < 10000; ++i) {
    const uint64_t value = random.Next() >> random.Below(64);
    EXPECT_EQ(ParseUint64(IntegerText(value).view()), value);
    const auto as_signed = static_cast<int64_t>(value);
    EXPECT_EQ(ParseInt64(IntegerText(as_signed).view()), as_signed);
  }
}

TEST(NumbersTest, ParsesDoublesAsStrtodButStrictly) {
  EXPECT_EQ(ParseDouble("0.1"), 0.1);
  EXPECT_EQ(ParseDouble("+1"), 1);
  EXPECT_EQ(ParseDouble(".5"), 0.5);
  EXPECT_EQ(ParseDouble("5."), 5);
  EXPECT_EQ(ParseDouble("0x10"), 16);
  EXPECT_EQ(ParseDouble("0x1p-2"), 0.25);
  EXPECT_EQ(ParseDouble("5e-324"), 5e-324);
  EXPECT_EQ(ParseDouble("inf"), HUGE_VAL);
  EXPECT_EQ(ParseDouble("-inf"), -HUGE_VAL);
  EXPECT_EQ(ParseDouble("INF"), HUGE_VAL);
  EXPECT_EQ(ParseDouble("infinity"), HUGE_VAL);
  EXPECT_EQ(ParseDouble(std::string(6000, '0') + "1"), 1);
  for (const std::string_view bad : {"", " 1", "1 ", "\t1", "1e", "1_0", "0x", "-", "+", ".", "nan",
                                     "-nan", "nan(1)", "1e400", "-1e400", "1e-400", "abc", "1,5"}) {
    EXPECT_EQ(ParseDouble(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(ParseDouble(std::string_view("1\0", 2)), std::nullopt);
}

TEST(NumbersTest, ParsesLongDoubles) {
  EXPECT_EQ(ParseLongDouble("1e400"), 1e400L);
  EXPECT_EQ(ParseLongDouble("0.1"), 0.1L);
  EXPECT_EQ(ParseLongDouble("0x10"), 16.0L);
  EXPECT_EQ(ParseLongDouble(std::string(5118, '0') + "1"), 1.0L);
  EXPECT_EQ(ParseLongDouble(std::string(5119, '0') + "1"), std::nullopt);
  for (const std::string_view bad : {"", " 1", "1 ", "nan", "1e5000", "1e-5000", "abc"}) {
    EXPECT_EQ(ParseLongDouble(bad), std::nullopt) << bad;
  }
}

TEST(NumbersTest, FormatsLongDoublesAsIncrbyfloatReplies) {
  const auto format = [](std::string_view text) {
    return FormatLongDouble(*ParseLongDouble(text));
  };
  EXPECT_EQ(format("0"), "0");
  EXPECT_EQ(format("-0"), "0");
  EXPECT_EQ(format("3.0"), "3");
  EXPECT_EQ(format("-2.5"), "-2.5");
  EXPECT_EQ(format("100"), "100");
  EXPECT_EQ(format("0.1"), "0.1");
  EXPECT_EQ(FormatLongDouble(0.1L + 0.1L), "0.2");
  EXPECT_EQ(FormatLongDouble(123456789.123456789012345L + 0.1L), "123456789.22345678901183419");
  EXPECT_EQ(format("123456789.123456789012345"), "123456789.12345678901328938");
  EXPECT_EQ(format("1e-17"), "0.00000000000000001");
  EXPECT_EQ(FormatLongDouble(1e-17L + 0.1L), "0.10000000000000001");
  EXPECT_EQ(format("5e-18"), "0");
  EXPECT_EQ(format("-1e-18"), "0");
  EXPECT_EQ(format("1e20"), "100000000000000000000");
  EXPECT_EQ(format("1e4932").size(), 4933U);
  EXPECT_EQ(format("inf"), "inf");
  EXPECT_EQ(format("-inf"), "-inf");
}

// Expected: the layout that the documentation and tests of Redis 7.2 show; 7.0 wrote 17 digits
// always.
TEST(NumbersTest, FormatsDoublesAsReplies) {
  const std::vector<std::pair<double, std::string>> cases = {
      {0.0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {-1.5, "-1.5"},
      {0.1, "0.1"},
      {3.141, "3.141"},
      {-1234.5678, "-1234.5678"},
      {1e15, "1000000000000000"},
      {1e17, "100000000000000000"},
      {4e18, "4000000000000000000"},
      {1e19, "1e+19"},
      {1e20, "1e+20"},
      {1e21, "1e+21"},
      {1.2345678901234568e22, "12345678901234568000000"},
      {1.2345678901234567e23, "123456789012345670000000"},
      {1.2345678901234568e24, "1.2345678901234568e+24"},
      {-1.5e300, "-1.5e+300"},
      {0.001, "0.001"},
      {0.0001, "0.0001"},
      {0.00001, "0.00001"},
      {1e-6, "0.000001"},
      {1e-7, "1e-7"},
      {1.5e-7, "1.5e-7"},
      {0.0012345678901234567, "0.0012345678901234567"},
      {0.00012345678901234567, "1.2345678901234567e-4"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {HUGE_VAL, "inf"},
      {-HUGE_VAL, "-inf"},
      {std::nan(""), "nan"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(FormatDouble(value), text);
}

TEST(NumbersTest, FormattedDoublesReadBackAndFit) {
  Random random(2);
  for (int i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<double>(random.Next());
    if (!std::isfinite(value)) continue;
    const std::string text = FormatDouble(value);
    EXPECT_LE(text.size(), kMaxDoubleChars);
    EXPECT_EQ(ParseDouble(text), value) << text;
  }
  for (int i = 0; i < 20000; ++i) {
    const double value = static_cast<double>(random.Below(1'000'000)) /
                         std::pow(10, static_cast<double>(random.Below(30)));
    EXPECT_EQ(ParseDouble(FormatDouble(value)), value);
  }
}

TEST(NumbersTest, ParsesMemorySizes) {
  EXPECT_EQ(ParseMemorySize("0"), 0U);
  EXPECT_EQ(ParseMemorySize("5"), 5U);
  EXPECT_EQ(ParseMemorySize("5b"), 5U);
  EXPECT_EQ(ParseMemorySize("1k"), 1000U);
  EXPECT_EQ(ParseMemorySize("1kb"), 1024U);
  EXPECT_EQ(ParseMemorySize("1Kb"), 1024U);
  EXPECT_EQ(ParseMemorySize("2m"), 2000000U);
  EXPECT_EQ(ParseMemorySize("64mb"), 64U << 20);
  EXPECT_EQ(ParseMemorySize("1g"), 1000000000U);
  EXPECT_EQ(ParseMemorySize("1GB"), 1U << 30);
  EXPECT_EQ(ParseMemorySize("05mb"), 5U << 20);
  EXPECT_EQ(ParseMemorySize("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  for (const std::string_view bad : {"", "mb", " 5", "5 ", "+5", "-1", "5 mb", "1.5mb", "5tb",
                                     "1e3", "0x10", "18446744073709551616", "17179869184gb"}) {
    EXPECT_EQ(ParseMemorySize(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace cairn::base
