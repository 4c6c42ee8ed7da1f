// Sorts entries by key, fast enough for a loop that others wait for.
//
// Pure function; thread-safe.
#pragma once

#include <vector>

#include "engine/entry.h"

namespace cairn::engine {

// Sorts `entries` in byte order of their keys, which must all differ. Uses 32 bytes of scratch
// memory an entry.
void SortByKey(std::vector<const Entry*>* entries);

// Merges two lists in key order, without a common key, into one.
std::vector<const Entry*> MergeByKey(const std::vector<const Entry*>& a,
                                     const std::vector<const Entry*>& b);

}  // namespace cairn::engine
