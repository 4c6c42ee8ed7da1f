#include "resp/request_parser.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/split_args.h"

namespace cairn::resp {
namespace {

// Limits of a client that has not given its password yet.
constexpr int64_t kMaxUnauthenticatedArguments = 10;
constexpr int64_t kMaxUnauthenticatedBulk = 16384;
// "$0\r\n\r\n", the smallest argument.
constexpr uint64_t kLeastArgumentBytes = 6;

// Reads `<type><digits>\r\n` at `p` in canonical form, at most 18 digits, and moves `p` behind it.
// False when it is anything else or does not end before `end`.
inline bool ReadHeader(char type, const char*& p, const char* end, uint64_t& value) {
  if (end - p < 4 || *p != type) return false;
  const auto first = static_cast<uint8_t>(p[1] - '0');
  if (first > 9) return false;
  uint64_t number = first;
  const char* q = p + 2;
  if (*q != '\r') {
    if (first == 0) return false;
    const char* const stop = end - q > 18 ? q + 18 : end;
    for (; q < stop; ++q) {
      const auto digit = static_cast<uint8_t>(*q - '0');
      if (digit > 9) break;
      number = number * 10 + digit;
    }
    if (end - q < 2 || *q != '\r') return false;
  }
  if (q[1] != '\n') return false;
  value = number;
  p = q + 2;
  return true;
}

}  // namespace

std::span<char> RequestParser::ReadBuffer(std::span<char> shared) {
  return input_.ReadBuffer(shared, MissingOfLargeBulk());
}

void RequestParser::Filled(size_t size) {
  input_.Filled(size);
  if (size > 0) waiting_ = false;
}

void RequestParser::Feed(std::string_view data) {
  if (data.empty()) return;
  input_.Feed(data);
  waiting_ = false;
}

ParseResult RequestParser::Next() {
  if (searched_ == 0 && !failed_ && ParseWhole()) return ParseResult::kRequest;
  arg_count_ = 0;
  raw_ = {};
  while (!failed_ && !input_.empty() && !waiting_) {
    switch (ParsePiece()) {
      case Step::kDone:
        return ParseResult::kRequest;
      case Step::kSkipped:
        if (ParseWhole()) return ParseResult::kRequest;
        break;
      case Step::kNeedMore:
        waiting_ = true;
        break;
      case Step::kFailed:
        break;
    }
  }
  if (failed_) return ParseResult::kError;
  waiting_ = true;
  if (input_.empty()) Idle();
  input_.Hold();
  return ParseResult::kNeedMore;
}

size_t RequestParser::buffer_bytes() const {
  return input_.capacity() + args_.capacity() * sizeof(std::string_view) +
         spans_.capacity() * sizeof(Span) + inline_args_.capacity() * sizeof(std::string);
}

// The common case, and the fast one: a complete request in canonical form. Everything else is left
// to the other functions, which begin anew, so a request is looked at twice at most.
bool RequestParser::ParseWhole() {
  const char* p = input_.begin();
  const char* const end = input_.end();
  uint64_t count = 0;
  if (!ReadHeader('*', p, end, count) || !limits_->authenticated) return false;
  const auto most = static_cast<uint64_t>(end - p) / kLeastArgumentBytes;
  if (count == 0 || count > most || count > limits_->max_arguments) return false;
  std::string_view* const args = Arguments(count);
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t size = 0;
    if (!ReadHeader('$', p, end, size) || size > limits_->max_bulk_bytes) return false;
    const auto left = static_cast<uint64_t>(end - p);
    if (left < size + 2 || p[size] != '\r' || p[size + 1] != '\n') return false;
    args[i] = {p, size};
    p += size + 2;
  }
  arg_count_ = count;
  const auto used = static_cast<size_t>(p - input_.begin());
  raw_ = {input_.begin(), used};
  input_.Consume(used);
  return true;
}

// One request, or as much of it as is there.
RequestParser::Step RequestParser::ParsePiece() {
  const Step step = bulks_left_ > 0 || *input_.begin() == '*' ? ParseMultibulk() : ParseInline();
  if (step != Step::kNeedMore) return step;
  if (input_.size() > limits_->max_query_bytes) {
    return Fail(ParseError::kQueryLimit,
                "the unfinished request exceeds client-query-buffer-limit");
  }
  return step;
}

RequestParser::Step RequestParser::ParseInline() {
  size_t at = 0;
  const Step found = FindLineEnd('\n', "too big inline request", at);
  if (found != Step::kDone) return found;
  std::string_view line(input_.begin(), at);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  std::optional<std::vector<std::string>> args = base::SplitArgs(line);
  if (!args) return Fail(ParseError::kProtocol, "unbalanced quotes in request");
  inline_args_ = *std::move(args);
  std::copy(inline_args_.begin(), inline_args_.end(), Arguments(inline_args_.size()));
  arg_count_ = inline_args_.size();
  input_.Consume(at + 1);
  EndRequest();
  return arg_count_ > 0 ? Step::kDone : Step::kSkipped;
}

RequestParser::Step RequestParser::ParseMultibulk() {
  if (bulks_left_ == 0) {
    const Step step = ParseMultibulkHeader();
    if (step != Step::kDone) return step;
  }
  while (bulks_left_ > 0) {
    Step step = bulk_size_ == kUnknown ? ParseBulkHeader() : Step::kDone;
    if (step == Step::kDone) step = ParseBulkBody();
    if (step != Step::kDone) return step;
  }
  FinishMultibulk();
  return Step::kDone;
}

RequestParser::Step RequestParser::ParseMultibulkHeader() {
  std::string_view line;
  const Step step = TakeHeaderLine("too big mbulk count string", line);
  if (step != Step::kDone) return step;
  const std::optional<int64_t> count = base::ParseInt64(line.substr(1));
  if (!count || (*count > 0 && static_cast<uint64_t>(*count) > limits_->max_arguments)) {
    return Fail(ParseError::kProtocol, "invalid multibulk length");
  }
  if (*count > kMaxUnauthenticatedArguments && !limits_->authenticated) {
    return Fail(ParseError::kProtocol, "unauthenticated multibulk length");
  }
  if (*count <= 0) {
    input_.Consume(parsed_);
    EndRequest();
    return Step::kSkipped;
  }
  bulks_left_ = static_cast<uint64_t>(*count);
  return Step::kDone;
}

RequestParser::Step RequestParser::ParseBulkHeader() {
  std::string_view line;
  const Step step = TakeHeaderLine("too big bulk count string", line);
  if (step != Step::kDone) return step;
  // An empty line "begins" with its own end, as in Redis.
  const char type = line.empty() ? '\r' : line.front();
  if (type != '$') {
    return Fail(ParseError::kProtocol, fmt::format("expected '$', got '{}'", type));
  }
  const std::optional<int64_t> size = base::ParseInt64(line.substr(1));
  if (!size || *size < 0 || static_cast<uint64_t>(*size) > limits_->max_bulk_bytes) {
    return Fail(ParseError::kProtocol, "invalid bulk length");
  }
  if (*size > kMaxUnauthenticatedBulk && !limits_->authenticated) {
    return Fail(ParseError::kProtocol, "unauthenticated bulk length");
  }
  bulk_size_ = static_cast<size_t>(*size);
  return Step::kDone;
}

RequestParser::Step RequestParser::ParseBulkBody() {
  if (input_.size() - parsed_ < bulk_size_ + 2) return Step::kNeedMore;
  const char* const line_end = input_.begin() + parsed_ + bulk_size_;
  canonical_ &= line_end[0] == '\r' && line_end[1] == '\n';
  spans_.push_back({parsed_, bulk_size_});
  parsed_ += bulk_size_ + 2;
  searched_ = parsed_;
  bulk_size_ = kUnknown;
  --bulks_left_;
  return Step::kDone;
}

void RequestParser::FinishMultibulk() {
  std::string_view* const args = Arguments(spans_.size());
  for (size_t i = 0; i < spans_.size(); ++i) {
    args[i] = {input_.begin() + spans_[i].offset, spans_[i].size};
  }
  arg_count_ = spans_.size();
  if (canonical_) raw_ = {input_.begin(), parsed_};
  input_.Consume(parsed_);
  EndRequest();
}

// Looks for `wanted` from where the last search stopped; `at` is its place when it is found. A line
// may hold max_inline_bytes before it.
RequestParser::Step RequestParser::FindLineEnd(char wanted, std::string_view too_long, size_t& at) {
  const size_t limit = parsed_ + limits_->max_inline_bytes + 1;
  const size_t stop = std::min(input_.size(), limit);
  const char* const begin = input_.begin();
  const void* const found =
      searched_ < stop ? std::memchr(begin + searched_, wanted, stop - searched_) : nullptr;
  const size_t next =
      found != nullptr ? static_cast<size_t>(static_cast<const char*>(found) - begin) : stop;
  searched_bytes_ += next - searched_;
  searched_ = next;
  at = next;
  if (found != nullptr) return Step::kDone;
  return stop == limit ? Fail(ParseError::kProtocol, too_long) : Step::kNeedMore;
}

// The line at parsed_ without its end (CR and one byte), which is then behind parsed_.
RequestParser::Step RequestParser::TakeHeaderLine(std::string_view too_long,
                                                  std::string_view& line) {
  size_t at = 0;
  const Step step = FindLineEnd('\r', too_long, at);
  if (step != Step::kDone) return step;
  if (at + 1 == input_.size()) return Step::kNeedMore;
  line = {input_.begin() + parsed_, at - parsed_};
  canonical_ &= input_.begin()[at + 1] == '\n';
  parsed_ = at + 2;
  searched_ = parsed_;
  return Step::kDone;
}

RequestParser::Step RequestParser::Fail(ParseError kind, std::string_view text) {
  failed_ = true;
  error_kind_ = kind;
  error_ = text;
  Idle();
  return Step::kFailed;
}

void RequestParser::EndRequest() {
  parsed_ = 0;
  searched_ = 0;
  bulks_left_ = 0;
  bulk_size_ = kUnknown;
  canonical_ = true;
  spans_.clear();
}

void RequestParser::Idle() {
  input_.Release();
  inline_args_ = std::vector<std::string>();
  spans_ = std::vector<Span>();
  if (args_.capacity() > kKeepArguments) args_ = std::vector<std::string_view>();
}

size_t RequestParser::MissingOfLargeBulk() const {
  if (!waiting_ || bulk_size_ == kUnknown || bulk_size_ < kLargeBulk) return 0;
  return parsed_ + bulk_size_ + 2 - input_.size();
}

std::string_view* RequestParser::Arguments(size_t count) {
  if (args_.size() < count) args_.resize(count);
  return args_.data();
}

}  // namespace cairn::resp
