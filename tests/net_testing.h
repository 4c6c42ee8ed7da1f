// What the tests of net/ share: a loop that runs until a condition holds, and a server whose
// sessions record what they are told.
//
// For the test's thread; clients (net_client.h) for any one thread each. A test never hangs: when
// the loop's watchdog fires, the test fails and every client's socket is shut down, so that a
// thread that waits for one ends.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "net/connection.h"
#include "net/loop.h"
#include "net_client.h"

namespace cairn::net {

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
