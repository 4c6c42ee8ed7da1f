// A stream connection, TCP or Unix, and the listener that accepts them.
//
// Reading is push: the handler says where bytes go and is told how many came. Writing is by
// reference: the owner hands bytes over when the loop turn ends, and what the kernel does not take
// at once is kept and written when it can be. Loop thread only. A Connection or Listener may be
// destroyed at any time, also from its own callbacks; nothing is called afterwards. No function
// here calls a handler back before it has returned: callbacks come from the loop alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/loop.h"

namespace cairn::net {

// What a connection tells its owner.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  // Where the next bytes are to be read; at least one byte. Asked for right before each attempt to
  // read, and an attempt may bring nothing, so two calls may come without an OnRead between them;
  // only the space given last is written to, and only until OnRead. A question only (checked): it
  // must not stop reading or destroy the connection.
  virtual std::span<char> ReadBuffer() = 0;
  // `size` bytes have come into the last ReadBuffer.
  virtual void OnRead(size_t size) = 0;
  // No further callback follows, except one more OnClosed as the answer to a later
  // CloseAfterWrites. The handler destroys the connection sooner or later. `status` is
  // - Ok when the peer has ended its side. It may still be reading (a client that shuts its
  //   sending side down after its last request): replies can be written, and CloseAfterWrites sees
  //   them out;
  // - Ok as the answer to CloseAfterWrites, when the kernel has got everything and the socket is
  //   closed; kDeadlineExceeded when the time was up and the rest was dropped;
  // - anything else when the connection failed. Write drops what it is given from then on.
  virtual void OnClosed(const absl::Status& status) = 0;
  // Everything handed to Write has been given to the kernel, after a Write that could not do so at
  // once.
  virtual void OnDrained() = 0;
};

class Connection {
 public:
  virtual ~Connection() = default;  // closes; unwritten bytes are dropped

  // What a socket's two ends are called; see remote_address.
  struct Endpoints {
    std::string remote;
    std::string local;
    bool is_unix = false;
  };
  // Takes over a connected stream socket. REQUIRES: nothing else closes `fd` or waits for it.
  static std::unique_ptr<Connection> Adopt(Loop& loop, int fd, Endpoints endpoints);

  // The handler for callbacks from now on; null only while nothing is read or waits to be written.
  virtual void set_handler(ConnectionHandler* handler) = 0;
  // Starts and stops reading; a new connection does not read. Both may be called at any time;
  // starting after the peer's end, a failure or CloseAfterWrites changes nothing. While reading is
  // stopped, a peer that goes away is noticed only by a write that fails (also one that waits), or
  // when reading starts again. Not to be stopped because the peer does not read its replies: many
  // clients send a whole pipeline before they read, and both sides would wait for ever.
  virtual void StartReading() = 0;
  virtual void StopReading() = 0;
  [[nodiscard]] virtual bool reading() const = 0;

  // Writes `data`: first straight to the socket; what it does not take is copied and written later.
  // Returns the bytes the kernel took at once. On a broken connection, and after CloseAfterWrites,
  // data is dropped; OnClosed tells of a failure found here, from the loop.
  virtual size_t Write(std::string_view data) = 0;
  // Bytes that wait to be written.
  [[nodiscard]] virtual size_t pending_bytes() const = 0;
  // No further reads; closes once everything written has been given to the kernel (or after
  // `timeout_ms`; 0 counts as 1), then OnClosed. When the peer has sent more than was read, closing
  // at once would make the kernel reset the connection and the peer lose replies that are still on
  // their way: then the sending side is ended first, and what comes is thrown away until the peer
  // ends its side, or the time is up. A second call changes nothing.
  virtual void CloseAfterWrites(uint64_t timeout_ms) = 0;

  // "127.0.0.1:6379", "[::1]:6379" or "/path/to/socket:0".
  [[nodiscard]] virtual const std::string& remote_address() const = 0;
  [[nodiscard]] virtual const std::string& local_address() const = 0;
  [[nodiscard]] virtual bool is_unix() const = 0;
  // The socket, for asking about it only; -1 once it is closed.
  [[nodiscard]] virtual int fd() const = 0;
};

struct ListenOptions {
  int backlog = 511;
  // Silence after which a TCP peer is probed; 0 = off. See Listener::set_keepalive_seconds.
  int keepalive_seconds = 300;
  uint32_t unix_mode = 0;  // permissions of a Unix socket; 0 = the umask's
  // Connections could not be accepted, as a rule because the process is out of descriptors. They
  // wait in the kernel's backlog and are tried again every Listener::kRetryMs. Called at most once
  // in Listener::kErrorReportMs. May be empty.
  std::function<void(const absl::Status&)> on_error;
};

class Listener {
 public:
  using OnAccept = std::function<void(std::unique_ptr<Connection>)>;

  // Connections accepted by one listener in one round of the loop, so that a storm of them leaves
  // room for everyone else.
  static constexpr int kAcceptsPerRound = 64;
  static constexpr uint64_t kRetryMs = 100;
  static constexpr uint64_t kErrorReportMs = 10'000;

  virtual ~Listener() = default;  // stops listening; removes a Unix socket's file

  // Binds and listens. `address` is a numeric IPv4 or IPv6 address, "*" or "::*" (every IPv4, every
  // IPv6 address; an IPv6 listener never takes IPv4), or a host name, whose first address that
  // works is taken (IPv4 first). Port 0 takes a free port. kAlreadyExists: the address is in use;
  // kNotFound: no such name, or this machine has no such address; other errors as the system gives
  // them; each text names the address. A name that starts with `-` in a `bind` directive is the
  // caller's business. TCP_NODELAY is on for the connections.
  static absl::StatusOr<std::unique_ptr<Listener>> ListenTcp(Loop& loop, const std::string& address,
                                                             uint16_t port,
                                                             const ListenOptions& options,
                                                             OnAccept on_accept);
  // A stale socket file (nobody listens) is replaced; a live one, and a file that is no socket, is
  // kAlreadyExists.
  static absl::StatusOr<std::unique_ptr<Listener>> ListenUnix(Loop& loop, const std::string& path,
                                                              const ListenOptions& options,
                                                              OnAccept on_accept);
  // The port that was bound; 0 of a Unix socket.
  [[nodiscard]] virtual uint16_t port() const = 0;
  // "127.0.0.1:6379", "[::]:6379" with the port that was bound, or a Unix socket's path.
  [[nodiscard]] virtual const std::string& address() const = 0;
  // For connections accepted from now on; 0 = off. A peer is probed after `seconds` of silence and
  // given up after three probes at a third of that interval, so it is noticed after twice
  // `seconds`. Nothing happens on Unix sockets.
  virtual void set_keepalive_seconds(int seconds) = 0;
};

}  // namespace cairn::net
