// Commands that are too long for one turn: they end, they see everything that is there throughout
// exactly once, and others are served between their slices.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "commands/filter.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/command_harness.h"
#include "support/pages.h"

namespace cairn::test {
namespace {

using testing::SizeIs;

constexpr int kKeys = 3 * static_cast<int>(commands::kSliceSteps) + 100;
constexpr int kDeleteSlice = 512;

// Names of one length, so that byte order is their numbers' order. With `prefix_size` > 490 all of
// them are one group of long keys.
std::string Name(size_t prefix_size, int n) {
  return std::string(prefix_size, 'p') + std::to_string(100'000 + n);
}

class SlicesTest : public testing::TestWithParam<size_t> {
 protected:
  void Fill(int count) {
    for (int i = 0; i < count; i += 50) {
      std::vector<std::string> mset = {"MSET"};
      for (int j = i; j < std::min(i + 50, count); ++j) {
        mset.push_back(Name(GetParam(), j));
        mset.push_back(std::to_string(j));
      }
      server_.Run(mset);
    }
  }
  std::vector<std::string> Names(int first, int last) {
    std::vector<std::string> names;
    for (int i = first; i < last; ++i) names.push_back(Name(GetParam(), i));
    return names;
  }
  std::string Bound(char sign, int n) { return sign + Name(GetParam(), n); }

  CommandHarness server_;
  TestClient other_{server_};
};

TEST_P(SlicesTest, ScanRange) {
  Fill(kKeys);
  for (const bool reverse : {false, true}) {
    std::vector<std::string> want = Names(0, kKeys);
    if (reverse) std::reverse(want.begin(), want.end());
    std::vector<std::string> argv = {"-", "+", "LIMIT", "1000000"};
    if (reverse) argv.emplace_back("REV");
    const Page page = RangePage(server_.client(), argv);
    EXPECT_EQ(server_.client().slices(), 4);
    EXPECT_EQ(page.next, "");
    EXPECT_TRUE(page.keys == want);
    // Limits around the border of a slice.
    for (const int limit : {2047, 2048, 2049, 4096, 4097}) {
      EXPECT_TRUE(
          WalkPages(server_.client(), "-", "+", reverse, {"LIMIT", std::to_string(limit)}) == want)
          << limit;
    }
  }
}

TEST_P(SlicesTest, ScanRangeThatMatchesLittle) {
  Fill(kKeys);
  const Page page = RangePage(server_.client(), {"-", "+", "MATCH", "*00099", "LIMIT", "3"});
  EXPECT_EQ(page.keys, Names(99, 100));
  EXPECT_EQ(page.next, "") << "the whole range was looked at for it";
  EXPECT_EQ(server_.client().slices(), 4);
  EXPECT_TRUE(RangePage(server_.client(), {"-", "+", "MATCH", "*x"}).keys.empty());
}

TEST_P(SlicesTest, CountRangeAndKeys) {
  Fill(kKeys);
  EXPECT_EQ(server_.Line("COUNTRANGE - +").integer(), kKeys);
  EXPECT_EQ(server_.client().slices(), 4);
  EXPECT_EQ(server_.Run({"COUNTRANGE", Bound('(', 10), Bound('[', 4500)}).integer(), 4490);
  EXPECT_TRUE(server_.Line("KEYS *").texts() == Names(0, kKeys));
  EXPECT_EQ(server_.client().slices(), 4);
  EXPECT_TRUE(server_.Line("KEYS *5").reply().size() == kKeys / 10);
}

TEST_P(SlicesTest, DelRange) {
  Fill(kKeys);
  const uint64_t offset = server_.storage().log().appended_offset();
  EXPECT_EQ(server_.Run({"DELRANGE", Bound('(', 99), Bound('(', 1700)}).integer(), 1600);
  EXPECT_EQ(server_.client().slices(), 4);
  const std::vector<std::string> stream = server_.StreamSince(offset);
  ASSERT_THAT(stream, SizeIs(4)) << "one DEL a slice";
  EXPECT_EQ(std::count(stream[0].begin(), stream[0].end(), ' '), kDeleteSlice);
  EXPECT_EQ(server_.Line("DBSIZE").integer(), kKeys - 1600);
  EXPECT_EQ(server_.Line("DELRANGE - + LIMIT 700").integer(), 700);
  EXPECT_EQ(server_.client().slices(), 2);
  server_.Checkpoint();  // so that what is gone is not stepped over
  EXPECT_EQ(server_.Line("DELRANGE - + LIMIT 512").integer(), 512);
  EXPECT_EQ(server_.client().slices(), 1);
  std::vector<std::string> left = Names(2812, kKeys);
  EXPECT_TRUE(server_.Line("KEYS *").texts() == left);
  server_.Reopen();
  EXPECT_EQ(server_.Line("DELRANGE - +").integer(), static_cast<int64_t>(left.size()));
  EXPECT_EQ(server_.Dump().size(), 0U);
}

TEST_P(SlicesTest, Scan) {
  Fill(kKeys);
  std::vector<std::string> all;
  std::string cursor = "0";
  do {
    const TestReply reply = server_.Run({"SCAN", cursor, "COUNT", "1000"});
    cursor = std::string(reply.reply()[0].text());
    for (const resp::Reply key : reply.reply()[1]) all.emplace_back(key.text());
  } while (cursor != "0");
  EXPECT_TRUE(all == Names(0, kKeys));
}

// ---- others between the slices

TEST_P(SlicesTest, KeysThatAreThereThroughoutComeOnce) {
  Fill(kKeys);
  base::Random random(9);
  // Even numbers stay; odd ones go and come; and others appear beside them.
  server_.client().set_between_slices([&] {
    for (int change = 0; change < 100; ++change) {
      const int n = static_cast<int>(random.Below(kKeys / 2)) * 2 + 1;
      const std::string name = Name(GetParam(), n);
      other_.Run({random.Below(2) == 0 ? "DEL" : "INCR", name});
      other_.Run({random.Below(2) == 0 ? "DEL" : "INCR", name + "x"});
    }
    if (random.Below(2) == 0) server_.Seal();
    server_.storage().TakeEngineProgress();
  });
  const auto expect_all_stable = [&](std::vector<std::string> keys, bool reverse) {
    if (reverse) std::reverse(keys.begin(), keys.end());
    EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
    EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
    size_t stable = 0;
    for (int n = 0; n < kKeys; n += 2) {
      stable += std::binary_search(keys.begin(), keys.end(), Name(GetParam(), n)) ? 1 : 0;
    }
    EXPECT_EQ(stable, kKeys / 2);
  };
  for (int round = 0; round < 3; ++round) {
    expect_all_stable(RangePage(server_.client(), {"-", "+", "LIMIT", "100000"}).keys, false);
    expect_all_stable(RangePage(server_.client(), {"-", "+", "LIMIT", "100000", "REV"}).keys, true);
    expect_all_stable(server_.Line("KEYS *").texts(), false);
    EXPECT_GE(server_.Line("COUNTRANGE - +").integer(), kKeys / 2);
  }
}

TEST_P(SlicesTest, DelRangeDeletesWhatItComesTo) {
  Fill(kKeys);
  int added = 0;
  int64_t deleted_by_other = 0;
  server_.client().set_between_slices([&] {
    // Behind the walk: they stay. At its far end: one goes before the walk comes to it.
    other_.Run({"SET", Name(GetParam(), 0) + "new" + std::to_string(added++), ""});
    deleted_by_other += other_.Run({"DEL", Name(GetParam(), kKeys - added)}).integer();
  });
  const int64_t deleted = server_.Run({"DELRANGE", Bound('[', 0), "+"}).integer();
  EXPECT_EQ(server_.client().slices(), kKeys / kDeleteSlice + 1);
  EXPECT_GT(deleted_by_other, 0);
  EXPECT_EQ(deleted + deleted_by_other, kKeys);
  const ServerState state = server_.Dump();
  EXPECT_EQ(state.at(0).size(), static_cast<size_t>(added));
  server_.Reopen();
  EXPECT_TRUE(server_.Dump() == state);
}

// The walk goes on in what is its database by then.
TEST_P(SlicesTest, TheDatabaseIsFlushedOrSwapped) {
  constexpr auto kStep = static_cast<int64_t>(commands::kSliceSteps);
  for (const bool flushed : {true, false}) {
    const auto run = [&](std::string_view command) {
      server_.Line("FLUSHALL");
      Fill(kKeys);
      other_.Line("SELECT 1");
      other_.Run({"MSET", Name(GetParam(), 1), "", Name(GetParam(), kKeys - 1), ""});
      bool first = true;
      server_.client().set_between_slices([&] {
        if (first) other_.Line(flushed ? "FLUSHALL" : "SWAPDB 0 1");
        first = false;
      });
      TestReply reply = server_.Line(command);
      EXPECT_EQ(server_.client().slices(), 2);
      server_.client().set_between_slices({});
      return reply;
    };
    const int64_t more = flushed ? 0 : 1;
    EXPECT_EQ(run("COUNTRANGE - +").integer(), kStep + more);
    EXPECT_EQ(run("KEYS *").reply().size(), static_cast<size_t>(kStep + more));
    EXPECT_EQ(run("SCANRANGE - + LIMIT 100000").reply()[1].size(),
              static_cast<size_t>(kStep + more));
    EXPECT_EQ(run("DELRANGE - +").integer(), kDeleteSlice + more);
  }
}

// Deleted and expired keys between the living: nobody waits for a walk over them, either.
TEST_P(SlicesTest, DeadKeys) {
  for (const bool deleted : {true, false}) {
    server_.Line("FLUSHALL");
    Fill(kKeys);
    server_.Run({"SET", "a", "alive"});
    server_.Run({"SET", "z", "alive"});
    server_.Checkpoint();
    if (deleted) {
      // One by one: each stays to be stepped over.
      for (int i = 0; i < kKeys; ++i) other_.Run({"DEL", Name(GetParam(), i)});
    } else {
      for (int i = 0; i < kKeys; ++i) other_.Run({"PEXPIRE", Name(GetParam(), i), "1"});
      server_.clock().AdvanceMs(1);
    }
    // The remains of long keys in one group are the exception.
    const bool sliced = GetParam() < 490 || !deleted;
    const auto expect_slices = [&](std::string_view what) {
      EXPECT_EQ(server_.client().slices(), sliced ? 4 : 1) << what << " deleted: " << deleted;
    };
    EXPECT_EQ(server_.Line("COUNTRANGE - +").integer(), 2);
    expect_slices("COUNTRANGE");
    EXPECT_EQ(server_.Line("KEYS *").texts(), std::vector<std::string>({"a", "z"}));
    expect_slices("KEYS");
    for (const bool reverse : {false, true}) {
      std::vector<std::string> argv = {"-", "+"};
      std::vector<std::string> want = {"a", "z"};
      if (reverse) {
        argv.emplace_back("REV");
        std::reverse(want.begin(), want.end());
      }
      const Page page = RangePage(server_.client(), argv);
      EXPECT_EQ(page.keys, want);
      EXPECT_EQ(page.next, "");
      expect_slices("SCANRANGE");
      EXPECT_EQ(WalkPages(server_.client(), "-", "+", reverse, {"LIMIT", "1"}), want);
    }
    for (int i = 0; i < 10; ++i) {
      const std::string drawn = server_.Line("RANDOMKEY").text();
      EXPECT_TRUE(drawn == "a" || drawn == "z") << drawn;
    }
    EXPECT_EQ(server_.Run({"DELRANGE", "(a", "(z"}).integer(), 0);
    expect_slices("DELRANGE");
    // Pages of SCAN may be empty, its walk is whole.
    std::vector<std::string> scanned;
    std::string cursor = "0";
    int pages = 0;
    do {
      const TestReply reply = server_.Run({"SCAN", cursor});
      cursor = std::string(reply.reply()[0].text());
      for (const resp::Reply key : reply.reply()[1]) scanned.emplace_back(key.text());
      ASSERT_LT(++pages, 100);
    } while (cursor != "0");
    EXPECT_EQ(scanned, std::vector<std::string>({"a", "z"}));
    EXPECT_EQ(pages, sliced ? 4 : 1);
    // With nothing alive up to the last one, a key is still found; and none at all is seen.
    server_.Line("DEL a");
    EXPECT_EQ(server_.Line("RANDOMKEY").text(), "z");
    server_.Line("DEL z");
    EXPECT_TRUE(server_.Line("RANDOMKEY").is_null());
    server_.Run({"SET", Name(GetParam(), kKeys / 2), "alive"});
    EXPECT_EQ(server_.Line("RANDOMKEY").text(), Name(GetParam(), kKeys / 2));
  }
}

TEST_P(SlicesTest, KeysExpireBetweenSlices) {
  for (int i = 0; i < kKeys; ++i) {
    server_.Run({"SET", Name(GetParam(), i), "", "PX", i < kKeys / 2 ? "100000" : "10"});
  }
  server_.client().set_between_slices([&] {
    server_.clock().AdvanceMs(10);
    server_.ExpireDue(100);
  });
  EXPECT_EQ(server_.Line("COUNTRANGE - +").integer(), kKeys / 2);
  server_.client().set_between_slices({});
  EXPECT_EQ(server_.Line("DELRANGE - +").integer(), kKeys / 2);
}

INSTANTIATE_TEST_SUITE_P(Keys, SlicesTest, testing::Values(1, 491, 700),
                         [](const testing::TestParamInfo<size_t>& prefix) {
                           return "Prefix" + std::to_string(prefix.param);
                         });

}  // namespace
}  // namespace cairn::test
