// Listening: addresses, Unix socket files, storms of clients, and too few descriptors.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "net/connection.h"
#include "net_testing.h"
#include "support/temp_dir.h"

namespace cairn::net {
namespace {

using testing::HasSubstr;

class ListenerTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Listener>> ListenTcp(const std::string& address,
                                                      uint16_t port = 0) {
    return Listener::ListenTcp(runner_.loop, address, port, ListenOptions{}, Keep());
  }
  Listener::OnAccept Keep() {
    return [this](std::unique_ptr<Connection> connection) {
      accepted_.push_back(std::move(connection));
    };
  }
  void RunUntilAccepted(size_t count) {
    runner_.RunUntil([&] { return accepted_.size() == count; });
  }

  LoopRunner runner_;
  std::vector<std::unique_ptr<Connection>> accepted_;
};

// ---- TCP addresses

TEST_F(ListenerTest, PortZeroTakesAFreePortAndAddressesAreTold) {
  const auto listener = ListenTcp("127.0.0.1");
  ASSERT_TRUE(listener.ok()) << listener.status();
  const std::string address = "127.0.0.1:" + std::to_string((*listener)->port());
  EXPECT_NE((*listener)->port(), 0);
  EXPECT_EQ((*listener)->address(), address);

  const Client client = Client::Tcp((*listener)->port());
  RunUntilAccepted(1);
  sockaddr_in own{};
  socklen_t size = sizeof(own);
  getsockname(client.fd(), reinterpret_cast<sockaddr*>(&own), &size);
  EXPECT_EQ(accepted_[0]->local_address(), address);
  EXPECT_EQ(accepted_[0]->remote_address(), "127.0.0.1:" + std::to_string(ntohs(own.sin_port)));
  EXPECT_FALSE(accepted_[0]->is_unix());
  EXPECT_GE(accepted_[0]->fd(), 0);
}

TEST_F(ListenerTest, StarListensOnEveryIpv4Address) {
  const auto listener = ListenTcp("*");
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ((*listener)->address(), "0.0.0.0:" + std::to_string((*listener)->port()));
  const Client client = Client::Tcp((*listener)->port());
  RunUntilAccepted(1);
  EXPECT_EQ(accepted_[0]->local_address(), "127.0.0.1:" + std::to_string((*listener)->port()));
}

TEST_F(ListenerTest, Ipv6AddressesAreInBracketsAndLeaveIpv4Alone) {
  const auto v6 = ListenTcp("::*");
  if (!v6.ok() && v6.status().code() == absl::StatusCode::kNotFound)
    GTEST_SKIP() << "no IPv6 here: " << v6.status();
  ASSERT_TRUE(v6.ok()) << v6.status();
  const uint16_t port = (*v6)->port();
  EXPECT_EQ((*v6)->address(), "[::]:" + std::to_string(port));
  // The same port is free for IPv4.
  const auto v4 = ListenTcp("*", port);
  EXPECT_TRUE(v4.ok()) << v4.status();

  const Client client(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  ASSERT_EQ(connect(client.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0)
      << strerror(errno);
  RunUntilAccepted(1);
  EXPECT_EQ(accepted_[0]->local_address(), "[::1]:" + std::to_string(port));
  EXPECT_THAT(accepted_[0]->remote_address(), testing::StartsWith("[::1]:"));
}

TEST_F(ListenerTest, HostNamesAreResolved) {
  const auto listener = ListenTcp("localhost");
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ((*listener)->address(), "127.0.0.1:" + std::to_string((*listener)->port()));
}

TEST_F(ListenerTest, AddressInUseIsToldWhenListeningStarts) {
  const auto first = ListenTcp("127.0.0.1");
  ASSERT_TRUE(first.ok());
  const auto second = ListenTcp("127.0.0.1", (*first)->port());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr((*first)->address()));
}

TEST_F(ListenerTest, PortIsFreeAgainAsSoonAsTheListenerIsGone) {
  auto first = ListenTcp("127.0.0.1");
  ASSERT_TRUE(first.ok());
  const uint16_t port = (*first)->port();
  const Client client = Client::Tcp(port);
  RunUntilAccepted(1);
  first->reset();
  const auto second = ListenTcp("127.0.0.1", port);
  EXPECT_TRUE(second.ok()) << second.status();
}

TEST_F(ListenerTest, AddressesThatThisMachineDoesNotHaveAreNotFound) {
  const auto foreign = ListenTcp("192.0.2.1");  // reserved for documentation
  EXPECT_EQ(foreign.status().code(), absl::StatusCode::kNotFound) << foreign.status();
  EXPECT_THAT(std::string(foreign.status().message()), HasSubstr("192.0.2.1"));
  const auto nonsense = ListenTcp("no such name.invalid");
  EXPECT_EQ(nonsense.status().code(), absl::StatusCode::kNotFound) << nonsense.status();
  EXPECT_THAT(std::string(nonsense.status().message()), HasSubstr("no such name.invalid"));
}

// ---- Unix sockets

class UnixListenerTest : public ListenerTest {
 protected:
  absl::StatusOr<std::unique_ptr<Listener>> Listen(uint32_t mode = 0) {
    ListenOptions options;
    options.unix_mode = mode;
    return Listener::ListenUnix(runner_.loop, path_, options, Keep());
  }

  test::TempDir folder_;
  const std::filesystem::path dir_ = folder_.path();
  std::string path_ = dir_ / "socket";
};

TEST_F(UnixListenerTest, AcceptsAndNamesItsConnections) {
  const auto listener = Listen(0700);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ((*listener)->address(), path_);
  EXPECT_EQ((*listener)->port(), 0);
  struct stat file {};
  ASSERT_EQ(lstat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777U, 0700U);

  const Client client = Client::Unix(path_);
  RunUntilAccepted(1);
  EXPECT_TRUE(accepted_[0]->is_unix());
  EXPECT_EQ(accepted_[0]->remote_address(), path_ + ":0");
  EXPECT_EQ(accepted_[0]->local_address(), path_ + ":0");

  RecordingSession session(std::move(accepted_[0]));
  session.connection->StartReading();
  ASSERT_TRUE(client.Send("hello"));
  runner_.RunUntil([&] { return session.input == "hello"; });
  const std::string reply = NoisyBytes(4 << 20);
  session.Write(reply);
  session.connection->CloseAfterWrites(60'000);
  std::optional<std::string> received;
  runner_.RunWith([&] { received = client.ReceiveAll(); },
                  [&] { return session.closed.size() == 1; });
  EXPECT_TRUE(received == reply);
}

TEST_F(UnixListenerTest, FileGoesWithTheListener) {
  auto listener = Listen();
  ASSERT_TRUE(listener.ok());
  EXPECT_TRUE(std::filesystem::exists(path_));
  listener->reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixListenerTest, AnothersFileInItsPlaceStays) {
  auto listener = Listen();
  ASSERT_TRUE(listener.ok());
  std::filesystem::remove(path_);
  std::ofstream(path_) << "somebody else's";
  listener->reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixListenerTest, StaleSocketIsReplaced) {
  {
    // Bound and closed without removing the file: what a killed server leaves behind.
    const Client stale(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(stale.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(listen(stale.fd(), 1), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(path_));
  const auto listener = Listen();
  ASSERT_TRUE(listener.ok()) << listener.status();
  const Client client = Client::Unix(path_);
  RunUntilAccepted(1);
}

TEST_F(UnixListenerTest, LiveSocketIsRefusedAndUnharmed) {
  const auto first = Listen();
  ASSERT_TRUE(first.ok());
  const auto second = Listen();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(path_));
  const Client client = Client::Unix(path_);
  RunUntilAccepted(2);  // the second listener's probe was one
}

TEST_F(UnixListenerTest, FileThatIsNoSocketIsNeverRemoved) {
  std::ofstream(path_) << "data";
  const auto listener = Listen();
  EXPECT_EQ(listener.status().code(), absl::StatusCode::kAlreadyExists) << listener.status();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixListenerTest, BadPathsAreNamed) {
  path_ = dir_ / "missing" / "socket";
  const auto missing = Listen();
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound) << missing.status();
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr(path_));
  path_ = dir_ / std::string(200, 'x');
  const auto too_long = Listen();
  EXPECT_EQ(too_long.status().code(), absl::StatusCode::kInvalidArgument) << too_long.status();
}

// ---- Accepting

TEST_F(ListenerTest, StormOfClientsIsTakenInBoundedPortions) {
  constexpr size_t kClients = 500;
  LoopRunner runner;
  RecordingServer server(runner.loop);
  std::vector<Client> clients;
  for (size_t i = 0; i < kClients; ++i) clients.push_back(Client::Tcp(server.port()));
  size_t before = 0;
  size_t largest_portion = 0;
  runner.RunUntil([&] {
    largest_portion = std::max(largest_portion, server.sessions.size() - before);
    before = server.sessions.size();
    return before == kClients;
  });
  EXPECT_EQ(largest_portion, size_t{Listener::kAcceptsPerRound});
}

TEST_F(ListenerTest, EstablishedConnectionIsServedInTheMidstOfAStorm) {
  constexpr size_t kClients = 500;
  LoopRunner runner;
  RecordingServer server(runner.loop);
  const Client established = Client::Tcp(server.port());
  runner.RunUntil([&] { return server.sessions.size() == 1; });
  server.session().connection->StartReading();
  std::vector<Client> clients;
  for (size_t i = 0; i < kClients; ++i) clients.push_back(Client::Tcp(server.port()));
  ASSERT_TRUE(established.Send("ping"));
  pollfd watched{.fd = server.session().connection->fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&watched, 1, static_cast<int>(LoopRunner::kWatchdogMs)), 1);
  size_t accepted_when_served = 0;
  runner.RunUntil([&] {
    if (accepted_when_served == 0 && server.session().input == "ping")
      accepted_when_served = server.sessions.size();
    return server.sessions.size() == kClients + 1;
  });
  EXPECT_GT(accepted_when_served, 0U);
  EXPECT_LT(accepted_when_served, kClients);
}

TEST_F(ListenerTest, MayBeDestroyedInsideOnAcceptWithMoreClientsWaiting) {
  std::unique_ptr<Listener> listener;
  int calls = 0;
  auto listening =
      Listener::ListenTcp(runner_.loop, "127.0.0.1", 0, ListenOptions{}, [&](auto connection) {
        ++calls;
        accepted_.push_back(std::move(connection));
        listener.reset();
      });
  ASSERT_TRUE(listening.ok());
  listener = *std::move(listening);
  const Client first = Client::Tcp(listener->port());
  const Client second = Client::Tcp(listener->port());
  runner_.RunUntil([&] { return calls > 0; });
  runner_.RunIdle();
  EXPECT_EQ(calls, 1);
}

// ---- Out of descriptors

#define EXPECT_OR_EXIT(condition)                                            \
  do {                                                                       \
    if (!(condition)) {                                                      \
      std::fprintf(stderr, "line %d: not true: %s\n", __LINE__, #condition); \
      std::exit(1);                                                          \
    }                                                                        \
  } while (false)

// Runs in a process of its own: six clients, descriptors for two of them.
void ServeWithTooFewDescriptors() {
  constexpr size_t kClients = 6;
  constexpr rlim_t kEnoughFor = 2;
  LoopRunner runner;
  std::vector<std::unique_ptr<Connection>> accepted;
  std::vector<absl::Status> errors;
  ListenOptions options;
  options.on_error = [&](const absl::Status& status) { errors.push_back(status); };
  const auto listener = Listener::ListenTcp(
      runner.loop, "127.0.0.1", 0, options,
      [&](std::unique_ptr<Connection> connection) { accepted.push_back(std::move(connection)); });
  EXPECT_OR_EXIT(listener.ok());
  // The first connection makes libuv open what it needs for itself.
  const Client early = Client::Tcp((*listener)->port());
  runner.RunUntil([&] { return accepted.size() == 1; });
  accepted.clear();
  runner.RunIdle();
  std::vector<Client> clients;
  for (size_t i = 0; i < kClients; ++i) clients.push_back(Client::Tcp((*listener)->port()));
  const int next_descriptor = dup(0);
  close(next_descriptor);
  // The lowest free descriptor is the one that `early`'s connection had; those above the clients
  // are free.
  const rlim_t limit = static_cast<rlim_t>(clients.back().fd()) + 1;
  rlim_t free_below = 0;
  for (int fd = next_descriptor; fd < static_cast<int>(limit); ++fd)
    free_below += fcntl(fd, F_GETFD) == -1 ? 1 : 0;
  rlimit former{};
  getrlimit(RLIMIT_NOFILE, &former);
  const rlimit few{.rlim_cur = limit + kEnoughFor - free_below, .rlim_max = former.rlim_max};
  EXPECT_OR_EXIT(free_below <= kEnoughFor && setrlimit(RLIMIT_NOFILE, &few) == 0);

  runner.RunUntil([&] { return !errors.empty(); });
  EXPECT_OR_EXIT(accepted.size() == kEnoughFor);
  EXPECT_OR_EXIT(errors[0].code() == absl::StatusCode::kResourceExhausted);

  // The loop waits between its tries: a handful of rounds while a few retries' time passes, not a
  // hundred thousand.
  bool passed = false;
  Timer pause(runner.loop, [&] { passed = true; });
  pause.Start(3 * Listener::kRetryMs, 0);
  const int rounds_before = runner.rounds;
  runner.RunUntil([&] { return passed; });
  EXPECT_OR_EXIT(runner.rounds - rounds_before < 20);
  EXPECT_OR_EXIT(accepted.size() == kEnoughFor);
  EXPECT_OR_EXIT(errors.size() == 1);

  // Each descriptor that comes free lets a waiting client in.
  for (size_t total = kEnoughFor; total < kClients; ++total) {
    accepted.erase(accepted.begin());
    runner.RunUntil([&] { return accepted.size() == kEnoughFor; });
  }
  // (UBSan needs a descriptor to look at an object of a type that it has not met yet.)
  EXPECT_OR_EXIT(setrlimit(RLIMIT_NOFILE, &former) == 0);
  EXPECT_OR_EXIT(clients.back().Send("x"));
  RecordingSession last(std::move(accepted.back()));
  last.connection->StartReading();
  runner.RunUntil([&] { return last.input == "x"; });
  std::exit(testing::Test::HasFailure() ? 1 : 0);
}

TEST(ListenerDeathTest, ClientsBeyondTheDescriptorsWaitAndAreServedWhenSomeComeFree) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(ServeWithTooFewDescriptors(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace cairn::net
