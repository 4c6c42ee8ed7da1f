#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace cairn::base {

void CheckFailed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
  std::abort();
}

}  // namespace cairn::base
