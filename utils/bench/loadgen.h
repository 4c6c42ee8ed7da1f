// The load generator: one thread, epoll, many connections, each with one batch of pipelined
// requests under way.
//
// A connection sends a batch of `depth` requests in one write, waits for all replies, records how
// long the batch took and sends the next (a closed loop). Requests are ready-made bytes in which
// only the keys' digits change, and replies are counted, not parsed, so that the generator is not
// what limits the figures; LoadResult says how busy it was. Not thread-safe; a call blocks until
// the load is over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "bench/histogram.h"
#include "bench/workload.h"

namespace cairn::bench {

struct LoadSpec {
  uint16_t port = 0;  // on 127.0.0.1
  Command command = Command::kSet;
  size_t connections = 50;
  size_t depth = 1;
  size_t value_bytes = 100;
  uint64_t keys = 1'000'000;  // numbers 0..keys-1
  bool each_once = false;     // visit keys as a permutation instead of at random (workload.h)
  uint64_t seed = 1;
  // The load ends at whichever comes first; 0 = no such limit, and one of them must be given.
  uint64_t requests = 0;
  double seconds = 0;
};

struct LoadResult {
  uint64_t requests = 0;  // answered, each with a reply that is neither an error nor null
  double seconds = 0;     // from the first request to the last reply
  double client_cpu_seconds = 0;
  Histogram batch_ns;  // one entry per batch: from just before its write to after the read that
                       // completed it
};

// Errors: kFailedPrecondition = a reply was an error, or null (a key that should be there is
// missing); kUnavailable = the server closed a connection; kDeadlineExceeded = no reply for 60 s;
// kCancelled = interrupted; others from the system.
absl::StatusOr<LoadResult> RunLoad(const LoadSpec& spec);

}  // namespace cairn::bench
