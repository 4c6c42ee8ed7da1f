// Assertions about our own code, kept in release builds.
//
// Two kinds of error are never mixed: what the world does (a full disk, bad bytes, a wrong
// argument) is an absl::Status; what we did wrong is a CHECK, which prints where and what and
// aborts. Thread-safe.
#pragma once

namespace cairn::base {

// Prints `file:line: check failed: what` to standard error and aborts. Never returns.
[[noreturn]] void CheckFailed(const char* file, int line, const char* what);

}  // namespace cairn::base

#define CAIRN_CHECK(condition)                       \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::cairn::base::CheckFailed(__FILE__, __LINE__, #condition))
