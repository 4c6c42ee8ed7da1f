#include "bench/process.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cpus.h"
#include "bench/socket.h"
#include "fmt/format.h"

namespace cairn::bench {
namespace {

constexpr std::string_view kNothing = "/dev/null";
constexpr size_t kLogTailBytes = 1500;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string Tail(const std::string& text) {
  return text.size() <= kLogTailBytes ? text : "..." + text.substr(text.size() - kLogTailBytes);
}

std::string DescribeEnd(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return fmt::format("was killed by signal {}", WTERMSIG(wait_status));
  }
  return fmt::format("ended with exit code {}", WEXITSTATUS(wait_status));
}

// Processor time in /proc/<pid>/stat (proc(5)): of the process and of its children that were waited
// for.
std::optional<double> StatCpuSeconds(pid_t pid) {
  const std::string text = ReadFile(fmt::format("/proc/{}/stat", pid));
  const size_t name_end = text.rfind(')');  // the name may hold spaces and brackets
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state .. cmajflt
  uint64_t ticks = 0;
  for (int i = 0; i < 4; ++i) {  // utime stime cutime cstime
    uint64_t part = 0;
    fields >> part;
    ticks += part;
  }
  return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// The ids of the children that the main thread forked, separated by blanks.
std::string Children(pid_t pid) {
  return ReadFile(fmt::format("/proc/{}/task/{}/children", pid, pid));
}

// The child's side of Spawn: never returns. Only async-signal-safe calls. An errno in `report_fd` =
// exec failed.
[[noreturn]] void BecomeServer(char* const* argv, int out_fd, int err_fd, int report_fd,
                               pid_t parent, const cpu_set_t& cpus) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  setpgid(0, 0);  // Ctrl-C on the terminal is for the benchmark, which then ends its servers
  sched_setaffinity(0, sizeof cpus, &cpus);
  const int in_fd = open(kNothing.data(), O_RDONLY);
  if (dup2(in_fd, 0) >= 0 && dup2(out_fd, 1) >= 0 && dup2(err_fd, 2) >= 0) execvp(argv[0], argv);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(report_fd, &error, sizeof error);
  _exit(127);
}

// Starts `args` and returns its id once exec has succeeded.
absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& args, const std::vector<int>& cpus,
                            int out_fd, int err_fd) {
  const cpu_set_t cpu_set = CpuSet(cpus);
  std::vector<char*> argv;
  argv.reserve(args.size() + 1);
  for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  const Fd report(ends[0]);
  std::optional<Fd> report_end(ends[1]);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  if (pid == 0) BecomeServer(argv.data(), out_fd, err_fd, ends[1], parent, cpu_set);
  report_end.reset();
  int error = 0;
  if (read(report.get(), &error, sizeof error) == sizeof error) {  // otherwise exec closed the pipe
    waitpid(pid, nullptr, 0);
    return absl::ErrnoToStatus(error, args[0]);
  }
  return pid;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    const std::vector<std::string>& args, const std::vector<int>& cpus,
    const std::string& log_path) {
  const Fd log(open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (log.get() < 0) return absl::ErrnoToStatus(errno, log_path);
  const absl::StatusOr<pid_t> pid = Spawn(args, cpus, log.get(), log.get());
  if (!pid.ok()) return pid.status();
  return std::unique_ptr<ServerProcess>(new ServerProcess(*pid, log_path));
}

ServerProcess::~ServerProcess() {
  Kill();
}

absl::Status ServerProcess::CheckRunning() {
  if (pid_ != 0 && waitpid(pid_, &wait_status_, WNOHANG) == 0) return absl::OkStatus();
  pid_ = 0;
  return absl::UnavailableError(fmt::format("the server {}; its log ends with:\n{}",
                                            DescribeEnd(wait_status_), Tail(ReadFile(log_path_))));
}

absl::Status ServerProcess::Shutdown(int timeout_s) {
  if (absl::Status s = CheckRunning(); !s.ok()) return s;
  kill(pid_, SIGTERM);
  const uint64_t end_ns = NowNs() + static_cast<uint64_t>(timeout_s) * 1'000'000'000;
  while (waitpid(pid_, &wait_status_, WNOHANG) == 0) {
    if (absl::Status s = CheckInterrupted(); !s.ok()) return s;
    if (NowNs() > end_ns) {
      return absl::DeadlineExceededError("the server did not end after SIGTERM");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  pid_ = 0;
  if (WIFEXITED(wait_status_) && WEXITSTATUS(wait_status_) == 0) return absl::OkStatus();
  return CheckRunning();
}

void ServerProcess::Kill() {
  if (pid_ == 0) return;
  kill(-pid_, SIGKILL);  // it leads a process group of its own
  while (waitpid(pid_, &wait_status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

absl::StatusOr<std::string> RunAndCapture(const std::vector<std::string>& args) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  const Fd out(ends[0]);
  std::optional<Fd> in(ends[1]);
  const absl::StatusOr<pid_t> pid = Spawn(args, AvailableCpus(), in->get(), STDERR_FILENO);
  in.reset();
  if (!pid.ok()) return pid.status();
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t size = 0; (size = read(out.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(size));
  }
  int status = 0;
  waitpid(*pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return absl::InternalError(fmt::format("{} {}", args[0], DescribeEnd(status)));
}

absl::StatusOr<double> CpuSeconds(pid_t pid) {
  // First the children: one that ends between the two readings is then counted twice for an
  // instant, not lost.
  double seconds = 0;
  std::istringstream children(Children(pid));
  for (pid_t child = 0; children >> child;) seconds += StatCpuSeconds(child).value_or(0);
  const std::optional<double> own = StatCpuSeconds(pid);
  if (!own.has_value()) return absl::UnavailableError("the server is gone");
  return seconds + *own;
}

bool HasChildren(pid_t pid) {
  return !Children(pid).empty();
}

uint64_t WrittenBytes(pid_t pid) {
  std::istringstream lines(ReadFile(fmt::format("/proc/{}/io", pid)));
  std::string name;
  uint64_t value = 0;
  while (lines >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

absl::StatusOr<Memory> ReadMemory(pid_t pid) {
  std::istringstream lines(ReadFile(fmt::format("/proc/{}/status", pid)));
  Memory memory;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name;
    uint64_t kib = 0;
    fields >> name >> kib;
    if (name == "RssAnon:") memory.anonymous_bytes = kib * 1024;
    if (name == "VmRSS:") memory.resident_bytes = kib * 1024;
  }
  if (memory.resident_bytes == 0) return absl::UnavailableError("the server is gone");
  return memory;
}

}  // namespace cairn::bench
