// A blocking RESP2 client with one connection, for everything that is not load: probing, INFO,
// paging through a range. Not thread-safe. The server must not be expected to be friendly: every
// wait ends after a time limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/socket.h"

namespace cairn::bench {

class Client {
 public:
  // kUnavailable when nobody listens. `timeout_ms` bounds each wait for bytes.
  static absl::StatusOr<Client> Connect(uint16_t port, int timeout_ms = 60'000);
  // The same over a connection that is there.
  static absl::StatusOr<Client> Over(Fd fd, int timeout_ms = 60'000);

  // The leaves of a reply in order: a simple string, number or bulk string is one; an array gives
  // those of its elements, nested ones included; a null is an empty one. Views are valid until the
  // next call.
  using Leaves = std::span<const std::string_view>;

  // Sends one command and waits for its reply. Errors: kFailedPrecondition = an error reply (its
  // text is the message); kUnavailable = the connection is gone; kDeadlineExceeded.
  absl::StatusOr<Leaves> Call(const std::vector<std::string_view>& args);

 private:
  struct Range {
    size_t offset;
    size_t size;
  };

  explicit Client(Fd fd) : fd_(std::move(fd)) {}
  absl::Status Send(std::string_view bytes);
  absl::Status FillBuffer();
  absl::StatusOr<std::string_view> ReadLine();
  absl::Status ReadElement(uint64_t& elements_left);

  Fd fd_;
  std::vector<char> buffer_;
  size_t used_ = 0;    // bytes of buffer_ that hold data
  size_t parsed_ = 0;  // of which the parser is past these
  std::vector<Range> ranges_;
  std::vector<std::string_view> leaves_;
};

}  // namespace cairn::bench
