// The process as a daemon: going to the background, the pid file, the service manager.
//
// Main thread, before and after the server runs.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace cairn::server {

// Going to the background. The foreground process waits until the other one knows whether it could
// start, so the exit code of the command says whether there is a server.
class Daemon {
 public:
  // Splits the process when `wanted`. In the foreground half this never returns: it prints the
  // outcome and exits. REQUIRES: no other thread, nothing open that must not be shared.
  static Daemon Start(bool wanted);
  // Tells the foreground half: an empty text is success.
  void Report(std::string_view error);

 private:
  int pipe_fd_ = -1;
};

// Writes the process id to `path` (nothing when it is empty).
absl::Status WritePidFile(const std::string& path);
void RemovePidFile(const std::string& path);

// Tells systemd (or whoever set NOTIFY_SOCKET) that the server is ready / going. Does nothing
// without one.
void NotifyReady();
void NotifyStopping();

}  // namespace cairn::server
