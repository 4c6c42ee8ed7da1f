// Sizes and looks of files.
#include <string>

#include <gtest/gtest.h>

#include "tidy/expect.h"
#include "tidy/shape.h"
#include "tidy/source_tree.h"

namespace cairn::tidy {
namespace {

std::string Repeat(const std::string& text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(TidyShape, FindsHeadersWithoutForm) {
  const SourceTree tree = {
      MakeFile("src/a/bare.h", "#pragma once\n"),
      MakeFile("src/a/good.h", "// A thing.\n#pragma once\n"),
      MakeFile("src/a/open.h", "// A thing. #pragma once\n\nint x;\n"),
  };
  EXPECT_EQ(Print(CheckHeaderForm(tree)),
            "src/a/bare.h:1: a header begins with a comment: purpose, thread, lifetime\n"
            "src/a/open.h: no #pragma once\n");
}

TEST(TidyShape, HeadersHaveTheirForm) {
  EXPECT_TRUE(NothingFound(CheckHeaderForm(TheTree())));
}

TEST(TidyShape, FindsLongFiles) {
  const SourceTree tree = {
      MakeFile("a.cc", Repeat("\n", kMaxSourceLines)),
      MakeFile("b.cc", Repeat("\n", kMaxSourceLines + 1)),
      MakeFile("c.h", Repeat("\n", kMaxHeaderLines)),
      MakeFile("d.h", Repeat("\n", kMaxHeaderLines + 1)),
      MakeFile("words.txt", Repeat("\n", 2000)),
  };
  EXPECT_EQ(Print(CheckFileLengths(tree)),
            "b.cc: 801 lines; at most 800\n"
            "d.h: 301 lines; at most 300\n");
}

TEST(TidyShape, FilesAreShort) {
  EXPECT_TRUE(NothingFound(CheckFileLengths(TheTree())));
}

TEST(TidyShape, FindsLongFunctions) {
  const std::string fits = "int F() {\n" + Repeat("  Do();\n", kMaxFunctionLines - 2) + "}\n";
  const std::string longer = "int G() {\n" + Repeat("  Do();\n", kMaxFunctionLines - 1) + "}\n";
  const SourceTree tree = {MakeFile("a.cc", fits),
                           MakeFile("b.cc", "namespace {\n" + longer + "}\n")};
  EXPECT_EQ(Print(CheckFunctionLengths(tree)), "b.cc:2: G has 71 lines; at most 70\n");
}

TEST(TidyShape, FunctionsAreShort) {
  EXPECT_TRUE(NothingFound(CheckFunctionLengths(TheTree())));
}

TEST(TidyShape, FindsWideLines) {
  const SourceTree tree = {
      MakeFile("a.cc", Repeat("x", kMaxColumns) + "\n" + Repeat("x", kMaxColumns + 1) + "\n"),
      MakeFile("c.cc",
               "// " + Repeat("\xc3\xa9", kMaxColumns - 3) + "\n"),  // two bytes, one column
      MakeFile("d.md", Repeat("x", kMaxColumns + 1) + "\n"),
  };
  EXPECT_EQ(Print(CheckColumns(tree)), "a.cc:2: 101 columns; at most 100\n");
}

TEST(TidyShape, LinesFit) {
  EXPECT_TRUE(NothingFound(CheckColumns(TheTree())));
}

TEST(TidyShape, FindsStrayBlanks) {
  const SourceTree tree = {
      MakeFile("Makefile", "all:\n\tmake\n"),
      MakeFile("a.cc", "int a; \nint b;\r\n"),
      MakeFile("b.cc", "\tint a;\n"),
      MakeFile("c.cc", "int a;"),
  };
  EXPECT_EQ(Print(CheckWhitespace(tree)),
            "a.cc:1: blanks at the end of the line\n"
            "a.cc:2: blanks at the end of the line\n"
            "b.cc:1: a tab: write blanks, or \\t\n"
            "c.cc: no line end at the end of the file\n");
}

TEST(TidyShape, BlanksAreInPlace) {
  EXPECT_TRUE(NothingFound(CheckWhitespace(TheTree())));
}

TEST(TidyShape, FindsDeepFolders) {
  const SourceTree tree = {
      MakeFile("src/wal/log.cc", ""),
      MakeFile("src/wal/more/log.cc", ""),
      MakeFile("redis-tests/a/b/c.py", ""),
      MakeFile("redis-tests/a/b/c/d.py", ""),
  };
  EXPECT_EQ(Print(CheckDepth(tree)),
            "src/wal/more/log.cc: too many folders deep\n"
            "redis-tests/a/b/c/d.py: too many folders deep\n");
}

TEST(TidyShape, FoldersAreFlat) {
  EXPECT_TRUE(NothingFound(CheckDepth(TheTree())));
}

}  // namespace
}  // namespace cairn::tidy
