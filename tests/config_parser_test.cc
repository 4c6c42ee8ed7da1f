// Text to directives to options: form, includes, overrides, and error texts with their places.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "config/parser.h"
#include "config_testing.h"
#include "support/temp_dir.h"

namespace cairn::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Args = std::vector<std::string>;

constexpr std::string_view kOrigin = "conf/cairn.conf";

// Directives as "place name|arg|arg", or the error.
std::vector<std::string> Shown(const absl::StatusOr<std::vector<Directive>>& directives) {
  if (!directives.ok()) return {"error: " + std::string(base::Message(directives.status()))};
  std::vector<std::string> shown;
  for (const Directive& directive : *directives) {
    shown.push_back(Place(directive) + (directive.included ? " (included) " : " ") +
                    directive.name);
    for (const std::string& arg : directive.args) shown.back() += "|" + arg;
  }
  return shown;
}

std::vector<std::string> Parse(std::string_view text, Texts others = {},
                               std::string_view origin = kOrigin) {
  TextFiles files(std::move(others));
  return Shown(ParseText(files, text, origin));
}

// Why `text` is refused, or "".
std::string WhyNot(std::string_view text) {
  TextFiles files;
  const auto directives = ParseText(files, text, kOrigin);
  if (!directives.ok()) return std::string(base::Message(directives.status()));
  ServerOptions options;
  return std::string(base::Message(Apply(*directives, options)));
}

TEST(ConfigParser, LinesCommentsAndBlanks) {
  EXPECT_THAT(Parse("# a comment\n\n  TimeOut\t9\r\n\t# another\nport 1\nsave 60 1"),
              ElementsAre("conf/cairn.conf:3 timeout|9", "conf/cairn.conf:5 port|1",
                          "conf/cairn.conf:6 save|60|1"));
  EXPECT_THAT(Parse(""), IsEmpty());
  EXPECT_THAT(Parse("\n \n#"), IsEmpty());
}

TEST(ConfigParser, Quoting) {
  EXPECT_THAT(Parse(R"(requirepass "a\x20b\n\"c\"")"),
              ElementsAre("conf/cairn.conf:1 requirepass|a b\n\"c\""));
  EXPECT_THAT(Parse(R"(requirepass 'a b\n it\'s')"),
              ElementsAre("conf/cairn.conf:1 requirepass|a b\\n it's"));
  EXPECT_THAT(Parse("logfile \"\"\nx ''"),
              ElementsAre("conf/cairn.conf:1 logfile|", "conf/cairn.conf:2 x|"));
}

TEST(ConfigParser, UnbalancedQuotesNameThePlaceAndHideTheLine) {
  for (std::string_view line : {"requirepass \"secret", "requirepass 'secret", "requirepass \"a\"b",
                                "requirepass a\" \"b", "'"}) {
    EXPECT_THAT(Parse("port 1\n" + std::string(line)),
                ElementsAre("error: conf/cairn.conf:2: unbalanced quotes: a quoted value ends with "
                            "the quote it began with, and a blank or the end of the line follows"))
        << line;
  }
}

TEST(ConfigParser, IncludeIsReadInPlace) {
  EXPECT_THAT(Parse("port 1\ninclude more.conf\nport 3\n", {{"conf/more.conf", "\nport 2"}}),
              ElementsAre("conf/cairn.conf:1 port|1", "conf/more.conf:2 (included) port|2",
                          "conf/cairn.conf:3 port|3"));
}

TEST(ConfigParser, IncludeLooksBesideTheFileThenInTheCurrentFolder) {
  const Texts both = {{"conf/x", "port 1"}, {"x", "port 2"}};
  EXPECT_THAT(Parse("include x", both), ElementsAre("conf/x:1 (included) port|1"));
  EXPECT_THAT(Parse("include x", {{"x", "port 2"}}), ElementsAre("x:1 (included) port|2"));
  EXPECT_THAT(Parse("include x", both, "standard input"), ElementsAre("x:1 (included) port|2"));
  EXPECT_THAT(Parse("include /etc/x", {{"/etc/x", "port 3"}}),
              ElementsAre("/etc/x:1 (included) port|3"));
  // From an included file, its own folder counts.
  EXPECT_THAT(Parse("include d/a", {{"conf/d/a", "include b"}, {"conf/d/b", "port 4"}}),
              ElementsAre("conf/d/b:1 (included) port|4"));
}

TEST(ConfigParser, IncludeTakesWildcards) {
  const Texts files = {{"conf/d/b.conf", "port 2"},
                       {"conf/d/a.conf", "port 1"},
                       {"conf/d/c.txt", "port 3"},
                       {"conf/d/.hidden.conf", "port 4"},
                       {"e/z.conf", "port 5"}};
  EXPECT_THAT(Parse("include d/*.conf", files), ElementsAre("conf/d/a.conf:1 (included) port|1",
                                                            "conf/d/b.conf:1 (included) port|2"));
  EXPECT_THAT(Parse("include d/[b-c].*", files),
              ElementsAre("conf/d/b.conf:1 (included) port|2", "conf/d/c.txt:1 (included) port|3"));
  EXPECT_THAT(Parse("include e/?.conf", files), ElementsAre("e/z.conf:1 (included) port|5"));
  EXPECT_THAT(Parse("include d/*.none\nport 9", files), ElementsAre("conf/cairn.conf:2 port|9"));
  EXPECT_THAT(
      Parse("include */a.conf", files),
      ElementsAre(
          "error: conf/cairn.conf:1: wildcards may stand in the last part of the path only"));
}

TEST(ConfigParser, IncludeErrorsNameThePlace) {
  EXPECT_THAT(
      Parse("\ninclude gone"),
      ElementsAre("error: conf/cairn.conf:2: include 'gone': there is no file conf/gone and "
                  "no file gone"));
  EXPECT_THAT(
      Parse("include"),
      ElementsAre("error: conf/cairn.conf:1: include needs one argument, the path of a file"));
  EXPECT_THAT(
      Parse("include a b"),
      ElementsAre("error: conf/cairn.conf:1: include needs one argument, the path of a file"));
  EXPECT_THAT(Parse("include a", {{"conf/a", "port 1\nx \"y"}}),
              ElementsAre(testing::StartsWith("error: conf/a:2: unbalanced quotes")));
}

TEST(ConfigParser, IncludeLoopsEnd) {
  EXPECT_THAT(Parse("include a", {{"conf/a", "include b"}, {"conf/b", "\ninclude a"}}),
              ElementsAre("error: conf/b:2: 'conf/a' includes itself: conf/cairn.conf > conf/a > "
                          "conf/b > conf/a"));
  // The same file under ever longer names is bounded by depth.
  Texts chain;
  std::string name = "f";
  for (int i = 0; i < 20; ++i) {
    chain["conf/" + name] = "include f" + name;
    name = "f" + name;
  }
  EXPECT_THAT(Parse("include f", chain),
              ElementsAre("error: conf/ffffffffffffffff:1: includes are nested more than 16 deep"));
}

TEST(ConfigParser, TheSameFileMayBeIncludedTwice) {
  EXPECT_THAT(Parse("include a\ninclude a", {{"conf/a", "port 1"}}),
              ElementsAre("conf/a:1 (included) port|1", "conf/a:1 (included) port|1"));
}

TEST(ConfigParser, Overrides) {
  TextFiles files(Texts{{"x", "port 5"}});
  const auto parse = [&](Args words) { return Shown(ParseOverrides(files, words)); };
  EXPECT_THAT(
      parse({"--Port", "7000", "--save", "60", "1", "--save", "", "--dir=/a=b", "--timeout"}),
      ElementsAre("command line port|7000", "command line save|60|1", "command line save|",
                  "command line dir|/a=b", "command line timeout"));
  EXPECT_THAT(
      parse({"--slowlog-log-slower-than", "-1", "--requirepass=--x"}),
      ElementsAre("command line slowlog-log-slower-than|-1", "command line requirepass|--x"));
  EXPECT_THAT(parse({"--include", "x"}), ElementsAre("x:1 (included) port|5"));
  EXPECT_THAT(parse({}), IsEmpty());
  EXPECT_THAT(
      parse({"port", "7000"}),
      ElementsAre("error: command line: 'port' belongs to no directive: write --name value"));
}

TEST(ConfigParser, OverridesWinOverTheFile) {
  TextFiles files;
  auto directives = ParseText(files, "timeout 5\nsave 60 1\n", kOrigin);
  auto overrides = ParseOverrides(files, Args{"--timeout", "6", "--save", "7", "7"});
  ASSERT_TRUE(directives.ok() && overrides.ok());
  ServerOptions options;
  ASSERT_TRUE(Apply(*directives, options).ok());
  ASSERT_TRUE(Apply(*overrides, options).ok());
  EXPECT_EQ(options.timeout_s, 6);
  EXPECT_EQ(options.save, (std::vector<SaveRule>{{60, 1}, {7, 7}}));
}

TEST(ConfigApply, LaterLinesWinOrAddUp) {
  TextFiles files;
  const auto directives = ParseText(files,
                                    "port 1\nport 2\nsave 60 1\nsave 300 2\nbind ::1\nbind *\n"
                                    "client-output-buffer-limit normal 1 2 3\n"
                                    "client-output-buffer-limit slave 4 5 6\n",
                                    kOrigin);
  ASSERT_TRUE(directives.ok());
  ServerOptions options;
  ASSERT_TRUE(Apply(*directives, options).ok());
  ServerOptions expected;
  expected.port = 2;
  expected.save = {{60, 1}, {300, 2}};
  expected.bind = {"*"};
  expected.client_output_buffer_limit.normal = {1, 2, 3};
  expected.client_output_buffer_limit.replica = {4, 5, 6};
  EXPECT_EQ(options, expected);
}

TEST(ConfigApply, ErrorsNamePlaceLineAndWhatWouldBeRight) {
  EXPECT_EQ(WhyNot("port 1\n\nappendfsync sometimes\n"),
            "conf/cairn.conf:3: 'appendfsync sometimes': argument(s) must be one of the following: "
            "everysec, always, no");
  EXPECT_EQ(WhyNot("port 99999"),
            "conf/cairn.conf:1: 'port 99999': argument must be between 0 and 65535 inclusive");
  EXPECT_EQ(WhyNot("timeout"), "conf/cairn.conf:1: 'timeout': wrong number of arguments");
  EXPECT_EQ(WhyNot("timeout \"a b\""),
            "conf/cairn.conf:1: 'timeout \"a b\"': argument couldn't be parsed into an integer");
  EXPECT_EQ(WhyNot("appendsync no"),
            "conf/cairn.conf:1: unknown directive 'appendsync'; did you mean 'appendfsync'?");
  EXPECT_EQ(WhyNot("rdbchecksum yes"),
            "conf/cairn.conf:1: 'rdbchecksum' is a directive of Redis that Cairn does not have: "
            "take it out");
  EXPECT_EQ(
      WhyNot("timeout 5 # seconds"),
      "conf/cairn.conf:1: 'timeout 5 # seconds': wrong number of arguments (a comment needs a "
      "line of its own)");
}

TEST(ConfigApply, ErrorsOfOverridesNameTheCommandLine) {
  TextFiles files;
  const auto overrides = ParseOverrides(files, Args{"--port", "x"});
  ASSERT_TRUE(overrides.ok());
  ServerOptions options;
  EXPECT_EQ(base::Message(Apply(*overrides, options)),
            "command line: 'port x': argument couldn't be parsed into an integer");
}

TEST(ConfigApply, SecretsStayOutOfErrors) {
  EXPECT_EQ(WhyNot("requirepass my secret"),
            "conf/cairn.conf:1: 'requirepass ...': wrong number of arguments");
  EXPECT_EQ(WhyNot("requirepas secret"),
            "conf/cairn.conf:1: unknown directive 'requirepas'; did you mean 'requirepass'?");
  EXPECT_EQ(WhyNot("rename-command config secret x").find("secret"), std::string::npos);
}

TEST(ConfigParser, ReadsRealFiles) {
  const test::TempDir folder;
  const std::string& dir = folder.path();
  std::filesystem::create_directory(dir + "/d");
  std::ofstream(dir + "/main.conf") << "port 1\ninclude d/*.conf\n";
  std::ofstream(dir + "/d/b.conf") << "timeout 2\n";
  std::ofstream(dir + "/d/a.conf") << "timeout 1\n";
  base::FileSystem& files = base::PosixFileSystem();
  EXPECT_THAT(Shown(ParseFile(files, dir + "/main.conf")),
              ElementsAre(dir + "/main.conf:1 port|1", dir + "/d/a.conf:1 (included) timeout|1",
                          dir + "/d/b.conf:1 (included) timeout|2"));
  EXPECT_EQ(ParseFile(files, dir + "/none.conf").status().code(), absl::StatusCode::kNotFound);
  std::ofstream(dir + "/folder.conf") << "include d\n";
  EXPECT_THAT(Shown(ParseFile(files, dir + "/folder.conf")),
              ElementsAre(testing::StartsWith("error: " + dir + "/folder.conf:1: ")));
}

}  // namespace
}  // namespace cairn::config
