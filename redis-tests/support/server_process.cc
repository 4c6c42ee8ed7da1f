#include "support/server_process.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cairn::redis_tests {
namespace {

constexpr auto kReadyLimit = std::chrono::seconds(60);
// Below the range from which the kernel takes the ports of outgoing connections, so that a client
// of another test that runs at the same time cannot hold the port that was just found free.
constexpr int kFirstPort = 20'000;
constexpr int kLastPort = 32'000;

int FreePort() {
  std::random_device random;
  for (int attempt = 0; attempt < 200; ++attempt) {
    const int port = kFirstPort + static_cast<int>(random() % (kLastPort - kFirstPort));
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (free) return port;
  }
  throw std::runtime_error("no free port found");
}

std::string Tail(const std::string& path, size_t bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return text.size() > bytes ? text.substr(text.size() - bytes) : text;
}

}  // namespace

bool IsRedis(const std::string& binary) {
  FILE* pipe = popen(("'" + binary + "' --version").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + binary);
  std::array<char, 256> text{};
  const size_t length = fread(text.data(), 1, text.size() - 1, pipe);
  if (pclose(pipe) != 0) throw std::runtime_error("cannot run " + binary + " --version");
  return std::string_view(text.data(), length).starts_with("Redis server");
}

ServerProcess::ServerProcess(std::string binary, std::vector<std::string> options, bool persist)
    : binary_(std::move(binary)),
      options_(std::move(options)),
      persist_(persist),
      is_redis_(IsRedis(binary_)) {
  std::string path = (std::filesystem::temp_directory_path() / "cairn-redis-tests-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make " + path);
  directory_ = path;
}

ServerProcess::~ServerProcess() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::vector<std::string> ServerProcess::Arguments() const {
  std::vector<std::string> arguments = {binary_,
                                        "--port",
                                        std::to_string(port_),
                                        "--bind",
                                        "127.0.0.1",
                                        "--dir",
                                        directory_,
                                        "--enable-debug-command",
                                        "yes",
                                        "--logfile",
                                        directory_ + "/server.log"};
  if (is_redis_) {
    arguments.insert(arguments.end(), {"--save", "", "--appendonly", persist_ ? "yes" : "no"});
  }
  arguments.insert(arguments.end(), options_.begin(), options_.end());
  return arguments;
}

void ServerProcess::Launch() {
  LaunchOn(FreePort());
}

void ServerProcess::LaunchOn(int port) {
  if (pid_ > 0) throw std::runtime_error("already started");
  port_ = port;
  std::vector<std::string> arguments = Arguments();
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int output =
      open((directory_ + "/output.txt").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) {
    // Nothing but system calls between fork and exec.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(output);
}

bool ServerProcess::Ended() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ < 0;
}

void ServerProcess::WaitReady() {
  const auto deadline = std::chrono::steady_clock::now() + kReadyLimit;
  const std::string own_id = "process_id:" + std::to_string(pid_) + "\r\n";
  while (std::chrono::steady_clock::now() < deadline) {
    if (Ended()) throw std::runtime_error("the server ended at its start:\n" + LogTail());
    RawClient client;
    std::vector<std::string> replies;
    if (client.Connect(port_) && client.Exchange("INFO server\r\nPING\r\n", 2, &replies) &&
        replies[0].find(own_id) != std::string::npos && replies[1] == "+PONG\r\n") {
      return;
    }
    poll(nullptr, 0, 2);
  }
  throw std::runtime_error("the server did not answer in time:\n" + LogTail());
}

void ServerProcess::Start() {
  Launch();
  WaitReady();
}

void ServerProcess::StartAgain() {
  LaunchOn(port_);
  WaitReady();
}

void ServerProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string ServerProcess::LogTail(size_t bytes) const {
  return Tail(directory_ + "/output.txt", bytes) + Tail(directory_ + "/server.log", bytes);
}

}  // namespace cairn::redis_tests
