// Plain blocking clients for the tests of net/. Each is for one thread at a time; what waits for
// one ends when ClientSockets::ShutDownAll is called.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace cairn::net {

// The sockets of all clients that live.
class ClientSockets {
 public:
  static void Add(int fd) {
    const std::lock_guard lock(mutex_);
    fds_.insert(fd);
    if (all_shut_down_) shutdown(fd, SHUT_RDWR);
  }
  static void Close(int fd) {
    const std::lock_guard lock(mutex_);
    fds_.erase(fd);
    close(fd);
  }
  // Whoever waits for one of them goes on, with the end of the stream; so does whoever makes one
  // from now on until Reset.
  static void ShutDownAll() {
    const std::lock_guard lock(mutex_);
    all_shut_down_ = true;
    for (const int fd : fds_) shutdown(fd, SHUT_RDWR);
  }
  static void Reset() {
    const std::lock_guard lock(mutex_);
    all_shut_down_ = false;
  }

 private:
  static inline std::mutex mutex_;
  static inline std::set<int> fds_;
  static inline bool all_shut_down_ = false;
};

// How much the kernel takes of what a peer does not read.
enum class Buffers {
  kUsual,  // it decides, up to many megabytes
  kSmall,  // less than kManyBytes on both sides together
};

// With small buffers on both sides, a Write of so much to a peer that does not read leaves more
// than half of it pending, whatever the kernel does.
constexpr size_t kManyBytes = 4 << 20;

// Small, yet larger than the loopback interface's segments of 64 KB: with less room than a segment
// TCP is left to its timers for small windows and goes by a few kilobytes at a time.
inline void LimitBuffers(int fd) {
  const int bytes = 128 * 1024;
  EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0) << strerror(errno);
  EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0) << strerror(errno);
}

// A blocking client socket.
class Client {
 public:
  static constexpr size_t kPieceBytes = 64 * 1024;  // received at once at most

  explicit Client(int fd) : fd_(fd) { ClientSockets::Add(fd); }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Client& operator=(Client&&) = delete;
  ~Client() { Close(); }

  static Client Tcp(uint16_t port, Buffers buffers = Buffers::kUsual) {
    Client client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_GE(client.fd_, 0) << strerror(errno);
    if (buffers == Buffers::kSmall) LimitBuffers(client.fd_);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(client.fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0)
        << strerror(errno);
    return client;
  }

  static Client Unix(const std::string& path) {
    Client client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(connect(client.fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0)
        << strerror(errno);
    return client;
  }

  // False when the server has closed or reset the connection.
  bool Send(std::string_view data) const {
    while (!data.empty()) {
      const ssize_t sent = send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      data.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Up to `size` bytes; empty at the end, nullopt on an error.
  std::optional<std::string> Receive(size_t size) const {
    std::string data(size, '\0');
    const ssize_t received = recv(fd_, data.data(), size, 0);
    if (received < 0) return std::nullopt;
    data.resize(static_cast<size_t>(received));
    return data;
  }

  // Exactly `size` bytes, fewer when the stream ends before.
  std::string ReceiveExactly(size_t size) const {
    std::string data;
    while (data.size() < size) {
      const auto piece = Receive(std::min(size - data.size(), kPieceBytes));
      if (!piece.has_value() || piece->empty()) break;
      data += *piece;
    }
    return data;
  }

  // Everything up to the end of the stream; nullopt when it ends by an error.
  std::optional<std::string> ReceiveAll() const {
    std::string data;
    for (;;) {
      const auto piece = Receive(kPieceBytes);
      if (!piece.has_value()) return std::nullopt;
      if (piece->empty()) return data;
      data += *piece;
    }
  }

  void EndSending() const { shutdown(fd_, SHUT_WR); }
  // Closes in the rude way: the peer gets a reset.
  void Reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    Close();
  }
  void Close() {
    if (fd_ >= 0) ClientSockets::Close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace cairn::net
