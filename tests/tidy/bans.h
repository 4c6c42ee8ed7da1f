// What this code base does not use, and what it uses instead.
//
// Pure; thread-safe.
#pragma once

#include <string_view>

#include "tidy/source_tree.h"

namespace cairn::tidy {

// Calls, types and words of the ban table, outside of the places that the table excepts. Files of
// C++ only.
Findings CheckBans(const SourceTree& tree);
// Waiting for a time instead of an event, in src/, tests/ and redis-tests/ (C++ and Python),
// outside of the places that have a reason.
Findings CheckSleeps(const SourceTree& tree);
// Notes of unfinished work, in any file.
Findings CheckUnfinished(const SourceTree& tree);
// Folders of somebody's machine, in any file.
Findings CheckMachinePaths(const SourceTree& tree);
// A remark that silences a clang-tidy check must name the check.
Findings CheckSilenced(const SourceTree& tree);
// Exceptions of CheckBans and CheckSleeps that nothing needs any more.
Findings CheckStaleExceptions(const SourceTree& tree);

}  // namespace cairn::tidy
