// Expected: the replies of redis-server 7.0.15.
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "resp/errors.h"

namespace cairn::resp::errors {
namespace {

std::string Unknown(std::string_view name, const std::vector<std::string_view>& args) {
  return UnknownCommand(name, args.data(), args.size());
}

TEST(ErrorsTest, TextsWithANameInside) {
  EXPECT_EQ(InvalidExpire("set"), "ERR invalid expire time in 'set' command");
  EXPECT_EQ(WrongArity("config|get"), "ERR wrong number of arguments for 'config|get' command");
  EXPECT_EQ(UnknownSubcommand("config", "xyz"), "ERR unknown subcommand 'xyz'. Try CONFIG HELP.");
  EXPECT_EQ(UnknownSubcommand("config", std::string(200, 'x')),
            "ERR unknown subcommand '" + std::string(128, 'x') + "'. Try CONFIG HELP.");
}

TEST(ErrorsTest, UnknownCommandShowsTheBeginningOfItsArguments) {
  const std::string head = "ERR unknown command 'foo', with args beginning with: ";
  EXPECT_EQ(Unknown("foo", {}), head);
  EXPECT_EQ(Unknown("foo", {""}), head + "'' ");
  EXPECT_EQ(Unknown("foo", {"a", "b"}), head + "'a' 'b' ");
  EXPECT_EQ(Unknown("foo", {std::string(200, 'a'), "b"}),
            head + "'" + std::string(128, 'a') + "' ");
  EXPECT_EQ(Unknown("foo", {std::string(100, 'a'), std::string(100, 'b'), "c"}),
            head + "'" + std::string(100, 'a') + "' '" + std::string(25, 'b') + "' ");
  EXPECT_EQ(Unknown("foo", {std::string(125, 'a'), "b", "c"}),
            head + "'" + std::string(125, 'a') + "' ");
  EXPECT_EQ(Unknown(std::string(200, 'f'), {}),
            "ERR unknown command '" + std::string(128, 'f') + "', with args beginning with: ");
}

TEST(ErrorsTest, ShownTextEndsAtNul) {
  EXPECT_EQ(Unknown(std::string_view("fo\0o", 4), {std::string_view("a\0b", 3), "c"}),
            "ERR unknown command 'fo', with args beginning with: 'a' 'c' ");
  EXPECT_EQ(UnknownSubcommand("object", std::string_view("x\0y", 3)),
            "ERR unknown subcommand 'x'. Try OBJECT HELP.");
}

TEST(ErrorsTest, TextsOfCairnCarryTheReason) {
  EXPECT_EQ(LogFailed("No space left on device").substr(0, 8), "MISCONF ");
  EXPECT_NE(LogFailed("No space left on device").find("No space left on device"),
            std::string::npos);
  EXPECT_EQ(ReadFailed("x").substr(0, 4), "ERR ");
}

}  // namespace
}  // namespace cairn::resp::errors
