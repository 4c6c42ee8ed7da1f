#include "base/split_args.h"

#include "absl/strings/ascii.h"

namespace cairn::base {
namespace {

bool IsSpace(char c) {
  return absl::ascii_isspace(static_cast<unsigned char>(c));
}

// White space ends an argument; vertical tab and form feed do so only after a closing quote.
bool EndsArgument(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

char Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads what follows an opening `quote` up to and with the closing one; takes it off `rest` and
// appends it to `out`. False when it is not closed, or not followed by a separator.
bool ReadQuoted(char quote, std::string_view& rest, std::string& out) {
  while (!rest.empty() && rest.front() != quote) {
    size_t used = 1;
    char c = rest.front();
    if (c == '\\' && rest.size() > 1) {
      const bool hex = quote == '"' && rest.size() > 3 && rest[1] == 'x' &&
                       HexValue(rest[2]) >= 0 && HexValue(rest[3]) >= 0;
      if (hex) {
        c = static_cast<char>(HexValue(rest[2]) * 16 + HexValue(rest[3]));
        used = 4;
      } else if (quote == '"') {
        c = Unescape(rest[1]);
        used = 2;
      } else if (rest[1] == '\'') {
        c = '\'';
        used = 2;
      }
    }
    out.push_back(c);
    rest.remove_prefix(used);
  }
  if (rest.empty()) return false;
  rest.remove_prefix(1);
  return rest.empty() || IsSpace(rest.front());
}

// Takes one argument off `rest`, which begins with it.
bool ReadArgument(std::string_view& rest, std::string& out) {
  while (!rest.empty() && !EndsArgument(rest.front())) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '"' || c == '\'') return ReadQuoted(c, rest, out);
    out.push_back(c);
  }
  return true;
}

}  // namespace

std::optional<std::vector<std::string>> SplitArgs(std::string_view line) {
  std::vector<std::string> args;
  while (true) {
    while (!line.empty() && IsSpace(line.front())) line.remove_prefix(1);
    if (line.empty()) return args;
    if (!ReadArgument(line, args.emplace_back())) return {};
  }
}

}  // namespace cairn::base
