#include <string>
#include <vector>

#include "exec/effects.h"
#include "gtest/gtest.h"

namespace cairn::exec {
namespace {

TEST(AppendCommand, WritesAnArrayOfBulkStrings) {
  std::string out = "before";
  const std::vector<std::string_view> args = {"SET", "", std::string_view("a\0\r\n", 4)};
  AppendCommand(args, &out);
  EXPECT_EQ(out, std::string("before*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\0\r\n\r\n", 35));
}

TEST(AppendCommand, WritesLargeSizes) {
  std::string out;
  const std::string value(123'456, 'x');
  const std::vector<std::string_view> args(1000, "v");
  AppendCommand(args, &out);
  EXPECT_TRUE(out.starts_with("*1000\r\n$1\r\nv\r\n"));
  out.clear();
  AppendCommand(std::vector<std::string_view>{value}, &out);
  EXPECT_EQ(out, "*1\r\n$123456\r\n" + value + "\r\n");
}

TEST(Effects, KeepsPartsInOrderWithTheirDatabases) {
  Effects effects;
  EXPECT_TRUE(effects.empty());
  effects.Add(0, {"DEL", "a"});
  effects.AddRaw(3, "*1\r\n$4\r\nPING\r\n");
  EXPECT_FALSE(effects.empty());
  ASSERT_EQ(effects.parts().size(), 2U);

  const std::string first = "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n";
  EXPECT_EQ(effects.bytes(), first + "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(effects.parts()[0].db, 0);
  EXPECT_EQ(effects.parts()[0].end, first.size());
  EXPECT_EQ(effects.parts()[1].db, 3);
  EXPECT_EQ(effects.parts()[1].end, effects.bytes().size());
}

TEST(Effects, ClearForgetsEverythingAndGivesLargeBuffersBack) {
  Effects effects;
  const std::string large(4 << 20, 'x');
  effects.Add(1, {"SET", "a", large});
  effects.Clear();
  EXPECT_TRUE(effects.empty());
  EXPECT_TRUE(effects.bytes().empty());
  EXPECT_LT(effects.bytes().capacity(), large.size());

  effects.Add(0, {"DEL", "a"});
  const size_t capacity = effects.bytes().capacity();
  effects.Clear();
  EXPECT_EQ(effects.bytes().capacity(), capacity);
}

}  // namespace
}  // namespace cairn::exec
