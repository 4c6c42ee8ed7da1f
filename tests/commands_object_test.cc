// OBJECT and MEMORY USAGE.
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

using testing::HasSubstr;

TEST(ObjectCommandsTest, Encoding) {
  ExpectExchanges({{"OBJECT ENCODING k", "nil"},
                   {"SET k 123", "+OK"},
                   {"OBJECT ENCODING k", "\"int\""},
                   {"SET k 9223372036854775808", "+OK"},
                   {"OBJECT ENCODING k", "\"embstr\""},
                   {"SET k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "+OK"},
                   {"object encoding k", "\"embstr\""},
                   {"APPEND k b", ":45"},
                   {"OBJECT ENCODING k", "\"raw\""},
                   {"SET k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "+OK"},
                   {"OBJECT ENCODING k", "\"raw\""},
                   {"SET k 1", "+OK"},
                   {"APPEND k 2", ":2"},
                   {"OBJECT ENCODING k", "\"raw\""},
                   {"COPY k copy", ":1"},
                   {"OBJECT ENCODING copy", "\"raw\""},
                   {"RENAME copy renamed", "+OK"},
                   {"EXPIRE renamed 100", ":1"},
                   {"OBJECT ENCODING renamed", "\"raw\""},
                   {"INCR k", ":13"},
                   {"OBJECT ENCODING k", "\"int\""},
                   {"SETRANGE k 0 9", ":2"},
                   {"OBJECT ENCODING k", "\"raw\""},
                   {"INCRBYFLOAT k 1", "\"94\""},
                   {"OBJECT ENCODING k", "\"embstr\""},
                   {"APPEND fresh 1", ":1"},
                   {"OBJECT ENCODING fresh", "\"int\""},
                   {"SETRANGE fresh2 0 1", ":1"},
                   {"OBJECT ENCODING fresh2", "\"raw\""},
                   {"GETSET fresh2 5", "\"1\""},
                   {"OBJECT ENCODING fresh2", "\"int\""}});
}

TEST(ObjectCommandsTest, EncodingsLast) {
  CommandHarness server;
  server.Line("SET k 1");
  server.Line("APPEND k 2");
  server.Line("SETRANGE s 0 1");
  for (const bool checkpoint : {false, true}) {
    if (checkpoint) server.Checkpoint();
    server.Reopen();
    EXPECT_EQ(server.Line("OBJECT ENCODING k").Show(), "\"raw\"");
    EXPECT_EQ(server.Line("OBJECT ENCODING s").Show(), "\"raw\"");
  }
}

TEST(ObjectCommandsTest, RefCount) {
  ExpectExchanges({{"OBJECT REFCOUNT k", "nil"},
                   {"SET k 9999", "+OK"},
                   {"OBJECT REFCOUNT k", ":2147483647"},
                   {"SET k 0", "+OK"},
                   {"OBJECT REFCOUNT k", ":2147483647"},
                   {"SET k 10000", "+OK"},
                   {"OBJECT REFCOUNT k", ":1"},
                   {"SET k -1", "+OK"},
                   {"OBJECT REFCOUNT k", ":1"},
                   {"SET k hello", "+OK"},
                   {"OBJECT REFCOUNT k", ":1"}});
}

TEST(ObjectCommandsTest, IdleTime) {
  CommandHarness server;
  EXPECT_EQ(server.Line("OBJECT IDLETIME k").Show(), "nil");
  server.Line("SET k v");
  server.clock().AdvanceMs(10'999);
  EXPECT_EQ(server.Line("OBJECT IDLETIME k").Show(), ":10");
  EXPECT_EQ(server.Line("EXISTS k").Show(), ":1");
  EXPECT_EQ(server.Line("TYPE k").Show(), "+string");
  EXPECT_EQ(server.Line("TTL k").Show(), ":-1");
  EXPECT_EQ(server.Line("OBJECT IDLETIME k").Show(), ":10") << "looking is not using";
  server.Line("GET k");
  EXPECT_EQ(server.Line("OBJECT IDLETIME k").Show(), ":0");
  server.clock().AdvanceMs(5000);
  EXPECT_EQ(server.Line("TOUCH k").Show(), ":1");
  EXPECT_EQ(server.Line("OBJECT IDLETIME k").Show(), ":0");
  server.clock().AdvanceMs(7000);
  server.Reopen();
  server.clock().AdvanceMs(3000);
  EXPECT_EQ(server.Line("OBJECT IDLETIME k").Show(), ":3") << "a restart forgets";
}

TEST(ObjectCommandsTest, Freq) {
  ExpectExchanges(
      {{"OBJECT FREQ k", "nil"},
       {"SET k v", "+OK"},
       {"OBJECT FREQ k",
        "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
        "that when switching between policies at runtime LRU and LFU data will take some time to "
        "adjust."}});
}

TEST(ObjectCommandsTest, SubcommandsAndArity) {
  ExpectExchanges(
      {{"OBJECT", "-ERR wrong number of arguments for 'object' command"},
       {"OBJECT FOO", "-ERR unknown subcommand 'FOO'. Try OBJECT HELP."},
       {"OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command"},
       {"OBJECT ENCODING a b", "-ERR wrong number of arguments for 'object|encoding' command"},
       {"OBJECT HELP x", "-ERR wrong number of arguments for 'object|help' command"},
       {"MEMORY", "-ERR wrong number of arguments for 'memory' command"},
       {"MEMORY USAGE", "-ERR wrong number of arguments for 'memory|usage' command"},
       {"MEMORY foo", "-ERR unknown subcommand 'foo'. Try MEMORY HELP."}});
  CommandHarness server;
  EXPECT_THAT(server.Line("OBJECT HELP").Show(), HasSubstr("+ENCODING <key>"));
  EXPECT_THAT(server.Line("MEMORY HELP").Show(), HasSubstr("+USAGE <key> [SAMPLES <count>]"));
}

TEST(ObjectCommandsTest, MemoryUsage) {
  CommandHarness server;
  EXPECT_EQ(server.Line("MEMORY USAGE k").Show(), "nil");
  server.Line("SET k v");
  const int64_t small = server.Line("MEMORY USAGE k").integer();
  EXPECT_GT(small, 2);
  EXPECT_LT(small, 200);
  server.Run({"SET", "k", std::string(10'000, 'v')});
  EXPECT_EQ(server.Line("MEMORY USAGE k SAMPLES 5").integer(), small + 9999);
  EXPECT_EQ(server.Line("MEMORY USAGE k samples 0").integer(), small + 9999);
  EXPECT_EQ(server.Line("MEMORY USAGE k SAMPLES -1").Show(), "-ERR syntax error");
  EXPECT_EQ(server.Line("MEMORY USAGE k SAMPLES x").Show(),
            "-ERR value is not an integer or out of range");
  EXPECT_EQ(server.Line("MEMORY USAGE k SAMPLES").Show(), "-ERR syntax error");
  EXPECT_EQ(server.Line("MEMORY USAGE k FOO 1").Show(), "-ERR syntax error");
}

}  // namespace
}  // namespace cairn::test
