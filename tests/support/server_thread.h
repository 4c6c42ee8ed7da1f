// A whole server in this process, on a thread of its own, and clients that talk to it over a Unix
// socket and wait for the replies.
//
//   ServerThread server(base::PosixFileSystem(), options);
//   SocketClient client(server.socket_path());
//   EXPECT_EQ(client.Ask("SET k v"), "+OK\r\n");
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "base/file.h"
#include "config/options.h"

namespace cairn::test {

// Options of a server that listens at `folder`/socket only and keeps its data in `folder`/data.
config::ServerOptions UnixSocketOptions(const std::string& folder);

class ServerThread {
 public:
  // Returns when the server listens. The test fails when it cannot; `fs` must outlive it.
  ServerThread(base::FileSystem& fs, config::ServerOptions options);
  // Ends the server as a dying process would: nothing is flushed, no checkpoint is made.
  ~ServerThread();
  ServerThread(const ServerThread&) = delete;
  ServerThread& operator=(const ServerThread&) = delete;

  [[nodiscard]] const std::string& socket_path() const { return socket_path_; }
  // Waits until the server has ended by itself (SHUTDOWN); its exit code.
  int Join();

 private:
  std::string socket_path_;
  std::thread thread_;
  int exit_code_ = -1;
};

// One blocking connection. A connection that breaks reads as an empty reply.
class SocketClient {
 public:
  explicit SocketClient(const std::string& socket_path);
  ~SocketClient();
  SocketClient(const SocketClient&) = delete;
  SocketClient& operator=(const SocketClient&) = delete;

  // Sends one request, words quoted as in redis-cli.
  void Send(std::string_view line);
  // The bytes of the next reply.
  std::string Receive();
  // True when bytes have come that no Receive has taken yet. Does not wait.
  [[nodiscard]] bool HasInput() const;
  // Send and Receive.
  std::string Ask(std::string_view line);
  // The text inside the next reply, a bulk string or a verbatim one.
  std::string AskText(std::string_view line);

 private:
  bool Fill();

  int fd_ = -1;
  std::string input_;
};

}  // namespace cairn::test
