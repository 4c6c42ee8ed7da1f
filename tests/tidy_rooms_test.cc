// The rooms and the libraries: who may know whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tidy/expect.h"
#include "tidy/rooms.h"
#include "tidy/source_tree.h"

namespace cairn::tidy {
namespace {

TEST(TidyRooms, RanksAreThoseOfTheDesign) {
  EXPECT_EQ(RankOf("base"), 0);
  EXPECT_LT(RankOf("wal"), RankOf("engine"));
  EXPECT_LT(RankOf("exec"), RankOf("commands"));
  EXPECT_EQ(RankOf("net"), RankOf("wal"));
  EXPECT_EQ(RankOf("nowhere"), -1);
}

TEST(TidyRooms, FindsWrongIncludes) {
  const SourceTree tree = {
      MakeFile("src/engine/engine.h", "#include \"wal/log.h\"\n"),
      MakeFile("src/server/server.h", "#include \"engine/engine.h\"\n"),
      MakeFile("src/wal/log.h",
               "// #include \"server/server.h\"\n\n#include \"engine/engine.h\"\n"),
      MakeFile("src/wal/b.cc", "#include \"config/x.h\"\n#include \"log.h\"\n#include <log.h>\n"),
      MakeFile("src/config/x.h", ""),
      MakeFile("src/attic/x.cc", ""),
      MakeFile("utils/tool.cc", "#include \"server/server.h\"\n#include \"wal/log.h\"\n"),
  };
  EXPECT_EQ(Print(CheckIncludeRanks(tree)),
            "src/wal/log.h:3: wal (rank 2) may not know engine (rank 3)\n"
            "src/wal/b.cc:1: wal (rank 2) may not know config (rank 2)\n"
            "src/wal/b.cc:2: \"log.h\" is not a path from src/ on: write \"room/file.h\"\n"
            "src/attic/x.cc: src/attic has no rank\n"
            "utils/tool.cc:1: only mains build on the top rooms\n");
}

TEST(TidyRooms, IncludesGoDownOnly) {
  EXPECT_TRUE(NothingFound(CheckIncludeRanks(TheTree())));
}

TEST(TidyRooms, FindsWrongLinks) {
  const SourceTree tree = {
      MakeFile(
          "src/wal/CMakeLists.txt",
          "# cairn_sentinel\ncairn_room(wal SOURCES log.cc\n  DEPS cairn_base cairn_engine)\n"),
      MakeFile("src/wal/log.cc",
               "#include \"wal/log.h\"\n#include \"resp/reply.h\"\n"
               "#include \"base/file.h\"\n"),
  };
  EXPECT_EQ(Print(CheckLinkedRooms(tree)),
            "src/wal/CMakeLists.txt: wal (rank 2) may not know engine (rank 3)\n"
            "src/wal/CMakeLists.txt: links to engine but includes none of it\n"
            "src/wal/CMakeLists.txt: includes resp but does not link to it\n");
}

TEST(TidyRooms, LinksAreIncludes) {
  EXPECT_TRUE(NothingFound(CheckLinkedRooms(TheTree())));
}

TEST(TidyRooms, FindsStrayLibraries) {
  const SourceTree tree = {
      MakeFile("src/net/loop.cc", "#include <uv.h>\n"),
      MakeFile("src/server/session.cc", "#include <uv.h>\n"),
      MakeFile("src/engine/store.h", "#include <lmdb.h>\n"),
      MakeFile("src/server/main.cc", "#include <CLI/CLI.hpp>\n"),
      MakeFile("src/config/parser.cc", "#include \"CLI/CLI.hpp\"\n"),
      MakeFile("tests/x_test.cc", "#include <hiredis/hiredis.h>\n"),
  };
  EXPECT_EQ(Print(CheckWrappedLibraries(tree)),
            "src/server/session.cc:1: uv.h belongs to src/net/ only\n"
            "src/engine/store.h:1: lmdb.h belongs to src/engine/lmdb_store.cc only\n"
            "src/config/parser.cc:1: CLI/CLI.hpp belongs to *main.cc only\n"
            "tests/x_test.cc:1: hiredis/hiredis.h belongs to redis-tests/ only\n");
}

TEST(TidyRooms, LibrariesStayInTheirPlaces) {
  EXPECT_TRUE(NothingFound(CheckWrappedLibraries(TheTree())));
}

// A tree that is empty, because a folder was renamed say, would pass every check.
TEST(TidyRooms, TheTreeIsRead) {
  EXPECT_GT(TheTree().size(), 200U);
  for (const char* path : {"src/base/check.h", "src/engine/lmdb_store.cc", "src/server/main.cc",
                           "tests/tidy_rooms_test.cc", "CMakeLists.txt"}) {
    EXPECT_NE(Find(TheTree(), path), nullptr) << path;
  }
}

}  // namespace
}  // namespace cairn::tidy
