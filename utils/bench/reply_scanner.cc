#include "bench/reply_scanner.h"

#include <algorithm>
#include <charconv>

namespace cairn::bench {
namespace {

constexpr size_t kMaxLine = 64 * 1024;  // longer headers are not RESP but something else

bool ParseLength(std::string_view digits, int64_t& length) {
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, length);
  return error == std::errc() && stop == end && length >= -1;
}

}  // namespace

bool ReplyScanner::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (skip_ > 0) {
      const uint64_t step = std::min<uint64_t>(skip_, bytes.size());
      bytes.remove_prefix(step);
      skip_ -= step;
      if (skip_ == 0) ElementDone();
      continue;
    }
    const size_t newline = bytes.find('\n');
    if (newline == std::string_view::npos) {
      partial_line_.append(bytes);
      return partial_line_.size() <= kMaxLine;
    }
    std::string_view line = bytes.substr(0, newline);
    if (!partial_line_.empty()) line = partial_line_.append(line);
    if (line.size() < 2 || line.back() != '\r') return false;
    if (!Header(line.substr(0, line.size() - 1))) return false;
    partial_line_.clear();
    bytes.remove_prefix(newline + 1);
  }
  return true;
}

bool ReplyScanner::Header(std::string_view line) {
  const std::string_view rest = line.substr(1);
  int64_t length = 0;
  switch (line.front()) {
    case '+':
    case ':':
      ElementDone();
      return true;
    case '-':
      if (errors_++ == 0) first_error_ = std::string(rest);
      ElementDone();
      return true;
    case '$':
      if (!ParseLength(rest, length)) return false;
      if (length >= 0) {
        skip_ = static_cast<uint64_t>(length) + 2;
      } else {
        ++nulls_;
        ElementDone();
      }
      return true;
    case '*':
      if (!ParseLength(rest, length)) return false;
      if (length < 0) ++nulls_;
      if (length > 0) elements_left_ += static_cast<uint64_t>(length);
      ElementDone();
      return true;
    default:
      return false;
  }
}

}  // namespace cairn::bench
