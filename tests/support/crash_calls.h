// Ends this process in front of a call that would change a file, as a crash there would: what was
// written before is what the next process finds. For death tests, which run the work in a process
// of its own.
//
// A program that links crash_calls.cc has its own versions of the C library's calls; LMDB's go
// through them too. Thread-safe.
#pragma once

namespace cairn::test {

// The exit code of a process that ended so.
inline constexpr int kCrashed = 42;

// The process ends in front of the `nth` such call from now on, counted from 1; 0 = never.
void CrashAtCall(int nth);

}  // namespace cairn::test
