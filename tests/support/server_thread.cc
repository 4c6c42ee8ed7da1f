#include "support/server_thread.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <future>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/split_args.h"
#include "exec/effects.h"
#include "gtest/gtest.h"
#include "resp/reply_parser.h"
#include "server/server.h"

namespace cairn::test {

config::ServerOptions UnixSocketOptions(const std::string& folder) {
  config::ServerOptions options;
  options.port = 0;
  options.unixsocket = folder + "/socket";
  options.dir = folder + "/data";
  options.enable_debug_command = config::ProtectedAccess::kYes;
  return options;
}

// ---- ServerThread

ServerThread::ServerThread(base::FileSystem& fs, config::ServerOptions options)
    : socket_path_(options.unixsocket) {
  std::promise<absl::Status> listening;
  auto started = listening.get_future();
  thread_ = std::thread([this, &fs, &options, &listening] {
    auto server = server::Server::Create(
        fs, {.options = std::move(options), .config_file = {}, .executable = "cairn-server"});
    const bool ok = server.ok();
    listening.set_value(server.status());
    if (ok) exit_code_ = (*server)->Run();
  });
  const absl::Status status = started.get();
  EXPECT_TRUE(status.ok()) << status;
}

ServerThread::~ServerThread() {
  if (!thread_.joinable()) return;
  SocketClient(socket_path_).Ask("SHUTDOWN NOSAVE FORCE");
  thread_.join();
}

int ServerThread::Join() {
  thread_.join();
  return exit_code_;
}

// ---- SocketClient

SocketClient::SocketClient(const std::string& socket_path)
    : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  CAIRN_CHECK(socket_path.size() < sizeof address.sun_path);
  socket_path.copy(address.sun_path, socket_path.size());
  const int result = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  EXPECT_EQ(result, 0) << "nobody listens at " << socket_path;
  // A server that never answers fails the test.
  const timeval longest{.tv_sec = 60, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
}

SocketClient::~SocketClient() {
  close(fd_);
}

void SocketClient::Send(std::string_view line) {
  const auto words = base::SplitArgs(line);
  ASSERT_TRUE(words.has_value() && !words->empty()) << line;
  const std::vector<std::string_view> argv(words->begin(), words->end());
  std::string request;
  exec::AppendCommand(argv, &request);
  for (std::string_view left = request; !left.empty();) {
    const ssize_t sent = send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0) return;
    left.remove_prefix(static_cast<size_t>(sent));
  }
}

bool SocketClient::Fill() {
  std::array<char, 16384> chunk{};
  const ssize_t got = recv(fd_, chunk.data(), chunk.size(), 0);
  EXPECT_FALSE(got < 0 && errno == EAGAIN) << "the server does not answer";
  if (got <= 0) return false;
  input_.append(chunk.data(), static_cast<size_t>(got));
  return true;
}

bool SocketClient::HasInput() const {
  pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
  return !input_.empty() || poll(&waiting, 1, /*timeout=*/0) != 0;
}

std::string SocketClient::Receive() {
  do {
    resp::ReplyParser parser;
    parser.Feed(input_);
    const resp::ReplyResult result = parser.Next();
    EXPECT_NE(result, resp::ReplyResult::kError) << parser.error();
    if (result != resp::ReplyResult::kReply) continue;
    const size_t size = input_.size() - parser.Unparsed().size();
    std::string reply = input_.substr(0, size);
    input_.erase(0, size);
    return reply;
  } while (Fill());
  return {};
}

std::string SocketClient::Ask(std::string_view line) {
  Send(line);
  return Receive();
}

std::string SocketClient::AskText(std::string_view line) {
  const std::string raw = Ask(line);
  resp::ReplyParser parser;
  parser.Feed(raw);
  EXPECT_EQ(parser.Next(), resp::ReplyResult::kReply) << line;
  return std::string(parser.reply().text());
}

}  // namespace cairn::test
