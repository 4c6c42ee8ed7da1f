// The table as a whole: names, defaults as CONFIG GET prints them, and conf/cairn.conf against the
// rows.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/split_args.h"
#include "base/status.h"
#include "config/parser.h"
#include "config/suggest.h"
#include "config/table.h"
#include "config/text.h"

namespace cairn::config {
namespace {

std::string ConfPath() {
  return std::string(CAIRN_SOURCE_DIR) + "/conf/cairn.conf";
}

TEST(ConfigTable, NamesAreLowerCaseAndUnique) {
  std::set<std::string_view> names;
  for (const Row& row : Rows()) {
    for (std::string_view name : {row.name, row.alias}) {
      if (name.empty()) continue;
      EXPECT_TRUE(names.insert(name).second) << name;
      EXPECT_EQ(ToLower(name), name);
    }
    EXPECT_FALSE(row.doc.empty()) << row.name;
  }
}

TEST(ConfigTable, FindsByNameAndAliasInAnyCase) {
  ASSERT_NE(FindRow("appendFSYNC"), nullptr);
  EXPECT_EQ(FindRow("appendFSYNC")->name, "appendfsync");
  EXPECT_EQ(FindRow(""), nullptr);
  EXPECT_EQ(FindRow("appendfsyn"), nullptr);
  const Row rows[] = {{"new-name", "old-name", BoolKind{&ServerOptions::daemonize}, kPlain, "doc"}};
  EXPECT_EQ(FindRow(rows, "OLD-name"), &rows[0]);
  EXPECT_EQ(FindRow(rows, ""), nullptr);
}

// Left column as redis-server 7.0.15 prints it, for the names that both have and whose defaults
// agree.
TEST(ConfigTable, DefaultsAsConfigGetPrintsThem) {
  const std::map<std::string_view, std::string_view> kDefaults = {
      {"port", "6379"},
      {"protected-mode", "yes"},
      {"unixsocket", ""},
      {"unixsocketperm", "0"},
      {"tcp-backlog", "511"},
      {"timeout", "0"},
      {"tcp-keepalive", "300"},
      {"daemonize", "no"},
      {"supervised", "no"},
      {"pidfile", ""},
      {"loglevel", "notice"},
      {"logfile", ""},
      {"databases", "16"},
      {"appendfsync", "everysec"},
      {"requirepass", ""},
      {"enable-debug-command", "no"},
      {"enable-protected-configs", "no"},
      {"maxclients", "10000"},
      {"client-output-buffer-limit",
       "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
      {"client-query-buffer-limit", "1073741824"},
      {"proto-max-bulk-len", "536870912"},
      {"maxmemory", "0"},
      {"maxmemory-policy", "noeviction"},
      {"hz", "10"},
      {"dynamic-hz", "yes"},
      {"lazyfree-lazy-eviction", "no"},
      {"lazyfree-lazy-expire", "no"},
      {"lazyfree-lazy-server-del", "no"},
      {"lazyfree-lazy-user-del", "no"},
      {"lazyfree-lazy-user-flush", "no"},
      {"slowlog-log-slower-than", "10000"},
      {"slowlog-max-len", "128"},
      {"latency-tracking", "yes"},
      {"latency-tracking-info-percentiles", "50 99 99.9"},
      {"latency-monitor-threshold", "0"},
      {"notify-keyspace-events", ""},
      // Cairn's own defaults and directives.
      {"bind", "127.0.0.1 -::1"},
      {"dir", "./"},
      {"appendonly", "yes"},
      {"save", ""},
      {"repl-backlog-size", "1073741824"},
      {"log-retention-size", "0"},
      {"log-retention-time", "0"},
      {"log-segment-size", "67108864"},
      {"write-buffer-size", "268435456"},
      {"checkpoint-log-size", "268435456"},
      {"checkpoint-interval", "300"},
      {"rename-command", ""},
  };
  const ServerOptions options;
  for (const Row& row : Rows()) {
    const auto expected = kDefaults.find(row.name);
    ASSERT_NE(expected, kDefaults.end()) << row.name << " has no expectation";
    EXPECT_EQ(Get(row, options), expected->second) << row.name;
  }
  EXPECT_EQ(Rows().size(), kDefaults.size());
}

// The lines that REWRITE would write give the same value back, for the defaults.
TEST(ConfigTable, FileLinesReadBack) {
  for (const Row& row : Rows()) {
    ServerOptions options;
    if (row.name == "rename-command") options.renamed_commands = {{"get", "a \"b"}, {"set", ""}};
    if (row.name == "save") options.save = {{60, 1}, {300, 0}};
    ServerOptions read;
    for (const std::string& line : FileLines(row, options)) {
      const auto args = base::SplitArgs(line);
      ASSERT_TRUE(args.has_value()) << row.name;
      EXPECT_TRUE(SetFromFile(row, *args, read).ok()) << row.name << ' ' << line;
    }
    EXPECT_EQ(read, options) << row.name;
  }
}

TEST(ConfigTable, SetOfAnUnknownName) {
  ServerOptions options;
  const absl::Status set = Set("prot", std::vector<std::string>{"1"}, options);
  EXPECT_EQ(set.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(base::Message(set), "unknown directive 'prot'; did you mean 'port'?");
}

TEST(ConfigSuggest, NamesTheNearestDirective) {
  EXPECT_EQ(UnknownDirective("Appendsync"),
            "unknown directive 'Appendsync'; did you mean 'appendfsync'?");
  EXPECT_EQ(UnknownDirective("max-clients"),
            "unknown directive 'max-clients'; did you mean 'maxclients'?");
  EXPECT_EQ(UnknownDirective("inclde"), "unknown directive 'inclde'; did you mean 'include'?");
  EXPECT_EQ(UnknownDirective("something-else"), "unknown directive 'something-else'");
  EXPECT_EQ(UnknownDirective("x"), "unknown directive 'x'");
  EXPECT_EQ(UnknownDirective(""), "unknown directive ''");
  const std::string longest(100000, 'a');
  EXPECT_EQ(UnknownDirective(longest), "unknown directive '" + longest + "'");
}

TEST(ConfigSuggest, SaysWhatOnlyRedisHas) {
  EXPECT_EQ(UnknownDirective("activerehashing"),
            "'activerehashing' is a directive of Redis that Cairn does not have: take it out");
  EXPECT_EQ(UnknownDirective("RDBcompression"),
            "'rdbcompression' is a directive of Redis that Cairn does not have: take it out");
}

TEST(ConfigSuggest, RedisOnlyNamesAreSortedAndHaveNoRow) {
  const auto names = RedisOnlyDirectives();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (std::string_view name : names) EXPECT_EQ(FindRow(name), nullptr) << name;
}

// ---- conf/cairn.conf

class ShippedConf : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::string> text = base::PosixFileSystem().ReadAll(ConfPath());
    ASSERT_TRUE(text.ok()) << text.status();
    lines_ = Split(*text, '\n');
  }

  // The first line that sets `name`, or shows how as "# name value"; lines_.size() when there is
  // none.
  size_t FindLine(std::string_view name) const {
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].starts_with(std::string(name) + " ")) return i;
    }
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].starts_with("# " + std::string(name) + " ")) return i;
    }
    return lines_.size();
  }

  std::vector<std::string> lines_;
};

TEST_F(ShippedConf, ValuesAreTheDefaultsExceptDir) {
  absl::StatusOr<std::vector<Directive>> directives =
      ParseFile(base::PosixFileSystem(), ConfPath());
  ASSERT_TRUE(directives.ok()) << directives.status();
  ServerOptions options;
  const absl::Status applied = Apply(*directives, options);
  ASSERT_TRUE(applied.ok()) << applied;
  EXPECT_EQ(options.dir, "./data");
  ServerOptions expected;
  expected.dir = "./data";
  for (const Row& row : Rows()) EXPECT_EQ(Get(row, options), Get(row, expected)) << row.name;
  EXPECT_EQ(options, expected);
}

TEST_F(ShippedConf, EveryDirectiveIsExplained) {
  std::vector<std::string_view> names = {"include"};
  for (const Row& row : Rows()) names.push_back(row.name);
  for (std::string_view name : names) {
    size_t line = FindLine(name);
    ASSERT_LT(line, lines_.size()) << name << " is not in conf/cairn.conf";
    // Neighbours (lazyfree-...) may share one explanation, with no blank line between.
    while (line > 0 && !lines_[line].starts_with("# ") && !lines_[line].empty()) --line;
    EXPECT_TRUE(lines_[line].starts_with("# ")) << name << " has no explanation above it";
  }
}

// The examples that are commented out would work, too.
TEST_F(ShippedConf, ExamplesAreValid) {
  size_t examples = 0;
  for (const Row& row : Rows()) {
    const size_t line = FindLine(row.name);
    ASSERT_LT(line, lines_.size()) << row.name;
    if (!lines_[line].starts_with('#')) continue;
    ++examples;
    auto words = base::SplitArgs(lines_[line].substr(2));
    ASSERT_TRUE(words.has_value()) << lines_[line];
    words->erase(words->begin());
    ServerOptions options;
    EXPECT_TRUE(SetFromFile(row, *words, options).ok()) << lines_[line];
  }
  EXPECT_EQ(examples, 4U);  // unixsocket, pidfile, requirepass, rename-command
}

// "(start)" stands in the explanation of what cannot be changed at run time, and nowhere else.
TEST_F(ShippedConf, StartOnlyDirectivesAreMarked) {
  for (const Row& row : Rows()) {
    size_t line = FindLine(row.name);
    ASSERT_LT(line, lines_.size()) << row.name;
    bool marked = false;
    for (; line > 0 && !lines_[line].empty(); --line) {
      marked |= lines_[line].find("(start)") != std::string::npos;
    }
    EXPECT_EQ(marked, row.Has(kImmutable) || row.Has(kFileOnly)) << row.name;
  }
}

}  // namespace
}  // namespace cairn::config
