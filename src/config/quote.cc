#include "config/quote.h"

#include <iterator>

#include <fmt/format.h>

#include "absl/strings/ascii.h"

namespace cairn::config {
namespace {

bool IsSafeBare(std::string_view word) {
  if (word.empty()) return false;
  for (char c : word) {
    const bool graphic = absl::ascii_isgraph(static_cast<unsigned char>(c));
    if (!graphic || c == '"' || c == '\'' || c == '\\') return false;
  }
  return true;
}

void AppendEscaped(char c, std::string* out) {
  switch (c) {
    case '"':
    case '\\':
      out->push_back('\\');
      out->push_back(c);
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (absl::ascii_isprint(byte)) {
    out->push_back(c);
  } else {
    fmt::format_to(std::back_inserter(*out), "\\x{:02x}", byte);
  }
}

}  // namespace

std::string Quote(std::string_view word) {
  if (IsSafeBare(word)) return std::string(word);
  std::string out = "\"";
  for (char c : word) AppendEscaped(c, &out);
  out.push_back('"');
  return out;
}

}  // namespace cairn::config
