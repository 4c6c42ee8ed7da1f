// The commands of a stretch of the stream.
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "resp/stream_commands.h"
#include "resp_testing.h"

namespace cairn::resp::testing {
namespace {

using ::testing::ElementsAre;

TEST(StreamCommandsTest, GivesArgumentsAndPlaces) {
  const std::string large(100'000, 'x');
  const std::string stretch =
      Encode({"SELECT", "3"}) + Encode({"SET", "key", large}) + Encode({"DEL", ""});
  StreamCommands commands;
  for (int round = 0; round < 2; ++round) {
    commands.Begin(stretch);
    std::vector<std::vector<std::string>> got;
    std::string joined;
    while (commands.Next().value()) {
      got.emplace_back(commands.args().begin(), commands.args().end());
      EXPECT_EQ(commands.raw().data(), stretch.data() + joined.size());
      joined += commands.raw();
    }
    EXPECT_THAT(got, ElementsAre(ElementsAre("SELECT", "3"), ElementsAre("SET", "key", large),
                                 ElementsAre("DEL", "")));
    EXPECT_EQ(joined, stretch);
  }
}

TEST(StreamCommandsTest, AnEmptyStretchHasNone) {
  StreamCommands commands;
  commands.Begin("");
  EXPECT_FALSE(commands.Next().value());
}

// A client may not send so many arguments.
TEST(StreamCommandsTest, NoLimitForClientsCounts) {
  std::vector<std::string_view> words(1'100'000, "x");
  std::string stretch = "*1100000\r\n";
  for (size_t i = 0; i < words.size(); ++i) stretch += "$1\r\nx\r\n";
  StreamCommands commands;
  commands.Begin(stretch);
  ASSERT_TRUE(commands.Next().value());
  EXPECT_EQ(commands.args().size(), words.size());
  EXPECT_FALSE(commands.Next().value());
}

TEST(StreamCommandsTest, WhatIsNoCommandIsDamage) {
  const std::string whole = Encode({"SET", "key", "value"});
  for (size_t size = 1; size < whole.size(); ++size) {
    StreamCommands commands;
    const std::string stretch = whole + whole.substr(0, size);
    commands.Begin(stretch);
    ASSERT_TRUE(commands.Next().value());
    EXPECT_TRUE(absl::IsDataLoss(commands.Next().status())) << size;
  }
  StreamCommands commands;
  commands.Begin("*1\r\n:5\r\n");
  EXPECT_TRUE(absl::IsDataLoss(commands.Next().status()));
}

}  // namespace
}  // namespace cairn::resp::testing
