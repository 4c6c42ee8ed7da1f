// Named places at which a test may end the process: in front of and behind every step that makes
// something lasting. A test links a hook, which is called with the name of each place that is
// passed; the released program links none, so that a place is a load and a branch.
//
// Names say "before" or "after" and the step; tests/crash/failpoints_main.cc has the list of all.
//
// Any thread may pass a place. The hook is set before the process has a second thread.
#pragma once

#include <atomic>
#include <string_view>

namespace cairn::base {

using FailpointHook = void (*)(std::string_view name);

inline std::atomic<FailpointHook> failpoint_hook = nullptr;

inline void Failpoint(std::string_view name) {
  const FailpointHook hook = failpoint_hook.load(std::memory_order_relaxed);
  if (hook != nullptr) [[unlikely]]
    hook(name);
}

}  // namespace cairn::base
