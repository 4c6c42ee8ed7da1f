#include <string>
#include <vector>

#include "exec/args.h"
#include "gtest/gtest.h"
#include "resp/errors.h"

namespace cairn::exec {
namespace {

using Argv = std::vector<std::string_view>;

TEST(EqualsIgnoreCase, ComparesAsciiLettersOnly) {
  EXPECT_TRUE(EqualsIgnoreCase("KeepTtl", "KEEPTTL"));
  EXPECT_TRUE(EqualsIgnoreCase("", ""));
  EXPECT_FALSE(EqualsIgnoreCase("EX", "EXA"));
  EXPECT_FALSE(EqualsIgnoreCase("EXA", "EX"));
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
  EXPECT_FALSE(EqualsIgnoreCase("\xc4", "\xe4"));
  EXPECT_FALSE(EqualsIgnoreCase(std::string_view("EX\0", 3), "EX"));
}

TEST(Args, WalksOverWordsAndValues) {
  const Argv argv = {"SET", "k", "nx", "EX", "-5", "last"};
  Args args(argv, 2);
  EXPECT_EQ(args.left(), 4U);
  EXPECT_FALSE(args.Take("XX"));
  EXPECT_TRUE(args.Take("NX"));
  EXPECT_TRUE(args.Take("EX"));
  EXPECT_EQ(args.Int(), -5);
  EXPECT_TRUE(args.More());
  EXPECT_EQ(args.Next(), "last");
  EXPECT_FALSE(args.More());
  EXPECT_FALSE(args.Take("NX"));
  EXPECT_TRUE(args.ok());
}

// The text of the latched error, written by Reply, is covered where handlers run; here, that there
// is one.
TEST(Args, AMissingValueIsAnError) {
  const Argv argv = {"GET"};
  Args args(argv, 1);
  EXPECT_FALSE(args.More());
  EXPECT_EQ(args.Next(), "");
  EXPECT_FALSE(args.ok());
  EXPECT_EQ(args.Int(), 0);
}

TEST(Args, IntegersHaveOneSpelling) {
  for (const std::string_view text :
       {"", "+1", "01", "1.0", " 1", "1 ", "9223372036854775808", "x"}) {
    const Argv argv = {text};
    Args args(argv, 0);
    EXPECT_EQ(args.Int(), 0) << text;
    EXPECT_FALSE(args.ok()) << text;
  }
  const Argv argv = {"9223372036854775807", "-9223372036854775808"};
  Args args(argv, 0);
  EXPECT_EQ(args.Int(), INT64_MAX);
  EXPECT_EQ(args.Int(), INT64_MIN);
  EXPECT_TRUE(args.ok());
}

TEST(Args, IntegersOutsideTheirRangeAreErrors) {
  const Argv argv = {"0", "10", "11"};
  Args args(argv, 0);
  EXPECT_EQ(args.Int(0, 10), 0);
  EXPECT_EQ(args.Int(0, 10), 10);
  EXPECT_TRUE(args.ok());
  EXPECT_EQ(args.Int(0, 10), 0);
  EXPECT_FALSE(args.ok());
}

TEST(Args, AnErrorStopsTheWalk) {
  const Argv argv = {"a", "b"};
  Args args(argv, 0);
  args.Syntax();
  EXPECT_FALSE(args.ok());
  EXPECT_FALSE(args.More());
  EXPECT_FALSE(args.Take("a"));
  EXPECT_EQ(args.Next(), "");
}

TEST(Args, TakesAWordOnlyWithWhatMustFollow) {
  const Argv argv = {"LIMIT", "1", "LIMIT"};
  Args args(argv, 0);
  EXPECT_TRUE(args.TakeWith("limit", 1));
  EXPECT_EQ(args.Int(), 1);
  EXPECT_FALSE(args.TakeWith("limit", 1));
  EXPECT_TRUE(args.ok());
  EXPECT_TRUE(args.More());
}

}  // namespace
}  // namespace cairn::exec
