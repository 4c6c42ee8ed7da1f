// One life of a real server under the recorder: started from outside, on a Unix socket, with a data
// folder inside of a watched one.
//
// Used by one thread, the main one: the kernel ends the server when the thread that started it
// ends. Only the process that was started here is ever signalled, by its id.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "absl/status/status.h"

namespace cairn::crash {

struct ServerOptions {
  std::string server;    // the binary
  std::string recorder;  // the library; empty: no recording
  std::string folder;    // short-lived files: socket, log
  std::string root;      // the watched folder; the data folder is `root`/data
  std::string appendfsync;
  std::string recording;     // file for the events
  uint64_t first_stamp = 1;  // as recording_format.h says, with the next two
  uint64_t kill_at = 0;
  uint64_t sync_delay_us = 0;
  std::vector<std::string> environment;  // more of it, as NAME=value
};

class ServerRun {
 public:
  explicit ServerRun(ServerOptions options) : options_(std::move(options)) {}
  ~ServerRun() { Kill(); }
  ServerRun(const ServerRun&) = delete;
  ServerRun& operator=(const ServerRun&) = delete;

  // Starts the process, without waiting for it.
  absl::Status Launch();
  // Waits until it listens. kAborted: it was killed before, as `kill_at` wants it; another error
  // has the end of its log.
  absl::Status WaitReady();
  // Waits for its end. Ok after an orderly one, kAborted when it was killed.
  absl::Status WaitEnd();
  void Kill();

  [[nodiscard]] std::string socket_path() const { return options_.folder + "/s"; }
  [[nodiscard]] std::string LogTail() const;

 private:
  [[nodiscard]] std::vector<std::string> Arguments() const;
  [[nodiscard]] std::vector<std::string> Environment() const;
  // What waitpid has said.
  [[nodiscard]] absl::Status Ended(int status) const;

  ServerOptions options_;
  pid_t pid_ = -1;
};

}  // namespace cairn::crash
