// What Open does about run files that a stopped or crashed process has left.
//
// Thread: the opening one, before there is a checkpointer.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/generation.h"
#include "engine/run_file.h"
#include "engine/store.h"

namespace cairn::engine {

// A checkpoint that was cut off behind its complete run file, as it was when it was sealed.
struct RecoveredRun {
  std::shared_ptr<Generation> generation;  // frozen
  RunTarget target;
};

// Loads the complete run file that is newer than the store, if there is one, and removes all
// others:
// - under its temporary name: incomplete, the store has not been touched by it;
// - not newer: the store has it all;
// - damaged, while the store has no checkpoint half applied: not needed, the log leads to the same
// state.
// The loaded one stays, for a crash before its checkpoint is finished. kDataLoss when the store has
// a checkpoint half applied whose run file is damaged or missing: replaying commands over such a
// state would give wrong values; also when there are several newer ones, which no crash leaves.
// kFailedPrecondition: a run file of an unknown version.
absl::StatusOr<std::optional<RecoveredRun>> RecoverRunFiles(base::FileSystem& fs,
                                                            const std::string& run_dir,
                                                            const StoreState& state,
                                                            OpenReport* report);

}  // namespace cairn::engine
