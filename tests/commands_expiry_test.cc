// EXPIRE and its relatives: replies as of Redis 7.2, conditions, rounding, active expiry, and what
// goes into the log.
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

TEST(ExpiryCommandsTest, SettersAndGetters) {
  ExpectExchanges({{"EXPIRE k 100", ":0"},
                   {"TTL k", ":-2"},
                   {"PTTL k", ":-2"},
                   {"EXPIRETIME k", ":-2"},
                   {"PEXPIRETIME k", ":-2"},
                   {"PERSIST k", ":0"},
                   {"SET k v", "+OK"},
                   {"TTL k", ":-1"},
                   {"PTTL k", ":-1"},
                   {"EXPIRETIME k", ":-1"},
                   {"PEXPIRETIME k", ":-1"},
                   {"PERSIST k", ":0"},
                   {"EXPIRE k 100", ":1"},
                   {"TTL k", ":100"},
                   {"PEXPIRE k 200000", ":1"},
                   {"TTL k", ":200"},
                   {"EXPIREAT k 20000000000", ":1"},
                   {"EXPIRETIME k", ":20000000000"},
                   {"PEXPIRETIME k", ":20000000000000"},
                   {"PEXPIREAT k 20000000000499", ":1"},
                   {"EXPIRETIME k", ":20000000000"},
                   {"PEXPIREAT k 20000000000500", ":1"},
                   {"EXPIRETIME k", ":20000000001"},
                   {"PEXPIRETIME k", ":20000000000500"},
                   {"GET k", "\"v\""},
                   {"PERSIST k", ":1"},
                   {"TTL k", ":-1"},
                   {"PEXPIREAT k 9223372036854775807", ":1"},
                   {"PEXPIRETIME k", ":9223372036854775807"}});
}

TEST(ExpiryCommandsTest, TimesThatHavePassedDelete) {
  ExpectExchanges({{"MSET a 1 b 2 c 3 d 4 e 5", "+OK"},
                   {"EXPIRE a 0", ":1"},
                   {"PEXPIRE b -1", ":1"},
                   {"EXPIREAT c 1", ":1"},
                   {"PEXPIREAT d 0", ":1"},
                   {"EXPIRE e -9223372036854775", ":1"},
                   {"DBSIZE", ":0"}});
}

TEST(ExpiryCommandsTest, Errors) {
  ExpectExchanges(
      {{"SET k v", "+OK"},
       {"EXPIRE k abc", kNotInteger},
       {"EXPIRE k 1.5", kNotInteger},
       {"PEXPIREAT k \"\"", kNotInteger},
       {"EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
       {"EXPIRE k -9223372036854775808", "-ERR invalid expire time in 'expire' command"},
       {"PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
       {"EXPIREAT k 9223372036854775807", "-ERR invalid expire time in 'expireat' command"},
       {"EXPIRE missing 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
       {"EXPIRE k 100 FOO", "-ERR Unsupported option FOO"},
       {"EXPIRE k 100 NX foo", "-ERR Unsupported option foo"},
       {"EXPIRE k abc FOO", "-ERR Unsupported option FOO"},
       {"EXPIRE k 100 NX XX",
        "-ERR NX and XX, GT or LT options at the same time are not compatible"},
       {"EXPIRE k 100 LT NX",
        "-ERR NX and XX, GT or LT options at the same time are not compatible"},
       {"EXPIRE k 100 GT LT", "-ERR GT and LT options at the same time are not compatible"},
       {"TTL k", ":-1"},
       {"EXPIRE k", "-ERR wrong number of arguments for 'expire' command"},
       {"PEXPIREAT k", "-ERR wrong number of arguments for 'pexpireat' command"},
       {"TTL", "-ERR wrong number of arguments for 'ttl' command"},
       {"PERSIST k k", "-ERR wrong number of arguments for 'persist' command"}});
}

TEST(ExpiryCommandsTest, Conditions) {
  ExpectExchanges({{"SET k v", "+OK"},
                   {"EXPIRE k 100 XX", ":0"},
                   {"EXPIRE k 100 GT", ":0"},
                   {"EXPIRE k 100 XX GT", ":0"},
                   {"TTL k", ":-1"},
                   {"EXPIRE k 300 LT", ":1"},
                   {"EXPIRE k 100 nx", ":0"},
                   {"EXPIRE k 300 GT", ":0"},
                   {"EXPIRE k 200 GT", ":0"},
                   {"EXPIRE k 400 GT", ":1"},
                   {"EXPIRE k 500 LT", ":0"},
                   {"EXPIRE k 400 LT", ":0"},
                   {"EXPIRE k 200 LT XX", ":1"},
                   {"TTL k", ":200"},
                   {"EXPIRE k 150 XX XX", ":1"},
                   {"TTL k", ":150"},
                   {"PERSIST k", ":1"},
                   {"EXPIRE k 100 LT XX", ":0"},
                   {"EXPIRE k 100 NX NX", ":1"},
                   {"EXPIRE k -1 GT", ":0"},
                   {"EXISTS k", ":1"},
                   {"EXPIRE k -1 LT", ":1"},
                   {"EXISTS k", ":0"}});
}

TEST(ExpiryCommandsTest, SecondsAreRounded) {
  CommandHarness server;
  server.Line("SET k v PX 10000");
  server.clock().AdvanceMs(499);
  EXPECT_EQ(server.Line("TTL k").Show(), ":10");
  server.clock().AdvanceMs(1);
  EXPECT_EQ(server.Line("TTL k").Show(), ":10") << "9.5 s";
  server.clock().AdvanceMs(1);
  EXPECT_EQ(server.Line("TTL k").Show(), ":9");
  EXPECT_EQ(server.Line("PTTL k").Show(), ":9499");
  server.clock().AdvanceMs(9498);
  EXPECT_EQ(server.Line("TTL k").Show(), ":0");
  EXPECT_EQ(server.Line("PTTL k").Show(), ":1");
  server.clock().AdvanceMs(1);
  EXPECT_EQ(server.Line("PTTL k").Show(), ":-2");
}

TEST(ExpiryCommandsTest, ExpiredKeysHaveNothingToSet) {
  CommandHarness server;
  for (const std::string_view line :
       {"EXPIRE k 100", "PERSIST k", "EXPIRE k -1", "PEXPIRE k 1 NX"}) {
    server.Line("SET k v PX 10");
    server.clock().AdvanceMs(10);
    EXPECT_EQ(server.Line(line).Show(), ":0") << line;
    EXPECT_EQ(server.Line("EXISTS k").Show(), ":0") << line;
  }
}

// The clock of the machine is set back: what has gone stays gone only if somebody took it away.
TEST(ExpiryCommandsTest, TheClockIsSetBack) {
  CommandHarness server;
  server.Line("SET k v PX 1000");
  server.clock().SetWallMs(FakeClock::kStartMs - 5000);
  EXPECT_EQ(server.Line("PTTL k").Show(), ":6000");
  server.clock().SetWallMs(FakeClock::kStartMs + 1000);
  EXPECT_EQ(server.Line("GET k").Show(), "nil");
}

TEST(ExpiryCommandsTest, Stream) {
  CommandHarness server;
  const auto stream_of = [&](std::string_view line) {
    const uint64_t offset = server.storage().log().appended_offset();
    server.Line(line);
    return server.StreamSince(offset);
  };
  const auto at = [](int64_t ms) { return std::to_string(FakeClock::kStartMs + ms); };
  server.Line("SET k v");
  EXPECT_THAT(stream_of("EXPIRE k 10"), ElementsAre("PEXPIREAT k " + at(10'000)));
  EXPECT_THAT(stream_of("PEXPIRE k 10 NX"), IsEmpty());
  EXPECT_THAT(stream_of("PEXPIRE k 10 XX"), ElementsAre("PEXPIREAT k " + at(10)));
  EXPECT_THAT(stream_of("EXPIREAT k 20000000000"), ElementsAre("PEXPIREAT k 20000000000000"));
  EXPECT_THAT(stream_of("PERSIST k"), ElementsAre("PERSIST k"));
  EXPECT_THAT(stream_of("PERSIST k"), IsEmpty());
  EXPECT_THAT(stream_of("TTL k"), IsEmpty());
  EXPECT_THAT(stream_of("EXPIRE k 0"), ElementsAre("DEL k"));
}

// Times in the log are applied whatever the clock says when it is read.
TEST(ExpiryCommandsTest, ReplayAfterTheTimeHasPassed) {
  CommandHarness server;
  server.Line("SET k v");
  server.Line("PEXPIRE k 10");
  server.Line("SET l v PX 10");
  server.Line("APPEND l w");
  server.clock().AdvanceMs(5);
  server.Line("PERSIST l");
  server.clock().AdvanceMs(100'000);
  const ServerState before = server.Dump();
  server.Reopen();
  EXPECT_TRUE(server.Dump() == before) << "the expired key waits for its DEL";
  EXPECT_EQ(server.Line("GET k").Show(), "nil");
  EXPECT_EQ(server.Line("GET l").Show(), "\"vw\"");
  EXPECT_EQ(server.ExpireDue(), 1U);
  server.Reopen();
  EXPECT_EQ(server.Line("DBSIZE").Show(), ":1");
}

// ---- active expiry

TEST(ActiveExpiryTest, DeletesWhatIsDueAndNothingElse) {
  CommandHarness server;
  server.Line("SET never v");
  server.Line("SET later v PX 100");
  server.Line("SET soon v PX 10");
  server.Line("SELECT 7");
  server.Run({"SET", std::string(600, 'k'), "v", "PX", "20"});
  EXPECT_EQ(server.ExpireDue(), 0U);
  server.clock().AdvanceMs(20);
  const uint64_t offset = server.storage().log().appended_offset();
  EXPECT_EQ(server.ExpireDue(), 2U);
  EXPECT_THAT(server.StreamSince(offset),
              ElementsAre("SELECT 0", "DEL soon", "SELECT 7", "DEL " + std::string(600, 'k')));
  EXPECT_EQ(server.ExpireDue(), 0U);
  EXPECT_EQ(server.storage().environment().expired_keys, 2U);
  const ServerState state = server.Dump();
  EXPECT_EQ(state.size(), 1U);
  EXPECT_EQ(state.at(0).size(), 2U);
  server.clock().AdvanceMs(80);
  EXPECT_EQ(server.ExpireDue(), 1U);
  server.Reopen();
  EXPECT_EQ(server.Dump().at(0).size(), 1U);
}

// A million keys that expire in the same second are taken in slices.
TEST(ActiveExpiryTest, ManyKeysAtOnceGoInSlices) {
  CommandHarness server;
  for (int i = 0; i < 3000; ++i) server.Run({"SET", "k" + std::to_string(i), "v", "PX", "10"});
  server.clock().AdvanceMs(10);
  size_t rounds = 0;
  size_t expired = 0;
  while (const size_t now = server.ExpireDue(512)) {
    EXPECT_LE(now, 512U);
    expired += now;
    ++rounds;
    if (rounds == 3) server.Checkpoint();
    if (rounds == 4) server.Reopen();
    EXPECT_EQ(server.Line("DBSIZE").Show(), ":" + std::to_string(3000 - expired));
  }
  EXPECT_EQ(expired, 3000U);
  EXPECT_EQ(rounds, 6U);
}

TEST(ActiveExpiryTest, CanBeSwitchedOff) {
  CommandHarness server;
  server.Line("SET k v PX 1");
  server.clock().AdvanceMs(1);
  server.storage().executor().set_active_expire(false);
  EXPECT_EQ(server.ExpireDue(), 0U);
  EXPECT_EQ(server.Line("GET k").Show(), "nil");
  server.storage().executor().set_active_expire(true);
  EXPECT_EQ(server.ExpireDue(), 1U);
}

TEST(ActiveExpiryTest, FindsKeysAgainAfterARestart) {
  for (const bool checkpoint : {false, true}) {
    CommandHarness server;
    server.Line("SET k v PX 10");
    server.Line("SET l v PX 20");
    server.CloseAndReopen(checkpoint);
    EXPECT_EQ(server.ExpireDue(), 0U);
    server.clock().AdvanceMs(10);
    EXPECT_EQ(server.ExpireDue(), 1U);
    server.clock().AdvanceMs(10);
    EXPECT_EQ(server.ExpireDue(), 1U);
    EXPECT_EQ(server.Dump().size(), 0U);
  }
}

TEST(ActiveExpiryTest, AKeyWithANewTimeIsNotDue) {
  CommandHarness server;
  server.Line("SET a v PX 10");
  server.Line("SET b v PX 10");
  server.Line("SET c v PX 10");
  server.Line("PEXPIRE a 1000");
  server.Line("PERSIST b");
  server.Line("RENAME c d");
  server.clock().AdvanceMs(10);
  EXPECT_EQ(server.ExpireDue(), 1U);
  EXPECT_EQ(server.Line("EXISTS a b c d").Show(), ":2");
}

}  // namespace
}  // namespace cairn::test
