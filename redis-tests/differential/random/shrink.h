// Makes a failing sequence of commands short enough to read.
#pragma once

#include <functional>
#include <vector>

#include "differential/random/command_source.h"

namespace cairn::redis_tests {

// `commands`: a sequence whose last command is answered differently. `fails`: replays a sequence
// from empty databases and says whether any reply differs. Returns a shorter sequence that still
// fails, or `commands` when none is found (state from before the sequence, or timing, mattered). At
// most `max_tries` replays.
std::vector<RandomCommand> Shrink(
    std::vector<RandomCommand> commands,
    const std::function<bool(const std::vector<RandomCommand>&)>& fails, int max_tries);

}  // namespace cairn::redis_tests
