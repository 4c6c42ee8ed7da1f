#include "bench/cpus.h"

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "fmt/format.h"
#include "fmt/ranges.h"

namespace cairn::bench {

const std::vector<int>& AvailableCpus() {
  static const std::vector<int> available = [] {
    std::vector<int> cpus;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
      for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
      }
    }
    return cpus;
  }();
  return available;
}

cpu_set_t CpuSet(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : cpus) CPU_SET(cpu, &set);
  return set;
}

CpuPlan PlanCpus(const std::vector<int>& available) {
  if (available.size() < 2) return {available, available, available};
  CpuPlan plan{{available.back()}, {available.front()}, available};
  if (available.size() > 2) plan.server_helpers.pop_back();
  return plan;
}

absl::Status PinSelf(const std::vector<int>& cpus) {
  const cpu_set_t set = CpuSet(cpus);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    return absl::ErrnoToStatus(errno, "sched_setaffinity");
  }
  return absl::OkStatus();
}

absl::Status PinServer(pid_t pid, const CpuPlan& plan) {
  const cpu_set_t main_set = CpuSet(plan.server_main);
  const cpu_set_t helper_set = CpuSet(plan.server_helpers);
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    const std::string name = entry.path().filename().string();
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    const cpu_set_t& set = thread == pid ? main_set : helper_set;
    if (sched_setaffinity(thread, sizeof set, &set) != 0 && errno != ESRCH) {
      return absl::ErrnoToStatus(errno, "sched_setaffinity of a server's thread");
    }
  }
  return absl::OkStatus();
}

std::string CpuList(const std::vector<int>& cpus) {
  return fmt::format("{}", fmt::join(cpus, ","));
}

}  // namespace cairn::bench
