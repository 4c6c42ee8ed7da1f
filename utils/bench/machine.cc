#include "bench/machine.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/cpus.h"
#include "bench/socket.h"
#include "fmt/format.h"

namespace cairn::bench {
namespace {

namespace fs = std::filesystem;

struct Mount {
  std::string point;
  std::string type;
  std::string source;
};

bool IsWithin(const std::string& path, const std::string& point) {
  if (point == "/" || path == point) return true;
  return path.size() > point.size() && path.compare(0, point.size(), point) == 0 &&
         path[point.size()] == '/';
}

// The mount that holds `dir`: the last one in mountinfo (proc(5)) among those with the longest
// mount point.
Mount FindMount(const std::string& dir) {
  std::error_code error;
  const std::string path = fs::canonical(dir, error).string();
  Mount best;
  std::ifstream lines("/proc/self/mountinfo");
  for (std::string line; std::getline(lines, line);) {
    const size_t separator = line.find(" - ");
    if (separator == std::string::npos) continue;
    std::istringstream before(line);
    std::istringstream after(line.substr(separator + 3));
    std::string skipped;
    Mount mount;
    before >> skipped >> skipped >> skipped >> skipped >> mount.point;
    after >> mount.type >> mount.source;
    if (IsWithin(path, mount.point) && mount.point.size() >= best.point.size()) best = mount;
  }
  return best;
}

// The value of the first line "name : value" of a file in /proc.
std::string ProcField(const std::string& file, std::string_view name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string field = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    if (field == name && value != std::string::npos) return line.substr(value);
  }
  return "unknown";
}

}  // namespace

absl::StatusOr<TempDir> TempDir::Create(const std::string& parent) {
  std::string path = parent + "/cairn-bench-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return absl::ErrnoToStatus(errno, path);
  return TempDir(path);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

absl::Status MakeDir(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0) return absl::ErrnoToStatus(errno, path);
  return absl::OkStatus();
}

uint64_t DiskUsage(const std::string& dir) {
  uint64_t blocks = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(dir, error), end; !error && entry != end;
       entry.increment(error)) {
    struct stat info {};
    if (lstat(entry->path().c_str(), &info) == 0) blocks += static_cast<uint64_t>(info.st_blocks);
  }
  return blocks * 512;  // st_blocks' unit, whatever the file system's block size is
}

uint64_t FreeDiskBytes(const std::string& dir) {
  struct statvfs info {};
  if (statvfs(dir.c_str(), &info) != 0) return 0;
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

absl::Status SyncFileSystem(const std::string& dir) {
  const Fd fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || syncfs(fd.get()) != 0) return absl::ErrnoToStatus(errno, dir);
  return absl::OkStatus();
}

std::vector<std::string> DescribeMachine(const std::string& dir) {
  utsname kernel{};
  uname(&kernel);
  const Mount mount = FindMount(dir);
  return {
      fmt::format("processor: {}, {} available", ProcField("/proc/cpuinfo", "model name"),
                  AvailableCpus().size()),
      fmt::format("memory: {}", ProcField("/proc/meminfo", "MemTotal")),
      fmt::format("kernel: {} {} {}", kernel.sysname, kernel.release, kernel.machine),
      fmt::format("data: {} on {} ({})", dir, mount.type, mount.source),
      fmt::format("load average before the start: {:.2f}", LoadAverage()),
  };
}

bool IsMemoryFileSystem(const std::string& dir) {
  const std::string type = FindMount(dir).type;
  return type == "tmpfs" || type == "ramfs";
}

double LoadAverage() {
  double load = 0;
  getloadavg(&load, 1);
  return load;
}

double MachineCpuSeconds() {
  std::ifstream stat("/proc/stat");
  std::string name;
  stat >> name;
  uint64_t ticks = 0;
  for (int i = 0; i < 8; ++i) {  // user nice system idle iowait irq softirq steal
    uint64_t part = 0;
    stat >> part;
    if (i != 3 && i != 4) ticks += part;
  }
  return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void WaitForQuietMachine(int patience_s) {
  const uint64_t end_ns = NowNs() + static_cast<uint64_t>(patience_s) * 1'000'000'000;
  while (NowNs() < end_ns && CheckInterrupted().ok()) {
    const double before = MachineCpuSeconds();
    const uint64_t start_ns = NowNs();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const double all = static_cast<double>(NowNs() - start_ns) * 1e-9 *
                       static_cast<double>(AvailableCpus().size());
    if (MachineCpuSeconds() - before < kBusyShare * all) return;
  }
}

}  // namespace cairn::bench
