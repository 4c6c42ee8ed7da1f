// SET, GET and their relatives: replies as of Redis 7.2, expiry, and what goes into the log.
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::string_literals;

constexpr std::string_view kSyntax = "-ERR syntax error";
constexpr std::string_view kNotInteger = "-ERR value is not an integer or out of range";

TEST(StringCommandsTest, SetAndGet) {
  ExpectExchanges({{"GET k", "nil"},
                   {"SET k v", "+OK"},
                   {"GET k", "\"v\""},
                   {"set k \"\"", "+OK"},
                   {"GET k", "\"\""},
                   {"SET k \"a\\r\\nb\\x00\\xff\"", "+OK"},
                   {"GET k", "\"a\\r\\nb\\x00\\xff\""},
                   {"SET \"\" \"the empty key\"", "+OK"},
                   {"GET \"\"", "\"the empty key\""},
                   {"SET k", "-ERR wrong number of arguments for 'set' command"},
                   {"GET", "-ERR wrong number of arguments for 'get' command"},
                   {"GET a b", "-ERR wrong number of arguments for 'get' command"}});
}

TEST(StringCommandsTest, NullsInBothProtocols) {
  CommandHarness server;
  EXPECT_EQ(server.Line("GET k").raw(), "$-1\r\n");
  EXPECT_EQ(server.Line("SET k v XX").raw(), "$-1\r\n");
  EXPECT_EQ(server.Line("MGET a b").raw(), "*2\r\n$-1\r\n$-1\r\n");
  server.set_version(resp::Version::kResp3);
  EXPECT_EQ(server.Line("GET k").raw(), "_\r\n");
  EXPECT_EQ(server.Line("SET k v XX").raw(), "_\r\n");
  EXPECT_EQ(server.Line("GETDEL k").raw(), "_\r\n");
  EXPECT_EQ(server.Line("GETEX k").raw(), "_\r\n");
  EXPECT_EQ(server.Line("MGET a b").raw(), "*2\r\n_\r\n_\r\n");
}

TEST(StringCommandsTest, SetConditions) {
  ExpectExchanges({{"SET k v XX", "nil"},
                   {"GET k", "nil"},
                   {"SET k v NX", "+OK"},
                   {"SET k w NX", "nil"},
                   {"GET k", "\"v\""},
                   {"SET k w xx", "+OK"},
                   {"GET k", "\"w\""},
                   {"SET k x NX NX", "nil"},
                   {"SET k x NX XX", kSyntax},
                   {"SET k x XX NX", kSyntax},
                   {"GET k", "\"w\""}});
}

TEST(StringCommandsTest, SetGetOption) {
  ExpectExchanges({{"SET k 1 GET", "nil"},
                   {"SET k 2 GET", "\"1\""},
                   {"SET k 3 GET GET", "\"2\""},
                   {"SET k 4 NX GET", "\"3\""},
                   {"GET k", "\"3\""},
                   {"SET k 5 XX GET", "\"3\""},
                   {"GET k", "\"5\""},
                   {"SET fresh 1 XX GET", "nil"},
                   {"GET fresh", "nil"},
                   {"SET fresh 1 NX GET", "nil"},
                   {"GET fresh", "\"1\""},
                   {"SET k 6 GET EX 100", "\"5\""},
                   {"TTL k", ":100"}});
}

TEST(StringCommandsTest, SetExpiryOptions) {
  ExpectExchanges({{"SET k v EX 100", "+OK"},
                   {"TTL k", ":100"},
                   {"SET k v PX 20000", "+OK"},
                   {"TTL k", ":20"},
                   {"SET k v EXAT 20000000000", "+OK"},
                   {"EXPIRETIME k", ":20000000000"},
                   {"SET k v PXAT 20000000000123", "+OK"},
                   {"PEXPIRETIME k", ":20000000000123"},
                   {"SET k w KEEPTTL", "+OK"},
                   {"PEXPIRETIME k", ":20000000000123"},
                   {"SET k w KEEPTTL KEEPTTL XX", "+OK"},
                   {"SET k w EX 10 EX 20", "+OK"},
                   {"TTL k", ":20"},
                   {"SET k w", "+OK"},
                   {"TTL k", ":-1"},
                   {"SET k w KEEPTTL", "+OK"},
                   {"TTL k", ":-1"},
                   {"SET fresh w KEEPTTL", "+OK"},
                   {"TTL fresh", ":-1"},
                   {"SET k w EX 9 NX", "nil"},
                   {"TTL k", ":-1"},
                   {"SET k v PXAT 9223372036854775807", "+OK"},
                   {"PEXPIRETIME k", ":9223372036854775807"}});
}

TEST(StringCommandsTest, SetErrors) {
  constexpr std::string_view kExpire = "-ERR invalid expire time in 'set' command";
  ExpectExchanges({{"SET k v FOO", kSyntax},
                   {"SET k v PERSIST", kSyntax},
                   {"SET k v EX", kSyntax},
                   {"SET k v NX EX", kSyntax},
                   {"SET k v EX 10 PX 10", kSyntax},
                   {"SET k v EXAT 10 EX 10", kSyntax},
                   {"SET k v EX 10 KEEPTTL", kSyntax},
                   {"SET k v KEEPTTL EX 10", kSyntax},
                   {"SET k v 10", kSyntax},
                   {"SET k v EX 0", kExpire},
                   {"SET k v EX -1", kExpire},
                   {"SET k v PX 0", kExpire},
                   {"SET k v EXAT 0", kExpire},
                   {"SET k v PXAT -5", kExpire},
                   {"SET k v EX 9223372036854775807", kExpire},
                   {"SET k v EX 9223372036854776", kExpire},
                   {"SET k v PX 9223372036854775807", kExpire},
                   {"SET k v EXAT 9223372036854775807", kExpire},
                   {"SET k v EX abc", kNotInteger},
                   {"SET k v EX 1.5", kNotInteger},
                   {"SET k v EX \"\"", kNotInteger},
                   {"SET k v PX 9223372036854775808", kNotInteger},
                   {"EXISTS k", ":0"}});
}

TEST(StringCommandsTest, AKeyIsGoneAtItsMillisecond) {
  CommandHarness server;
  server.Line("SET k v PX 1500");
  server.clock().AdvanceMs(1499);
  EXPECT_EQ(server.Line("GET k").Show(), "\"v\"");
  EXPECT_EQ(server.Line("PTTL k").Show(), ":1");
  server.clock().AdvanceMs(1);
  EXPECT_EQ(server.Line("GET k").Show(), "nil");
  EXPECT_EQ(server.Line("DBSIZE").Show(), ":1") << "its space is not reclaimed yet, as in Redis";
  EXPECT_EQ(server.Line("SET k w XX").Show(), "nil");
  EXPECT_EQ(server.Line("DBSIZE").Show(), ":0") << "a writer takes it away";
}

TEST(StringCommandsTest, SetWithATimeThatHasPassed) {
  CommandHarness server;
  EXPECT_EQ(server.Line("SET k v PXAT 1").Show(), "+OK");
  EXPECT_EQ(server.Line("GET k").Show(), "nil");
  EXPECT_EQ(server.ExpireDue(), 1U);
  EXPECT_EQ(server.Line("DBSIZE").Show(), ":0");
}

TEST(StringCommandsTest, SetKeepTtlOfAnExpiredKeyKeepsNothing) {
  CommandHarness server;
  server.Line("SET k v PX 10");
  server.clock().AdvanceMs(10);
  EXPECT_EQ(server.Line("SET k w KEEPTTL").Show(), "+OK");
  EXPECT_EQ(server.Line("TTL k").Show(), ":-1");
  EXPECT_EQ(server.Line("GET k").Show(), "\"w\"");
}

TEST(StringCommandsTest, GetSet) {
  ExpectExchanges({{"GETSET k 1", "nil"},
                   {"GETSET k 2", "\"1\""},
                   {"EXPIRE k 100", ":1"},
                   {"GETSET k 3", "\"2\""},
                   {"TTL k", ":-1"},
                   {"GET k", "\"3\""},
                   {"GETSET k", "-ERR wrong number of arguments for 'getset' command"}});
}

TEST(StringCommandsTest, GetDel) {
  ExpectExchanges({{"GETDEL k", "nil"},
                   {"SET k v", "+OK"},
                   {"GETDEL k", "\"v\""},
                   {"GETDEL k", "nil"},
                   {"EXISTS k", ":0"},
                   {"GETDEL k k", "-ERR wrong number of arguments for 'getdel' command"}});
}

TEST(StringCommandsTest, GetEx) {
  constexpr std::string_view kExpire = "-ERR invalid expire time in 'getex' command";
  ExpectExchanges({{"GETEX k", "nil"},
                   {"GETEX k EX 0", "nil"},
                   {"GETEX k EX abc", "nil"},
                   {"SET k v", "+OK"},
                   {"GETEX k", "\"v\""},
                   {"TTL k", ":-1"},
                   {"GETEX k EX 100", "\"v\""},
                   {"TTL k", ":100"},
                   {"GETEX k", "\"v\""},
                   {"TTL k", ":100"},
                   {"GETEX k px 200000", "\"v\""},
                   {"TTL k", ":200"},
                   {"GETEX k EXAT 20000000000", "\"v\""},
                   {"EXPIRETIME k", ":20000000000"},
                   {"GETEX k PXAT 20000000000001", "\"v\""},
                   {"PEXPIRETIME k", ":20000000000001"},
                   {"GETEX k PERSIST", "\"v\""},
                   {"TTL k", ":-1"},
                   {"GETEX k PERSIST", "\"v\""},
                   {"GETEX k PERSIST PERSIST", "\"v\""},
                   {"GETEX k EX 10 PERSIST", kSyntax},
                   {"GETEX k PERSIST EX 10", kSyntax},
                   {"GETEX k EX 10 PX 10", kSyntax},
                   {"GETEX k KEEPTTL", kSyntax},
                   {"GETEX k NX", kSyntax},
                   {"GETEX k EX", kSyntax},
                   {"GETEX k EX 0", kExpire},
                   {"GETEX k PX -1", kExpire},
                   {"GETEX k EX 9223372036854775807", kExpire},
                   {"GETEX k EX 1.5", kNotInteger},
                   {"TTL k", ":-1"},
                   {"GETEX k PXAT 1", "\"v\""},
                   {"EXISTS k", ":0"},
                   {"SET k v", "+OK"},
                   {"GETEX k EXAT 1", "\"v\""},
                   {"EXISTS k", ":0"},
                   {"GETEX", "-ERR wrong number of arguments for 'getex' command"}});
}

TEST(StringCommandsTest, SetNxAndSetEx) {
  ExpectExchanges({{"SETNX k 1", ":1"},
                   {"SETNX k 2", ":0"},
                   {"GET k", "\"1\""},
                   {"SETEX k 100 3", "+OK"},
                   {"TTL k", ":100"},
                   {"GET k", "\"3\""},
                   {"PSETEX k 200000 4", "+OK"},
                   {"TTL k", ":200"},
                   {"SETNX k 5", ":0"},
                   {"SETEX k 0 v", "-ERR invalid expire time in 'setex' command"},
                   {"SETEX k -1 v", "-ERR invalid expire time in 'setex' command"},
                   {"PSETEX k 0 v", "-ERR invalid expire time in 'psetex' command"},
                   {"SETEX k 9223372036854775807 v", "-ERR invalid expire time in 'setex' command"},
                   {"SETEX k abc v", kNotInteger},
                   {"PSETEX k 1e3 v", kNotInteger},
                   {"GET k", "\"4\""},
                   {"SETEX k 100", "-ERR wrong number of arguments for 'setex' command"},
                   {"PSETEX k 100", "-ERR wrong number of arguments for 'psetex' command"},
                   {"SETNX k", "-ERR wrong number of arguments for 'setnx' command"}});
}

TEST(StringCommandsTest, MSetAndMGet) {
  ExpectExchanges({{"MSET a 1 b 2 c 3", "+OK"},
                   {"MGET a b c d a", "[\"1\", \"2\", \"3\", nil, \"1\"]"},
                   {"EXPIRE a 100", ":1"},
                   {"MSET a 4 a 5 \"\" x", "+OK"},
                   {"TTL a", ":-1"},
                   {"MGET a \"\"", "[\"5\", \"x\"]"},
                   {"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"},
                   {"MSET a", "-ERR wrong number of arguments for 'mset' command"},
                   {"MGET", "-ERR wrong number of arguments for 'mget' command"},
                   {"GET a", "\"5\""}});
}

TEST(StringCommandsTest, MSetNx) {
  ExpectExchanges({{"MSETNX a 1 b 2", ":1"},
                   {"MSETNX b 3 c 4", ":0"},
                   {"MSETNX c 4 b 3", ":0"},
                   {"EXISTS c", ":0"},
                   {"MSETNX d 1 d 2", ":1"},
                   {"GET d", "\"2\""},
                   {"MSETNX a", "-ERR wrong number of arguments for 'msetnx' command"},
                   {"MSETNX e 1 f", "-ERR wrong number of arguments for 'msetnx' command"},
                   {"EXISTS e", ":0"}});
}

TEST(StringCommandsTest, VeryManyKeysAtOnce) {
  CommandHarness server;
  std::vector<std::string> mset = {"MSET"};
  std::vector<std::string> mget = {"MGET"};
  for (int i = 0; i < 20'000; ++i) {
    mset.push_back("key:" + std::to_string(i * 7919 % 20'000));
    mset.push_back(std::to_string(i));
    mget.push_back(mset[mset.size() - 2]);
  }
  EXPECT_EQ(server.Run(mset).Show(), "+OK");
  EXPECT_EQ(server.Line("DBSIZE").Show(), ":20000");
  const std::vector<std::string> values = server.Run(mget).texts();
  ASSERT_EQ(values.size(), 20'000U);
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(values[static_cast<size_t>(i)], std::to_string(i));
}

TEST(StringCommandsTest, LongKeysAndLargeValues) {
  CommandHarness server;
  for (const size_t size : {490U, 491U, 511U, 512U, 5000U, 1'000'000U}) {
    const std::string key(size, 'k');
    const std::string value(size * 10, 'v');
    EXPECT_EQ(server.Run({"SET", key, value}).Show(), "+OK");
    EXPECT_EQ(server.Run({"SET", key + "other", "other"}).Show(), "+OK");
    EXPECT_TRUE(server.Run({"GET", key}).text() == value) << size;
  }
  server.Checkpoint();
  server.Reopen();
  EXPECT_EQ(server.recovery().replayed_commands, 0U);
  for (const size_t size : {490U, 491U, 511U, 512U, 5000U, 1'000'000U}) {
    const std::string key(size, 'k');
    EXPECT_TRUE(server.Run({"GETDEL", key}).text() == std::string(size * 10, 'v')) << size;
    EXPECT_EQ(server.Run({"GET", key}).Show(), "nil");
    EXPECT_EQ(server.Run({"GET", key + "other"}).Show(), "\"other\"");
  }
}

// ---- what goes into the log

class StringStreamTest : public testing::Test {
 protected:
  std::vector<std::string> StreamOf(std::string_view line) {
    const uint64_t offset = server_.storage().log().appended_offset();
    server_.Line(line);
    return server_.StreamSince(offset);
  }
  static std::string At(int64_t ms) { return std::to_string(FakeClock::kStartMs + ms); }

  CommandHarness server_;
};

TEST_F(StringStreamTest, AbsoluteTimesAndFinalValues) {
  EXPECT_THAT(StreamOf("SET k v"), ElementsAre("SELECT 0", "SET k v"));
  EXPECT_THAT(StreamOf("set k v nx"), IsEmpty());
  EXPECT_THAT(StreamOf("SET k v XX GET"), ElementsAre("SET k v XX GET"));
  EXPECT_THAT(StreamOf("SET k v EX 10"), ElementsAre("SET k v PXAT " + At(10'000)));
  EXPECT_THAT(StreamOf("SET k v XX PX 10"), ElementsAre("SET k v PXAT " + At(10)));
  EXPECT_THAT(StreamOf("SET k v EXAT 20000000000"), ElementsAre("SET k v PXAT 20000000000000"));
  EXPECT_THAT(StreamOf("SET k v KEEPTTL"), ElementsAre("SET k v KEEPTTL"));
  EXPECT_THAT(StreamOf("SETEX k 10 v"), ElementsAre("SET k v PXAT " + At(10'000)));
  EXPECT_THAT(StreamOf("PSETEX k 10 v"), ElementsAre("SET k v PXAT " + At(10)));
  EXPECT_THAT(StreamOf("SETNX k v"), IsEmpty());
  EXPECT_THAT(StreamOf("GETSET k w"), ElementsAre("GETSET k w"));
  EXPECT_THAT(StreamOf("GETEX k"), IsEmpty());
  EXPECT_THAT(StreamOf("GETEX k PERSIST"), IsEmpty()) << "it had no expiry";
  EXPECT_THAT(StreamOf("GETEX k EX 10"), ElementsAre("PEXPIREAT k " + At(10'000)));
  EXPECT_THAT(StreamOf("GETEX k PERSIST"), ElementsAre("PERSIST k"));
  EXPECT_THAT(StreamOf("GETEX k PXAT 1"), ElementsAre("DEL k"));
  EXPECT_THAT(StreamOf("GETDEL k"), IsEmpty());
  EXPECT_THAT(StreamOf("MSETNX a 1 b 2"), ElementsAre("MSETNX a 1 b 2"));
  EXPECT_THAT(StreamOf("MSETNX b 1 c 2"), IsEmpty());
  EXPECT_THAT(StreamOf("GETDEL a"), ElementsAre("DEL a"));
  EXPECT_THAT(StreamOf("GET b"), IsEmpty());
  EXPECT_THAT(StreamOf("SET b"), IsEmpty());
}

// Replay has no clock, so what a writer finds expired is deleted in the stream first.
TEST_F(StringStreamTest, TheDeletionOfAnExpiredKeyComesFirst) {
  server_.Line("SET k v PX 10");
  server_.Line("SET other v PX 10");
  server_.clock().AdvanceMs(10);
  EXPECT_THAT(StreamOf("GET k"), IsEmpty()) << "readers write nothing";
  EXPECT_THAT(StreamOf("SETNX k w"), ElementsAre("DEL k", "SETNX k w"));
  EXPECT_THAT(StreamOf("GETDEL other"), ElementsAre("DEL other"));
  EXPECT_THAT(StreamOf("GETDEL other"), IsEmpty());
}

TEST_F(StringStreamTest, SelectsStandWhereTheDatabaseChanges) {
  EXPECT_THAT(StreamOf("SET a 1"), ElementsAre("SELECT 0", "SET a 1"));
  EXPECT_THAT(StreamOf("SELECT 3"), IsEmpty());
  EXPECT_THAT(StreamOf("GET a"), IsEmpty());
  EXPECT_THAT(StreamOf("SET b 1"), ElementsAre("SELECT 3", "SET b 1"));
  EXPECT_THAT(StreamOf("SET c 1"), ElementsAre("SET c 1"));
  server_.Reopen();
  EXPECT_THAT(StreamOf("SET d 1"), ElementsAre("SET d 1")) << "replay ended in database 3";
  server_.Checkpoint();
  server_.Reopen();
  EXPECT_THAT(StreamOf("SET e 1"), ElementsAre("SET e 1")) << "the checkpoint has saved it";
  server_.Line("SELECT 0");
  EXPECT_THAT(StreamOf("SET f 1"), ElementsAre("SELECT 0", "SET f 1"));
  server_.Reopen();
  EXPECT_EQ(server_.Dump().at(3).size(), 4U);
  EXPECT_EQ(server_.Dump().at(0).size(), 2U);
}

}  // namespace
}  // namespace cairn::test
