// What the build knows: every source is built, every header compiles alone, test names are unique.
//
// Pure; thread-safe.
#pragma once

#include <string_view>

#include "tidy/source_tree.h"

namespace cairn::tidy {

// Every .cc is named in `compile_commands` (the text of compile_commands.json), under `root`.
Findings CheckAllBuilt(const SourceTree& tree, std::string_view root,
                       std::string_view compile_commands);

// Every header of src/ and utils/ compiles alone: the source of its name includes it first, or, if
// there is none, a generated source includes nothing else (tidy.cmake). `list` has the headers with
// a generated source, one path a line.
Findings CheckHeadersAlone(const SourceTree& tree, std::string_view list);

// TEST(Suite, Name) is there once in all of the repository.
Findings CheckTestNames(const SourceTree& tree);

}  // namespace cairn::tidy
