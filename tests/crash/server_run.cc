#include "crash/server_run.h"

#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "crash/recording_format.h"
#include "support/raw_client.h"

namespace cairn::crash {
namespace {

constexpr auto kReadyLimit = std::chrono::seconds(60);
constexpr auto kEndLimit = std::chrono::seconds(60);
constexpr int kPollMs = 2;
constexpr size_t kTailBytes = 3000;

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::vector<std::string> ServerRun::Arguments() const {
  // Everything as small as it may be, so that seals, run files, chunks, new segments and dropped
  // ones come all the time.
  return {options_.server,
          "--port",
          "0",
          "--unixsocket",
          socket_path(),
          "--dir",
          options_.root + "/data",
          "--logfile",
          options_.folder + "/log",
          "--appendfsync",
          options_.appendfsync,
          "--enable-debug-command",
          "yes",
          "--write-buffer-size",
          "8mb",
          "--log-segment-size",
          "1mb",
          "--repl-backlog-size",
          "300kb",
          "--checkpoint-log-size",
          "3mb",
          "--hz",
          "50"};
}

std::vector<std::string> ServerRun::Environment() const {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  const auto set = [&](std::string_view name, const auto& value) {
    environment.push_back(fmt::format("{}={}", name, value));
  };
  if (!options_.recorder.empty()) {
    set("LD_PRELOAD", options_.recorder);
    // AddressSanitizer wants to be the first library, but needs not be.
    set("ASAN_OPTIONS", "verify_asan_link_order=0");
    set(kEnvRoot, options_.root);
    set(kEnvOutput, options_.recording);
    set(kEnvFirstStamp, options_.first_stamp);
    set(kEnvKillAt, options_.kill_at);
    set(kEnvSyncDelayUs, options_.sync_delay_us);
  }
  environment.insert(environment.end(), options_.environment.begin(), options_.environment.end());
  return environment;
}

absl::Status ServerRun::Launch() {
  unlink(socket_path().c_str());
  std::vector<std::string> arguments = Arguments();
  std::vector<std::string> environment = Environment();
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);
  const int output =
      open((options_.folder + "/output").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) return base::ErrnoStatus(errno, "cannot fork for", options_.server);
  if (pid_ == 0) {
    // Nothing but system calls between fork and exec.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(output);
  return absl::OkStatus();
}

absl::Status ServerRun::Ended(int status) const {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
    return absl::AbortedError("the server was killed");
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("the server ended with status {}:\n{}", status, LogTail()));
}

absl::Status ServerRun::WaitReady() {
  const auto deadline = std::chrono::steady_clock::now() + kReadyLimit;
  while (std::chrono::steady_clock::now() < deadline) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      const absl::Status ended = Ended(status);
      return ended.ok() ? absl::InternalError("the server ended at its start") : ended;
    }
    redis_tests::RawClient client;
    if (client.ConnectUnix(socket_path())) return absl::OkStatus();
    poll(nullptr, 0, kPollMs);
  }
  return absl::DeadlineExceededError("the server did not listen in time:\n" + LogTail());
}

absl::Status ServerRun::WaitEnd() {
  const auto deadline = std::chrono::steady_clock::now() + kEndLimit;
  while (std::chrono::steady_clock::now() < deadline) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return Ended(status);
    }
    poll(nullptr, 0, kPollMs);
  }
  return absl::DeadlineExceededError("the server did not end in time:\n" + LogTail());
}

void ServerRun::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string ServerRun::LogTail() const {
  std::string text;
  for (const std::string name : {"/output", "/log"}) {
    std::ifstream file(options_.folder + name, std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
    text += whole.size() > kTailBytes ? whole.substr(whole.size() - kTailBytes) : whole;
  }
  return text;
}

}  // namespace cairn::crash
