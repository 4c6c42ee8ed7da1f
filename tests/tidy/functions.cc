#include "tidy/functions.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "tidy/code_text.h"

namespace cairn::tidy {
namespace {

using Head = std::vector<Token>;  // the tokens since the last statement ended

enum class Kind {
  kNamespace,
  kType,
  kFunction,
  kOther,  // an initializer at namespace or class scope
  kInner,  // anything inside a function or an initializer
};

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

size_t FindToken(const Head& head, std::string_view text) {
  const auto found = std::find_if(head.begin(), head.end(),
                                  [text](const Token& token) { return token.text == text; });
  return static_cast<size_t>(found - head.begin());
}

// Behind `template <...>` and the like.
size_t SkipTemplate(const Head& head) {
  size_t at = 0;
  while (at < head.size() && head[at].text == "template") {
    int depth = 0;
    do {
      ++at;
      if (at < head.size() && head[at].text == "<") ++depth;
      if (at < head.size() && head[at].text == ">") --depth;
    } while (at < head.size() && depth > 0);
    ++at;
  }
  return at;
}

int OpenParentheses(const Head& head) {
  int open = 0;
  for (const Token& token : head) {
    if (token.text == "(") ++open;
    if (token.text == ")") --open;
  }
  return open;
}

// What an opening brace after `head` begins, outside of functions.
Kind Classify(const Head& head) {
  if (head.empty()) return Kind::kOther;
  if (OpenParentheses(head) != 0 || IsOneOf(head.back().text, {"=", ",", "return"})) {
    return Kind::kOther;
  }
  const size_t first = SkipTemplate(head);
  if (first >= head.size()) return Kind::kOther;
  const std::string_view word = head[first].text;
  const bool is_inline = word == "inline" && first + 1 < head.size();
  if (word == "namespace" || (is_inline && head[first + 1].text == "namespace")) {
    return Kind::kNamespace;
  }
  const bool has_parameters = FindToken(head, "(") < head.size();
  if (word == "extern" && !has_parameters) return Kind::kNamespace;
  if (IsOneOf(word, {"class", "struct", "union", "enum"}) && head.back().text != ")") {
    return Kind::kType;
  }
  return has_parameters ? Kind::kFunction : Kind::kOther;
}

std::string NameOf(const Head& head) {
  const size_t open = FindToken(head, "(");
  std::string name(open == 0 ? std::string_view() : head[open - 1].text);
  if (!IsOneOf(name, {"TEST", "TEST_F", "TEST_P"})) return name;
  for (size_t i = open; i < head.size(); ++i) name += head[i].text;
  return name;
}

class Scanner {
 public:
  void Take(const Token& token) {
    if (closed_.has_value()) {
      // `a_{1}, b_(2) {`: that was a member's initializer, the function is still to come.
      if (token.text == "," || token.text == "{") {
        head_ = std::move(closed_head_);
      } else {
        functions_.push_back(*std::move(closed_));
      }
      closed_.reset();
    }
    if (token.text == "{") {
      Open();
    } else if (token.text == "}") {
      Close(token.line);
    } else if (token.text == ";" && OpenParentheses(head_) == 0) {
      head_.clear();
    } else {
      head_.push_back(token);
      const bool is_label = token.text == ":" && head_.size() == 2;
      if (is_label && IsOneOf(head_[0].text, {"public", "private", "protected"})) head_.clear();
    }
  }

  std::vector<Function> Finish() {
    if (closed_.has_value()) functions_.push_back(*std::move(closed_));
    return std::move(functions_);
  }

 private:
  struct Scope {
    Kind kind;
    Head head;
  };

  void Open() {
    const bool outside = scopes_.empty() || scopes_.back().kind == Kind::kNamespace ||
                         scopes_.back().kind == Kind::kType;
    scopes_.push_back({outside ? Classify(head_) : Kind::kInner, std::move(head_)});
    head_.clear();
  }

  void Close(size_t line) {
    if (scopes_.empty()) return;
    Scope scope = std::move(scopes_.back());
    scopes_.pop_back();
    head_.clear();
    if (scope.kind == Kind::kOther) head_ = std::move(scope.head);  // `f(Options o = {}) {`
    if (scope.kind != Kind::kFunction) return;
    closed_ = Function{
        .name = NameOf(scope.head), .first_line = scope.head.front().line, .last_line = line};
    closed_head_ = std::move(scope.head);
  }

  std::vector<Scope> scopes_;
  Head head_;
  std::optional<Function> closed_;
  Head closed_head_;
  std::vector<Function> functions_;
};

}  // namespace

std::vector<Function> Functions(std::string_view code) {
  Scanner scanner;
  for (const Token& token : Tokens(code)) scanner.Take(token);
  return scanner.Finish();
}

}  // namespace cairn::tidy
