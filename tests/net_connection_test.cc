// Reading, writing and back-pressure over real loopback sockets.
#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include "net/connection.h"
#include "net_testing.h"

namespace cairn::net {
namespace {

// Sessions that send back what they get, and stop reading while too much waits to be written.
void EchoWithBackPressure(RecordingSession& session) {
  constexpr size_t kHighWater = 512 * 1024;
  session.keep_input = false;
  session.on_read = [&session](std::string_view data) {
    session.Write(data);
    if (session.connection->pending_bytes() > kHighWater) session.connection->StopReading();
  };
  session.on_drained = [&session] { session.connection->StartReading(); };
  session.connection->StartReading();
}

TEST(ConnectionTest, EchoesSixteenMegabytesInOddPieces) {
  LoopRunner runner;
  RecordingServer server(runner.loop, EchoWithBackPressure);
  const std::string sent = NoisyBytes(16 << 20);
  std::string received;
  runner.RunWith([&] {
    const Client client = Client::Tcp(server.port());
    std::thread sender([&] {
      std::mt19937 random(3);
      std::string_view rest = sent;
      while (!rest.empty()) {
        const size_t limit = random() % 8 == 0 ? 2'000'000 : 5'000;
        const size_t size = std::min<size_t>(rest.size(), 1 + random() % limit);
        ASSERT_TRUE(client.Send(rest.substr(0, size)));
        rest.remove_prefix(size);
      }
    });
    received = client.ReceiveExactly(sent.size());
    sender.join();
  });
  EXPECT_TRUE(received == sent);
  EXPECT_EQ(server.session().read_bytes, sent.size());
}

// A thousand where the limit of descriptors allows that many, else as many as it allows.
size_t ManyConnections() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return std::min<size_t>(1000, (limit.rlim_cur - 100) / 2);
}

TEST(ConnectionTest, ServesAThousandConnectionsAtOnce) {
  const size_t connections = ManyConnections();
  ASSERT_GE(connections, 400U) << "the test needs more descriptors";

  LoopRunner runner;
  RecordingServer server(runner.loop, EchoWithBackPressure);
  runner.RunWith(
      [&] {
        std::vector<Client> clients;
        for (size_t i = 0; i < connections; ++i) clients.push_back(Client::Tcp(server.port()));
        for (int round = 0; round < 3; ++round) {
          for (size_t i = 0; i < connections; ++i)
            EXPECT_TRUE(clients[i].Send("message " + std::to_string(i) + "\n"));
          for (size_t i = 0; i < connections; ++i) {
            const std::string expected = "message " + std::to_string(i) + "\n";
            EXPECT_EQ(clients[i].ReceiveExactly(expected.size()), expected);
          }
        }
      },
      [&] {
        return server.sessions.size() == connections &&
               std::all_of(server.sessions.begin(), server.sessions.end(),
                           [](const auto& session) { return session->closed.size() == 1; });
      });
  for (const auto& session : server.sessions) EXPECT_TRUE(session->closed[0].ok());
}

TEST(ConnectionTest, AnIdleConnectionTakesLessThanAKilobyte) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's allocator does not tell";
#endif
  constexpr size_t kConnections = 200;
  LoopRunner runner;
  std::vector<std::unique_ptr<Connection>> accepted;
  accepted.reserve(kConnections);
  std::vector<Client> clients;
  clients.reserve(kConnections);
  ListenOptions options;
  const auto listener = Listener::ListenTcp(
      runner.loop, "127.0.0.1", 0, options,
      [&](std::unique_ptr<Connection> connection) { accepted.push_back(std::move(connection)); });
  ASSERT_TRUE(listener.ok());
  const auto add_clients = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      clients.push_back(Client::Tcp((*listener)->port()));
      runner.RunUntil([&] { return accepted.size() == clients.size(); });
    }
  };
  add_clients(kConnections / 2);
  const size_t before = mallinfo2().uordblks;
  add_clients(kConnections / 2);
  const size_t bytes_per_connection = (mallinfo2().uordblks - before) / (kConnections / 2);
  RecordProperty("bytes_per_connection", static_cast<int>(bytes_per_connection));
  EXPECT_GT(bytes_per_connection, 0U);
  EXPECT_LT(bytes_per_connection, 1024U);
}

TEST(ConnectionTest, StopAndStartReading) {
  LoopRunner runner;
  RecordingServer server(runner.loop);
  const Client client = Client::Tcp(server.port());
  runner.RunUntil([&] { return server.sessions.size() == 1; });
  RecordingSession& session = server.session();

  // A new connection does not read.
  EXPECT_FALSE(session.connection->reading());
  ASSERT_TRUE(client.Send("one"));
  runner.RunIdle();
  EXPECT_EQ(session.input, "");

  session.connection->StartReading();
  session.connection->StartReading();
  EXPECT_TRUE(session.connection->reading());
  runner.RunUntil([&] { return session.input == "one"; });

  // Stopping takes effect at once, also from inside OnRead and with more input at hand.
  session.on_read = [&](std::string_view) { session.connection->StopReading(); };
  const std::string more = NoisyBytes(100'000);
  ASSERT_TRUE(client.Send(more));
  runner.RunUntil([&] { return session.input.size() > 3; });
  const size_t read_before_stop = session.input.size();
  runner.RunIdle();
  EXPECT_EQ(session.input.size(), read_before_stop);
  EXPECT_FALSE(session.connection->reading());

  session.on_read = nullptr;
  session.connection->StartReading();
  runner.RunUntil([&] { return session.input.size() == 3 + more.size(); });
  EXPECT_EQ(session.input, "one" + more);
}

TEST(ConnectionTest, StoppingAndStartingInsideOnReadGoesOnReading) {
  LoopRunner runner;
  RecordingServer server(runner.loop, [](RecordingSession& session) {
    session.on_read = [&session](std::string_view) {
      session.connection->StopReading();
      session.connection->StartReading();
    };
    session.connection->StartReading();
  });
  const std::string sent = NoisyBytes(1 << 20);
  runner.RunWith(
      [&] {
        const Client client = Client::Tcp(server.port());
        EXPECT_TRUE(client.Send(sent));
      },
      [&] { return server.session().closed.size() == 1; });
  EXPECT_EQ(server.session().input, sent);
}

TEST(ConnectionTest, PeerThatClosedWhileReadingWasStoppedIsNoticedWhenReadingStarts) {
  LoopRunner runner;
  RecordingServer server(runner.loop);
  Client client = Client::Tcp(server.port());
  runner.RunUntil([&] { return server.sessions.size() == 1; });
  client.Close();
  runner.RunIdle();
  EXPECT_TRUE(server.session().closed.empty());
  server.session().connection->StartReading();
  runner.RunUntil([&] { return server.session().closed.size() == 1; });
  EXPECT_TRUE(server.session().closed[0].ok());
}

// A session with small buffers on both sides.
class SlowPeerTest : public testing::Test {
 protected:
  SlowPeerTest() : client_(Client::Tcp(server_.port(), Buffers::kSmall)) {
    runner_.RunUntil([this] { return server_.sessions.size() == 1; });
    LimitBuffers(session().connection->fd());
  }
  RecordingSession& session() { return server_.session(); }

  LoopRunner runner_;
  RecordingServer server_{runner_.loop};
  const Client client_;
};

TEST_F(SlowPeerTest, PendingBytesGrowAndDrainOnce) {
  const std::string piece = NoisyBytes(kManyBytes / 40 + 1);
  std::string sent;
  size_t pending = 0;
  for (int i = 0; i < 40; ++i) {
    const size_t taken = session().Write(piece);
    sent += piece;
    const size_t before = std::exchange(pending, session().connection->pending_bytes());
    if (before == 0) {
      // What the first attempt leaves is tried once more before it waits.
      EXPECT_LE(pending, piece.size() - taken);
    } else {
      EXPECT_EQ(taken, 0U);
      EXPECT_EQ(pending, before + piece.size());
    }
  }
  EXPECT_GT(pending, kManyBytes / 2);
  EXPECT_EQ(session().drained, 0);

  std::string received;
  runner_.RunWith([&] { received = client_.ReceiveExactly(sent.size()); },
                  [&] { return session().drained == 1; });
  EXPECT_TRUE(received == sent);
  EXPECT_EQ(session().connection->pending_bytes(), 0U);

  // What the kernel takes at once is no drain.
  EXPECT_EQ(session().Write("x"), 1U);
  runner_.RunIdle();
  EXPECT_EQ(session().drained, 1);
}

TEST_F(SlowPeerTest, PendingBytesShrinkWhileItTakesItsTime) {
  const std::string sent = NoisyBytes(2 * kManyBytes);
  session().Write(sent);
  ASSERT_GT(session().connection->pending_bytes(), kManyBytes);
  std::string received;
  runner_.RunWith([&] { received = client_.ReceiveExactly(sent.size() / 2); },
                  [&] { return session().connection->pending_bytes() <= sent.size() / 2; });
  EXPECT_EQ(session().drained, 0);
  runner_.RunWith([&] { received += client_.ReceiveExactly(sent.size() / 2); },
                  [&] { return session().drained == 1; });
  EXPECT_TRUE(received == sent);
}

TEST_F(SlowPeerTest, WritesFromOnDrainedGoOn) {
  const std::string piece = NoisyBytes(kManyBytes);
  std::vector<size_t> taken_at_once;
  session().on_drained = [&] {
    if (session().drained <= 3) taken_at_once.push_back(session().Write(piece));
  };
  session().Write(piece);
  // A client that read on could let the kernel take a whole piece at once, and no drain would
  // follow. So it reads a piece, then waits for the drain.
  std::string received;
  for (int i = 1; i <= 4; ++i) {
    runner_.RunWith([&] { received += client_.ReceiveExactly(piece.size()); },
                    [&] { return session().drained == i; });
  }
  EXPECT_TRUE(received == piece + piece + piece + piece);
  ASSERT_EQ(taken_at_once.size(), 3U);
  for (const size_t taken : taken_at_once) EXPECT_LT(taken, piece.size());
}

TEST(ConnectionTest, WriteOfNothingDoesNothing) {
  LoopRunner runner;
  RecordingServer server(runner.loop);
  const Client client = Client::Tcp(server.port());
  runner.RunUntil([&] { return server.sessions.size() == 1; });
  EXPECT_EQ(server.session().Write(""), 0U);
  EXPECT_EQ(server.session().connection->pending_bytes(), 0U);
}

TEST(ConnectionTest, HandlerMayBeReplacedFromInsideItsCallback) {
  LoopRunner runner;
  class Successor : public ConnectionHandler {
   public:
    std::span<char> ReadBuffer() override { return buffer_; }
    void OnRead(size_t size) override { input.append(buffer_.data(), size); }
    void OnClosed(const absl::Status&) override { closed = true; }
    void OnDrained() override {}
    std::string input;
    bool closed = false;

   private:
    std::array<char, 100> buffer_{};
  };
  Successor successor;
  RecordingServer server(runner.loop, [&successor](RecordingSession& session) {
    session.on_read = [&](std::string_view) { session.connection->set_handler(&successor); };
    session.connection->StartReading();
  });
  Client client = Client::Tcp(server.port());
  ASSERT_TRUE(client.Send("first"));
  runner.RunUntil([&] { return !server.sessions.empty() && server.session().input == "first"; });
  ASSERT_TRUE(client.Send("second"));
  client.Close();
  runner.RunUntil([&] { return successor.closed; });
  EXPECT_EQ(successor.input, "second");
  EXPECT_EQ(server.session().input, "first");
  EXPECT_TRUE(server.session().closed.empty());
}

TEST(ConnectionTest, SocketOptionsAreSetOnAcceptedConnections) {
  LoopRunner runner;
  RecordingServer server(runner.loop);
  const auto option = [](const RecordingSession& session, int level, int name) {
    int value = -1;
    socklen_t size = sizeof(value);
    EXPECT_EQ(getsockopt(session.connection->fd(), level, name, &value, &size), 0);
    return value;
  };
  const Client first = Client::Tcp(server.port());
  runner.RunUntil([&] { return server.sessions.size() == 1; });
  EXPECT_NE(option(server.session(0), IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(option(server.session(0), SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(option(server.session(0), IPPROTO_TCP, TCP_KEEPIDLE), 300);
  EXPECT_EQ(option(server.session(0), IPPROTO_TCP, TCP_KEEPINTVL), 100);
  EXPECT_EQ(option(server.session(0), IPPROTO_TCP, TCP_KEEPCNT), 3);

  server.listener->set_keepalive_seconds(60);
  const Client second = Client::Tcp(server.port());
  runner.RunUntil([&] { return server.sessions.size() == 2; });
  EXPECT_EQ(option(server.session(1), IPPROTO_TCP, TCP_KEEPIDLE), 60);

  server.listener->set_keepalive_seconds(0);
  const Client third = Client::Tcp(server.port());
  runner.RunUntil([&] { return server.sessions.size() == 3; });
  EXPECT_EQ(option(server.session(2), SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_NE(option(server.session(2), IPPROTO_TCP, TCP_NODELAY), 0);
}

}  // namespace
}  // namespace cairn::net
