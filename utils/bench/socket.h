// What the load generator and the blocking client share: descriptors, connecting, time, and being
// interrupted. Thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cairn::bench {

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// A blocking TCP connection to 127.0.0.1 with TCP_NODELAY. kUnavailable when nobody listens there.
absl::StatusOr<Fd> ConnectLoopback(uint16_t port);
// A blocking connection to a host (name or number) or, for a `host` with a slash, to a Unix socket
// with that path. The error names both.
absl::StatusOr<Fd> ConnectTo(const std::string& host, uint16_t port);
// A port of 127.0.0.1 that nobody listens on at the moment.
absl::StatusOr<uint16_t> FreePort();

// Nanoseconds of a clock that never jumps.
uint64_t NowNs();

// From now on SIGINT and SIGTERM do not end the process: CheckInterrupted reports them instead, so
// that servers and folders are cleaned up.
void CatchInterrupts();
// kCancelled once one of those signals has come. Every loop that waits calls it.
absl::Status CheckInterrupted();

}  // namespace cairn::bench
