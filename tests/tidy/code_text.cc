#include "tidy/code_text.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace cairn::tidy {
namespace {

bool IsSpace(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}
bool IsDigit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// Walks a text from one comment or literal to the next and blanks them.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text), out_(text) {}

  std::string Run() {
    while (at_ < text_.size()) Step();
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool Sees(std::string_view what) const {
    return text_.substr(at_).starts_with(what);
  }

  // The text from here to `end` is no code.
  void BlankTo(size_t end) {
    end = std::min(end, text_.size());
    for (; at_ < end; ++at_) {
      if (text_[at_] != '\n') out_[at_] = ' ';
    }
  }

  [[nodiscard]] size_t EndOf(std::string_view what, size_t from) const {
    const size_t found = text_.find(what, from);
    return found == std::string_view::npos ? text_.size() : found + what.size();
  }

  // Past the closing quote of the literal that begins here.
  [[nodiscard]] size_t EndOfLiteral() const {
    const char quote = text_[at_];
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    return end + 1;
  }

  [[nodiscard]] std::string_view WordBefore() const {
    size_t begin = at_;
    while (begin > 0 && (IsWordChar(text_[begin - 1]) || text_[begin - 1] == '\'')) --begin;
    return text_.substr(begin, at_ - begin);
  }

  void Step() {
    if (Sees("//")) {
      BlankTo(std::min(text_.find('\n', at_), text_.size()));
    } else if (Sees("/*")) {
      BlankTo(EndOf("*/", at_ + 2));
    } else if (Sees("\"") && WordBefore().ends_with('R')) {
      const size_t open = text_.find('(', at_);
      std::string close = ")";
      close += text_.substr(at_ + 1, open - at_ - 1);
      BlankTo(EndOf(close + '"', open));
    } else if (Sees("\"") || (Sees("'") && !IsSeparator())) {
      BlankTo(EndOfLiteral());
    } else {
      ++at_;
    }
  }

  // 1'000: the quote stands inside a number.
  [[nodiscard]] bool IsSeparator() const {
    const std::string_view word = WordBefore();
    return !word.empty() && IsDigit(word.front());
  }

  std::string_view text_;
  std::string out_;
  size_t at_ = 0;
};

// Behind the end of a preprocessor directive that begins at `at`, continuation lines included.
size_t EndOfDirective(std::string_view code, size_t at) {
  while (true) {
    const size_t end = code.find('\n', at);
    if (end == std::string_view::npos) return code.size();
    if (end == 0 || code[end - 1] != '\\') return end + 1;
    at = end + 1;
  }
}

}  // namespace

bool IsWordChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string CodeOnly(std::string_view text) {
  return Blanker(text).Run();
}

std::vector<Include> Includes(std::string_view text, std::string_view code) {
  constexpr std::string_view kWord = "#include";
  std::vector<Include> includes;
  size_t line = 1;
  for (size_t at = 0; at < code.size(); ++line) {
    const size_t end = std::min(code.find('\n', at), code.size());
    std::string_view shown = text.substr(at, end - at);
    const bool is_code = code.substr(at).starts_with(kWord);
    at = end + 1;
    if (!is_code) continue;
    shown.remove_prefix(std::min(shown.find_first_of("\"<"), shown.size()));
    if (shown.size() < 2) continue;
    const bool quoted = shown.front() == '"';
    shown.remove_prefix(1);
    const std::string_view name = shown.substr(0, shown.find_first_of("\">"));
    includes.push_back({.name = name, .quoted = quoted, .line = line});
  }
  return includes;
}

std::vector<Token> Tokens(std::string_view code) {
  std::vector<Token> tokens;
  size_t line = 1;
  bool line_begins = true;
  for (size_t at = 0; at < code.size();) {
    size_t end = at + 1;
    if (code[at] == '#' && line_begins) {
      end = EndOfDirective(code, at);
    } else if (IsWordChar(code[at])) {
      while (end < code.size() && IsWordChar(code[end])) ++end;
      tokens.push_back({.text = code.substr(at, end - at), .line = line});
    } else if (!IsSpace(code[at])) {
      tokens.push_back({.text = code.substr(at, 1), .line = line});
    }
    const std::string_view passed = code.substr(at, end - at);
    line += static_cast<size_t>(std::count(passed.begin(), passed.end(), '\n'));
    line_begins = passed.back() == '\n' || (line_begins && IsSpace(passed.back()));
    at = end;
  }
  return tokens;
}

size_t FindWord(std::string_view code, std::string_view word, size_t from) {
  for (size_t at = code.find(word, from); at != std::string_view::npos;
       at = code.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool begins = at == 0 || !IsWordChar(code[at - 1]) || !IsWordChar(word.front());
    const bool ends = end == code.size() || !IsWordChar(code[end]) || !IsWordChar(word.back());
    if (begins && ends) return at;
  }
  return std::string_view::npos;
}

}  // namespace cairn::tidy
