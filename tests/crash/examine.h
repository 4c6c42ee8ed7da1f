// Builds and checks many images of a trial, in several processes, so that an image at which the
// storage itself crashes is an ordinary finding.
//
// Call while the process has no other thread: it forks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crash/checker.h"
#include "crash/cuts.h"
#include "crash/trial.h"

namespace cairn::crash {

struct Finding {
  Cut cut;
  std::string problem;
};

struct Tally {
  uint64_t images = 0;
  uint64_t with_pending = 0;  // something was not lasting
  uint64_t log_was_cut = 0;   // recovery cut a torn tail
  uint64_t run_file_loaded = 0;
  uint64_t run_file_dropped = 0;
  std::map<std::string, uint64_t> by_edge;
  std::map<std::string, uint64_t> by_fate;
  int64_t exposed_ms = 0;  // the longest that everysec left an answered write at risk
  std::vector<Finding> findings;

  void Add(const Tally& other);
};

struct ExamineOptions {
  uint64_t seed = 1;
  uint64_t images = 1000;
  int processes = 2;
  bool stop_at_first = true;  // each process ends at its first finding
};

// Errors are those of the machine; what is wrong with images is in the tally.
absl::StatusOr<Tally> Examine(const Trial& trial, const ExamineOptions& options);

// Makes the one image in `folder`, which is made, and leaves it there; `*verdict` gets what the
// checker says of a copy. An error when the image cannot be made.
absl::Status ExamineOne(const Trial& trial, uint64_t seed, uint64_t number,
                        const std::string& folder, Cut* cut, absl::StatusOr<Verdict>* verdict);

}  // namespace cairn::crash
