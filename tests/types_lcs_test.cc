// The longest common subsequence against every subsequence there is.
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/status.h"
#include "gtest/gtest.h"
#include "types/lcs.h"

namespace cairn::types {
namespace {

constexpr uint64_t kNoLimit = UINT64_MAX;

bool IsSubsequence(std::string_view part, std::string_view whole) {
  size_t found = 0;
  for (const char c : whole) {
    if (found < part.size() && part[found] == c) ++found;
  }
  return found == part.size();
}

// Tries all subsequences of `a`.
uint32_t BruteForceLength(std::string_view a, std::string_view b) {
  uint32_t best = 0;
  for (uint32_t chosen = 0; chosen < 1U << a.size(); ++chosen) {
    std::string part;
    for (size_t i = 0; i < a.size(); ++i) {
      if ((chosen >> i & 1) != 0) part += a[i];
    }
    if (part.size() > best && IsSubsequence(part, b)) best = static_cast<uint32_t>(part.size());
  }
  return best;
}

// The matches, last one first, are stretches of both strings and make up the text.
void ExpectMatchesMakeUpTheText(std::string_view a, std::string_view b, const LcsResult& lcs) {
  std::string text;
  uint32_t a_next = 0;
  uint32_t b_next = 0;
  for (auto match = lcs.matches.rbegin(); match != lcs.matches.rend(); ++match) {
    EXPECT_GE(match->a_first, a_next);
    EXPECT_GE(match->b_first, b_next);
    ASSERT_GE(match->a_last, match->a_first);
    ASSERT_LT(match->a_last, a.size());
    ASSERT_LT(match->b_last, b.size());
    EXPECT_EQ(match->size(), match->b_last - match->b_first + 1);
    EXPECT_EQ(a.substr(match->a_first, match->size()), b.substr(match->b_first, match->size()));
    text += a.substr(match->a_first, match->size());
    a_next = match->a_last + 1;
    b_next = match->b_last + 1;
  }
  EXPECT_EQ(text, lcs.text);
}

void ExpectRight(std::string_view a, std::string_view b, uint32_t length) {
  const auto lcs = LongestCommonSubsequence(a, b, true, kNoLimit);
  ASSERT_TRUE(lcs.ok());
  EXPECT_EQ(lcs->length, length) << a << " " << b;
  EXPECT_EQ(lcs->text.size(), length);
  EXPECT_TRUE(IsSubsequence(lcs->text, a)) << lcs->text << " of " << a;
  EXPECT_TRUE(IsSubsequence(lcs->text, b)) << lcs->text << " of " << b;
  ExpectMatchesMakeUpTheText(a, b, *lcs);
  const auto length_only = LongestCommonSubsequence(a, b, false, kNoLimit);
  ASSERT_TRUE(length_only.ok());
  EXPECT_EQ(length_only->length, length);
  EXPECT_TRUE(length_only->text.empty());
  EXPECT_TRUE(length_only->matches.empty());
}

TEST(LcsTest, EmptyStrings) {
  ExpectRight("", "", 0);
  ExpectRight("a", "", 0);
  ExpectRight("", "abc", 0);
}

TEST(LcsTest, TheManualsExample) {
  const auto lcs = LongestCommonSubsequence("ohmytext", "mynewtext", true, kNoLimit);
  ASSERT_TRUE(lcs.ok());
  EXPECT_EQ(lcs->text, "mytext");
  ASSERT_EQ(lcs->matches.size(), 2U);
  EXPECT_EQ(lcs->matches[0].a_first, 4U);
  EXPECT_EQ(lcs->matches[0].a_last, 7U);
  EXPECT_EQ(lcs->matches[0].b_first, 5U);
  EXPECT_EQ(lcs->matches[0].b_last, 8U);
  EXPECT_EQ(lcs->matches[1].a_first, 2U);
  EXPECT_EQ(lcs->matches[1].b_last, 1U);
}

TEST(LcsTest, EveryPairOfShortStrings) {
  std::vector<std::string> all = {""};
  for (size_t i = 0; all[i].size() < 5; ++i) {
    for (const char c : {'a', 'b'}) all.push_back(all[i] + c);
  }
  for (const std::string& a : all) {
    for (const std::string& b : all) ExpectRight(a, b, BruteForceLength(a, b));
  }
}

TEST(LcsTest, RandomStrings) {
  base::Random random(3);
  for (int round = 0; round < 400; ++round) {
    std::string a(random.Below(12), '\0');
    std::string b(random.Below(30), '\0');
    const uint64_t letters = 2 + random.Below(4);
    for (char& c : a) c = static_cast<char>(0xfd + random.Below(letters));
    for (char& c : b) c = static_cast<char>(0xfd + random.Below(letters));
    ExpectRight(a, b, BruteForceLength(a, b));
    ExpectRight(b, a, BruteForceLength(a, b));
  }
}

TEST(LcsTest, TheTablesSizeIsLimited) {
  const std::string a(99, 'a');
  const std::string b(49, 'a');
  constexpr uint64_t kTable = 100 * 50 * 4;
  EXPECT_TRUE(LongestCommonSubsequence(a, b, true, kTable).ok());
  const auto refused = LongestCommonSubsequence(a, b, true, kTable - 1);
  EXPECT_EQ(base::Message(refused.status()),
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
}

}  // namespace
}  // namespace cairn::types
