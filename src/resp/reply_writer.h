// Writes replies in RESP2 or RESP3 into a byte buffer.
//
// One writer belongs to one connection and one thread. It only appends; the owner of the buffer
// takes bytes away. The protocol version may change between replies (HELLO). Types that RESP2 lacks
// are written as Redis writes them for RESP2 clients: maps flat, sets as arrays, doubles and
// verbatim text as bulk strings, booleans as 0/1, pushes as arrays. Source: the RESP specification
// of the Redis documentation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::resp {

enum class Version : uint8_t { kResp2 = 2, kResp3 = 3 };

class ReplyWriter {
 public:
  explicit ReplyWriter(std::string& out) : out_(&out) {}

  void set_version(Version version) { version_ = version; }
  [[nodiscard]] Version version() const { return version_; }
  [[nodiscard]] bool resp3() const { return version_ == Version::kResp3; }

  void Simple(std::string_view text);  // +text; no line breaks inside
  void Ok() { Raw("+OK\r\n"); }
  // -text. `text` starts with its code ("ERR ..."). Line breaks inside become spaces, as in Redis.
  void Error(std::string_view text);
  void Integer(int64_t value);
  void Bulk(std::string_view data);
  // A bulk string of a number's decimal form.
  void BulkInteger(int64_t value);
  // RESP3 `_`; RESP2 `$-1`.
  void Null();
  // RESP3 `_`; RESP2 `*-1`.
  void NullArray();
  // RESP3 `,`; RESP2 a bulk string; the text is base::WriteDouble's.
  void Double(double value);
  void Boolean(bool value);
  void BigNumber(std::string_view digits);
  // RESP3 `=`, with a three-letter format ("txt", "mkd"); RESP2 a bulk string.
  void Verbatim(std::string_view format, std::string_view text);
  // Headers of aggregates: `size` elements (of a map: pairs) follow.
  void Array(size_t size);
  void Map(size_t size);
  void Set(size_t size);
  void Push(size_t size);
  // Bytes that are RESP already.
  void Raw(std::string_view bytes) { out_->append(bytes); }

  // An array whose size is known only at its end: the position to hand to EndArray, which puts the
  // header in there (and so moves the elements once).
  [[nodiscard]] size_t BeginArray() const { return out_->size(); }
  void EndArray(size_t position, size_t size);

  // Bytes written to the buffer so far and not yet taken away by its owner.
  [[nodiscard]] size_t size() const { return out_->size(); }
  // What was written from `position` on; valid until the next write.
  [[nodiscard]] std::string_view WrittenSince(size_t position) const {
    return std::string_view(*out_).substr(position);
  }
  // Takes back everything from `position` on (a reply that turns into an error).
  void Rewind(size_t position) { out_->resize(position); }

 private:
  void Header(char type, int64_t value);
  void Line(char type, std::string_view text);

  std::string* out_;
  Version version_ = Version::kResp2;
};

}  // namespace cairn::resp
