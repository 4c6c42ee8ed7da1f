// Counts complete RESP2 replies in a stream of bytes, however it is cut, and notices errors and
// nulls.
//
// Made for a load generator that knows what it asked: values are skipped, not copied, so a reply
// costs a few nanoseconds. One scanner per connection; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::bench {

class ReplyScanner {
 public:
  // Takes the next bytes of the stream. False when they are not RESP2; nothing after that is
  // meaningful.
  bool Feed(std::string_view bytes);

  // All since the start. An array is one reply, whatever is in it.
  [[nodiscard]] uint64_t replies() const { return replies_; }
  // Error replies, and errors and nulls as elements of arrays, one by one.
  [[nodiscard]] uint64_t errors() const { return errors_; }
  [[nodiscard]] uint64_t nulls() const { return nulls_; }
  [[nodiscard]] const std::string& first_error() const { return first_error_; }  // without `-`

 private:
  bool Header(std::string_view line);
  void ElementDone() {
    if (--elements_left_ == 0) {
      ++replies_;
      elements_left_ = 1;
    }
  }

  std::string partial_line_;    // the start of a header whose end has not come yet
  uint64_t skip_ = 0;           // bytes of a bulk string (its CRLF included) that are still to come
  uint64_t elements_left_ = 1;  // elements that complete the current reply
  uint64_t replies_ = 0;
  uint64_t errors_ = 0;
  uint64_t nulls_ = 0;
  std::string first_error_;
};

}  // namespace cairn::bench
