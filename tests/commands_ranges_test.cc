// SCANRANGE, COUNTRANGE, DELRANGE: replies, bounds, filters, and paging that covers everything
// once.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keyspace/range.h"
#include "support/command_harness.h"
#include "support/pages.h"

namespace cairn::test {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

TEST(RangeCommandsTest, Replies) {
  ExpectExchanges({{"SCANRANGE - +", "[\"\", []]"},
                   {"COUNTRANGE - +", ":0"},
                   {"DELRANGE - +", ":0"},
                   {"MSET a 1 b 2 c 3 d 4 e 5", "+OK"},
                   {"SCANRANGE - +", "[\"\", [\"a\", \"b\", \"c\", \"d\", \"e\"]]"},
                   {"SCANRANGE - + REV", "[\"\", [\"e\", \"d\", \"c\", \"b\", \"a\"]]"},
                   {"scanrange [b (d", "[\"\", [\"b\", \"c\"]]"},
                   {"SCANRANGE (b [d rev", "[\"\", [\"d\", \"c\"]]"},
                   {"SCANRANGE [bb +", "[\"\", [\"c\", \"d\", \"e\"]]"},
                   {"SCANRANGE - [", "[\"\", []]"},
                   {"SCANRANGE + -", "[\"\", []]"},
                   {"SCANRANGE [d [b", "[\"\", []]"},
                   {"SCANRANGE - + LIMIT 2", "[\"(b\", [\"a\", \"b\"]]"},
                   {"SCANRANGE - + limit 2 rev", "[\"(d\", [\"e\", \"d\"]]"},
                   {"SCANRANGE - + LIMIT 5", "[\"\", [\"a\", \"b\", \"c\", \"d\", \"e\"]]"},
                   {"SCANRANGE - + LIMIT 3 LIMIT 1", "[\"(a\", [\"a\"]]"},
                   {"SCANRANGE - + MATCH [bd]", "[\"\", [\"b\", \"d\"]]"},
                   {"SCANRANGE - + MATCH [bd] LIMIT 1", "[\"(b\", [\"b\"]]"},
                   {"SCANRANGE - + TYPE string LIMIT 1", "[\"(a\", [\"a\"]]"},
                   {"SCANRANGE - + TYPE hash", "[\"\", []]"},
                   {"COUNTRANGE - +", ":5"},
                   {"COUNTRANGE [b (d", ":2"},
                   {"COUNTRANGE + -", ":0"},
                   {"DELRANGE [b (d", ":2"},
                   {"DELRANGE - + LIMIT 1", ":1"},
                   {"KEYS *", "[\"d\", \"e\"]"},
                   {"DELRANGE - + limit 100", ":2"},
                   {"DBSIZE", ":0"}});
}

TEST(RangeCommandsTest, Errors) {
  constexpr std::string_view kBounds = "-ERR min or max not valid string range item";
  constexpr std::string_view kPositive = "-ERR value is out of range, must be positive";
  ExpectExchanges({{"SCANRANGE a +", kBounds},
                   {"SCANRANGE - z", kBounds},
                   {"SCANRANGE \"\" +", kBounds},
                   {"COUNTRANGE -a +", kBounds},
                   {"COUNTRANGE - ++", kBounds},
                   {"DELRANGE x y", kBounds},
                   {"SCANRANGE - + FOO", "-ERR syntax error"},
                   {"SCANRANGE - + LIMIT", "-ERR syntax error"},
                   {"SCANRANGE - + MATCH", "-ERR syntax error"},
                   {"SCANRANGE - + TYPE", "-ERR syntax error"},
                   {"SCANRANGE - + LIMIT 0", kPositive},
                   {"SCANRANGE - + LIMIT -1", kPositive},
                   {"SCANRANGE - + LIMIT x", kPositive},
                   {"DELRANGE - + REV", "-ERR syntax error"},
                   {"DELRANGE - + LIMIT", "-ERR syntax error"},
                   {"DELRANGE - + LIMIT 0", kPositive},
                   {"COUNTRANGE - + x", "-ERR wrong number of arguments for 'countrange' command"},
                   {"SCANRANGE -", "-ERR wrong number of arguments for 'scanrange' command"},
                   {"DELRANGE -", "-ERR wrong number of arguments for 'delrange' command"}});
}

TEST(RangeCommandsTest, WithValuesInBothProtocols) {
  CommandHarness server;
  server.Line("MSET a 1 b \"\"");
  EXPECT_EQ(server.Line("SCANRANGE - + WITHVALUES").raw(),
            "*2\r\n$0\r\n\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$0\r\n\r\n");
  EXPECT_EQ(server.Line("SCANRANGE - + WITHVALUES REV LIMIT 1").raw(),
            "*2\r\n$2\r\n(b\r\n*2\r\n$1\r\nb\r\n$0\r\n\r\n");
  server.set_version(resp::Version::kResp3);
  EXPECT_EQ(server.Line("SCANRANGE - + WITHVALUES").raw(),
            "*2\r\n$0\r\n\r\n*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$1\r\nb\r\n$0\r\n\r\n");
  EXPECT_EQ(server.Line("SCANRANGE [x +").raw(), "*2\r\n$0\r\n\r\n*0\r\n");
}

TEST(RangeCommandsTest, TheDefaultLimit) {
  CommandHarness server;
  for (int i = 0; i < 1001; ++i) server.Run({"SET", std::to_string(10'000 + i), ""});
  const Page page = RangePage(server.client(), {"-", "+"});
  EXPECT_EQ(page.keys.size(), 1000U);
  EXPECT_EQ(page.next, "(10999");
  server.Line("DEL 11000");
  EXPECT_EQ(RangePage(server.client(), {"-", "+"}).next, "") << "exactly one page";
}

TEST(RangeCommandsTest, ExpiredKeysAreNotThere) {
  CommandHarness server;
  server.Line("SET a 1 PX 10");
  server.Line("MSET b 2 c 3");
  server.clock().AdvanceMs(10);
  EXPECT_EQ(server.Line("SCANRANGE - +").Show(), "[\"\", [\"b\", \"c\"]]");
  EXPECT_EQ(server.Line("COUNTRANGE - +").Show(), ":2");
  EXPECT_EQ(server.Line("DELRANGE - + LIMIT 1").Show(), ":1");
  EXPECT_EQ(server.Line("SCANRANGE - +").Show(), "[\"\", [\"c\"]]");
}

TEST(RangeCommandsTest, TheStreamNamesTheKeys) {
  CommandHarness server;
  server.Line("MSET a 1 b 2 c 3");
  const uint64_t offset = server.storage().log().appended_offset();
  server.Line("COUNTRANGE - +");
  server.Line("SCANRANGE - +");
  server.Line("DELRANGE [x +");
  server.Line("DELRANGE - (c");
  EXPECT_THAT(server.StreamSince(offset), ElementsAre("DEL a b"));
}

// ---- paging

class PagingTest : public testing::TestWithParam<bool> {
 protected:
  // All pages of a range, put together.
  std::vector<std::string> Walk(std::string min, std::string max,
                                const std::vector<std::string>& options) {
    return WalkPages(server_.client(), std::move(min), std::move(max), GetParam(), options);
  }

  CommandHarness server_;
};

TEST_P(PagingTest, CoversEverythingExactlyOnce) {
  std::set<std::string> keys = {"", std::string(1, '\0'), "\xff", "\xff\xff", "(", "[", "-", "+"};
  for (int i = 0; i < 60; ++i) {
    keys.insert(std::to_string(i));
    keys.insert(std::string(490, 'l') + std::to_string(i));
    keys.insert(std::string(491, 'l') + std::to_string(i % 7) + std::to_string(i));
  }
  for (const std::string& key : keys) server_.Run({"SET", key, "v" + key});
  std::vector<std::string> want(keys.begin(), keys.end());
  if (GetParam()) std::reverse(want.begin(), want.end());
  for (const std::string limit : {"1", "2", "3", "50", "187", "188", "189", "100000"}) {
    EXPECT_EQ(Walk("-", "+", {"LIMIT", limit}), want) << limit;
  }
  server_.Checkpoint();
  EXPECT_EQ(Walk("-", "+", {"LIMIT", "5"}), want);
}

TEST_P(PagingTest, EveryPairOfBounds) {
  const std::vector<std::string> keys = {
      "", "a", "b", "bb", "c", std::string(495, 'd'), std::string(495, 'd') + "x", "e"};
  for (const std::string& key : keys) server_.Run({"SET", key, ""});
  std::vector<std::string> bounds = {"-", "+"};
  for (const std::string& key : keys) {
    for (const std::string_view sign : {"[", "("}) {
      bounds.push_back(std::string(sign) + key);
      bounds.push_back(std::string(sign) + key + '\0');
    }
  }
  for (const std::string& min : bounds) {
    for (const std::string& max : bounds) {
      std::vector<std::string> want;
      for (const std::string& key : keys) {
        if (keyspace::Bound::Parse(min)->AdmitsFromBelow(key) &&
            keyspace::Bound::Parse(max)->AdmitsFromAbove(key)) {
          want.push_back(key);
        }
      }
      EXPECT_EQ(server_.Run({"COUNTRANGE", min, max}).integer(), static_cast<int64_t>(want.size()));
      if (GetParam()) std::reverse(want.begin(), want.end());
      ASSERT_THAT(Walk(min, max, {"LIMIT", "2"}), ElementsAreArray(want)) << min << " " << max;
    }
  }
}

// `next` may be used after the key it names has gone, and by another server.
TEST_P(PagingTest, NextOutlivesItsKeyAndTheServer) {
  server_.Line("MSET a 1 b 2 c 3 d 4 e 5");
  const bool reverse = GetParam();
  std::vector<std::string> argv = {"-", "+", "LIMIT", "2"};
  if (reverse) argv.push_back("REV");
  const Page page = RangePage(server_.client(), argv);
  server_.Line(reverse ? "DEL d" : "DEL b");
  server_.Reopen();
  argv[reverse ? 1 : 0] = page.next;
  EXPECT_EQ(RangePage(server_.client(), argv).keys.front(), "c");
}

// Keys that are there throughout come exactly once, in order, while others come and go.
TEST_P(PagingTest, WhileKeysComeAndGo) {
  base::Random random(5);
  for (int round = 0; round < 20; ++round) {
    server_.Line("FLUSHALL");
    const auto key = [](const char* kind, uint64_t n) {
      return (n % 4 == 0 ? std::string(500, 'p') : std::string("k")) +
             std::to_string(n * 7919 % 997) + kind;
    };
    std::set<std::string> stable;
    for (uint64_t n = 0; n < 100; ++n) {
      server_.Run({"SET", key("s", n), ""});
      stable.insert(key("s", n));
    }
    const std::vector<std::string> all = WalkPages(
        server_.client(), "-", "+", GetParam(), {"LIMIT", std::to_string(1 + random.Below(15))},
        [&] {
          for (int change = 0; change < 10; ++change) {
            server_.Run({random.Below(2) == 0 ? "DEL" : "INCR", key("t", random.Below(150))});
          }
          if (random.Below(10) == 0) server_.Seal();
          if (random.Below(20) == 0) server_.Reopen();
        });
    std::vector<std::string> sorted = all;
    if (GetParam()) std::reverse(sorted.begin(), sorted.end());
    EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
    const std::set<std::string> seen(all.begin(), all.end());
    EXPECT_TRUE(std::includes(seen.begin(), seen.end(), stable.begin(), stable.end()));
  }
}

TEST_P(PagingTest, Match) {
  for (const std::string_view key :
       {"user:1", "user:2", "user:10", "user", "users", "item:1", "\xffz"}) {
    server_.Run({"SET", key, ""});
  }
  const auto expect = [&](const std::string& pattern, std::vector<std::string> want) {
    if (GetParam()) std::reverse(want.begin(), want.end());
    for (const std::string limit : {"1", "2", "100"}) {
      EXPECT_EQ(Walk("-", "+", {"MATCH", pattern, "LIMIT", limit}), want) << pattern;
    }
  };
  expect("user:*", {"user:1", "user:10", "user:2"});
  expect("user*", {"user", "user:1", "user:10", "user:2", "users"});
  expect("*:1", {"item:1", "user:1"});
  expect("user:1?", {"user:10"});
  expect("user", {"user"});
  expect("nothing*", {});
  expect("\xff*", {"\xffz"});
  // The range and the pattern's range meet.
  std::vector<std::string> want = {"user:10", "user:2"};
  if (GetParam()) std::reverse(want.begin(), want.end());
  EXPECT_EQ(Walk("(user:1", "[user:5", {"MATCH", "user:*"}), want);
  EXPECT_EQ(Walk("[v", "+", {"MATCH", "user:*"}), std::vector<std::string>());
  EXPECT_EQ(Walk("-", "(user", {"MATCH", "user:*"}), std::vector<std::string>());
}

// A page also ends when it has become large, so that big values do not pile up in memory.
TEST_P(PagingTest, PagesOfBigValuesAreCut) {
  for (int i = 0; i < 45; ++i) {
    server_.Run({"SET", "k" + std::to_string(10 + i), std::string(1U << 20, 'v')});
  }
  std::vector<std::string> argv = {"-", "+", "WITHVALUES"};
  if (GetParam()) argv.emplace_back("REV");
  const Page page = RangePage(server_.client(), argv);
  EXPECT_GE(page.keys.size() / 2, 32U);
  EXPECT_LT(page.keys.size() / 2, 40U);
  EXPECT_EQ(page.next, "(" + page.keys[page.keys.size() - 2]);
  EXPECT_EQ(Walk("-", "+", {"WITHVALUES"}).size(), 2 * 45U);
}

INSTANTIATE_TEST_SUITE_P(Directions, PagingTest, testing::Values(false, true),
                         [](const testing::TestParamInfo<bool>& direction) {
                           return direction.param ? "Down" : "Up";
                         });

}  // namespace
}  // namespace cairn::test
