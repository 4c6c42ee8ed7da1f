// A build that leaves out one sync exists to prove that the tests of power cuts would notice
// (tests/crash/README.md). Everywhere else CAIRN_CANARY is not defined, and nothing is left out:
// the conditions are constants, which the compiler removes.
//
// Constants; any thread.
#pragma once

#include <string_view>

namespace cairn::base {

#ifdef CAIRN_CANARY
constexpr std::string_view kCanary = CAIRN_CANARY;
#else
constexpr std::string_view kCanary;
#endif

// True in the build that is meant to do without `what`.
[[maybe_unused]] static constexpr bool LeavesOut(std::string_view what) {
  return !what.empty() && what == kCanary;
}

}  // namespace cairn::base
