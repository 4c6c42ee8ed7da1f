// Asks the processor for a cache line ahead of its use.
//
// Thread: any. Never faults, whatever the address.
#pragma once

namespace cairn::base {

// __builtin_prefetch alone is not enough: GCC takes a function that does nothing else for one
// without effect, and drops every call of it from another file. The empty statement is the effect.
inline void Prefetch(const void* address) {
  __builtin_prefetch(address);
  asm volatile("" : : "r"(address));
}

}  // namespace cairn::base
