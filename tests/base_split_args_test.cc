// Expected: what redis-server 7.0.15 makes of the same inline commands.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/split_args.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cairn::base {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SplitArgsTest, SplitsAtWhiteSpace) {
  EXPECT_THAT(*SplitArgs(""), IsEmpty());
  EXPECT_THAT(*SplitArgs(" \t\r\n\v\f"), IsEmpty());
  EXPECT_THAT(*SplitArgs("set  a\tb\rc"), ElementsAre("set", "a", "b", "c"));
  EXPECT_THAT(*SplitArgs(" \va\vb\f"), ElementsAre("a\vb\f"));
  EXPECT_THAT(*SplitArgs("\xff\xfe \\"), ElementsAre("\xff\xfe", "\\"));
}

TEST(SplitArgsTest, ReadsDoubleQuotes) {
  EXPECT_THAT(*SplitArgs(R"("a\x41\n\t\q\\\"")"), ElementsAre("aA\n\tq\\\""));
  EXPECT_THAT(*SplitArgs(R"("\b\a\r\xfF\x4g\x")"), ElementsAre("\b\a\r\xffx4gx"));
  EXPECT_THAT(*SplitArgs(R"("" "it's")"), ElementsAre("", "it's"));
  EXPECT_THAT(*SplitArgs("\"a\"\v\"b\""), ElementsAre("a", "b"));
}

TEST(SplitArgsTest, ReadsSingleQuotes) {
  EXPECT_THAT(*SplitArgs(R"('a\'b\n' 'c\\d' '"')"), ElementsAre("a'b\\n", "c\\\\d", "\""));
  EXPECT_THAT(*SplitArgs("''"), ElementsAre(""));
}

TEST(SplitArgsTest, QuotesMayBeginInsideAnArgument) {
  EXPECT_THAT(*SplitArgs("foo\"bar baz\""), ElementsAre("foobar baz"));
  EXPECT_THAT(*SplitArgs("foo'bar'"), ElementsAre("foobar"));
}

TEST(SplitArgsTest, RefusesUnbalancedQuotes) {
  for (const std::string_view bad : {"\"abc", "'abc", "\"abc\"d", "'abc'd", "foo\"bar\"baz",
                                     "\"a\\", "''x", "\"", "a \"b\\\"", "'a\\'"}) {
    EXPECT_EQ(SplitArgs(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace cairn::base
