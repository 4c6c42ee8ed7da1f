#include "server/process.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <fcntl.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/file.h"

namespace cairn::server {
namespace {

// Copies what the background half reports; it ends when that half closes the pipe or dies.
[[noreturn]] void WaitForBackground(int fd) {
  std::string report;
  std::array<char, 512> chunk{};
  ssize_t got = 0;
  while ((got = read(fd, chunk.data(), chunk.size())) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0) report.append(chunk.data(), static_cast<size_t>(got));
  }
  constexpr char kSuccess = '\0';
  if (report.size() == 1 && report.front() == kSuccess) std::_Exit(EXIT_SUCCESS);
  std::fprintf(stderr, "cairn-server: %s\n",
               report.empty() ? "the server ended before it was ready" : report.c_str());
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

Daemon Daemon::Start(bool wanted) {
  Daemon daemon;
  std::array<int, 2> fds{};
  if (!wanted || pipe2(fds.data(), O_CLOEXEC) != 0) return daemon;
  const pid_t child = fork();
  if (child < 0) return daemon;
  if (child > 0) {
    close(fds[1]);
    WaitForBackground(fds[0]);
  }
  close(fds[0]);
  setsid();
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, standard);
  daemon.pipe_fd_ = fds[1];
  return daemon;
}

void Daemon::Report(std::string_view error) {
  if (pipe_fd_ < 0) return;
  const std::string_view text = error.empty() ? std::string_view("\0", 1) : error;
  // If nobody reads it any more, nobody wants to know.
  if (write(pipe_fd_, text.data(), text.size()) < 0) errno = 0;
  close(pipe_fd_);
  pipe_fd_ = -1;
}

absl::Status WritePidFile(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  file << getpid() << '\n';
  file.close();
  if (file.fail()) return base::ErrnoStatus(errno, "write the pid file", path);
  return absl::OkStatus();
}

void RemovePidFile(const std::string& path) {
  if (!path.empty()) unlink(path.c_str());
}

void NotifyReady() {
  sd_notify(0, "READY=1\nSTATUS=Ready to accept connections");
}
void NotifyStopping() {
  sd_notify(0, "STOPPING=1");
}

}  // namespace cairn::server
