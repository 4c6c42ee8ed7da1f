// CONFIG SET and CONFIG GET. Texts and results as redis-server 7.0.15 gives them.
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "config/assign.h"
#include "config/query.h"
#include "config/table.h"

namespace cairn::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::string ErrorOf(std::vector<Assignment> assignments) {
  const auto candidate = Assign(ServerOptions{}, assignments);
  return candidate.ok() ? "OK" : std::string(base::Message(candidate.status()));
}

std::vector<std::pair<std::string, std::string>> GetAll(const ServerOptions& options,
                                                        std::vector<std::string_view> patterns) {
  return GetMatching(options, patterns);
}

TEST(ConfigAssign, SetsSeveralAndNamesTheChangedRows) {
  const ServerOptions current;
  const std::vector<Assignment> assignments = {
      {"TimeOut", "7"}, {"hz", "10"}, {"save", "60 1"}, {"maxclients", "9"}};
  const auto candidate = Assign(current, assignments);
  ASSERT_TRUE(candidate.ok()) << candidate.status();
  ServerOptions expected;
  expected.timeout_s = 7;
  expected.save = {{60, 1}};
  expected.maxclients = 9;
  EXPECT_EQ(candidate->options, expected);
  EXPECT_THAT(candidate->changed,
              ElementsAre(FindRow("timeout"), FindRow("save"), FindRow("maxclients")));
}

TEST(ConfigAssign, NothingChangedIsNoError) {
  const auto candidate = Assign(ServerOptions{}, std::vector<Assignment>{{"port", "6379"}});
  ASSERT_TRUE(candidate.ok());
  EXPECT_THAT(candidate->changed, IsEmpty());
}

TEST(ConfigAssign, OneBadValueRefusesAll) {
  const std::vector<Assignment> assignments = {{"timeout", "7"}, {"maxclients", "0"}};
  const auto candidate = Assign(ServerOptions{}, assignments);
  EXPECT_EQ(candidate.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(base::Message(candidate.status()),
            "CONFIG SET failed (possibly related to argument 'maxclients') - argument must be "
            "between 1 and 4294967295 inclusive");
}

TEST(ConfigAssign, BadValuesAreReportedUnderTheTableName) {
  EXPECT_EQ(ErrorOf({{"PoRT", "70000"}}),
            "CONFIG SET failed (possibly related to argument 'port') - argument must be between 0 "
            "and 65535 inclusive");
}

TEST(ConfigAssign, UnknownNames) {
  EXPECT_EQ(ErrorOf({{"timeout", "5"}, {"foo", "6"}}),
            "Unknown option or number of arguments for CONFIG SET - 'foo'");
  EXPECT_EQ(ErrorOf({{"rename-command", "a b"}}),
            "Unknown option or number of arguments for CONFIG SET - 'rename-command'");
  EXPECT_EQ(Assign(ServerOptions{}, std::vector<Assignment>{{"foo", ""}}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(ConfigAssign, ImmutableAndDuplicateNames) {
  EXPECT_EQ(ErrorOf({{"tcp-backlog", "5"}}),
            "CONFIG SET failed (possibly related to argument 'tcp-backlog') - can't set immutable "
            "config");
  EXPECT_EQ(ErrorOf({{"port", "7391"}, {"port", "7391"}}),
            "CONFIG SET failed (possibly related to argument 'port') - duplicate parameter");
  EXPECT_EQ(ErrorOf({{"port", "1"}, {"PORT", "2"}}),
            "CONFIG SET failed (possibly related to argument 'PORT') - duplicate parameter");
}

// Names are judged before values, from left to right.
TEST(ConfigAssign, TheFirstWrongNameWins) {
  EXPECT_EQ(ErrorOf({{"tcp-backlog", "5"}, {"nosuch", "6"}}),
            "CONFIG SET failed (possibly related to argument 'tcp-backlog') - can't set immutable "
            "config");
  EXPECT_EQ(ErrorOf({{"timeout", "bad"}, {"nosuch", "6"}}),
            "Unknown option or number of arguments for CONFIG SET - 'nosuch'");
}

TEST(ConfigQuery, PlainNamesComeBackAsWritten) {
  const ServerOptions options;
  EXPECT_THAT(GetAll(options, {"PORT"}), ElementsAre(Pair("PORT", "6379")));
  EXPECT_THAT(GetAll(options, {"PORT", "port", "p?rt"}), ElementsAre(Pair("PORT", "6379")));
  EXPECT_THAT(GetAll(options, {"p?rt", "PORT"}), ElementsAre(Pair("port", "6379")));
  EXPECT_THAT(GetAll(options, {"port", "port"}), ElementsAre(Pair("port", "6379")));
}

TEST(ConfigQuery, PatternsMatchWithoutCase) {
  const ServerOptions options;
  EXPECT_THAT(GetAll(options, {"SLOW*"}), ElementsAre(Pair("slowlog-log-slower-than", "10000"),
                                                      Pair("slowlog-max-len", "128")));
  EXPECT_THAT(GetAll(options, {"PO[rR]T"}), ElementsAre(Pair("port", "6379")));
  EXPECT_THAT(GetAll(options, {"por\\t"}), IsEmpty());
  EXPECT_THAT(GetAll(options, {"zzz", "", "zz*"}), IsEmpty());
  EXPECT_THAT(GetAll(options, {}), IsEmpty());
}

TEST(ConfigQuery, StarGivesAllButFileOnlyRows) {
  const auto all = GetAll(ServerOptions{}, {"*"});
  EXPECT_EQ(all.size(), Rows().size() - 1);
  for (const auto& [name, value] : all) EXPECT_NE(name, "rename-command");
  EXPECT_THAT(GetAll(ServerOptions{}, {"rename-command"}), IsEmpty());
}

}  // namespace
}  // namespace cairn::config
