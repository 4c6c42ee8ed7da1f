// A child process that is a server: starting, killing by its own id, and what the kernel knows
// about it. Not thread-safe. A ServerProcess that is destroyed kills its process; when the
// benchmark itself dies, the kernel does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cairn::bench {

class ServerProcess {
 public:
  // Runs `args` (args[0] is looked up in PATH) on the processors `cpus`, with standard output and
  // error appended to the file `log_path`. kNotFound when there is no such program.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const std::vector<std::string>& args,
                                                              const std::vector<int>& cpus,
                                                              const std::string& log_path);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // OK while it runs; otherwise how it ended and the last lines of its log.
  absl::Status CheckRunning();
  // SIGTERM, then waiting for a clean end (exit code 0) for `timeout_s` seconds.
  absl::Status Shutdown(int timeout_s);
  // SIGKILL to the process and the children that it forked; returns when the process is gone.
  void Kill();

 private:
  ServerProcess(pid_t pid, std::string log_path) : pid_(pid), log_path_(std::move(log_path)) {}

  pid_t pid_;  // 0 once it was waited for
  int wait_status_ = 0;
  std::string log_path_;
};

// Runs `args` to its end and returns what it printed on standard output. kNotFound as above;
// kInternal when it fails.
absl::StatusOr<std::string> RunAndCapture(const std::vector<std::string>& args);

// Processor time of all threads of `pid` and of its children (those that ended and those that run)
// so far, in seconds, to the 10 ms of the kernel's clock.
absl::StatusOr<double> CpuSeconds(pid_t pid);
// True while a child process of `pid` runs (Redis: an AOF rewrite).
bool HasChildren(pid_t pid);
// Bytes that `pid` caused to be written to the disk so far; 0 when the kernel does not tell.
uint64_t WrittenBytes(pid_t pid);

struct Memory {
  uint64_t anonymous_bytes =
      0;  // RssAnon: heap and stacks; page cache, such as a mapped data file, is not in it
  uint64_t resident_bytes = 0;  // VmRSS: anonymous memory and the mapped pages of files
};
absl::StatusOr<Memory> ReadMemory(pid_t pid);

}  // namespace cairn::bench
