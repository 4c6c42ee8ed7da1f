// C++ text without what is not code, and the pieces of it that checks look for. Not a compiler: it
// knows comments, literals, words and braces, no more.
//
// Pure; thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::tidy {

// `text` with the inside of comments, strings and character constants replaced by blanks; line ends
// stay, so positions and lines are the same.
std::string CodeOnly(std::string_view text);

struct Include {
  std::string_view name;  // without the quotes or brackets; a view of the text
  bool quoted = false;
  size_t line = 0;
};
// The #include lines of a C++ text. `code` is CodeOnly(text).
std::vector<Include> Includes(std::string_view text, std::string_view code);

// A word, a number or one punctuation character of code. Preprocessor lines are left out.
struct Token {
  std::string_view text;  // a view of the code
  size_t line = 0;
};
std::vector<Token> Tokens(std::string_view code);

bool IsWordChar(char c);
// Where `word` stands in `code` with no word character on either side, from `from` on; npos when
// nowhere.
size_t FindWord(std::string_view code, std::string_view word, size_t from);

}  // namespace cairn::tidy
