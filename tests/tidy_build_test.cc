// What the build knows of the source tree.
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tidy/build_files.h"
#include "tidy/expect.h"
#include "tidy/source_tree.h"

namespace cairn::tidy {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

TEST(TidyBuild, FindsDeadSources) {
  const SourceTree tree = {MakeFile("src/a.cc", ""), MakeFile("src/a.h", ""),
                           MakeFile("src/dead.cc", "")};
  const std::string commands = R"([{ "command": "c++ src/dead.cc", "file": "/top/src/a.cc" }])";
  EXPECT_EQ(Print(CheckAllBuilt(tree, "/top", commands)),
            "src/dead.cc: no CMakeLists.txt names it\n");
}

TEST(TidyBuild, EverySourceIsBuilt) {
  const std::string commands = ReadFile(CAIRN_BINARY_DIR "/compile_commands.json");
  EXPECT_TRUE(NothingFound(CheckAllBuilt(TheTree(), CAIRN_SOURCE_DIR, commands)));
}

TEST(TidyBuild, FindsHeadersThatNobodyCompilesAlone) {
  const SourceTree tree = {
      MakeFile("src/a/b.h", ""),
      MakeFile("src/a/bb.h", ""),
      MakeFile("src/a/good.h", ""),
      MakeFile("src/a/good.cc", "// Text.\n#include \"a/good.h\"\n#include <string>\n"),
      MakeFile("src/a/late.h", ""),
      MakeFile("src/a/late.cc", "#include <string>\n#include \"a/late.h\"\n"),
      MakeFile("tests/c.h", ""),
      MakeFile("utils/d.h", ""),
  };
  EXPECT_EQ(Print(CheckHeadersAlone(tree, "src/a/bb.h\nutils/d.h\n")),
            "src/a/b.h: is not compiled alone: run cmake again\n"
            "src/a/late.cc: includes another header before its own\n");
}

TEST(TidyBuild, EveryHeaderIsCompiledAlone) {
  EXPECT_TRUE(NothingFound(CheckHeadersAlone(TheTree(), ReadFile(CAIRN_HEADERS_LIST))));
}

TEST(TidyBuild, FindsTestsOfOneName) {
  const SourceTree tree = {
      MakeFile("tests/a_test.cc", "TEST(Suite, One) {\n}\nTEST(Suite, Two) {\n}\n"),
      MakeFile("tests/b_test.cc", "TEST(Other, One) {\n}\n\nTEST_F(Suite, Two) {\n}\n"),
  };
  EXPECT_EQ(Print(CheckTestNames(tree)),
            "tests/b_test.cc:4: TEST_F(Suite,Two) is also in tests/a_test.cc\n");
}

TEST(TidyBuild, TestNamesAreUnique) {
  EXPECT_TRUE(NothingFound(CheckTestNames(TheTree())));
}

}  // namespace
}  // namespace cairn::tidy
