// Who may know whom: the rooms of src/ by rank, and the libraries that belong to one place each.
//
// Pure; thread-safe.
#pragma once

#include <string_view>

#include "tidy/source_tree.h"

namespace cairn::tidy {

// The rank of a room, 0 at the bottom; -1 for a name that is no room. src/README.md has the ranks.
int RankOf(std::string_view room);

// #include "room/file.h" in src/: the file exists, and its room has a strictly lower rank (or is
// the room itself). In utils/ no file of server/ or sentinel/ is included.
Findings CheckIncludeRanks(const SourceTree& tree);

// src/<room>/CMakeLists.txt: a room's library links to rooms of strictly lower rank, and to
// exactly those that its files include.
Findings CheckLinkedRooms(const SourceTree& tree);

// A library that one place wraps is included there only (uv.h in net/, lmdb.h in one file, ...).
Findings CheckWrappedLibraries(const SourceTree& tree);

}  // namespace cairn::tidy
