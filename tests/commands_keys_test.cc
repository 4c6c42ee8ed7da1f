// Commands on keys whatever they hold: replies as of Redis 7.2, expiry, databases, and what goes
// into the log.
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kNotInteger = "-ERR value is not an integer or out of range";
constexpr std::string_view kDbRange = "-ERR DB index is out of range";
constexpr std::string_view kIntRange =
    "-ERR value is out of range, value must between -2147483648 and 2147483647";
constexpr std::string_view kSame = "-ERR source and destination objects are the same";

TEST(KeyCommandsTest, DelUnlinkExistsTouch) {
  ExpectExchanges({{"MSET a 1 b 2 c 3 d 4", "+OK"},
                   {"EXISTS a a b missing", ":3"},
                   {"TOUCH a missing a", ":2"},
                   {"DEL a a missing", ":1"},
                   {"UNLINK b c b", ":2"},
                   {"DEL missing", ":0"},
                   {"EXISTS a b c d", ":1"},
                   {"DBSIZE", ":1"},
                   {"DEL", "-ERR wrong number of arguments for 'del' command"},
                   {"UNLINK", "-ERR wrong number of arguments for 'unlink' command"},
                   {"EXISTS", "-ERR wrong number of arguments for 'exists' command"},
                   {"TOUCH", "-ERR wrong number of arguments for 'touch' command"}});
}

TEST(KeyCommandsTest, Type) {
  ExpectExchanges({{"TYPE k", "+none"},
                   {"SET k v", "+OK"},
                   {"TYPE k", "+string"},
                   {"TYPE", "-ERR wrong number of arguments for 'type' command"}});
}

TEST(KeyCommandsTest, Rename) {
  ExpectExchanges({{"RENAME a b", "-ERR no such key"},
                   {"RENAME a a", "-ERR no such key"},
                   {"SET a 1 EX 100", "+OK"},
                   {"RENAME a a", "+OK"},
                   {"RENAME a b", "+OK"},
                   {"EXISTS a", ":0"},
                   {"GET b", "\"1\""},
                   {"TTL b", ":100"},
                   {"SET c 3", "+OK"},
                   {"RENAME c b", "+OK"},
                   {"GET b", "\"3\""},
                   {"TTL b", ":-1"},
                   {"DBSIZE", ":1"},
                   {"RENAME b", "-ERR wrong number of arguments for 'rename' command"}});
}

TEST(KeyCommandsTest, RenameNx) {
  ExpectExchanges({{"RENAMENX a b", "-ERR no such key"},
                   {"MSET a 1 b 2", "+OK"},
                   {"RENAMENX a b", ":0"},
                   {"RENAMENX a a", ":0"},
                   {"EXPIRE a 100", ":1"},
                   {"RENAMENX a c", ":1"},
                   {"MGET a b c", "[nil, \"2\", \"1\"]"},
                   {"TTL c", ":100"}});
}

TEST(KeyCommandsTest, Copy) {
  ExpectExchanges({{"COPY a b", ":0"},
                   {"SET a 1 EX 100", "+OK"},
                   {"COPY a b", ":1"},
                   {"TTL b", ":100"},
                   {"COPY a b", ":0"},
                   {"SET a 2", "+OK"},
                   {"COPY a b replace", ":1"},
                   {"GET b", "\"2\""},
                   {"TTL b", ":-1"},
                   {"COPY a a", kSame},
                   {"COPY a a REPLACE", kSame},
                   {"COPY a a DB 0", kSame},
                   {"COPY missing missing", kSame},
                   {"COPY a a DB 1", ":1"},
                   {"COPY a a DB 1", ":0"},
                   {"COPY a a REPLACE DB 1", ":1"},
                   {"COPY a x DB 1 DB 2", ":1"},
                   {"COPY a b DB 16", kDbRange},
                   {"COPY a b DB -1", kDbRange},
                   {"COPY a b DB 2147483648", kIntRange},
                   {"COPY a b DB x", kNotInteger},
                   {"COPY a b DB", "-ERR syntax error"},
                   {"COPY a b FOO", "-ERR syntax error"},
                   {"COPY missing b DB 99", kDbRange},
                   {"SELECT 1", "+OK"},
                   {"GET a", "\"2\""},
                   {"SELECT 2", "+OK"},
                   {"GET x", "\"2\""},
                   {"COPY a", "-ERR wrong number of arguments for 'copy' command"}});
}

TEST(KeyCommandsTest, Move) {
  ExpectExchanges({{"MOVE a 1", ":0"},
                   {"SET a 1 EX 100", "+OK"},
                   {"MOVE a 0", kSame},
                   {"MOVE missing 0", kSame},
                   {"MOVE a 1", ":1"},
                   {"EXISTS a", ":0"},
                   {"SET a 2", "+OK"},
                   {"MOVE a 1", ":0"},
                   {"GET a", "\"2\""},
                   {"SELECT 1", "+OK"},
                   {"GET a", "\"1\""},
                   {"TTL a", ":100"},
                   {"MOVE a 16", kDbRange},
                   {"MOVE a -1", kDbRange},
                   {"MOVE a 2147483648", kIntRange},
                   {"MOVE a x", kNotInteger},
                   {"MOVE a", "-ERR wrong number of arguments for 'move' command"}});
}

TEST(KeyCommandsTest, LargeValuesUnderLongNames) {
  CommandHarness server;
  const std::string value(300'000, 'v');
  const std::string long_a(700, 'a');
  const std::string long_b = long_a + "b";
  for (const bool in_store : {false, true}) {
    server.Run({"SET", "short", value, "EX", "100"});
    if (in_store) server.Checkpoint();
    EXPECT_EQ(server.Run({"RENAME", "short", long_a}).Show(), "+OK");
    if (in_store) server.Checkpoint();
    EXPECT_EQ(server.Run({"COPY", long_a, long_b}).Show(), ":1");
    EXPECT_EQ(server.Run({"MOVE", long_b, "5"}).Show(), ":1");
    EXPECT_EQ(server.Run({"EXISTS", "short", long_a, long_b}).Show(), ":1");
    EXPECT_TRUE(server.Run({"GET", long_a}).text() == value);
    server.Reopen();
    const ServerState state = server.Dump();
    EXPECT_EQ(state.at(0).size(), 1U);
    EXPECT_TRUE(state.at(0).at(long_a).value == value);
    EXPECT_TRUE(state.at(5).at(long_b) == state.at(0).at(long_a));
    server.Line("FLUSHALL");
  }
}

// ---- expired keys are no keys

class ExpiredKeysTest : public testing::Test {
 protected:
  ExpiredKeysTest() {
    for (const std::string_view db : {"1", "0"}) {
      server_.Run({"SELECT", db});
      server_.Line("SET gone 1 PX 10");
      server_.Line("SET here 2");
    }
    server_.clock().AdvanceMs(10);
  }
  std::vector<std::string> StreamOf(std::string_view line, std::string_view reply) {
    const uint64_t offset = server_.storage().log().appended_offset();
    EXPECT_EQ(server_.Line(line).Show(), reply);
    return server_.StreamSince(offset);
  }

  CommandHarness server_;
};

TEST_F(ExpiredKeysTest, ForReaders) {
  EXPECT_THAT(StreamOf("EXISTS gone here", ":1"), IsEmpty());
  EXPECT_THAT(StreamOf("TOUCH gone", ":0"), IsEmpty());
  EXPECT_THAT(StreamOf("TYPE gone", "+none"), IsEmpty());
  EXPECT_THAT(StreamOf("RANDOMKEY", "\"here\""), IsEmpty());
}

TEST_F(ExpiredKeysTest, DelCountsNone) {
  EXPECT_THAT(StreamOf("DEL gone", ":0"), ElementsAre("DEL gone"));
  EXPECT_THAT(StreamOf("DEL gone", ":0"), IsEmpty());
}

TEST_F(ExpiredKeysTest, AsSource) {
  EXPECT_THAT(StreamOf("RENAME gone new", "-ERR no such key"), ElementsAre("DEL gone"));
  EXPECT_THAT(StreamOf("COPY gone new", ":0"), IsEmpty());
  server_.Line("SELECT 1");
  EXPECT_THAT(StreamOf("MOVE gone 2", ":0"), ElementsAre("SELECT 1", "DEL gone"));
}

TEST_F(ExpiredKeysTest, AsDestination) {
  EXPECT_THAT(StreamOf("RENAMENX here gone", ":1"), ElementsAre("DEL gone", "RENAMENX here gone"));
  EXPECT_THAT(StreamOf("MOVE gone 1", ":1"),
              ElementsAre("SELECT 1", "DEL gone", "SELECT 0", "MOVE gone 1"));
  server_.Line("SELECT 1");
  EXPECT_EQ(server_.Line("GET gone").Show(), "\"2\"");
  EXPECT_EQ(server_.Line("TTL gone").Show(), ":-1");
  server_.Reopen();
  EXPECT_EQ(server_.Line("GET gone").Show(), "\"2\"");
}

TEST(KeyCommandsTest, Stream) {
  CommandHarness server;
  const auto stream_of = [&](std::string_view line) {
    const uint64_t offset = server.storage().log().appended_offset();
    server.Line(line);
    return server.StreamSince(offset);
  };
  server.Line("MSET a 1 b 2 c 3");
  EXPECT_THAT(stream_of("DEL missing"), IsEmpty());
  EXPECT_THAT(stream_of("del a missing"), ElementsAre("del a missing"));
  EXPECT_THAT(stream_of("RENAME b b"), IsEmpty());
  EXPECT_THAT(stream_of("RENAMENX b c"), IsEmpty());
  EXPECT_THAT(stream_of("RENAME b d"), ElementsAre("RENAME b d"));
  EXPECT_THAT(stream_of("COPY c d"), IsEmpty());
  EXPECT_THAT(stream_of("COPY c d REPLACE"), ElementsAre("COPY c d REPLACE"));
  EXPECT_THAT(stream_of("MOVE c 3"), ElementsAre("MOVE c 3"));
  EXPECT_THAT(stream_of("MOVE c 3"), IsEmpty());
}

}  // namespace
}  // namespace cairn::test
