// One server process, started from outside: in a directory of its own, on a free port of the
// loopback interface.
//
// Used by one thread, the main one: the kernel ends the server when the thread that started it
// ends, so a test that is cut off leaves nothing behind. Only the process that was started here is
// ever signalled, by its id.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "support/raw_client.h"

namespace cairn::redis_tests {

// True if `binary` is Redis' own server: the reference, or the stand-in for Cairn.
bool IsRedis(const std::string& binary);

class ServerProcess {
 public:
  // `binary`: cairn-server, or redis-server (as the reference, or in Cairn's place to check the
  // tests themselves). `options`: further arguments, as "--name", "value". `persist`: gives a
  // redis-server an append-only file, so that it survives kill -9 as Cairn always does. The data
  // directory is made here and removed by the destructor.
  ServerProcess(std::string binary, std::vector<std::string> options, bool persist = false);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Starts the process on a new free port, without waiting for it.
  void Launch();
  // Waits until this very process answers PING; throws std::runtime_error with its log when it ends
  // or takes too long.
  void WaitReady();
  void Start();
  // Start() on the port of the time before, for clients that come back by themselves.
  void StartAgain();
  // kill -9, and waits for the end. Harmless when nothing runs.
  void Kill();

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] bool is_redis() const { return is_redis_; }
  // The last `bytes` of what the server wrote, to its log file and to its standard output and
  // error.
  [[nodiscard]] std::string LogTail(size_t bytes = 4000) const;

 private:
  void LaunchOn(int port);
  [[nodiscard]] std::vector<std::string> Arguments() const;
  [[nodiscard]] bool Ended();

  std::string binary_;
  std::vector<std::string> options_;
  bool persist_;
  bool is_redis_;
  std::string directory_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace cairn::redis_tests
