// The means of the tidy tests: what is code, and where functions begin and end.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tidy/code_text.h"
#include "tidy/functions.h"

namespace cairn::tidy {
namespace {

using testing::ElementsAre;

TEST(TidyText, CommentsAndLiteralsAreBlanked) {
  EXPECT_EQ(CodeOnly("a // b\nc"), "a     \nc");
  EXPECT_EQ(CodeOnly("a /* b\nc */ d"), "a     \n     d");
  EXPECT_EQ(CodeOnly("f(\"x\\\"y\", 'z', '\\'');"), "f(      ,    ,     );");
  EXPECT_EQ(CodeOnly("n = 1'000'000 + 'a';"), "n = 1'000'000 +    ;");
  EXPECT_EQ(CodeOnly("s = R\"(a \" // b)\" + c"), "s = R             + c");
  EXPECT_EQ(CodeOnly("s = R\"x(a)\")x\" + c"), "s = R          + c");
  EXPECT_EQ(CodeOnly("u = \"http://x\"; y"), "u =           ; y");
}

TEST(TidyText, LengthAndLinesStay) {
  const std::string text = "/* a\n\n */ \"b\" // c\n'd'\nR\"(\n)\"\n// unterminated";
  const std::string code = CodeOnly(text);
  ASSERT_EQ(code.size(), text.size());
  for (size_t i = 0; i < text.size(); ++i) EXPECT_EQ(code[i] == '\n', text[i] == '\n') << i;
}

TEST(TidyText, IncludesAreFound) {
  const std::string text =
      "#include <vector>\n// #include \"no.h\"\n#include \"wal/log.h\"  // why\n#pragma once\n";
  const std::vector<Include> includes = Includes(text, CodeOnly(text));
  ASSERT_EQ(includes.size(), 2U);
  EXPECT_EQ(includes[0].name, "vector");
  EXPECT_FALSE(includes[0].quoted);
  EXPECT_EQ(includes[1].name, "wal/log.h");
  EXPECT_TRUE(includes[1].quoted);
  EXPECT_EQ(includes[1].line, 3U);
}

TEST(TidyText, WordsAreWhole) {
  EXPECT_EQ(FindWord("untry try_ try", "try", 0), 11U);
  EXPECT_EQ(FindWord("trying", "try", 0), std::string::npos);
  EXPECT_EQ(FindWord("std::regex_x std::regex", "std::regex", 0), 13U);
}

std::vector<std::string> Shown(std::string_view text) {
  std::vector<std::string> shown;
  for (const Function& function : Functions(CodeOnly(text))) {
    shown.push_back(function.name + " " + std::to_string(function.first_line) + "-" +
                    std::to_string(function.last_line));
  }
  return shown;
}

TEST(TidyText, FreeFunctionsAndMembers) {
  EXPECT_THAT(Shown("namespace a {\nint f() {\n  if (x) {\n  }\n}\n\nint\ng();\n}\n"),
              ElementsAre("f 2-5"));
  EXPECT_THAT(Shown("class A final : public B<C(int)> {\n public:\n  A() : b_{1}, c_(2) {\n  }\n"
                    "  int f() const override {\n  }\n  int d_ = 1;\n};\n"),
              ElementsAre("A 3-4", "f 5-6"));
  EXPECT_THAT(Shown("A::A(B b)\n    : b_{b},\n      c_{2} {\n}\nvoid g() {\n}\n"),
              ElementsAre("A 1-4", "g 5-6"));
  EXPECT_THAT(Shown("template <typename T = B<int>>\nauto f(T t = {}) -> int {\n}\n"),
              ElementsAre("f 1-3"));
  EXPECT_THAT(Shown("A& A::operator=(A&& a) noexcept {\n}\n"), ElementsAre("= 1-2"));
}

TEST(TidyText, WhatIsNoFunction) {
  EXPECT_THAT(Shown("constexpr A kTable[] = {\n  {1},\n  {[](int x) {\n  }},\n};\n"),
              ElementsAre());
  EXPECT_THAT(Shown("struct A {\n  int b{1};\n};\nenum class E : int {\n  kA\n};\n"),
              ElementsAre());
  EXPECT_THAT(Shown("#define A(x) \\\n  if (x) { \\\n\nvoid f() {\n}\n"), ElementsAre("f 4-5"));
}

TEST(TidyText, TestsCarryTheirNames) {
  EXPECT_THAT(Shown("TEST(Suite, Name) {\n}\nTEST_F(Other, Name) {\n}\n"),
              ElementsAre("TEST(Suite,Name) 1-2", "TEST_F(Other,Name) 3-4"));
}

}  // namespace
}  // namespace cairn::tidy
