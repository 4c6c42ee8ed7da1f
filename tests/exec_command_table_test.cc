// Finding rows, and what a row says of a request.
#include <string>
#include <utility>
#include <vector>

#include "exec/command_table.h"
#include "exec/context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cairn::exec {
namespace {

using Names = std::vector<std::string_view>;

Effect Nothing(Context& /*ctx*/) {
  return Effect::kNone;
}

CommandRow Row(std::string_view name, int arity = 1, uint32_t flags = 0) {
  CommandRow row;
  row.name = name;
  row.arity = arity;
  row.flags = flags;
  row.handler = Nothing;
  row.group = "g";
  row.since = "1.0.0";
  row.summary = "s";
  return row;
}

class CommandTableTest : public testing::Test {
 protected:
  const CommandTable::Entry* FindRequest(const Names& argv) {
    unknown_subcommand_ = false;
    return table_.FindRequest(argv, &unknown_subcommand_);
  }

  const std::vector<CommandRow> first_ = {Row("get", 2), Row("config", -2, kContainer),
                                          Row("config|get", -3)};
  const std::vector<CommandRow> second_ = {Row("config|set", -4), Row("ping", -1)};
  const std::vector<RowTable> families_ = {first_, second_};
  const CommandTable table_{families_};
  bool unknown_subcommand_ = false;
};

TEST_F(CommandTableTest, FindsNamesInAnyCase) {
  ASSERT_NE(table_.Find("GeT"), nullptr);
  EXPECT_EQ(table_.Find("GeT")->row, &first_[0]);
  EXPECT_EQ(table_.Find("CONFIG|SET")->row, &second_[0]);
  EXPECT_EQ(table_.Find("nosuch"), nullptr);
  EXPECT_EQ(table_.Find(""), nullptr);
  EXPECT_EQ(table_.Find(std::string(65, 'g')), nullptr);
  EXPECT_EQ(table_.Find(std::string_view("get\0", 4)), nullptr);
}

TEST_F(CommandTableTest, NumbersEntriesInTheOrderOfTheFamilies) {
  Names names;
  for (const CommandTable::Entry& entry : table_.entries()) {
    EXPECT_EQ(entry.index, names.size());
    names.push_back(entry.row->name);
  }
  EXPECT_THAT(names, testing::ElementsAre("get", "config", "config|get", "config|set", "ping"));
}

TEST_F(CommandTableTest, HangsSubcommandsOnTheirContainer) {
  const auto& subcommands = table_.Find("config")->subcommands;
  EXPECT_THAT(subcommands,
              testing::ElementsAre(table_.Find("config|get"), table_.Find("config|set")));
  EXPECT_TRUE(table_.Find("get")->subcommands.empty());
}

TEST_F(CommandTableTest, FindsTheEntryThatRunsARequest) {
  EXPECT_EQ(FindRequest({"GET", "a"}), table_.Find("get"));
  EXPECT_EQ(FindRequest({"ping"}), table_.Find("ping"));
  EXPECT_EQ(FindRequest({"Config", "SET", "a", "b"}), table_.Find("config|set"));
  EXPECT_EQ(FindRequest({"config"}), table_.Find("config"));
  EXPECT_EQ(FindRequest({"nosuch"}), nullptr);
  EXPECT_FALSE(unknown_subcommand_);
}

TEST_F(CommandTableTest, ReportsAnUnknownSubcommandWithItsContainer) {
  EXPECT_EQ(FindRequest({"config", "nosuch"}), table_.Find("config"));
  EXPECT_TRUE(unknown_subcommand_);
  EXPECT_EQ(FindRequest({"config", std::string_view()}), table_.Find("config"));
  EXPECT_TRUE(unknown_subcommand_);
}

TEST_F(CommandTableTest, ARowsFullNameIsNoRequest) {
  EXPECT_EQ(FindRequest({"config|get", "a"}), nullptr);
  EXPECT_FALSE(unknown_subcommand_);
}

TEST(CommandTableRename, ChangesTheNameForClientsOnly) {
  const std::vector<CommandRow> rows = {Row("get", 2), Row("config", -2, kContainer),
                                        Row("config|get", -3)};
  const RowTable families[] = {rows};
  CommandTable table{families};
  ASSERT_TRUE(table.Rename("GET", "Fetch").ok());
  ASSERT_TRUE(table.Rename("config", "cfg").ok());

  bool unknown_subcommand = false;
  EXPECT_EQ(table.FindRequest(Names{"get", "a"}, &unknown_subcommand), nullptr);
  const CommandTable::Entry* get = table.FindRequest(Names{"FETCH", "a"}, &unknown_subcommand);
  ASSERT_NE(get, nullptr);
  EXPECT_EQ(get->row, &rows[0]);
  EXPECT_TRUE(get->renamed);
  EXPECT_FALSE(get->removed);
  EXPECT_EQ(table.FindRequest(Names{"cfg", "get", "a"}, &unknown_subcommand)->row, &rows[2]);
  EXPECT_FALSE(unknown_subcommand);

  EXPECT_EQ(table.FindCanonical(Names{"get", "a"}), get);
  EXPECT_EQ(table.FindCanonical(Names{"config", "get", "a"})->row, &rows[2]);
  EXPECT_EQ(table.FindCanonical(Names{"config", "nosuch"}), nullptr);
  EXPECT_EQ(table.FindCanonical(Names{"fetch", "a"}), nullptr);
}

TEST(CommandTableRename, TakesACommandAway) {
  const std::vector<CommandRow> rows = {Row("get", 2)};
  const RowTable families[] = {rows};
  CommandTable table{families};
  ASSERT_TRUE(table.Rename("get", "").ok());
  EXPECT_EQ(table.Find("get"), nullptr);
  EXPECT_TRUE(table.entries()[0].removed);
  EXPECT_EQ(table.FindCanonical(Names{"get", "a"}), table.entries().data());
}

TEST(CommandTableRename, RefusesWhatCannotBe) {
  const std::vector<CommandRow> rows = {Row("get", 2), Row("set", 3), Row("config", -2, kContainer),
                                        Row("config|get", -3)};
  const RowTable families[] = {rows};
  CommandTable table{families};
  EXPECT_FALSE(table.Rename("nosuch", "x").ok());
  EXPECT_FALSE(table.Rename("config|get", "x").ok());
  EXPECT_FALSE(table.Rename("get", "SET").ok());
  EXPECT_FALSE(table.Rename("set", std::string(65, 'x')).ok());
}

TEST(ArityFits, ExactAndAtLeast) {
  EXPECT_TRUE(ArityFits(Row("a", 2), 2));
  EXPECT_FALSE(ArityFits(Row("a", 2), 1));
  EXPECT_FALSE(ArityFits(Row("a", 2), 3));
  EXPECT_FALSE(ArityFits(Row("a", -2), 1));
  EXPECT_TRUE(ArityFits(Row("a", -2), 2));
  EXPECT_TRUE(ArityFits(Row("a", -2), 1000));
}

std::vector<std::pair<size_t, std::string_view>> KeysOf(const Keys& keys, const Keys& keys2,
                                                        const Names& argv) {
  CommandRow row = Row("a", -1);
  row.keys = keys;
  row.keys2 = keys2;
  std::vector<std::pair<size_t, std::string_view>> found;
  for (const KeyArgument& key : FindKeys(row, argv)) found.emplace_back(key.index, key.flags);
  return found;
}

TEST(FindKeys, FollowsTheSpecification) {
  using testing::ElementsAre;
  using testing::Pair;
  EXPECT_THAT(KeysOf({}, {}, {"a", "b"}), testing::IsEmpty());
  EXPECT_THAT(KeysOf({1, 1, 1, "RO"}, {}, {"a", "b", "c"}), ElementsAre(Pair(1, "RO")));
  EXPECT_THAT(KeysOf({1, -1, 1, "RO"}, {}, {"a", "b", "c"}),
              ElementsAre(Pair(1, "RO"), Pair(2, "RO")));
  EXPECT_THAT(KeysOf({1, -2, 1, "RO"}, {}, {"a", "b", "c"}), ElementsAre(Pair(1, "RO")));
  EXPECT_THAT(KeysOf({1, -1, 2, "OW"}, {}, {"a", "b", "c", "d", "e"}),
              ElementsAre(Pair(1, "OW"), Pair(3, "OW")));
  EXPECT_THAT(KeysOf({1, 1, 1, "RO"}, {2, 2, 1, "OW"}, {"a", "b", "c"}),
              ElementsAre(Pair(1, "RO"), Pair(2, "OW")));
}

TEST(FindKeys, StaysInsideTheRequest) {
  EXPECT_THAT(KeysOf({1, 5, 1, "RO"}, {}, {"a", "b"}), testing::SizeIs(1));
  EXPECT_THAT(KeysOf({2, 2, 1, "RO"}, {}, {"a", "b"}), testing::IsEmpty());
  EXPECT_THAT(KeysOf({1, -3, 1, "RO"}, {}, {"a"}), testing::IsEmpty());
}

TEST(FindKeys, AsksTheRowForFlagsThatDependOnTheRequest) {
  const auto flags = [](std::span<const std::string_view> argv) {
    return argv.size() > 2 ? std::string_view("many") : std::string_view("one");
  };
  EXPECT_THAT(KeysOf({1, 1, 1, "variable_flags", {}, flags}, {}, {"a", "b"}),
              testing::ElementsAre(testing::Pair(1, "one")));
  EXPECT_THAT(KeysOf({1, 1, 1, "variable_flags", {}, flags}, {}, {"a", "b", "c"}),
              testing::ElementsAre(testing::Pair(1, "many")));
}

TEST(Rows, ContainerOfAName) {
  EXPECT_EQ(ContainerName("config|get"), "config");
  EXPECT_EQ(ContainerName("get"), "get");
  EXPECT_TRUE(IsSubcommand(Row("config|get")));
  EXPECT_FALSE(IsSubcommand(Row("config")));
}

void Build(const std::vector<CommandRow>& rows) {
  const RowTable families[] = {rows};
  const CommandTable table{families};
}

TEST(CommandTableDeathTest, RefusesRowsThatAreNotWhole) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  CommandRow row = Row("a");
  EXPECT_DEATH(Build({row, row}), "check failed");
  EXPECT_DEATH(Build({Row("A")}), "check failed");
  EXPECT_DEATH(Build({Row("")}), "check failed");
  EXPECT_DEATH(Build({Row("a", 0)}), "check failed");
  EXPECT_DEATH(Build({Row("config|get")}), "check failed");
  EXPECT_DEATH(Build({Row("config"), Row("config|get")}), "check failed");

  row.handler = nullptr;
  EXPECT_DEATH(Build({row}), "check failed");
  row = Row("a");
  row.summary = "";
  EXPECT_DEATH(Build({row}), "check failed");
  row = Row("a");
  row.keys = {1, 1, 1};
  EXPECT_DEATH(Build({row}), "check failed");
  row = Row("a");
  row.syntax = "key [NX";
  EXPECT_DEATH(Build({row}), "check failed");
}

}  // namespace
}  // namespace cairn::exec
