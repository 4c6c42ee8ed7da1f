// What the tests of net/ share: a loop that runs until a condition holds, plain blocking clients,
// and a server whose sessions record what they are told.
//
// The loop side is for the test's thread, clients for any one thread each. A test never hangs: when
// the loop's watchdog fires, the test fails and every client's socket is shut down, so that a
// thread that waits for one ends.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/connection.h"
#include "net/loop.h"

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

// A loop with a watchdog: what does not happen in a minute is a failure, not a hang.
class LoopRunner {
 public:
  static constexpr uint64_t kWatchdogMs = 60'000;

  explicit LoopRunner(uint64_t watchdog_ms = kWatchdogMs)
      : watchdog_ms_(watchdog_ms),
        watchdog_(loop,
                  [this] {
                    ADD_FAILURE() << "the condition never held";
                    ClientSockets::ShutDownAll();
                    loop.Stop();
                  }),
        client_done_(loop, [this] { client_finished_ = true; }) {
    ClientSockets::Reset();
  }

  // Runs the loop until `done` holds at the end of a round.
  void RunUntil(std::function<bool()> done) {
    watchdog_.Start(watchdog_ms_, 0);
    loop.set_end_of_turn([this, &done] {
      ++rounds;
      if (done()) loop.Stop();
      return false;
    });
    loop.Run();
    loop.set_end_of_turn(nullptr);
    watchdog_.Stop();
  }

  // Runs `client` in a thread beside the loop, until it has returned and `done` holds. `client`
  // waits for nothing but clients' sockets.
  void RunWith(
      std::function<void()> client, std::function<bool()> done = [] { return true; }) {
    client_finished_ = false;
    std::thread thread([this, &client] {
      client();
      client_done_.Signal();
    });
    RunUntil([this, &done] { return client_finished_ && done(); });
    thread.join();
  }

  // Runs the loop until it has nothing more to do at once.
  void RunIdle() {
    for (int i = 0; i < 3; ++i) {
      bool passed = false;
      Deferred next(loop, [&passed] { passed = true; });
      next.Start();
      RunUntil([&passed] { return passed; });
    }
  }

  Loop loop;
  int rounds = 0;

 private:
  const uint64_t watchdog_ms_;
  Timer watchdog_;
  Wakeup client_done_;
  bool client_finished_ = false;
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

// A session that records what it is told, and does what the test hangs into it.
class RecordingSession : public ConnectionHandler {
 public:
  explicit RecordingSession(std::unique_ptr<Connection> accepted)
      : connection(std::move(accepted)) {
    connection->set_handler(this);
  }

  std::span<char> ReadBuffer() override { return buffer_; }
  void OnRead(size_t size) override {
    EXPECT_FALSE(in_write) << "called back from inside Write";
    if (keep_input) input.append(buffer_.data(), size);
    read_bytes += size;
    if (on_read) on_read(std::string_view(buffer_.data(), size));
  }
  void OnClosed(const absl::Status& status) override {
    EXPECT_FALSE(in_write) << "called back from inside Write";
    closed.push_back(status);
    if (on_closed) on_closed(status);
  }
  void OnDrained() override {
    EXPECT_FALSE(in_write) << "called back from inside Write";
    ++drained;
    if (on_drained) on_drained();
  }

  size_t Write(std::string_view data) {
    in_write = true;
    const size_t taken = connection->Write(data);
    in_write = false;
    return taken;
  }

  std::unique_ptr<Connection> connection;
  std::function<void(std::string_view)> on_read;
  std::function<void(const absl::Status&)> on_closed;
  std::function<void()> on_drained;
  bool keep_input = true;
  std::string input;
  size_t read_bytes = 0;
  std::vector<absl::Status> closed;
  int drained = 0;
  bool in_write = false;

 private:
  std::array<char, 16 * 1024> buffer_{};
};

// Listens on a free port of 127.0.0.1 and keeps a session for each connection.
class RecordingServer {
 public:
  explicit RecordingServer(Loop& loop, std::function<void(RecordingSession&)> on_session = nullptr)
      : on_session_(std::move(on_session)) {
    ListenOptions options;
    options.backlog = 4096;
    auto listening = Listener::ListenTcp(
        loop, "127.0.0.1", 0, options,
        [this](std::unique_ptr<Connection> accepted) { Take(std::move(accepted)); });
    EXPECT_TRUE(listening.ok()) << listening.status();
    listener = *std::move(listening);
  }

  void Take(std::unique_ptr<Connection> accepted) {
    auto& session = sessions.emplace_back(std::make_unique<RecordingSession>(std::move(accepted)));
    if (on_session_) on_session_(*session);
  }
  [[nodiscard]] uint16_t port() const { return listener->port(); }
  RecordingSession& session(size_t index = 0) { return *sessions.at(index); }

  std::unique_ptr<Listener> listener;
  std::vector<std::unique_ptr<RecordingSession>> sessions;

 private:
  std::function<void(RecordingSession&)> on_session_;
};

// `size` bytes that do not repeat with any small period.
inline std::string NoisyBytes(size_t size, uint64_t seed = 1) {
  std::string bytes(size, '\0');
  uint64_t state = seed * 2 + 1;
  for (char& byte : bytes) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

}  // namespace cairn::net
