// Which processor does what. Thread-safe.
//
// The load generator has the last processor, a server's main thread the first one. A server's other
// threads and children may use every processor but the generator's; with two processors only, they
// may use both. One rule for every server.
#pragma once

#include <string>
#include <vector>

#include <sched.h>
#include <sys/types.h>

#include "absl/status/status.h"

namespace cairn::bench {

// The processors that this process might use when it was first asked, ascending.
const std::vector<int>& AvailableCpus();

cpu_set_t CpuSet(const std::vector<int>& cpus);

struct CpuPlan {
  std::vector<int> client;
  std::vector<int> server_main;
  std::vector<int> server_helpers;
};
CpuPlan PlanCpus(const std::vector<int>& available);

// Puts the calling thread on `cpus`.
absl::Status PinSelf(const std::vector<int>& cpus);
// Puts the threads that `pid` has now where the plan wants them. Threads that end meanwhile are
// passed over.
absl::Status PinServer(pid_t pid, const CpuPlan& plan);

// "0,1", as Redis' *-cpulist options take it.
std::string CpuList(const std::vector<int>& cpus);

}  // namespace cairn::bench
