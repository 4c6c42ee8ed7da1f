#include "exec/syntax.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "absl/strings/ascii.h"
#include "base/status.h"

namespace cairn::exec {
namespace {

constexpr std::array<std::string_view, 9> kTypeNames = {
    "string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block"};

constexpr std::array<std::string_view, 25> kIntegerNames = {
    "seconds", "milliseconds", "ms",        "count",     "limit", "n",      "offset",
    "start",   "end",          "increment", "decrement", "index", "index1", "index2",
    "db",      "id",           "len",       "length",    "port",  "size",   "timeout",
    "cursor",  "protover",     "version",   "samples"};

constexpr std::string_view kEllipsis = "...";

bool IsKeyName(std::string_view name) {
  if (name == "newkey" || name == "source" || name == "destination") return true;
  if (!name.starts_with("key")) return false;
  return std::all_of(name.begin() + 3, name.end(),
                     [](unsigned char c) { return absl::ascii_isdigit(c); });
}

ArgumentType TypeOfName(std::string_view name) {
  if (IsKeyName(name)) return ArgumentType::kKey;
  if (name == "pattern") return ArgumentType::kPattern;
  if (name.starts_with("unix-time-")) return ArgumentType::kUnixTime;
  // "destination-db" and "client-id" count as "db" and "id".
  const std::string_view last = name.substr(name.rfind('-') + 1);
  const bool is_integer =
      std::find(kIntegerNames.begin(), kIntegerNames.end(), last) != kIntegerNames.end();
  return is_integer ? ArgumentType::kInteger : ArgumentType::kString;
}

std::optional<ArgumentType> SimpleTypeByName(std::string_view name) {
  const auto* const end = kTypeNames.begin() + static_cast<size_t>(ArgumentType::kPureToken);
  const auto* const it = std::find(kTypeNames.begin(), end, name);
  if (it == end) return std::nullopt;
  return static_cast<ArgumentType>(it - kTypeNames.begin());
}

bool IsToken(std::string_view word) {
  return std::none_of(word.begin(), word.end(),
                      [](unsigned char c) { return absl::ascii_islower(c); });
}

// One item of a sequence. A bare token still looks for the argument that it belongs to.
struct Node {
  Argument argument;
  bool bare_token = false;

  bool operator==(const Node&) const = default;
};

struct Sequence {
  std::vector<Node> nodes;
  bool ends_with_ellipsis = false;
};

std::string JoinNames(const std::vector<Argument>& arguments) {
  std::string joined;
  for (const Argument& argument : arguments) {
    if (!joined.empty()) joined.push_back('_');
    joined.append(argument.name);
  }
  return joined;
}

// Gives tokens to the mandatory arguments behind them.
std::vector<Argument> Fold(std::vector<Node> nodes) {
  std::vector<Argument> folded;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].bare_token && i + 1 < nodes.size()) {
      Node& next = nodes[i + 1];
      if (!next.bare_token && !next.argument.optional && next.argument.token.empty()) {
        next.argument.token = std::move(nodes[i].argument.token);
        continue;
      }
    }
    folded.push_back(std::move(nodes[i].argument));
  }
  return folded;
}

// A block of all nodes; a token at the beginning becomes the block's. An empty `name` means the
// joined names.
Argument MakeBlock(std::vector<Node> nodes, std::string_view name) {
  Argument block;
  block.type = ArgumentType::kBlock;
  if (nodes.size() > 1 && nodes[0].bare_token && !nodes[1].bare_token) {
    block.token = std::move(nodes[0].argument.token);
    nodes.erase(nodes.begin());
  }
  block.arguments = Fold(std::move(nodes));
  block.name = name.empty() ? JoinNames(block.arguments) : std::string(name);
  return block;
}

// What one alternative of a group, or a repeated part, is as one argument.
Argument MakeOne(std::vector<Node> nodes) {
  std::vector<Argument> folded = Fold(nodes);
  if (folded.size() == 1) return std::move(folded.front());
  return MakeBlock(std::move(nodes), {});
}

Argument MakeGroup(std::vector<Sequence> alternatives, std::string_view label) {
  if (alternatives.size() > 1) {
    Argument oneof;
    oneof.type = ArgumentType::kOneof;
    for (Sequence& alternative : alternatives) {
      oneof.arguments.push_back(MakeOne(std::move(alternative.nodes)));
    }
    oneof.name = label.empty() ? JoinNames(oneof.arguments) : std::string(label);
    return oneof;
  }
  std::vector<Node>& nodes = alternatives.front().nodes;
  if (label.empty()) return MakeOne(std::move(nodes));
  if (nodes.size() == 1 && nodes.front().argument.type == ArgumentType::kPureToken) {
    Argument token = std::move(nodes.front().argument);
    token.name = std::string(label);
    return token;
  }
  return MakeBlock(std::move(nodes), label);
}

void MarkMultiple(Node& node) {
  node.argument.multiple = true;
  node.bare_token = false;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<Argument>> Run() {
    Sequence sequence = ParseSequence();
    if (status_.ok() && pos_ < text_.size()) Fail("unexpected bracket or bar");
    if (!status_.ok()) return status_;
    ApplyEllipsis(sequence);
    return Fold(std::move(sequence.nodes));
  }

 private:
  void Fail(std::string_view what) {
    if (!status_.ok()) return;
    status_ = base::InvalidArgument(fmt::format("syntax, byte {}: {}", pos_, what));
  }

  char Peek() {
    while (pos_ < text_.size() && text_[pos_] == ' ') ++pos_;
    return pos_ < text_.size() ? text_[pos_] : '\0';
  }

  std::string_view TakeWord() {
    const size_t end = std::min(text_.find_first_of(" []<>|()", pos_), text_.size());
    const std::string_view word = text_.substr(pos_, end - pos_);
    pos_ = end;
    return word;
  }

  static void ApplyEllipsis(Sequence& sequence) {
    if (!std::exchange(sequence.ends_with_ellipsis, false)) return;
    MarkMultiple(sequence.nodes.back());
  }

  // Up to a closing bracket, a bar or the end, none of which is taken.
  Sequence ParseSequence() {
    Sequence sequence;
    while (status_.ok()) {
      const char c = Peek();
      if (c == '\0' || c == ']' || c == '>' || c == '|') break;
      if (text_.substr(pos_).starts_with(kEllipsis)) {
        pos_ += kEllipsis.size();
        if (sequence.nodes.empty() || sequence.ends_with_ellipsis) Fail("nothing to repeat");
        sequence.ends_with_ellipsis = true;
        continue;
      }
      ApplyEllipsis(sequence);
      ParseItem(sequence);
    }
    if (sequence.nodes.empty() && pos_ < text_.size()) Fail("empty group or alternative");
    return sequence;
  }

  void ParseItem(Sequence& sequence) {
    std::string_view label;
    if (Peek() != '[' && Peek() != '<') {
      const std::string_view word = TakeWord();
      const char next = pos_ < text_.size() ? text_[pos_] : '\0';
      if (!word.ends_with(':') || (next != '[' && next != '<')) {
        ParseWord(word, sequence);
        return;
      }
      label = word.substr(0, word.size() - 1);
    }
    ParseGroup(label, sequence);
  }

  void ParseWord(std::string_view word, Sequence& sequence) {
    if (word.empty()) return Fail("a word was expected");
    Node node;
    if (IsToken(word)) {
      node.bare_token = true;
      node.argument.name = std::string(word);
      absl::AsciiStrToLower(&node.argument.name);
      node.argument.type = ArgumentType::kPureToken;
      node.argument.token = std::string(word);
    } else {
      node.argument.name = std::string(word);
      node.argument.type = TypeOfName(word);
      if (pos_ < text_.size() && text_[pos_] == '(') ParseType(node.argument);
    }
    sequence.nodes.push_back(std::move(node));
  }

  void ParseType(Argument& argument) {
    ++pos_;
    const std::optional<ArgumentType> type = SimpleTypeByName(TakeWord());
    if (!type.has_value()) return Fail("unknown type");
    if (pos_ >= text_.size() || text_[pos_] != ')') return Fail("')' was expected");
    ++pos_;
    argument.type = *type;
  }

  void ParseGroup(std::string_view label, Sequence& outer) {
    const bool optional = text_[pos_] == '[';
    const char closing = optional ? ']' : '>';
    std::vector<Sequence> alternatives;
    do {
      ++pos_;  // the opening bracket, then bars
      alternatives.push_back(ParseSequence());
    } while (status_.ok() && Peek() == '|');
    if (!status_.ok()) return;
    if (Peek() != closing) return Fail("unbalanced brackets");
    ++pos_;
    if (optional && alternatives.size() == 1 && alternatives.front().ends_with_ellipsis) {
      const Sequence& repeated = alternatives.front();
      if (ApplyRepetition(repeated, outer)) return;
      if (repeated.nodes.size() > 1) return Fail("the repeated part is not what stands before it");
    }
    for (Sequence& alternative : alternatives) ApplyEllipsis(alternative);
    Node node;
    node.argument = MakeGroup(std::move(alternatives), label);
    node.argument.optional = node.argument.optional || optional;
    outer.nodes.push_back(std::move(node));
  }

  // "key value [key value ...]": makes the end of `outer` multiple when `repeated` says the same
  // again.
  static bool ApplyRepetition(const Sequence& repeated, Sequence& outer) {
    const size_t count = repeated.nodes.size();
    if (outer.nodes.size() < count) return false;
    const auto begin = outer.nodes.end() - static_cast<std::ptrdiff_t>(count);
    if (!std::equal(begin, outer.nodes.end(), repeated.nodes.begin())) return false;
    Node node;
    node.argument = MakeOne(std::vector<Node>(begin, outer.nodes.end()));
    node.argument.multiple_token = count > 1 && !node.argument.token.empty();
    MarkMultiple(node);
    outer.nodes.erase(begin, outer.nodes.end());
    outer.nodes.push_back(std::move(node));
    return true;
  }

  std::string_view text_;
  size_t pos_ = 0;
  absl::Status status_;
};

void NumberKeys(int key_specs, int* next, std::vector<Argument>* arguments) {
  for (Argument& argument : *arguments) {
    if (argument.type == ArgumentType::kKey) {
      argument.key_spec_index = std::min(*next, key_specs - 1);
      ++*next;
    }
    NumberKeys(key_specs, next, &argument.arguments);
  }
}

}  // namespace

std::string_view ArgumentTypeName(ArgumentType type) {
  return kTypeNames[static_cast<size_t>(type)];
}

absl::StatusOr<std::vector<Argument>> ParseSyntax(std::string_view syntax, int key_specs) {
  absl::StatusOr<std::vector<Argument>> arguments = Parser(syntax).Run();
  if (!arguments.ok()) return arguments;
  int next = 0;
  NumberKeys(key_specs, &next, &*arguments);
  return arguments;
}

}  // namespace cairn::exec
