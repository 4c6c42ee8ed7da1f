// What the process takes, from the allocator and from the kernel.
//
// Thread-safe.
#pragma once

#include <cstdint>

namespace cairn::server {

// Bytes that the program has allocated (jemalloc's stats.allocated).
uint64_t UsedMemory();

struct AllocatorMemory {
  uint64_t allocated = 0;
  uint64_t active = 0;
  uint64_t resident = 0;
};
AllocatorMemory ReadAllocatorMemory();

// Resident memory of the process, bytes: all of it, and without pages of files (the store is
// mapped, so its cached pages count in the first).
struct ResidentMemory {
  uint64_t total = 0;
  uint64_t anonymous = 0;
};
ResidentMemory ReadResidentMemory();

// Physical memory of the machine, bytes.
uint64_t SystemMemory();

}  // namespace cairn::server
