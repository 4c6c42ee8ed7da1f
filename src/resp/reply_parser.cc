#include "resp/reply_parser.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "base/check.h"
#include "base/numbers.h"

namespace cairn::resp {
namespace {

// The nodes of a subtree are counted in 32 bits.
constexpr size_t kMaxNodes = std::numeric_limits<uint32_t>::max();
constexpr int64_t kMaxElements = kMaxNodes / 2;

bool IsBigNumber(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<double> ParseReplyDouble(std::string_view text) {
  if (text == "nan" || text == "-nan") return std::nan("");
  return base::ParseDouble(text);
}

std::optional<int64_t> ParseReplyInteger(std::string_view text) {
  // The specification allows a plus sign here.
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  return base::ParseInt64(text);
}

ReplyType AggregateType(char type) {
  switch (type) {
    case '%':
      return ReplyType::kMap;
    case '~':
      return ReplyType::kSet;
    case '>':
      return ReplyType::kPush;
    case '|':
      return ReplyType::kAttribute;
    default:
      return ReplyType::kArray;
  }
}

}  // namespace

std::span<char> ReplyParser::ReadBuffer(std::span<char> shared) {
  return input_.ReadBuffer(shared, MissingOfLargeBulk());
}

void ReplyParser::Filled(size_t size) {
  input_.Filled(size);
  if (size > 0) waiting_ = false;
}

void ReplyParser::Feed(std::string_view data) {
  if (data.empty()) return;
  input_.Feed(data);
  waiting_ = false;
}

ReplyResult ReplyParser::Next() {
  if (failed_) return ReplyResult::kError;
  if (complete_) BeginReply();
  while (!waiting_ && !input_.empty()) {
    const Step step = ParseElement();
    if (step == Step::kFailed) return ReplyResult::kError;
    if (step == Step::kNeedMore) break;
    if (complete_) {
      base_ = input_.begin();
      input_.Consume(parsed_);
      return ReplyResult::kReply;
    }
  }
  waiting_ = true;
  if (input_.size() > limits_.max_reply_bytes) {
    Fail("the reply is too large");
    return ReplyResult::kError;
  }
  if (input_.empty()) Idle();
  input_.Hold();
  return ReplyResult::kNeedMore;
}

void ReplyParser::Skip(size_t size) {
  CAIRN_CHECK((complete_ || parsed_ == 0) && size <= input_.size());
  input_.Consume(size);
}

size_t ReplyParser::buffer_bytes() const {
  return input_.capacity() + nodes_.capacity() * sizeof(ReplyNode) +
         open_.capacity() * sizeof(Aggregate);
}

// One element, or the header of an aggregate.
ReplyParser::Step ReplyParser::ParseElement() {
  if (bulk_size_ != kUnknown) return ParseBulkBody();
  if (nodes_.size() >= kMaxNodes) return Fail("too many elements");
  char type = 0;
  std::string_view text;
  const Step step = TakeLine(type, text);
  if (step != Step::kDone) return step;
  switch (type) {
    case '$':
    case '!':
    case '=':
      return ParseBulkHeader(type, text);
    case '*':
    case '%':
    case '~':
    case '>':
    case '|':
      return ParseAggregate(type, text);
    default:
      return ParseLine(type, text);
  }
}

ReplyParser::Step ReplyParser::ParseLine(char type, std::string_view text) {
  switch (type) {
    case '+':
      AddNode(ReplyType::kSimple, text);
      break;
    case '-':
      AddNode(ReplyType::kError, text);
      break;
    case ':': {
      const std::optional<int64_t> value = ParseReplyInteger(text);
      if (!value) return Fail("bad integer");
      AddNode(ReplyType::kInteger, text).integer = *value;
      break;
    }
    case ',': {
      const std::optional<double> value = ParseReplyDouble(text);
      if (!value) return Fail("bad double");
      AddNode(ReplyType::kDouble, text).number = *value;
      break;
    }
    case '#':
      if (text != "t" && text != "f") return Fail("bad boolean");
      AddNode(ReplyType::kBoolean, text).integer = text == "t" ? 1 : 0;
      break;
    case '(':
      if (!IsBigNumber(text)) return Fail("bad big number");
      AddNode(ReplyType::kBigNumber, text);
      break;
    case '_':
      if (!text.empty()) return Fail("bad null");
      AddNode(ReplyType::kNull, text);
      break;
    default:
      return Fail(fmt::format("unknown type byte {}", static_cast<unsigned char>(type)));
  }
  ElementDone();
  return Step::kDone;
}

ReplyParser::Step ReplyParser::ParseBulkHeader(char type, std::string_view text) {
  const std::optional<int64_t> size = base::ParseInt64(text);
  if (size == -1 && type == '$') {
    AddNode(ReplyType::kNull, {text.data(), 0});
    ElementDone();
    return Step::kDone;
  }
  if (!size || *size < 0 || static_cast<uint64_t>(*size) > limits_.max_bulk_bytes) {
    return Fail("bad length of a bulk string");
  }
  bulk_size_ = static_cast<size_t>(*size);
  bulk_type_ = type;
  return Step::kDone;
}

ReplyParser::Step ReplyParser::ParseBulkBody() {
  if (input_.size() - parsed_ < bulk_size_ + 2) return Step::kNeedMore;
  std::string_view text(input_.begin() + parsed_, bulk_size_);
  if (text.end()[0] != '\r' || text.end()[1] != '\n') return Fail("bulk string without its end");
  ReplyType type = bulk_type_ == '!' ? ReplyType::kError : ReplyType::kBulk;
  if (bulk_type_ == '=') {
    if (text.size() < 4 || text[3] != ':') return Fail("verbatim text without its format");
    type = ReplyType::kVerbatim;
    text.remove_prefix(4);
  }
  AddNode(type, text);
  parsed_ += bulk_size_ + 2;
  searched_ = parsed_;
  bulk_size_ = kUnknown;
  ElementDone();
  return Step::kDone;
}

ReplyParser::Step ReplyParser::ParseAggregate(char type, std::string_view text) {
  const std::optional<int64_t> count = base::ParseInt64(text);
  if (count == -1 && type == '*') {
    AddNode(ReplyType::kNull, {text.data(), 0});
    ElementDone();
    return Step::kDone;
  }
  if (!count || *count < 0 || *count > kMaxElements) return Fail("bad number of elements");
  if (open_.size() >= limits_.max_depth) return Fail("aggregates nested too deep");
  const bool pairs = type == '%' || type == '|';
  const uint64_t elements = static_cast<uint64_t>(*count) * (pairs ? 2 : 1);
  ReplyNode& node = AddNode(AggregateType(type), {text.data(), 0});
  node.size = elements;
  // One more for the aggregate's own completion, so that an empty one needs no case of its own.
  open_.push_back({nodes_.size() - 1, elements + 1});
  ElementDone();
  return Step::kDone;
}

// The line at parsed_: its first byte, and the rest without CR LF; parsed_ is behind it then.
ReplyParser::Step ReplyParser::TakeLine(char& type, std::string_view& text) {
  const char* const begin = input_.begin();
  const size_t limit = parsed_ + limits_.max_line_bytes + 3;
  const size_t stop = std::min(input_.size(), limit);
  const void* const found =
      searched_ < stop ? std::memchr(begin + searched_, '\n', stop - searched_) : nullptr;
  const size_t at =
      found != nullptr ? static_cast<size_t>(static_cast<const char*>(found) - begin) : stop;
  searched_bytes_ += at - searched_;
  searched_ = at;
  if (found == nullptr) return stop == limit ? Fail("line too long") : Step::kNeedMore;
  if (at < parsed_ + 2 || begin[at - 1] != '\r') return Fail("line without CR LF");
  type = begin[parsed_];
  text = {begin + parsed_ + 1, at - parsed_ - 2};
  parsed_ = at + 1;
  searched_ = parsed_;
  return Step::kDone;
}

ReplyParser::Step ReplyParser::Fail(std::string_view text) {
  failed_ = true;
  error_ = text;
  Idle();
  return Step::kFailed;
}

ReplyNode& ReplyParser::AddNode(ReplyType type, std::string_view text) {
  ReplyNode& node = nodes_.emplace_back();
  node.type = type;
  node.offset = static_cast<uint64_t>(text.data() - input_.begin());
  node.size = text.size();
  return node;
}

// Counts one element into the aggregate around it, and closes the aggregates that are full by that.
void ReplyParser::ElementDone() {
  while (!open_.empty()) {
    Aggregate& aggregate = open_.back();
    if (--aggregate.left > 0) return;
    ReplyNode& node = nodes_[aggregate.node];
    const bool attribute = node.type == ReplyType::kAttribute;
    node.subtree = static_cast<uint32_t>(nodes_.size() - aggregate.node);
    if (attribute) nodes_.resize(aggregate.node);
    open_.pop_back();
    // An attribute is no element: what it describes is still to come.
    if (attribute) return;
  }
  complete_ = true;
}

void ReplyParser::BeginReply() {
  complete_ = false;
  nodes_.clear();
  parsed_ = 0;
  searched_ = 0;
}

void ReplyParser::Idle() {
  input_.Release();
  if (nodes_.capacity() > kKeepNodes) nodes_ = std::vector<ReplyNode>();
  if (open_.capacity() > limits_.max_depth) open_ = std::vector<Aggregate>();
}

size_t ReplyParser::MissingOfLargeBulk() const {
  if (!waiting_ || bulk_size_ == kUnknown || bulk_size_ < kLargeBulk) return 0;
  return parsed_ + bulk_size_ + 2 - input_.size();
}

}  // namespace cairn::resp
