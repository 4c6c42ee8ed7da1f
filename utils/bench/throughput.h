// The table of cells: policy x command x pipeline depth, measured on both servers in turn. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "bench/options.h"
#include "bench/server.h"
#include "bench/workload.h"

namespace cairn::bench {

// One run of one cell on one server. Latencies are those of whole batches, in milliseconds.
struct CellRun {
  double ops_per_s = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double p999_ms = 0;
  double max_ms = 0;
  double requests = 0;
  double cpu_s = 0;         // of the server, background work that followed the run included
  double client_share = 0;  // of its processor that the load generator used, 0..1
  double others_share =
      0;  // of the machine that neither server nor generator used but something else did
  bool settled = true;  // the server's background work ended in time
};

// Runs at the same place of the two vectors were made one right after the other.
struct Cell {
  Policy policy;
  Command command;
  size_t depth;
  PerSide<std::vector<CellRun>> runs;
};

// Runs every wanted cell `options.runs` times. A pair of runs during which something else used the
// machine is made again, a few times at most, and the least disturbed one counts. `cells` grows
// while it goes, so that after an error it holds what was measured until then. Errors name the
// cell; codes as RunLoad's.
absl::Status RunThroughput(const Options& options, Progress& progress, std::vector<Cell>& cells);

}  // namespace cairn::bench
