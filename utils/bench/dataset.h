// What a large data set costs: loading it, memory, disk, walking through it, and starting again.
// Not thread-safe.
//
// Both servers run with `everysec` and get the same keys, each once, in an order that jumps all
// over the range.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/options.h"
#include "bench/process.h"

namespace cairn::bench {

// Everything measured on one server. A vector holds one figure a run; empty = not measured.
struct DatasetSide {
  double load_per_s = 0;  // SET at depth 16, all connections
  Memory memory_loaded;   // after the load, when the background work is over
  Memory memory_started;  // after the last clean restart and its first GET
  uint64_t disk_loaded_bytes = 0;
  uint64_t disk_stopped_bytes = 0;  // after a clean shutdown
  std::vector<double> scan_keys_per_s;
  std::vector<double> scan_mget_values_per_s;
  std::vector<double> range_keys_per_s;
  std::vector<double> range_values_per_s;
  std::vector<double> start_clean_s;   // from fork to the first answered GET of a known key
  std::vector<double> start_killed_s;  // the same after kill -9 at the end of a burst of SETs
  std::vector<double>
      start_rewritten_s;  // Redis only: the same after BGREWRITEAOF and a clean shutdown
};

struct Dataset {
  uint64_t keys = 0;
  PerSide<DatasetSide> sides;
  std::vector<std::string> notes;  // what Redis' append-only file was when it was read at start
};

// `dataset` is filled while it goes, so that after an error it holds what was measured until then.
// kInternal when a server came back with another number of keys than it was stopped with.
absl::Status RunDataset(const Options& options, Progress& progress, Dataset& dataset);

}  // namespace cairn::bench
