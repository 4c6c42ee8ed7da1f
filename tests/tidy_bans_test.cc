// What is not used in this code base.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tidy/bans.h"
#include "tidy/expect.h"
#include "tidy/source_tree.h"

namespace cairn::tidy {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// What is found in a file of this content.
std::string Banned(const std::string& path, const std::string& text) {
  return Print(CheckBans({MakeFile(path, text)}));
}

TEST(TidyBans, FindsCalls) {
  EXPECT_THAT(Banned("src/wal/a.cc", "x;\nint n = atoi(text);\n"),
              StartsWith("src/wal/a.cc:2: atoi( is not used here: base/numbers.h"));
  EXPECT_THAT(Banned("tests/a.cc", "return strtol (a, b, 10);"), HasSubstr("strtol("));
  EXPECT_THAT(Banned("utils/a.cc", "std::sprintf(a, b);"), HasSubstr("fmt::format"));
  EXPECT_THAT(Banned("src/wal/a.cc", "assert(x);"), HasSubstr("CAIRN_CHECK"));
  EXPECT_THAT(Banned("src/wal/a.cc", "x = rand() % 7;"), HasSubstr("base/random.h"));
  EXPECT_THAT(Banned("src/wal/a.cc", "pid = ::fork();"), HasSubstr("never be forked"));
  EXPECT_THAT(Banned("src/wal/a.cc", "worker.detach();"), HasSubstr("joins"));
  EXPECT_THAT(Banned("src/wal/a.cc", "std::exit(1);"), HasSubstr("return from main"));
}

TEST(TidyBans, FindsWords) {
  EXPECT_THAT(Banned("tests/a.cc", "std::regex r;"), HasSubstr("absl"));
  EXPECT_THAT(Banned("src/wal/a.cc", "throw Error();"), HasSubstr("absl::Status"));
  EXPECT_THAT(Banned("src/engine/a.cc", "Open(MDB_WRITEMAP);"), HasSubstr("power cut"));
  EXPECT_THAT(Banned("src/wal/a.h", "using namespace std;"), HasSubstr("full name"));
  EXPECT_THAT(Banned("src/wal/a.cc", "p = NULL;"), HasSubstr("nullptr"));
  EXPECT_THAT(Banned("src/wal/a.cc", "#define SIZE 7\n"), HasSubstr("constexpr"));
}

TEST(TidyBans, LeavesTheRestAlone) {
  EXPECT_EQ(Banned("src/wal/a.cc", "// fork() and atoi(x)\nLog(\"assert(x)\");"), "");
  EXPECT_EQ(Banned("src/wal/a.cc", "static_assert(x); snprintf(a, 1, b);"), "");
  EXPECT_EQ(Banned("src/wal/a.cc", "app.exit(error); p->exit(1); Net::system(x);"), "");
  EXPECT_EQ(Banned("src/wal/a.cc", "Text rand(7);"), "");
  EXPECT_EQ(Banned("src/wal/a.cc", "using namespace std::literals;"), "");
  EXPECT_EQ(Banned("src/server/process.cc", "pid = fork();"), "");
  EXPECT_EQ(Banned("redis-tests/a.cc", "throw Error();"), "");
}

TEST(TidyBans, NothingBannedIsUsed) {
  EXPECT_TRUE(NothingFound(CheckBans(TheTree())));
}

TEST(TidyBans, FindsSleeps) {
  const SourceTree tree = {
      MakeFile("tests/a.cc", "std::this_thread::sleep_for(1s);\n"),
      MakeFile("redis-tests/b.py", "import time\ntime.sleep(1)\n"),
      MakeFile("src/net/c.cc", "absl::SleepFor(x);\nusleep(1);\n"),
      MakeFile("src/server/commands_debug.cc", "std::this_thread::sleep_for(seconds);\n"),
      MakeFile("utils/poll.cc", "sleep(1);\n"),
  };
  const std::string found = Print(CheckSleeps(tree));
  EXPECT_THAT(found, HasSubstr("tests/a.cc:1: wait for an event"));
  EXPECT_THAT(found, HasSubstr("redis-tests/b.py:2: wait for an event"));
  EXPECT_THAT(found, HasSubstr("src/net/c.cc:1: "));
  EXPECT_THAT(found, HasSubstr("src/net/c.cc:2: "));
  EXPECT_THAT(found, Not(HasSubstr("commands_debug")));
  EXPECT_THAT(found, Not(HasSubstr("utils")));
}

TEST(TidyBans, NobodySleeps) {
  EXPECT_TRUE(NothingFound(CheckSleeps(TheTree())));
}

TEST(TidyBans, FindsUnfinishedWork) {
  const std::string note = "// TO" + std::string("DO: all\n");
  EXPECT_EQ(Print(CheckUnfinished({MakeFile("conf/a.conf", "\n" + note)})),
            "conf/a.conf:2: finish it, or open an issue\n");
  EXPECT_EQ(Print(CheckUnfinished({MakeFile("a.cc", "mkdtemp(\"XX" + std::string("XXXX\");"))})),
            "");
}

TEST(TidyBans, NothingIsUnfinished) {
  EXPECT_TRUE(NothingFound(CheckUnfinished(TheTree())));
}

TEST(TidyBans, FindsMachinePaths) {
  const std::string path = "/ho" + std::string("me/somebody/x");
  EXPECT_EQ(Print(CheckMachinePaths({MakeFile("README.md", "cd " + path + "\n")})),
            "README.md:1: a path of some machine\n");
  EXPECT_EQ(
      Print(CheckMachinePaths({MakeFile("a.cc", "#include \"bench/work" + std::string("load.h\"")),
                               MakeFile("b.cc", "\"/var/tm" + std::string("p/x\""))})),
      "");
}

TEST(TidyBans, NoMachinePaths) {
  EXPECT_TRUE(NothingFound(CheckMachinePaths(TheTree())));
}

TEST(TidyBans, FindsChecksSilencedWholesale) {
  const std::string mark = "// NO" + std::string("LINT");
  EXPECT_EQ(Print(CheckSilenced({MakeFile("a.cc", "x\n" + mark + ": because\n"),
                                 MakeFile("b.cc", mark + "(misc-x): because\n")})),
            "a.cc:2: name the check that is silenced\n");
}

TEST(TidyBans, SilencedChecksAreNamed) {
  EXPECT_TRUE(NothingFound(CheckSilenced(TheTree())));
}

TEST(TidyBans, FindsStaleExceptions) {
  const std::string found = Print(CheckStaleExceptions({
      MakeFile("src/server/process.cc", "int main() {}\n"),
      MakeFile("src/server/commands_debug.cc", "sleep(1);\n"),
  }));
  EXPECT_THAT(found, HasSubstr("src/server/process.cc: has no fork(\n"));
  EXPECT_THAT(found, HasSubstr("redis-tests/support/server.py: has no sleep\n"));
  EXPECT_THAT(found, Not(HasSubstr("commands_debug")));
}

TEST(TidyBans, EveryExceptionIsNeeded) {
  EXPECT_TRUE(NothingFound(CheckStaleExceptions(TheTree())));
}

}  // namespace
}  // namespace cairn::tidy
