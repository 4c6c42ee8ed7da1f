// SCAN, KEYS, RANDOMKEY: order, filters, cursors, and the promise of a whole iteration.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kUnknownCursor =
    "-ERR unknown or expired SCAN cursor: start again with cursor 0, or use SCANRANGE, whose "
    "cursors last";

struct Page {
  std::string cursor;
  std::vector<std::string> keys;
};

Page ScanPage(TestClient& client, const std::string& cursor,
              const std::vector<std::string>& options = {}) {
  std::vector<std::string> argv = {"SCAN", cursor};
  argv.insert(argv.end(), options.begin(), options.end());
  const TestReply reply = client.Run(argv);
  EXPECT_EQ(reply.reply().size(), 2U) << reply.Show();
  if (reply.reply().size() != 2) return {.cursor = "0", .keys = {}};
  Page page{.cursor = std::string(reply.reply()[0].text()), .keys = {}};
  for (const resp::Reply key : reply.reply()[1]) page.keys.emplace_back(key.text());
  return page;
}

std::vector<std::string> ScanAll(TestClient& client, const std::vector<std::string>& options = {}) {
  std::vector<std::string> keys;
  std::string cursor = "0";
  do {
    Page page = ScanPage(client, cursor, options);
    cursor = page.cursor;
    keys.insert(keys.end(), page.keys.begin(), page.keys.end());
  } while (cursor != "0");
  return keys;
}

TEST(ScanTest, RepliesAndErrors) {
  ExpectExchanges({{"SCAN 0", "[\"0\", []]"},
                   {"MSET b 2 a 1 c 3", "+OK"},
                   {"SCAN 0", "[\"0\", [\"a\", \"b\", \"c\"]]"},
                   {"scan 0 count 100 match [ab] type STRING", "[\"0\", [\"a\", \"b\"]]"},
                   {"SCAN 0 TYPE hash", "[\"0\", []]"},
                   {"SCAN 0 TYPE nosuchtype", "[\"0\", []]"},
                   {"SCAN 0 MATCH x MATCH a", "[\"0\", [\"a\"]]"},
                   {"SCAN abc", "-ERR invalid cursor"},
                   {"SCAN \" 1\"", "-ERR invalid cursor"},
                   {"SCAN 1.5", "-ERR invalid cursor"},
                   {"SCAN 18446744073709551616", "-ERR invalid cursor"},
                   {"SCAN 0 COUNT 0", "-ERR syntax error"},
                   {"SCAN 0 COUNT -1", "-ERR syntax error"},
                   {"SCAN 0 COUNT x", "-ERR value is not an integer or out of range"},
                   {"SCAN 0 COUNT", "-ERR syntax error"},
                   {"SCAN 0 MATCH", "-ERR syntax error"},
                   {"SCAN 0 FOO 1", "-ERR syntax error"},
                   {"SCAN", "-ERR wrong number of arguments for 'scan' command"}});
}

TEST(ScanTest, UnknownCursors) {
  CommandHarness server;
  server.Line("MSET a 1 b 2 c 3");
  EXPECT_EQ(server.Line("SCAN 12345").Show(), kUnknownCursor);
  const Page page = ScanPage(server.client(), "0", {"COUNT", "1"});
  EXPECT_THAT(page.keys, ElementsAre("a"));
  EXPECT_THAT(ScanPage(server.client(), page.cursor).keys, ElementsAre("b", "c"));
  EXPECT_THAT(ScanPage(server.client(), page.cursor).keys, ElementsAre("b", "c")) << "again";
  server.Line("SELECT 1");
  EXPECT_EQ(server.Run({"SCAN", page.cursor}).Show(), kUnknownCursor);
  server.Line("SELECT 0");
  server.Reopen();
  EXPECT_EQ(server.Run({"SCAN", page.cursor}).Show(), kUnknownCursor) << "of another life";
}

TEST(ScanTest, ByteOrderInPagesOfAllSizes) {
  CommandHarness server;
  std::set<std::string> keys = {"", std::string(1, '\0'), "\xff", std::string(491, 'p')};
  for (int i = 0; i < 150; ++i) {
    keys.insert("key:" + std::to_string(i));
    keys.insert(std::string(491, 'p') + std::to_string(i));
  }
  for (const std::string& key : keys) server.Run({"SET", key, "v"});
  const std::vector<std::string> want(keys.begin(), keys.end());
  for (const std::string count : {"1", "2", "7", "100", "153", "154", "155", "100000"}) {
    EXPECT_EQ(ScanAll(server.client(), {"COUNT", count}), want) << count;
  }
}

TEST(ScanTest, APageIsNeverLargerThanItsBound) {
  CommandHarness server;
  for (int i = 0; i < 20'100; i += 100) {
    std::vector<std::string> mset = {"MSET"};
    for (int j = i; j < i + 100; ++j) {
      mset.push_back(std::to_string(j));
      mset.emplace_back();
    }
    server.Run(mset);
  }
  EXPECT_EQ(ScanPage(server.client(), "0", {"COUNT", "9223372036854775807"}).keys.size(), 20'000U);
  EXPECT_EQ(ScanAll(server.client(), {"COUNT", "1000000"}).size(), 20'100U);
}

// The pattern's literal beginning is a range: what stands before it is not looked at.
TEST(ScanTest, MatchCostsWhatItMatches) {
  CommandHarness server;
  for (int i = 0; i < 500; ++i) {
    server.Run({"SET", "a" + std::to_string(i), ""});
    server.Run({"SET", "z" + std::to_string(i), ""});
  }
  server.Line("MSET user:1 a user:2 b user:10 c useless d \"user*\" e");
  const Page first = ScanPage(server.client(), "0", {"MATCH", "user:*", "COUNT", "2"});
  EXPECT_THAT(first.keys, ElementsAre("user:1", "user:10"));
  EXPECT_NE(first.cursor, "0");
  const Page second = ScanPage(server.client(), first.cursor, {"MATCH", "user:*", "COUNT", "2"});
  EXPECT_THAT(second.keys, ElementsAre("user:2"));
  EXPECT_EQ(second.cursor, "0") << "nothing behind the range is looked at either";
  EXPECT_THAT(ScanAll(server.client(), {"MATCH", "user:?"}), ElementsAre("user:1", "user:2"));
  EXPECT_THAT(ScanAll(server.client(), {"MATCH", "user\\*"}), ElementsAre("user*"));
  EXPECT_THAT(ScanAll(server.client(), {"MATCH", "*:10", "COUNT", "100"}), ElementsAre("user:10"));
  EXPECT_THAT(ScanAll(server.client(), {"MATCH", ""}), IsEmpty());
}

TEST(ScanTest, ExpiredKeysAreNotReturned) {
  CommandHarness server;
  for (int i = 0; i < 50; ++i) {
    server.Run({"SET", "k" + std::to_string(i), "", "PX", i % 2 == 0 ? "10" : "1000"});
  }
  server.clock().AdvanceMs(10);
  EXPECT_EQ(ScanAll(server.client(), {"COUNT", "3"}).size(), 25U);
  EXPECT_EQ(server.Line("KEYS *").reply().size(), 25U);
}

// Every key that is there throughout comes exactly once, whatever happens to the others.
TEST(ScanTest, AWholeIterationUnderChanges) {
  base::Random random(11);
  for (int round = 0; round < 30; ++round) {
    CommandHarness server;
    const auto key = [&](const char* kind, uint64_t n) {
      const std::string number = std::to_string(n * 7919 % 1000);
      return (n % 3 == 0 ? std::string(495, 'p') : std::string("k")) + number + kind;
    };
    std::map<std::string, int> stable;
    for (uint64_t n = 0; n < 120; ++n) {
      stable[key("s", n)] = 0;
      server.Run({"SET", key("s", n), "v"});
      if (n % 2 == 0) server.Run({"SET", key("t", n), "v"});
    }
    std::vector<std::string> all;
    std::string cursor = "0";
    do {
      const Page page =
          ScanPage(server.client(), cursor, {"COUNT", std::to_string(1 + random.Below(20))});
      cursor = page.cursor;
      all.insert(all.end(), page.keys.begin(), page.keys.end());
      for (uint64_t changes = random.Below(20); changes > 0; --changes) {
        const std::string changing = key("t", random.Below(200));
        server.Run({random.Below(2) == 0 ? "DEL" : "INCR", changing});
      }
      if (random.Below(8) == 0) server.Seal();
      if (random.Below(16) == 0) server.Checkpoint();
    } while (cursor != "0");
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "a key came twice";
    for (const std::string& found : all) {
      const auto it = stable.find(found);
      if (it != stable.end()) ++it->second;
    }
    for (const auto& [name, times] : stable) EXPECT_EQ(times, 1) << name;
  }
}

// The key that a cursor stands on is deleted: the walk goes on behind its place.
TEST(ScanTest, TheCursorsOwnKeyGoes) {
  CommandHarness server;
  server.Line("MSET a 1 b 2 c 3 d 4");
  const Page page = ScanPage(server.client(), "0", {"COUNT", "2"});
  server.Line("DEL a b c");
  EXPECT_THAT(ScanPage(server.client(), page.cursor).keys, ElementsAre("d"));
  server.Line("FLUSHALL");
  EXPECT_THAT(ScanPage(server.client(), page.cursor).keys, IsEmpty());
}

// ---- KEYS

TEST(KeysTest, PatternsInByteOrder) {
  ExpectExchanges(
      {{"KEYS *", "[]"},
       {"MSET hello 1 hallo 2 hxllo 3 hllo 4 heeello 5 \"\" 6 h*llo 7", "+OK"},
       {"KEYS h?llo", "[\"h*llo\", \"hallo\", \"hello\", \"hxllo\"]"},
       {"KEYS h*llo", "[\"h*llo\", \"hallo\", \"heeello\", \"hello\", \"hllo\", \"hxllo\"]"},
       {"KEYS h[ae]llo", "[\"hallo\", \"hello\"]"},
       {"KEYS h[^e]llo", "[\"h*llo\", \"hallo\", \"hxllo\"]"},
       {"KEYS h[a-b]llo", "[\"hallo\"]"},
       {"KEYS \"h\\\\*llo\"", "[\"h*llo\"]"},
       {"KEYS \"\"", "[\"\"]"},
       {"KEYS hello", "[\"hello\"]"},
       {"KEYS HELLO", "[]"},
       {"KEYS z*", "[]"},
       {"KEYS", "-ERR wrong number of arguments for 'keys' command"}});
}

TEST(KeysTest, PrefixesThatEndInTheLargestByte) {
  CommandHarness server;
  server.Run({"MSET", "\xff", "1", "\xff\xff", "2",
              "\xff\xff"
              "a",
              "3", "\xfe", "4"});
  EXPECT_EQ(server.Run({"KEYS", "\xff*"}).reply().size(), 3U);
  EXPECT_EQ(server.Run({"KEYS", "\xff\xff*"}).reply().size(), 2U);
  EXPECT_EQ(server.Run({"KEYS", "\xfe*"}).reply().size(), 1U);
}

TEST(KeysTest, LongPrefixes) {
  CommandHarness server;
  for (const size_t size : {489U, 490U, 491U, 492U, 600U}) {
    for (const char tail : {'a', 'b'}) server.Run({"SET", std::string(size, 'p') + tail, ""});
  }
  for (const size_t size : {480U, 489U, 490U, 491U, 492U, 493U, 600U}) {
    const std::string prefix(size, 'p');
    size_t want = 0;
    for (const size_t key_size : {489U, 490U, 491U, 492U, 600U}) want += key_size >= size ? 2 : 0;
    EXPECT_EQ(server.Run({"KEYS", prefix + "*"}).reply().size(), want) << size;
    EXPECT_EQ(server.Run({"KEYS", prefix + "a"}).reply().size(),
              server.Run({"EXISTS", prefix + "a"}).integer())
        << size;
  }
}

// ---- RANDOMKEY

TEST(RandomKeyTest, AnyKeyAndOnlyKeys) {
  CommandHarness server;
  EXPECT_EQ(server.Line("RANDOMKEY").Show(), "nil");
  server.Line("MSET a 1 b 2 c 3");
  std::set<std::string> drawn;
  for (int i = 0; i < 300; ++i) drawn.insert(server.Line("RANDOMKEY").text());
  EXPECT_THAT(drawn, ElementsAre("a", "b", "c"));
  server.set_version(resp::Version::kResp3);
  server.Line("SELECT 1");
  EXPECT_EQ(server.Line("RANDOMKEY").raw(), "_\r\n");
  EXPECT_EQ(server.Line("RANDOMKEY x").Show(),
            "-ERR wrong number of arguments for 'randomkey' command");
}

}  // namespace
}  // namespace cairn::test
