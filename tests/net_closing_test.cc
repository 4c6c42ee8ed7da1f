// How connections end: by the peer, by an error, by their owner, by CloseAfterWrites; from inside
// every callback.
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>

#include "net/connection.h"
#include "net_testing.h"

namespace cairn::net {
namespace {

class ClosingTest : public testing::Test {
 protected:
  // A client and its session; reading unless said otherwise.
  Client Connect(bool read = true, Buffers buffers = Buffers::kUsual) {
    Client client = Client::Tcp(server_.port(), buffers);
    const size_t count = server_.sessions.size();
    runner_.RunUntil([&] { return server_.sessions.size() == count + 1; });
    if (buffers == Buffers::kSmall) LimitBuffers(session().connection->fd());
    if (read) session().connection->StartReading();
    return client;
  }
  RecordingSession& session() { return *server_.sessions.back(); }
  void RunUntilClosed(size_t times = 1) {
    runner_.RunUntil([&] { return session().closed.size() >= times; });
  }

  // Resets the connection and waits until the session's kernel knows.
  void ResetBy(Client& client) {
    client.Reset();
    pollfd watched{.fd = session().connection->fd(), .events = 0, .revents = 0};
    ASSERT_EQ(poll(&watched, 1, static_cast<int>(LoopRunner::kWatchdogMs)), 1);
    ASSERT_NE(watched.revents & POLLERR, 0);
  }

  LoopRunner runner_;
  RecordingServer server_{runner_.loop};
};

TEST_F(ClosingTest, PeersEndIsOkAndToldOnce) {
  Client client = Connect();
  ASSERT_TRUE(client.Send("last words"));
  client.Close();
  RunUntilClosed();
  runner_.RunIdle();
  ASSERT_EQ(session().closed.size(), 1U);
  EXPECT_TRUE(session().closed[0].ok());
  EXPECT_EQ(session().input, "last words");
  EXPECT_FALSE(session().connection->reading());
}

TEST_F(ClosingTest, PeersResetIsAnErrorThatNamesThePeer) {
  Client client = Connect();
  const std::string peer = session().connection->remote_address();
  client.Reset();
  RunUntilClosed();
  EXPECT_FALSE(session().closed[0].ok());
  EXPECT_NE(std::string(session().closed[0].message()).find(peer), std::string::npos)
      << session().closed[0];
}

TEST_F(ClosingTest, PeerThatOnlyEndedItsSendingSideStillGetsReplies) {
  const Client client = Connect();
  ASSERT_TRUE(client.Send("request"));
  client.EndSending();
  RunUntilClosed();
  ASSERT_TRUE(session().closed[0].ok());
  const std::string reply = NoisyBytes(8 << 20);
  session().Write(reply);
  session().connection->CloseAfterWrites(30'000);
  std::optional<std::string> received;
  runner_.RunWith([&] { received = client.ReceiveAll(); },
                  [&] { return session().closed.size() == 2; });
  EXPECT_TRUE(received == reply);
  EXPECT_TRUE(session().closed[1].ok());
}

TEST_F(ClosingTest, PeerResetInTheMiddleOfAPendingWriteEndsItWithAnError) {
  Client client = Connect(/*read=*/false, Buffers::kSmall);
  session().Write(NoisyBytes(kManyBytes));
  ASSERT_GT(session().connection->pending_bytes(), 0U);
  ASSERT_TRUE(client.Receive(1000).has_value());
  client.Reset();
  RunUntilClosed();
  runner_.RunIdle();
  ASSERT_EQ(session().closed.size(), 1U);
  EXPECT_FALSE(session().closed[0].ok());
  EXPECT_EQ(session().connection->pending_bytes(), 0U);
  EXPECT_EQ(session().Write("dropped"), 0U);
  EXPECT_EQ(session().connection->pending_bytes(), 0U);
  EXPECT_EQ(session().drained, 0);
}

TEST_F(ClosingTest, WriteToAPeerThatHasResetTellsFromTheLoopAndOnce) {
  Client client = Connect(/*read=*/false);
  ResetBy(client);
  // The session checks that no callback comes from inside Write.
  EXPECT_EQ(session().Write("into the void"), 0U);
  EXPECT_EQ(session().Write("and more"), 0U);
  EXPECT_TRUE(session().closed.empty());
  RunUntilClosed();
  runner_.RunIdle();
  ASSERT_EQ(session().closed.size(), 1U);
  EXPECT_FALSE(session().closed[0].ok());
}

TEST_F(ClosingTest, FailedWriteInEndOfTurnIsToldWithoutAnyFurtherEvent) {
  Client client = Connect(/*read=*/false);
  ResetBy(client);
  bool wrote = false;
  runner_.RunUntil([&] {
    if (!wrote) session().Write("reply");
    wrote = true;
    return session().closed.size() == 1;
  });
  EXPECT_FALSE(session().closed[0].ok());
}

TEST_F(ClosingTest, FailureThatWaitsToBeToldDiesWithTheConnection) {
  Client client = Connect(/*read=*/false);
  ResetBy(client);
  session().Write("into the void");
  session().connection.reset();
  runner_.RunIdle();
  EXPECT_TRUE(session().closed.empty());
}

TEST_F(ClosingTest, DestroyingClosesTheSocketAtOnce) {
  const Client client = Connect();
  session().connection.reset();
  EXPECT_EQ(client.ReceiveAll(), "");
  runner_.RunIdle();
  EXPECT_TRUE(session().closed.empty());
}

// ---- Destroying from inside callbacks

TEST_F(ClosingTest, DestroyInsideOnAccept) {
  bool accepted = false;
  auto listener = Listener::ListenTcp(runner_.loop, "127.0.0.1", 0, ListenOptions{},
                                      [&](std::unique_ptr<Connection> connection) {
                                        connection.reset();
                                        accepted = true;
                                      });
  ASSERT_TRUE(listener.ok());
  const Client client = Client::Tcp((*listener)->port());
  runner_.RunUntil([&] { return accepted; });
  EXPECT_EQ(client.ReceiveAll(), "");
}

TEST_F(ClosingTest, DestroyInsideOnRead) {
  const Client client = Connect();
  // More than a read's worth, so that libuv would go on reading.
  session().on_read = [this](std::string_view) { session().connection.reset(); };
  ASSERT_TRUE(client.Send(NoisyBytes(200'000)));
  runner_.RunUntil([&] { return session().connection == nullptr; });
  runner_.RunIdle();
  EXPECT_TRUE(session().closed.empty());
}

TEST_F(ClosingTest, DestroyInsideOnReadWithOutputPending) {
  const Client client = Connect(/*read=*/true, Buffers::kSmall);
  session().on_read = [this](std::string_view) {
    session().Write(NoisyBytes(kManyBytes));
    session().Write(NoisyBytes(1 << 20));
    session().connection.reset();
  };
  ASSERT_TRUE(client.Send("go"));
  runner_.RunUntil([&] { return session().connection == nullptr; });
  runner_.RunIdle();
  EXPECT_TRUE(session().closed.empty());
  EXPECT_EQ(session().drained, 0);
}

TEST_F(ClosingTest, DestroyInsideOnClosedByEnd) {
  Client client = Connect();
  session().on_closed = [this](const absl::Status& status) {
    session().connection.reset();
    EXPECT_TRUE(status.ok());
  };
  client.Close();
  RunUntilClosed();
  runner_.RunIdle();
}

TEST_F(ClosingTest, DestroyInsideOnClosedByReset) {
  Client client = Connect();
  session().on_closed = [this](const absl::Status& status) {
    session().connection.reset();
    EXPECT_NE(status.message().size(), 0U);  // still alive
  };
  client.Reset();
  RunUntilClosed();
  runner_.RunIdle();
}

TEST_F(ClosingTest, DestroyInsideOnClosedByFailedWrite) {
  Client client = Connect(/*read=*/false);
  session().on_closed = [this](const absl::Status& status) {
    session().connection.reset();
    EXPECT_NE(status.message().size(), 0U);
  };
  ResetBy(client);
  session().Write("into the void");
  RunUntilClosed();
  runner_.RunIdle();
}

TEST_F(ClosingTest, DestroyInsideOnClosedAfterCloseAfterWrites) {
  const Client client = Connect();
  session().on_closed = [this](const absl::Status&) { session().connection.reset(); };
  session().connection->CloseAfterWrites(30'000);
  RunUntilClosed();
  runner_.RunIdle();
}

TEST(ConnectionDeathTest, ReadBufferThatStopsReadingFailsACheck) {
  EXPECT_DEATH(
      {
        class Stopper : public RecordingSession {
         public:
          using RecordingSession::RecordingSession;
          std::span<char> ReadBuffer() override {
            connection->StopReading();
            return RecordingSession::ReadBuffer();
          }
        };
        LoopRunner runner;
        std::unique_ptr<Stopper> session;
        auto listener = Listener::ListenTcp(runner.loop, "127.0.0.1", 0, ListenOptions{},
                                            [&](std::unique_ptr<Connection> accepted) {
                                              session =
                                                  std::make_unique<Stopper>(std::move(accepted));
                                              session->connection->StartReading();
                                            });
        const Client client = Client::Tcp((*listener)->port());
        EXPECT_TRUE(client.Send("x"));
        runner.RunUntil([&] { return session != nullptr && !session->input.empty(); });
      },
      "check failed");
}

TEST_F(ClosingTest, DestroyInsideOnDrained) {
  const Client client = Connect(/*read=*/true, Buffers::kSmall);
  session().on_drained = [this] { session().connection.reset(); };
  const std::string sent = NoisyBytes(kManyBytes);
  session().Write(sent);
  std::optional<std::string> received;
  runner_.RunWith([&] { received = client.ReceiveAll(); }, [&] { return session().drained == 1; });
  EXPECT_TRUE(received == sent);
}

// ---- CloseAfterWrites

TEST_F(ClosingTest, CloseAfterWritesSeesEverythingOut) {
  const Client client = Connect(/*read=*/true, Buffers::kSmall);
  const std::string sent = NoisyBytes(kManyBytes);
  session().Write(sent);
  session().connection->CloseAfterWrites(60'000);
  session().connection->CloseAfterWrites(1);  // changes nothing
  EXPECT_EQ(session().Write("too late"), 0U);
  session().connection->StartReading();  // changes nothing
  EXPECT_FALSE(session().connection->reading());
  std::optional<std::string> received;
  runner_.RunWith([&] { received = client.ReceiveAll(); },
                  [&] { return session().closed.size() == 1; });
  EXPECT_TRUE(received == sent);
  EXPECT_TRUE(session().closed[0].ok());
  EXPECT_EQ(session().drained, 0);
  EXPECT_EQ(session().connection->fd(), -1);
  runner_.RunIdle();
  EXPECT_EQ(session().closed.size(), 1U);
}

TEST_F(ClosingTest, CloseAfterWritesWithNothingToWriteClosesSoonButNotAtOnce) {
  const Client client = Connect();
  session().connection->CloseAfterWrites(60'000);
  EXPECT_TRUE(session().closed.empty());
  RunUntilClosed();
  EXPECT_TRUE(session().closed[0].ok());
  EXPECT_EQ(client.ReceiveAll(), "");
}

TEST_F(ClosingTest, CloseAfterWritesGivesUpWhenThePeerDoesNotRead) {
  const Client client = Connect(/*read=*/true, Buffers::kSmall);
  session().Write(NoisyBytes(kManyBytes));
  session().connection->CloseAfterWrites(20);
  RunUntilClosed();
  EXPECT_EQ(session().closed[0].code(), absl::StatusCode::kDeadlineExceeded) << session().closed[0];
  EXPECT_EQ(session().connection->pending_bytes(), 0U);
  EXPECT_EQ(session().connection->fd(), -1);
}

TEST_F(ClosingTest, CloseAfterWritesTellsOfAPeerThatResets) {
  Client client = Connect(/*read=*/true, Buffers::kSmall);
  session().Write(NoisyBytes(kManyBytes));
  session().connection->CloseAfterWrites(60'000);
  client.Reset();
  RunUntilClosed();
  EXPECT_FALSE(session().closed[0].ok());
  EXPECT_NE(session().closed[0].code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ClosingTest, CloseAfterWritesOnABrokenConnectionAnswersToo) {
  Client client = Connect();
  client.Reset();
  RunUntilClosed();
  session().connection->CloseAfterWrites(10);
  EXPECT_EQ(session().closed.size(), 1U);
  RunUntilClosed(2);
  EXPECT_FALSE(session().closed[1].ok());
  // The end of the time that was given changes nothing more.
  bool passed = false;
  Timer later(runner_.loop, [&] { passed = true; });
  later.Start(20, 0);
  runner_.RunUntil([&] { return passed; });
  EXPECT_EQ(session().closed.size(), 2U);
}

TEST_F(ClosingTest, RepliesArriveAlsoWhenThePeersInputWasNotRead) {
  // Closing a socket with unread input makes the kernel reset it and drop what it has not sent yet.
  const Client client = Connect(/*read=*/false, Buffers::kSmall);
  ASSERT_TRUE(client.Send(NoisyBytes(100'000)));
  const std::string reply = NoisyBytes(kManyBytes) + "-ERR Protocol error\r\n";
  session().Write(reply);
  session().connection->CloseAfterWrites(60'000);
  std::optional<std::string> received;
  runner_.RunWith(
      [&] {
        received = client.ReceiveAll();
        // The client goes on sending for a while; nobody minds.
        EXPECT_TRUE(client.Send("still talking"));
        client.EndSending();
      },
      [&] { return session().closed.size() == 1; });
  ASSERT_TRUE(received.has_value()) << "the connection was reset";
  EXPECT_TRUE(*received == reply);
  EXPECT_TRUE(session().closed[0].ok());
  EXPECT_EQ(session().input, "");
}

TEST_F(ClosingTest, UnreadInputOfAPeerThatStaysIsWaitedForOnlyUntilTheTimeIsUp) {
  const Client client = Connect(/*read=*/false);
  ASSERT_TRUE(client.Send("never read"));
  session().Write("reply");
  session().connection->CloseAfterWrites(20);
  RunUntilClosed();
  EXPECT_TRUE(session().closed[0].ok()) << "everything written was given to the kernel";
  EXPECT_EQ(client.ReceiveExactly(5), "reply");
}

TEST_F(ClosingTest, ConnectionMayBeDestroyedWhileItWaitsToClose) {
  const Client client = Connect(/*read=*/true, Buffers::kSmall);
  session().Write(NoisyBytes(kManyBytes));
  session().connection->CloseAfterWrites(60'000);
  runner_.RunIdle();
  session().connection.reset();
  runner_.RunIdle();
  EXPECT_TRUE(session().closed.empty());
}

}  // namespace
}  // namespace cairn::net
