// Commands that only talk.
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

using testing::HasSubstr;

TEST(EchoCommandsTest, PingAndEcho) {
  ExpectExchanges({{"PING", "+PONG"},
                   {"ping hello", "\"hello\""},
                   {"PING \"\"", "\"\""},
                   {"PING a b", "-ERR wrong number of arguments for 'ping' command"},
                   {"ECHO \"a\\r\\nb\"", "\"a\\r\\nb\""},
                   {"ECHO", "-ERR wrong number of arguments for 'echo' command"},
                   {"ECHO a b", "-ERR wrong number of arguments for 'echo' command"}});
}

TEST(EchoCommandsTest, Time) {
  CommandHarness server;
  EXPECT_EQ(server.Line("TIME").Show(), "[\"1700000000\", \"0\"]");
  server.clock().AdvanceUs(1'000'042);
  EXPECT_EQ(server.Line("TIME").Show(), "[\"1700000001\", \"42\"]");
  EXPECT_TRUE(server.Line("TIME x").is_error());
}

TEST(EchoCommandsTest, Lolwut) {
  CommandHarness server;
  EXPECT_THAT(server.Line("LOLWUT").text(), HasSubstr("Redis ver. 7.2"));
  EXPECT_EQ(server.Line("LOLWUT").raw().front(), '$');
  EXPECT_EQ(server.Line("LOLWUT VERSION x").Show(), "-ERR value is not an integer or out of range");
  server.set_version(resp::Version::kResp3);
  const TestReply picture = server.Line("LOLWUT VERSION 5");
  EXPECT_EQ(picture.reply().type(), resp::ReplyType::kVerbatim);
  EXPECT_THAT(picture.text(), HasSubstr("("));
}

}  // namespace
}  // namespace cairn::test
