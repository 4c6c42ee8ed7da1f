// Commands that change a part of a value or count with it: replies as of Redis 7.2, limits, and
// what goes into the log.
#include <string>
#include <string_view>
#include <vector>

#include "exec/apply.h"
#include "exec/effects.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::string_literals;

constexpr std::string_view kNotInteger = "-ERR value is not an integer or out of range";
constexpr std::string_view kNotFloat = "-ERR value is not a valid float";
constexpr std::string_view kOverflow = "-ERR increment or decrement would overflow";
constexpr std::string_view kTooLong =
    "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";

TEST(StringEditTest, AppendAndStrLen) {
  ExpectExchanges({{"STRLEN k", ":0"},
                   {"APPEND k hello", ":5"},
                   {"APPEND k \" world\"", ":11"},
                   {"GET k", "\"hello world\""},
                   {"STRLEN k", ":11"},
                   {"APPEND k \"\"", ":11"},
                   {"APPEND empty \"\"", ":0"},
                   {"EXISTS empty", ":1"},
                   {"SET t 12 EX 100", "+OK"},
                   {"APPEND t 34", ":4"},
                   {"TTL t", ":100"},
                   {"INCR t", ":1235"},
                   {"TTL t", ":100"},
                   {"APPEND k", "-ERR wrong number of arguments for 'append' command"},
                   {"STRLEN", "-ERR wrong number of arguments for 'strlen' command"}});
}

TEST(StringEditTest, AppendGrowsFromAnyPlace) {
  CommandHarness server;
  std::string want;
  for (int i = 0; i < 300; ++i) {
    const std::string piece(static_cast<size_t>(i * 37 % 2000), static_cast<char>('a' + i % 26));
    want += piece;
    EXPECT_EQ(server.Run({"APPEND", "k", piece}).integer(), static_cast<int64_t>(want.size()));
    if (i % 60 == 20) server.Seal();
    if (i % 60 == 40) server.Checkpoint();
    if (i % 60 == 50) server.Reopen();
  }
  EXPECT_TRUE(server.Line("GET k").text() == want);
}

TEST(StringEditTest, SetRange) {
  ExpectExchanges({{"SETRANGE k 5 abc", ":8"},
                   {"GET k", "\"\\x00\\x00\\x00\\x00\\x00abc\""},
                   {"SETRANGE k 0 hello", ":8"},
                   {"GET k", "\"helloabc\""},
                   {"SETRANGE k 7 xyz", ":10"},
                   {"GET k", "\"helloabxyz\""},
                   {"SETRANGE k 12 \"\"", ":10"},
                   {"SETRANGE missing 5 \"\"", ":0"},
                   {"SETRANGE missing -1 \"\"", "-ERR offset is out of range"},
                   {"EXISTS missing", ":0"},
                   {"SETRANGE k -1 x", "-ERR offset is out of range"},
                   {"SETRANGE k abc x", kNotInteger},
                   {"SETRANGE k 536870912 x", kTooLong},
                   {"SETRANGE k 536870911 xx", kTooLong},
                   {"SETRANGE k 9223372036854775807 x", kTooLong},
                   {"SETRANGE missing 536870912 x", kTooLong},
                   {"SETRANGE k 536870912 \"\"", ":10"},
                   {"SET t 12345 EX 100", "+OK"},
                   {"SETRANGE t 1 9", ":5"},
                   {"TTL t", ":100"},
                   {"INCR t", ":19346"},
                   {"SETRANGE k 1", "-ERR wrong number of arguments for 'setrange' command"}});
}

TEST(StringEditTest, GetRange) {
  ExpectExchanges({{"GETRANGE missing 0 -1", "\"\""},
                   {"SET k \"This is a string\"", "+OK"},
                   {"GETRANGE k 0 3", "\"This\""},
                   {"GETRANGE k -3 -1", "\"ing\""},
                   {"GETRANGE k 0 -1", "\"This is a string\""},
                   {"GETRANGE k 10 100", "\"string\""},
                   {"GETRANGE k 3 0", "\"\""},
                   {"GETRANGE k 100 200", "\"\""},
                   {"GETRANGE k -100 3", "\"This\""},
                   {"GETRANGE k -100 -200", "\"\""},
                   {"GETRANGE k 0 -100", "\"T\""},
                   {"GETRANGE k -200 -100", "\"T\""},
                   {"GETRANGE k 15 15", "\"g\""},
                   {"GETRANGE k 16 16", "\"\""},
                   {"SUBSTR k 0 3", "\"This\""},
                   {"SUBSTR missing 0 3", "\"\""},
                   {"GETRANGE k 9223372036854775807 9223372036854775807", "\"\""},
                   {"GETRANGE k -9223372036854775808 9223372036854775807", "\"This is a string\""},
                   {"GETRANGE k a 1", kNotInteger},
                   {"GETRANGE k 1 b", kNotInteger},
                   {"GETRANGE missing a b", kNotInteger},
                   {"GETRANGE k 1", "-ERR wrong number of arguments for 'getrange' command"},
                   {"SUBSTR k 1", "-ERR wrong number of arguments for 'substr' command"}});
}

// Compared with redis-server by hand: every pair of indexes of a short value.
TEST(StringEditTest, GetRangeEveryPair) {
  CommandHarness server;
  server.Line("SET k abc");
  std::string all;
  for (int start = -5; start <= 4; ++start) {
    for (int end = -5; end <= 4; ++end) {
      all += server.Run({"GETRANGE", "k", std::to_string(start), std::to_string(end)}).text();
      all += ' ';
    }
    all += '\n';
  }
  const std::string from_the_start = "a a a ab abc a ab abc abc abc \n";
  EXPECT_EQ(all, from_the_start +                       // -5
                     " a a ab abc a ab abc abc abc \n"  // -4: -5 comes before it
                     "  a ab abc a ab abc abc abc \n"   // -3
                     "   b bc  b bc bc bc \n"           // -2
                     "    c   c c c \n"                 // -1
                     + from_the_start +                 // 0
                     "   b bc  b bc bc bc \n"           // 1
                     "    c   c c c \n"                 // 2
                     "          \n"                     // 3
                     "          \n");                   // 4
}

TEST(StringEditTest, Counters) {
  ExpectExchanges({{"INCR k", ":1"},
                   {"INCRBY k 9", ":10"},
                   {"DECR k", ":9"},
                   {"DECRBY k 19", ":-10"},
                   {"DECR fresh", ":-1"},
                   {"INCRBY fresh2 -5", ":-5"},
                   {"DECRBY fresh3 -5", ":5"},
                   {"GET k", "\"-10\""},
                   {"EXPIRE k 100", ":1"},
                   {"INCR k", ":-9"},
                   {"TTL k", ":100"},
                   {"SET k 9223372036854775807", "+OK"},
                   {"INCR k", kOverflow},
                   {"INCRBY k 1", kOverflow},
                   {"DECRBY k -1", kOverflow},
                   {"GET k", "\"9223372036854775807\""},
                   {"SET k -9223372036854775808", "+OK"},
                   {"DECR k", kOverflow},
                   {"INCRBY k -1", kOverflow},
                   {"INCRBY k 9223372036854775807", ":-1"},
                   {"INCRBY k -9223372036854775808", kOverflow},
                   {"DECRBY k -9223372036854775808", "-ERR decrement would overflow"},
                   {"INCRBY k 9223372036854775808", kNotInteger},
                   {"INCRBY k 1.5", kNotInteger},
                   {"INCRBY k \"\"", kNotInteger},
                   {"INCRBY k \" 1\"", kNotInteger},
                   {"DECRBY k +1", kNotInteger},
                   {"SET s abc", "+OK"},
                   {"INCR s", kNotInteger},
                   {"SET s \"\"", "+OK"},
                   {"INCR s", kNotInteger},
                   {"SET s \" 1\"", "+OK"},
                   {"DECR s", kNotInteger},
                   {"SET s 01", "+OK"},
                   {"INCRBY s 1", kNotInteger},
                   {"SET s 1.0", "+OK"},
                   {"INCR s", kNotInteger},
                   {"INCR", "-ERR wrong number of arguments for 'incr' command"},
                   {"INCR a b", "-ERR wrong number of arguments for 'incr' command"},
                   {"DECR", "-ERR wrong number of arguments for 'decr' command"},
                   {"INCRBY k", "-ERR wrong number of arguments for 'incrby' command"},
                   {"DECRBY k", "-ERR wrong number of arguments for 'decrby' command"}});
}

TEST(StringEditTest, IncrByFloat) {
  constexpr std::string_view kNan = "-ERR increment would produce NaN or Infinity";
  ExpectExchanges({{"INCRBYFLOAT k 10.5", "\"10.5\""},
                   {"INCRBYFLOAT k 0.1", "\"10.6\""},
                   {"INCRBYFLOAT k -5", "\"5.6\""},
                   {"INCRBYFLOAT k 5.0e3", "\"5005.60000000000000009\""},
                   {"INCRBYFLOAT k 0", "\"5005.60000000000000009\""},
                   {"SET k 5.0e3", "+OK"},
                   {"INCRBYFLOAT k 2.0e2", "\"5200\""},
                   {"GET k", "\"5200\""},
                   {"EXPIRE k 100", ":1"},
                   {"INCRBYFLOAT k 1", "\"5201\""},
                   {"TTL k", ":100"},
                   {"INCR k", ":5202"},
                   {"INCRBYFLOAT k inf", kNan},
                   {"INCRBYFLOAT k -inf", kNan},
                   {"INCRBYFLOAT k nan", kNotFloat},
                   {"INCRBYFLOAT k abc", kNotFloat},
                   {"INCRBYFLOAT k \" 1\"", kNotFloat},
                   {"INCRBYFLOAT k \"1 \"", kNotFloat},
                   {"INCRBYFLOAT k \"\"", kNotFloat},
                   {"SET s abc", "+OK"},
                   {"INCRBYFLOAT s 1", kNotFloat},
                   {"SET s \" 1\"", "+OK"},
                   {"INCRBYFLOAT s 1", kNotFloat},
                   {"SET s 3.0", "+OK"},
                   {"INCRBYFLOAT s -3", "\"0\""},
                   {"SET s 1e400", "+OK"},
                   {"INCRBYFLOAT s -1e400", "\"0\""},
                   {"GET k", "\"5202\""},
                   {"INCRBYFLOAT k", "-ERR wrong number of arguments for 'incrbyfloat' command"}});
}

TEST(StringEditTest, Lcs) {
  ExpectExchanges(
      {{"LCS a b", "\"\""},
       {"LCS a b LEN", ":0"},
       {"MSET a ohmytext b mynewtext", "+OK"},
       {"LCS a b", "\"mytext\""},
       {"LCS a b LEN", ":6"},
       {"LCS a missing", "\"\""},
       {"LCS a a len", ":8"},
       {"LCS a b WITHMATCHLEN", "\"mytext\""},
       {"LCS a b MINMATCHLEN 4", "\"mytext\""},
       {"LCS a b LEN IDX", "-ERR If you want both the length and indexes, please just use IDX."},
       {"LCS a b FOO", "-ERR syntax error"},
       {"LCS a b MINMATCHLEN", "-ERR syntax error"},
       {"LCS a b MINMATCHLEN x", kNotInteger},
       {"LCS a", "-ERR wrong number of arguments for 'lcs' command"}});
}

TEST(StringEditTest, LcsIndexes) {
  CommandHarness server;
  server.Line("MSET a ohmytext b mynewtext");
  EXPECT_EQ(server.Line("LCS a b IDX").Show(),
            "[\"matches\", [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], \"len\", :6]");
  EXPECT_EQ(server.Line("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN").Show(),
            "[\"matches\", [[[:4, :7], [:5, :8], :4]], \"len\", :6]");
  EXPECT_EQ(server.Line("LCS a b IDX MINMATCHLEN 9").Show(), "[\"matches\", [], \"len\", :6]");
  EXPECT_EQ(server.Line("LCS a b IDX MINMATCHLEN -1 WITHMATCHLEN").Show(),
            "[\"matches\", [[[:4, :7], [:5, :8], :4], [[:2, :3], [:0, :1], :2]], \"len\", :6]");
  EXPECT_EQ(server.Line("LCS a missing IDX").Show(), "[\"matches\", [], \"len\", :0]");
  server.set_version(resp::Version::kResp3);
  EXPECT_EQ(server.Line("LCS a b IDX").Show(),
            "{\"matches\": [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], \"len\": :6}");
}

// ---- limits

TEST(StringEditTest, LimitsOfAStringsLength) {
  CommandHarness server;
  server.storage().environment().max_string_bytes = 100;
  EXPECT_EQ(server.Run({"APPEND", "k", std::string(90, 'a')}).Show(), ":90");
  EXPECT_EQ(server.Run({"APPEND", "k", std::string(11, 'a')}).Show(), kTooLong);
  EXPECT_EQ(server.Run({"APPEND", "k", std::string(10, 'a')}).Show(), ":100");
  EXPECT_EQ(server.Line("SETRANGE k 99 x").Show(), ":100");
  EXPECT_EQ(server.Line("SETRANGE k 99 xx").Show(), kTooLong);
  EXPECT_EQ(server.Line("SETRANGE k 100 x").Show(), kTooLong);
  EXPECT_EQ(server.Line("SETRANGE fresh 100 x").Show(), kTooLong);
  EXPECT_EQ(server.Line("EXISTS fresh").Show(), ":0");
  EXPECT_EQ(server.Line("STRLEN k").Show(), ":100");
  EXPECT_EQ(server.Line("LCS k k LEN").Show(),
            "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
}

// What was accepted once is in the log, and must be accepted again whatever the limit is by then.
TEST(StringEditTest, TheLogKnowsNoLimit) {
  CommandHarness server;
  server.storage().environment().max_string_bytes = 10;
  std::string stream;
  exec::AppendCommand(std::vector<std::string_view>{"APPEND", "k", "123456789"}, &stream);
  exec::AppendCommand(std::vector<std::string_view>{"APPEND", "k", "ab"}, &stream);
  exec::AppendCommand(std::vector<std::string_view>{"SETRANGE", "k", "12", "x"}, &stream);
  exec::Applier applier(server.storage().executor(), 0);
  const absl::Status status = applier.Apply(stream);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(server.Line("GET k").Show(), "\"123456789ab\\x00x\"");
}

// ---- what goes into the log

TEST(StringEditTest, Stream) {
  CommandHarness server;
  const auto stream_of = [&](std::string_view line) {
    const uint64_t offset = server.storage().log().appended_offset();
    server.Line(line);
    return server.StreamSince(offset);
  };
  EXPECT_THAT(stream_of("APPEND k 1"), ElementsAre("SELECT 0", "APPEND k 1"));
  EXPECT_THAT(stream_of("INCRBY k 5"), ElementsAre("INCRBY k 5"));
  EXPECT_THAT(stream_of("INCRBYFLOAT k 0.5"), ElementsAre("SET k 6.5 KEEPTTL"));
  EXPECT_THAT(stream_of("INCR k"), IsEmpty()) << "an error changes nothing";
  EXPECT_THAT(stream_of("SETRANGE k 0 7"), ElementsAre("SETRANGE k 0 7"));
  EXPECT_THAT(stream_of("SETRANGE k 0 \"\""), IsEmpty());
  EXPECT_THAT(stream_of("GETRANGE k 0 1"), IsEmpty());
  EXPECT_THAT(stream_of("LCS k k"), IsEmpty());
  server.Line("PEXPIRE k 10");
  server.clock().AdvanceMs(10);
  EXPECT_THAT(stream_of("INCR k"), ElementsAre("DEL k", "INCR k"));
  EXPECT_EQ(server.Line("GET k").Show(), "\"1\"");
}

// An increment on a key that has just expired starts from nothing, and its error leaves nothing.
TEST(StringEditTest, ExpiredKeysCountAsMissing) {
  CommandHarness server;
  for (const std::string_view line :
       {"APPEND k x", "INCR k", "SETRANGE k 0 x", "INCRBYFLOAT k 1"}) {
    server.Line("SET k abc PX 10");
    server.clock().AdvanceMs(10);
    EXPECT_FALSE(server.Line(line).is_error()) << line;
    EXPECT_EQ(server.Line("STRLEN k").Show(), ":1") << line;
    EXPECT_EQ(server.Line("TTL k").Show(), ":-1") << line;
  }
}

}  // namespace
}  // namespace cairn::test
