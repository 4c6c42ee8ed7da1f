// The pages beside the code.
#include <string>

#include <gtest/gtest.h>

#include "tidy/expect.h"
#include "tidy/readmes.h"
#include "tidy/source_tree.h"

namespace cairn::tidy {
namespace {

TEST(TidyReadmes, FindsRoomsWithoutPage) {
  std::string lines;
  for (size_t i = 0; i <= kMaxReadmeLines; ++i) lines += "line\n";
  const SourceTree tree = {
      MakeFile("src/CMakeLists.txt", ""),
      MakeFile("src/net/loop.h", ""),
      MakeFile("src/resp/README.md", "# resp\n"),
      MakeFile("src/wal/README.md", lines),
      MakeFile("src/wal/log.h", ""),
  };
  EXPECT_EQ(Print(CheckRoomReadmes(tree)),
            "src/net/README.md: is missing\n"
            "src/wal/README.md: 41 lines; at most 40\n");
}

TEST(TidyReadmes, EveryRoomHasAPage) {
  EXPECT_TRUE(NothingFound(CheckRoomReadmes(TheTree())));
}

TEST(TidyReadmes, FindsNamesOfNoFile) {
  const SourceTree tree = {
      MakeFile("src/wal/log.cc", "#include <xxhash.h>\n#include \"mine.h\"\n"),
      MakeFile("src/wal/log.h", ""),
      MakeFile("src/wal/README.md",
               "`log.h` and `gone.h`, `wal/log.cc`, `src/wal/log.cc`\n"
               "\n"
               "| file | what |\n"
               "|---|---|\n"
               "| log.h, .cc | `x.y` |\n"
               "| `log` | a stem |\n"
               "| lo | none |\n"
               "| log.h, .py | one |\n"
               "| `log.h` and others like `l*.cc` and `m*.cc` | patterns |\n"
               "| `xxhash.h`, `mine.h` | only one is a library's |\n"
               "\n"
               "| word | none of ours |\n"
               "```\n"
               "`code.h`\n"
               "```\n"),
  };
  EXPECT_EQ(Print(CheckNamedFiles(tree)),
            "src/wal/README.md:1: there is no gone.h\n"
            "src/wal/README.md:7: there is no lo\n"
            "src/wal/README.md:8: there is no log.py\n"
            "src/wal/README.md:9: there is no m*.cc\n"
            "src/wal/README.md:10: there is no mine.h\n");
}

TEST(TidyReadmes, NamedFilesExist) {
  EXPECT_TRUE(NothingFound(CheckNamedFiles(TheTree())));
}

}  // namespace
}  // namespace cairn::tidy
