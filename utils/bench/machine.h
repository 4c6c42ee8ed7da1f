// What the report says about the machine, and what the rest of the machine does while a cell runs.
// Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cairn::bench {

// A new, empty folder, removed with all that is in it on destruction.
class TempDir {
 public:
  static absl::StatusOr<TempDir> Create(const std::string& parent);
  TempDir(TempDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

absl::Status MakeDir(const std::string& path);
// Bytes of disk that the files below `dir` take (allocated blocks, so holes do not count).
uint64_t DiskUsage(const std::string& dir);
uint64_t FreeDiskBytes(const std::string& dir);
// Has the kernel write out everything that the file system of `dir` still owes its disk.
absl::Status SyncFileSystem(const std::string& dir);

// Lines for the report: processor, memory, kernel, the file system of `dir`, load average.
std::vector<std::string> DescribeMachine(const std::string& dir);
bool IsMemoryFileSystem(const std::string& dir);
double LoadAverage();

// Processor time that the whole machine has spent on anything but idling since it was started, in
// seconds; time that the hypervisor gave to others is in it.
double MachineCpuSeconds();

// A run is disturbed when something else used more than this share of all processors meanwhile. The
// kernel's own threads, which write files out, are part of that share and stay well below.
inline constexpr double kBusyShare = 0.1;
// Waits until the machine has been less busy than that for 200 ms, but for no more than
// `patience_s`.
void WaitForQuietMachine(int patience_s);

}  // namespace cairn::bench
