// What Open does about run files that a stopped or crashed process has left.
//
// Thread: the opening one, before there is a checkpointer.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "base/file.h"
#include "engine/apply.h"
#include "engine/engine.h"
#include "engine/store.h"

namespace cairn::engine {

// Applies a complete run file that is newer than the store and removes all others:
// - under its temporary name: incomplete, the store has not been touched by it;
// - complete but not newer: the store has it all;
// - damaged, while the store has no checkpoint half applied: not needed, the log leads to the same
// state. kDataLoss when the store has a checkpoint half applied whose run file is damaged or
// missing: replaying commands over such a state would give wrong values. kFailedPrecondition: a run
// file of an unknown version.
absl::Status RecoverRunFiles(base::FileSystem& fs, const std::string& run_dir, Store& store,
                             const ChunkLimits& limits, OpenReport* report);

}  // namespace cairn::engine
