// A server that knows PING, ECHO and QUIT, and nothing else of Cairn: it is built of net/ and resp/
// alone. It shows that these two rooms stand by themselves, and measures what they cost
// (redis-benchmark -t ping).
//
//   resp_echo [port]      listens on 127.0.0.1, port 6380 unless told otherwise, until SIGINT or
//   SIGTERM
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>

#include "net/connection.h"
#include "net/loop.h"
#include "resp/reply_writer.h"
#include "resp/request_parser.h"

namespace cairn {
namespace {

constexpr uint16_t kDefaultPort = 6380;
constexpr uint64_t kCloseTimeoutMs = 1000;
// A client that lets more replies than this wait is dropped. (To stop reading from it instead would
// lock up with every client that sends its whole pipeline before it reads.)
constexpr size_t kMaxPendingBytes = 256 << 20;

bool IsCommand(std::string_view word, std::string_view name) {
  return absl::EqualsIgnoreCase({word.data(), word.size()}, {name.data(), name.size()});
}

class EchoServer;

class EchoSession final : public net::ConnectionHandler {
 public:
  EchoSession(EchoServer& server, std::unique_ptr<net::Connection> connection);

  std::span<char> ReadBuffer() override;
  void OnRead(size_t size) override;
  void OnClosed(const absl::Status& status) override;
  void OnDrained() override {}

  // Writes the replies of this turn. May end the session.
  void Flush();

 private:
  void Execute(std::span<const std::string_view> args);

  EchoServer& server_;
  std::unique_ptr<net::Connection> connection_;
  resp::RequestParser parser_;
  std::string replies_;
  resp::ReplyWriter writer_{replies_};
  bool ends_ = false;
  bool has_replies_ = false;  // is in the server's list
};

class EchoServer {
 public:
  absl::Status Run(uint16_t port);

  [[nodiscard]] std::span<char> read_buffer() { return read_buffer_; }
  [[nodiscard]] const resp::RequestLimits& limits() const { return limits_; }
  void FlushAtEndOfTurn(EchoSession* session) { to_flush_.push_back(session); }
  void Remove(EchoSession* session) {
    std::erase(to_flush_, session);
    sessions_.erase(session);
  }

 private:
  void Accept(std::unique_ptr<net::Connection> connection) {
    auto session = std::make_unique<EchoSession>(*this, std::move(connection));
    sessions_.emplace(session.get(), std::move(session));
  }
  void EndTurn() {
    while (!to_flush_.empty()) {
      EchoSession* session = to_flush_.back();
      to_flush_.pop_back();
      session->Flush();
    }
  }

  net::Loop loop_;
  resp::RequestLimits limits_;
  std::vector<char> read_buffer_ = std::vector<char>(resp::RequestParser::kReadSize);
  std::unordered_map<EchoSession*, std::unique_ptr<EchoSession>> sessions_;
  std::vector<EchoSession*> to_flush_;
};

EchoSession::EchoSession(EchoServer& server, std::unique_ptr<net::Connection> connection)
    : server_(server), connection_(std::move(connection)), parser_(&server.limits()) {
  connection_->set_handler(this);
  connection_->StartReading();
}

std::span<char> EchoSession::ReadBuffer() {
  return parser_.ReadBuffer(server_.read_buffer());
}

void EchoSession::OnRead(size_t size) {
  parser_.Filled(size);
  auto result = resp::ParseResult::kNeedMore;
  while (!ends_ && (result = parser_.Next()) == resp::ParseResult::kRequest) {
    Execute(parser_.args());
  }
  if (result == resp::ParseResult::kError) {
    writer_.Error("ERR Protocol error: " + parser_.error());
    ends_ = true;
  }
  if (replies_.empty() || has_replies_) return;
  has_replies_ = true;
  server_.FlushAtEndOfTurn(this);
}

void EchoSession::Execute(std::span<const std::string_view> args) {
  if (IsCommand(args[0], "PING") && args.size() <= 2) {
    if (args.size() == 1) {
      writer_.Simple("PONG");
    } else {
      writer_.Bulk(args[1]);
    }
  } else if (IsCommand(args[0], "ECHO") && args.size() == 2) {
    writer_.Bulk(args[1]);
  } else if (IsCommand(args[0], "QUIT")) {
    writer_.Ok();
    ends_ = true;
  } else {
    writer_.Error("ERR this server knows PING [text], ECHO text and QUIT");
  }
}

void EchoSession::Flush() {
  has_replies_ = false;
  connection_->Write(replies_);
  replies_.clear();
  if (ends_) {
    connection_->CloseAfterWrites(kCloseTimeoutMs);
  } else if (connection_->pending_bytes() > kMaxPendingBytes) {
    server_.Remove(this);
  }
}

void EchoSession::OnClosed(const absl::Status& /*status*/) {
  server_.Remove(this);
}

absl::Status EchoServer::Run(uint16_t port) {
  auto listener =
      net::Listener::ListenTcp(loop_, "127.0.0.1", port, net::ListenOptions{},
                               [this](auto connection) { Accept(std::move(connection)); });
  if (!listener.ok()) return listener.status();
  net::SignalWatcher on_interrupt(loop_, SIGINT, [this] { loop_.Stop(); });
  net::SignalWatcher on_terminate(loop_, SIGTERM, [this] { loop_.Stop(); });
  loop_.set_end_of_turn([this] {
    EndTurn();
    return false;
  });
  std::printf("listening on %s\n", (*listener)->address().c_str());
  std::fflush(stdout);
  loop_.Run();
  return absl::OkStatus();
}

}  // namespace
}  // namespace cairn

int main(int argc, char** argv) {
  int port = cairn::kDefaultPort;
  if (argc > 2 ||
      (argc == 2 && (!absl::SimpleAtoi(argv[1], &port) || port < 0 || port > UINT16_MAX))) {
    std::fputs("usage: resp_echo [port]\n", stderr);
    return 2;
  }
  cairn::EchoServer server;
  const absl::Status status = server.Run(static_cast<uint16_t>(port));
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}
