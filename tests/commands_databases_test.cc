// Commands on whole databases.
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

TEST(DatabaseCommandsTest, Select) {
  ExpectExchanges({{"SET k 0", "+OK"},
                   {"SELECT 15", "+OK"},
                   {"GET k", "nil"},
                   {"SET k 15", "+OK"},
                   {"SELECT 16", kDbRange},
                   {"SELECT -1", kDbRange},
                   {"SELECT abc", kNotInteger},
                   {"SELECT 1.5", kNotInteger},
                   {"SELECT \"\"", kNotInteger},
                   {"SELECT 2147483648",
                    "-ERR value is out of range, value must between -2147483648 and 2147483647"},
                   {"SELECT 9223372036854775808", kNotInteger},
                   {"GET k", "\"15\""},
                   {"SELECT 0", "+OK"},
                   {"GET k", "\"0\""},
                   {"SELECT", "-ERR wrong number of arguments for 'select' command"}});
}

TEST(DatabaseCommandsTest, DbSize) {
  ExpectExchanges({{"DBSIZE", ":0"},
                   {"MSET a 1 b 2", "+OK"},
                   {"DBSIZE", ":2"},
                   {"SELECT 1", "+OK"},
                   {"DBSIZE", ":0"},
                   {"DBSIZE x", "-ERR wrong number of arguments for 'dbsize' command"}});
}

TEST(DatabaseCommandsTest, FlushDb) {
  ExpectExchanges({{"FLUSHDB", "+OK"},
                   {"MSET a 1 b 2", "+OK"},
                   {"SELECT 1", "+OK"},
                   {"SET a 1", "+OK"},
                   {"FLUSHDB async", "+OK"},
                   {"DBSIZE", ":0"},
                   {"SELECT 0", "+OK"},
                   {"DBSIZE", ":2"},
                   {"FLUSHDB FOO", "-ERR syntax error"},
                   {"FLUSHDB SYNC ASYNC", "-ERR syntax error"},
                   {"FLUSHDB SYNC", "+OK"},
                   {"DBSIZE", ":0"},
                   {"SET c 3", "+OK"},
                   {"KEYS *", "[\"c\"]"}});
}

TEST(DatabaseCommandsTest, FlushAll) {
  ExpectExchanges({{"FLUSHALL", "+OK"},
                   {"SET a 1", "+OK"},
                   {"SELECT 9", "+OK"},
                   {"SET b 2", "+OK"},
                   {"FLUSHALL FOO", "-ERR syntax error"},
                   {"FLUSHALL ASYNC SYNC", "-ERR syntax error"},
                   {"DBSIZE", ":1"},
                   {"FLUSHALL sync", "+OK"},
                   {"DBSIZE", ":0"},
                   {"SELECT 0", "+OK"},
                   {"DBSIZE", ":0"}});
}

TEST(DatabaseCommandsTest, SwapDb) {
  ExpectExchanges({{"SET a 0", "+OK"},
                   {"SELECT 1", "+OK"},
                   {"SET b 1", "+OK"},
                   {"SWAPDB 0 1", "+OK"},
                   {"KEYS *", "[\"a\"]"},
                   {"SWAPDB 1 1", "+OK"},
                   {"KEYS *", "[\"a\"]"},
                   {"SWAPDB 1 0", "+OK"},
                   {"KEYS *", "[\"b\"]"},
                   {"SWAPDB x 1", "-ERR invalid first DB index"},
                   {"SWAPDB 1 y", "-ERR invalid second DB index"},
                   {"SWAPDB x y", "-ERR invalid first DB index"},
                   {"SWAPDB 0 16", kDbRange},
                   {"SWAPDB -1 0", kDbRange},
                   {"SWAPDB 16 16", kDbRange},
                   {"SWAPDB 2147483648 0", "-ERR invalid first DB index"},
                   {"SWAPDB 0", "-ERR wrong number of arguments for 'swapdb' command"}});
}

TEST(DatabaseCommandsTest, EverythingStaysTogether) {
  CommandHarness server;
  server.Line("SET a 1 PX 10");
  server.Line("SET stays 1");
  server.Line("SELECT 1");
  server.Run({"SET", std::string(900, 'l'), "2", "PX", "20"});
  server.Line("SWAPDB 0 1");
  server.Line("SET c 3");
  const ServerState before = server.Dump();
  EXPECT_EQ(before.at(0).size(), 1U);
  EXPECT_EQ(before.at(1).size(), 3U);
  for (const bool checkpoint : {false, true}) {
    if (checkpoint) server.Checkpoint();
    server.Reopen();
    EXPECT_TRUE(server.Dump() == before);
  }
  server.clock().AdvanceMs(20);
  EXPECT_EQ(server.ExpireDue(), 2U);
  EXPECT_EQ(server.Dump().size(), 1U);
}

TEST(DatabaseCommandsTest, Stream) {
  CommandHarness server;
  const auto stream_of = [&](std::string_view line) {
    const uint64_t offset = server.storage().log().appended_offset();
    server.Line(line);
    return server.StreamSince(offset);
  };
  EXPECT_THAT(stream_of("FLUSHALL"), IsEmpty());
  server.Line("SET a 1");
  server.Line("SELECT 2");
  EXPECT_THAT(stream_of("FLUSHDB"), IsEmpty()) << "this one is empty";
  EXPECT_THAT(stream_of("SWAPDB 0 0"), IsEmpty());
  EXPECT_THAT(stream_of("SWAPDB 0 2"), ElementsAre("SELECT 2", "SWAPDB 0 2"));
  EXPECT_THAT(stream_of("FLUSHDB ASYNC"), ElementsAre("FLUSHDB ASYNC"));
  EXPECT_THAT(stream_of("FLUSHALL"), IsEmpty());
}

// A flush is O(1) for its caller; what it leaves in the store goes away behind a checkpoint.
TEST(DatabaseCommandsTest, FlushedSpaceIsReclaimed) {
  CommandHarness server;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 500; ++i) {
      server.Run({"SET", "k" + std::to_string(i), std::string(1000, 'v'), "EX", "100"});
    }
    server.Checkpoint();
    server.Line("FLUSHALL");
  }
  server.Line("SET left 1");
  // The last one waits for a checkpoint; the earlier ones may be gone by now.
  EXPECT_GE(server.storage().keyspace().ids_to_reclaim(), 1U);
  server.Reopen();
  EXPECT_GE(server.storage().keyspace().ids_to_reclaim(), 1U);
  server.Checkpoint();
  while (server.storage().keyspace().ids_to_reclaim() != 0) server.EndTurn();
  server.Checkpoint();
  size_t records = 0;
  for (const engine::Table table : {engine::Table::kKeys, engine::Table::kExpiry}) {
    const auto it = server.storage().engine().NewIterator(table);
    for (it->SeekAtLeast(""); it->Valid(); it->Next()) ++records;
  }
  EXPECT_EQ(records, 1U);
  EXPECT_EQ(server.Line("DBSIZE").Show(), ":1");
}

TEST(DatabaseCommandsTest, AnotherNumberOfDatabasesAfterARestart) {
  CommandHarness server;
  server.Line("SELECT 5");
  server.Line("SET k 5");
  server.Checkpoint();
  server.options().databases = 20;
  server.Reopen();
  EXPECT_EQ(server.Line("SELECT 19").Show(), "+OK");
  server.Line("SET k 19");
  server.Reopen();
  EXPECT_EQ(server.Dump().size(), 2U);
  server.FlushLog();
  server.options().databases = 5;
  EXPECT_EQ(server.TryReopen().code(), absl::StatusCode::kFailedPrecondition);
  server.options().databases = 20;
  ASSERT_TRUE(server.TryReopen().ok());
  EXPECT_EQ(server.Dump().size(), 2U);
  server.Line("SELECT 19");
  server.Line("FLUSHDB");
  server.CloseAndReopen(/*checkpoint=*/true);
  server.options().databases = 6;
  ASSERT_TRUE(server.TryReopen().ok());
  EXPECT_EQ(server.Dump().at(5).at("k").value, "5");
}

// Fewer databases than the log speaks of: refused with the reason, and nothing is lost.
TEST(DatabaseCommandsTest, TooFewDatabasesForTheLog) {
  CommandHarness server;
  server.Line("SELECT 9");
  server.Line("SET k 9");
  server.FlushLog();
  server.options().databases = 4;
  const absl::Status status = server.TryReopen();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("databases"));
  server.options().databases = 10;
  ASSERT_TRUE(server.TryReopen().ok());
  EXPECT_EQ(server.Dump().at(9).size(), 1U);
}

}  // namespace
}  // namespace cairn::test
