// How the tidy tests say what a check has found.
//
// Pure; thread-safe.
#pragma once

#include <gtest/gtest.h>

#include "tidy/source_tree.h"

namespace cairn::tidy {

inline testing::AssertionResult NothingFound(const Findings& findings) {
  if (findings.empty()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << findings.size() << " found:\n" << Print(findings);
}

}  // namespace cairn::tidy
