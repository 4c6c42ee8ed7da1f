#include <algorithm>
#include <bitset>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/glob.h"
#include "base/random.h"
#include "gtest/gtest.h"

namespace cairn::base {
namespace {

using Rest = GlobPrefix::Rest;

// The reference: a pattern compiled into sets of bytes and stars, matched by a table over all pairs
// of positions.
struct Element {
  bool star = false;
  std::bitset<256> bytes;
};

unsigned char Byte(char c) {
  return static_cast<unsigned char>(c);
}

Element CompileClass(std::string_view& pattern) {
  Element element;
  const bool negated = !pattern.empty() && pattern.front() == '^';
  if (negated) pattern.remove_prefix(1);
  while (!pattern.empty() && pattern.front() != ']') {
    if (pattern.front() == '\\' && pattern.size() > 1) {
      element.bytes.set(Byte(pattern[1]));
      pattern.remove_prefix(2);
    } else if (pattern.size() > 2 && pattern[1] == '-') {
      const int first = static_cast<signed char>(pattern[0]);
      const int last = static_cast<signed char>(pattern[2]);
      for (int c = std::min(first, last); c <= std::max(first, last); ++c) {
        element.bytes.set(Byte(static_cast<char>(c)));
      }
      pattern.remove_prefix(3);
    } else {
      element.bytes.set(Byte(pattern.front()));
      pattern.remove_prefix(1);
    }
  }
  if (!pattern.empty()) pattern.remove_prefix(1);
  if (negated) element.bytes.flip();
  return element;
}

std::vector<Element> Compile(std::string_view pattern) {
  std::vector<Element> elements;
  while (!pattern.empty()) {
    char c = pattern.front();
    pattern.remove_prefix(1);
    if (c == '[') {
      elements.push_back(CompileClass(pattern));
      continue;
    }
    Element& element = elements.emplace_back();
    if (c == '*') {
      element.star = true;
    } else if (c == '?') {
      element.bytes.set();
    } else {
      if (c == '\\' && !pattern.empty()) {
        c = pattern.front();
        pattern.remove_prefix(1);
      }
      element.bytes.set(Byte(c));
    }
  }
  return elements;
}

bool ReferenceMatch(std::string_view pattern, std::string_view text) {
  if (text.empty()) return pattern.empty();
  const std::vector<Element> elements = Compile(pattern);
  // matches[t]: the elements so far match the first t bytes.
  std::vector<char> matches(text.size() + 1, 0);
  matches[0] = 1;
  for (const Element& element : elements) {
    std::vector<char> next(text.size() + 1, 0);
    for (size_t t = 0; t <= text.size(); ++t) {
      if (element.star) {
        next[t] = matches[t] || (t > 0 && next[t - 1]);
      } else {
        next[t] = t > 0 && matches[t - 1] && element.bytes.test(Byte(text[t - 1]));
      }
    }
    matches = std::move(next);
  }
  return matches[text.size()];
}

std::string RandomText(Random& random, std::string_view alphabet, uint64_t max_size) {
  std::string text(random.Below(max_size + 1), '\0');
  for (char& c : text) c = alphabet[random.Below(alphabet.size())];
  return text;
}

TEST(GlobTest, AgreesWithAReferenceOnRandomPatterns) {
  Random random(3);
  size_t matched = 0;
  for (int i = 0; i < 300000; ++i) {
    const std::string pattern = RandomText(random, "aab*?[]^-\\c\xff", 10);
    const std::string text = RandomText(random, "aab-]\\^c\xff\x80", 7);
    const bool expected = ReferenceMatch(pattern, text);
    matched += expected ? 1 : 0;
    ASSERT_EQ(GlobMatch(pattern, text), expected) << pattern << " on " << text;
  }
  EXPECT_GT(matched, 5000U);  // the alphabets give both answers often enough
}

TEST(GlobTest, AgreesWithAReferenceOnStarsAndLiterals) {
  Random random(4);
  for (int i = 0; i < 200000; ++i) {
    const std::string pattern = RandomText(random, "ab**?", 12);
    const std::string text = RandomText(random, "ab", 14);
    ASSERT_EQ(GlobMatch(pattern, text), ReferenceMatch(pattern, text)) << pattern << " on " << text;
  }
}

// Which of the one-byte texts a, b, c, A, ], ^, -, \ and 0xff the pattern matches, from
// redis-server 7.0.15 (KEYS).
TEST(GlobTest, CornerCasesAsRedis) {
  const auto matching = [](std::string_view pattern) {
    std::string found;
    for (const char c : std::string_view("-A\\]^abc\xff")) {
      if (GlobMatch(pattern, {&c, 1})) found.push_back(c);
    }
    return found;
  };
  EXPECT_EQ(matching("["), "");
  EXPECT_EQ(matching("[^"), "-A\\]^abc\xff");
  EXPECT_EQ(matching("[^a"), "-A\\]^bc\xff");
  EXPECT_EQ(matching("[a"), "a");
  EXPECT_EQ(matching("[a-"), "-a");
  EXPECT_EQ(matching("[a-]"), "]^a");
  EXPECT_EQ(matching("[]a]"), "");
  EXPECT_EQ(matching("[c-a]"), "abc");
  EXPECT_EQ(matching("[\\-a]"), "-a");
  EXPECT_EQ(matching("[\\a-c]"), "-ac");
  EXPECT_EQ(matching("[a-\xff]"), "-A\\]^a\xff");
  EXPECT_EQ(matching("[a-c"), "abc");
  EXPECT_EQ(matching("[\\"), "\\");
  EXPECT_EQ(matching("[\\]"), "]");
  EXPECT_EQ(matching("[a\\"), "\\a");
  EXPECT_EQ(matching("[]"), "");
  EXPECT_EQ(matching("[^]"), "-A\\]^abc\xff");
  EXPECT_EQ(matching("[--a]"), "-A\\]^a");
  EXPECT_EQ(matching("\\"), "\\");
  EXPECT_EQ(matching("*\\"), "\\");
  EXPECT_TRUE(GlobMatch("", ""));
  EXPECT_FALSE(GlobMatch("*", ""));
  EXPECT_FALSE(GlobMatch("**", ""));
  EXPECT_FALSE(GlobMatch("", "a"));
  EXPECT_TRUE(GlobMatch("a**", "a"));
}

TEST(GlobTest, IgnoresCaseOnDemand) {
  EXPECT_FALSE(GlobMatch("MaxMem*", "maxmemory"));
  EXPECT_TRUE(GlobMatch("MaxMem*", "maxmemory", true));
  EXPECT_TRUE(GlobMatch("[A-C]x", "bX", true));
  EXPECT_TRUE(GlobMatch("[B]", "b", true));
  EXPECT_TRUE(GlobMatch("\\A", "a", true));
  EXPECT_FALSE(GlobMatch("[\\A]", "a", true));  // as Redis: escapes in a class keep their case
}

// Backtracking into every star would take longer than the age of the universe here.
TEST(GlobTest, ManyStarsTakeNoExponentialTime) {
  const std::string text(20000, 'a');
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_FALSE(GlobMatch(pattern + "*b", text));
  EXPECT_TRUE(GlobMatch(pattern + "*", text));
}

TEST(GlobTest, FindsLiteralPrefixes) {
  struct Case {
    std::string_view pattern, literal;
    Rest rest;
  };
  for (const Case& c : std::vector<Case>{{"", "", Rest::kNothing},
                                         {"abc", "abc", Rest::kNothing},
                                         {"a\\*c", "a*c", Rest::kNothing},
                                         {"a\\", "a\\", Rest::kNothing},
                                         {"a\\\\", "a\\", Rest::kNothing},
                                         {"*", "", Rest::kAnything},
                                         {"user:*", "user:", Rest::kAnything},
                                         {"us\\[er*", "us[er", Rest::kAnything},
                                         {"user:**", "user:", Rest::kPattern},
                                         {"user:*a", "user:", Rest::kPattern},
                                         {"user:?", "user:", Rest::kPattern},
                                         {"user:[a]", "user:", Rest::kPattern},
                                         {"**", "", Rest::kPattern}}) {
    const GlobPrefix prefix = LiteralPrefix(c.pattern);
    EXPECT_EQ(prefix.literal, c.literal) << c.pattern;
    EXPECT_EQ(prefix.rest, c.rest) << c.pattern;
  }
}

TEST(GlobTest, LiteralPrefixesSayTheTruth) {
  Random random(5);
  for (int i = 0; i < 100000; ++i) {
    const std::string pattern = RandomText(random, "aab*?[\\", 5);
    const std::string text = RandomText(random, "aab[\\*", 5);
    if (text.empty()) continue;
    const GlobPrefix prefix = LiteralPrefix(pattern);
    const bool begins = text.starts_with(prefix.literal);
    const bool matches = GlobMatch(pattern, text);
    if (prefix.rest == Rest::kNothing) {
      ASSERT_EQ(matches, text == prefix.literal) << pattern;
    } else if (prefix.rest == Rest::kAnything) {
      ASSERT_EQ(matches, begins) << pattern;
    } else {
      ASSERT_TRUE(begins || !matches) << pattern << " on " << text;
    }
  }
}

}  // namespace
}  // namespace cairn::base
