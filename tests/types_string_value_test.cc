// What a string value means: numbers, parts, encodings.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/status.h"
#include "gtest/gtest.h"
#include "resp/errors.h"
#include "types/string_value.h"

namespace cairn::types {
namespace {

using keyspace::EncodingHint;
using namespace std::string_literals;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

// ---- Increment

TEST(IncrementTest, Adds) {
  EXPECT_EQ(*Increment("", false, 5), 5) << "a key that is not there counts as 0";
  EXPECT_EQ(*Increment("anything", false, -5), -5);
  EXPECT_EQ(*Increment("10", true, -3), 7);
  EXPECT_EQ(*Increment("-10", true, 3), -7);
  EXPECT_EQ(*Increment("0", true, 0), 0);
  EXPECT_EQ(*Increment("9223372036854775807", true, kMin), -1);
  EXPECT_EQ(*Increment("-9223372036854775808", true, kMax), -1);
  EXPECT_EQ(*Increment("9223372036854775806", true, 1), kMax);
  EXPECT_EQ(*Increment("", false, kMin), kMin);
}

TEST(IncrementTest, RefusesWhatDoesNotFit) {
  const std::pair<std::string_view, int64_t> cases[] = {
      {"9223372036854775807", 1}, {"-9223372036854775808", -1}, {"1", kMax}, {"-1", kMin}};
  for (const auto& [value, delta] : cases) {
    EXPECT_EQ(base::Message(Increment(value, true, delta).status()), resp::errors::kOverflow);
  }
}

TEST(IncrementTest, RefusesWhatIsNoInteger) {
  for (const std::string_view value :
       {"", " 1", "1 ", "+1", "01", "-0", "1.0", "abc", "0x10", "9223372036854775808"}) {
    EXPECT_EQ(base::Message(Increment(value, true, 1).status()), resp::errors::kNotInteger)
        << value;
  }
  EXPECT_FALSE(Increment("1\0"s, true, 1).ok());
}

// ---- IncrementFloat

TEST(IncrementFloatTest, Adds) {
  EXPECT_EQ(*IncrementFloat("", false, "1.5"), "1.5");
  EXPECT_EQ(*IncrementFloat("10.50", true, "0.1"), "10.6");
  EXPECT_EQ(*IncrementFloat("5.0e3", true, "200"), "5200");
  EXPECT_EQ(*IncrementFloat("3", true, "-3.0"), "0");
  EXPECT_EQ(*IncrementFloat("0.1", true, "0.2"), "0.3");
  EXPECT_EQ(*IncrementFloat("-1", true, "1e-3"), "-0.999");
  EXPECT_EQ(*IncrementFloat("1e18", true, "1"), "1000000000000000001");
}

TEST(IncrementFloatTest, RefusesWhatIsNoNumber) {
  for (const std::string_view text : {"", "abc", "1 ", " 1", "1.5x", "--1", "nan"}) {
    EXPECT_EQ(base::Message(IncrementFloat(text, true, "1").status()), resp::errors::kNotFloat)
        << text;
    EXPECT_EQ(base::Message(IncrementFloat("1", true, text).status()), resp::errors::kNotFloat)
        << text;
  }
}

TEST(IncrementFloatTest, RefusesInfinity) {
  EXPECT_EQ(base::Message(IncrementFloat("1", true, "inf").status()), resp::errors::kNanOrInfinity);
  EXPECT_EQ(base::Message(IncrementFloat("", false, "-inf").status()),
            resp::errors::kNanOrInfinity);
  EXPECT_EQ(base::Message(IncrementFloat("1e4932", true, "1e4932").status()),
            resp::errors::kNanOrInfinity);
}

// ---- Substring

// Where an index of GETRANGE points, by the documentation: negative ones count from the end, and
// those before the beginning are the beginning.
int64_t Place(int64_t index, int64_t size) {
  return index >= 0 ? index : (index + size < 0 ? 0 : index + size);
}

TEST(SubstringTest, EveryPairOfIndexes) {
  for (const std::string_view value : {"", "a", "ab", "hello"}) {
    const auto size = static_cast<int64_t>(value.size());
    for (int64_t start = -size - 3; start <= size + 3; ++start) {
      for (int64_t end = -size - 3; end <= size + 3; ++end) {
        std::string want;
        const bool crossed = start < 0 && end < 0 && start > end;
        for (int64_t i = 0; i < size && !crossed; ++i) {
          if (i >= Place(start, size) && i <= Place(end, size)) {
            want += value[static_cast<size_t>(i)];
          }
        }
        EXPECT_EQ(Substring(value, start, end), want) << value << " " << start << " " << end;
      }
    }
  }
}

TEST(SubstringTest, IndexesAtTheEndOfTheWorld) {
  EXPECT_EQ(Substring("hello", kMin, kMax), "hello");
  EXPECT_EQ(Substring("hello", kMax, kMax), "");
  EXPECT_EQ(Substring("hello", kMin, kMin), "h") << "both are the beginning, as in Redis";
  EXPECT_EQ(Substring("hello", kMax, kMin), "");
  EXPECT_EQ(Substring("hello", kMin, -1), "hello");
}

TEST(SubstringTest, IsAViewOfTheValue) {
  const std::string value = "hello";
  EXPECT_EQ(Substring(value, 1, 3).data(), value.data() + 1);
}

// ---- Overwrite

TEST(OverwriteTest, WritesInsideBeyondAndBehind) {
  EXPECT_EQ(Overwrite("hello world", 6, "redis"), "hello redis");
  EXPECT_EQ(Overwrite("hello", 0, "J"), "Jello");
  EXPECT_EQ(Overwrite("hello", 3, "p me"), "help me");
  EXPECT_EQ(Overwrite("hello", 5, "!"), "hello!");
  EXPECT_EQ(Overwrite("hello", 7, "x"), "hello\0\0x"s);
  EXPECT_EQ(Overwrite("", 3, "abc"), "\0\0\0abc"s);
  EXPECT_EQ(Overwrite("", 0, "abc"), "abc");
  EXPECT_EQ(Overwrite("abc", 0, "\0\xff"s), "\0\xff"s + "c");
}

TEST(OverwriteTest, EveryPlaceAndLength) {
  const std::string value = "abcdef";
  for (size_t offset = 0; offset < 10; ++offset) {
    for (size_t size = 1; size < 10; ++size) {
      const std::string patch(size, 'X');
      const std::string got = Overwrite(value, offset, patch);
      ASSERT_EQ(got.size(), std::max(value.size(), offset + size));
      for (size_t i = 0; i < got.size(); ++i) {
        const bool patched = i >= offset && i < offset + size;
        const char want = patched ? 'X' : (i < value.size() ? value[i] : '\0');
        EXPECT_EQ(got[i], want) << offset << " " << size << " " << i;
      }
    }
  }
}

// ---- encodings

TEST(StringEncodingTest, Names) {
  const auto natural = [](std::string_view value) {
    return StringEncoding(value, EncodingHint::kNatural);
  };
  EXPECT_EQ(natural("0"), "int");
  EXPECT_EQ(natural("-5"), "int");
  EXPECT_EQ(natural("9223372036854775807"), "int");
  EXPECT_EQ(natural("-9223372036854775808"), "int");
  EXPECT_EQ(natural("9223372036854775808"), "embstr");
  EXPECT_EQ(natural("01"), "embstr");
  EXPECT_EQ(natural("-0"), "embstr");
  EXPECT_EQ(natural(""), "embstr");
  EXPECT_EQ(natural(std::string(44, 'a')), "embstr");
  EXPECT_EQ(natural(std::string(45, 'a')), "raw");
  EXPECT_EQ(StringEncoding("5", EncodingHint::kRaw), "raw");
  EXPECT_EQ(StringEncoding("abc", EncodingHint::kRaw), "raw");
  EXPECT_EQ(StringEncoding("5", EncodingHint::kNotInt), "embstr");
  EXPECT_EQ(StringEncoding(std::string(45, '1'), EncodingHint::kNotInt), "raw");
}

}  // namespace
}  // namespace cairn::types
