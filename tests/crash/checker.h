// Opens an image of the disk with the server's storage, in this process, and holds it against what
// the clients did.
//
// Thread: one at a time; the storage's own threads end before CheckImage returns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crash/journal.h"

namespace cairn::crash {

struct Expectation {
  const std::vector<Journal>* journals = nullptr;
  std::vector<size_t> least;  // for each, how many commands must have survived
  int64_t cut_ms = 0;         // Unix time of the cut: no key expires before its time
  int64_t now_ms = 0;         // Unix time at which the image is opened
};

struct Verdict {
  std::vector<size_t> survived;  // for each journal, the number of commands that are in
  bool log_was_cut = false;
  bool run_file_loaded = false;
  bool run_file_dropped = false;
};

// What is checked: the storage opens; every way to read gives the same keys, counts and expiries;
// each database is what some number of its client's commands leads to, at least as many as must
// have survived, with the same order across clients; then writing goes on, and a restart, orderly
// or not, gives the same state. `folder` holds `data`, and is written to. `seed` varies what is
// written. Otherwise an error that says what is wrong.
absl::StatusOr<Verdict> CheckImage(const std::string& folder, const Expectation& expectation,
                                   uint64_t seed);

}  // namespace cairn::crash
