#include "resp/reply_writer.h"

#include <cstring>

#include "base/numbers.h"

namespace cairn::resp {
namespace {

// Bulk strings up to this size are put together on the stack and appended at once.
constexpr size_t kSmallBulk = 64;
constexpr size_t kMaxHeader = 1 + base::kMaxIntegerChars + 2;

char* WriteHeader(char type, int64_t value, char* out) {
  *out++ = type;
  out = base::WriteInteger(value, out);
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

}  // namespace

void ReplyWriter::Header(char type, int64_t value) {
  char header[kMaxHeader];
  out_->append(header, static_cast<size_t>(WriteHeader(type, value, header) - header));
}

void ReplyWriter::Line(char type, std::string_view text) {
  out_->push_back(type);
  out_->append(text);
  Raw("\r\n");
}

void ReplyWriter::Simple(std::string_view text) {
  Line('+', text);
}

void ReplyWriter::Error(std::string_view text) {
  // Line ends at the text's end go, as in Redis, those inside become spaces.
  const size_t last = text.find_last_not_of("\r\n");
  text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
  const size_t begin = out_->size();
  Line('-', text);
  const size_t end = out_->size() - 2;
  for (size_t at = out_->find_first_of("\r\n", begin); at < end;
       at = out_->find_first_of("\r\n", at)) {
    (*out_)[at] = ' ';
  }
}

void ReplyWriter::Integer(int64_t value) {
  Header(':', value);
}

void ReplyWriter::Bulk(std::string_view data) {
  if (data.size() > kSmallBulk) {
    Header('$', static_cast<int64_t>(data.size()));
    out_->append(data);
    return Raw("\r\n");
  }
  char text[kMaxHeader + kSmallBulk + 2];
  char* end = WriteHeader('$', static_cast<int64_t>(data.size()), text);
  if (!data.empty()) std::memcpy(end, data.data(), data.size());
  end += data.size();
  *end++ = '\r';
  *end++ = '\n';
  out_->append(text, static_cast<size_t>(end - text));
}

void ReplyWriter::BulkInteger(int64_t value) {
  Bulk(base::IntegerText(value).view());
}

void ReplyWriter::Null() {
  Raw(resp3() ? "_\r\n" : "$-1\r\n");
}

void ReplyWriter::NullArray() {
  Raw(resp3() ? "_\r\n" : "*-1\r\n");
}

void ReplyWriter::Double(double value) {
  char text[base::kMaxDoubleChars];
  const std::string_view digits(text, static_cast<size_t>(base::WriteDouble(value, text) - text));
  resp3() ? Line(',', digits) : Bulk(digits);
}

void ReplyWriter::Boolean(bool value) {
  if (resp3()) return Raw(value ? "#t\r\n" : "#f\r\n");
  Raw(value ? ":1\r\n" : ":0\r\n");
}

void ReplyWriter::BigNumber(std::string_view digits) {
  resp3() ? Line('(', digits) : Bulk(digits);
}

void ReplyWriter::Verbatim(std::string_view format, std::string_view text) {
  if (!resp3()) return Bulk(text);
  Header('=', static_cast<int64_t>(format.size() + 1 + text.size()));
  out_->append(format);
  out_->push_back(':');
  out_->append(text);
  Raw("\r\n");
}

void ReplyWriter::Array(size_t size) {
  Header('*', static_cast<int64_t>(size));
}

void ReplyWriter::Map(size_t size) {
  resp3() ? Header('%', static_cast<int64_t>(size)) : Array(2 * size);
}

void ReplyWriter::Set(size_t size) {
  Header(resp3() ? '~' : '*', static_cast<int64_t>(size));
}

void ReplyWriter::Push(size_t size) {
  Header(resp3() ? '>' : '*', static_cast<int64_t>(size));
}

void ReplyWriter::EndArray(size_t position, size_t size) {
  char header[kMaxHeader];
  const char* const end = WriteHeader('*', static_cast<int64_t>(size), header);
  out_->insert(position, header, static_cast<size_t>(end - header));
}

}  // namespace cairn::resp
