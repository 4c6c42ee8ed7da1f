#include "server/memory.h"

#include <fstream>
#include <string>

#include <sys/sysinfo.h>

#ifdef CAIRN_JEMALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif

namespace cairn::server {
namespace {

#ifdef CAIRN_JEMALLOC

uint64_t ReadStat(const char* name) {
  size_t value = 0;
  size_t size = sizeof value;
  if (mallctl(name, &value, &size, nullptr, 0) != 0) return 0;
  return value;
}

void RefreshStats() {
  uint64_t epoch = 1;
  size_t size = sizeof epoch;
  mallctl("epoch", &epoch, &size, &epoch, size);
}

#endif

}  // namespace

AllocatorMemory ReadAllocatorMemory() {
#ifdef CAIRN_JEMALLOC
  RefreshStats();
  return {.allocated = ReadStat("stats.allocated"),
          .active = ReadStat("stats.active"),
          .resident = ReadStat("stats.resident")};
#else
  const struct mallinfo2 info = mallinfo2();
  return {.allocated = info.uordblks, .active = info.arena, .resident = info.arena};
#endif
}

uint64_t UsedMemory() {
  return ReadAllocatorMemory().allocated;
}

ResidentMemory ReadResidentMemory() {
  ResidentMemory memory;
  std::ifstream status("/proc/self/status");
  std::string name;
  while (status >> name) {
    uint64_t kib = 0;
    if (name == "VmRSS:" && status >> kib) memory.total = kib * 1024;
    if (name == "RssAnon:" && status >> kib) memory.anonymous = kib * 1024;
    std::getline(status, name);
  }
  return memory;
}

uint64_t SystemMemory() {
  struct sysinfo info {};
  if (sysinfo(&info) != 0) return 0;
  return static_cast<uint64_t>(info.totalram) * info.mem_unit;
}

}  // namespace cairn::server
