// The pages beside the code.
//
// Pure; thread-safe.
#pragma once

#include <cstddef>

#include "tidy/source_tree.h"

namespace cairn::tidy {

constexpr size_t kMaxReadmeLines = 40;

// Every room has a README.md of at most kMaxReadmeLines lines.
Findings CheckRoomReadmes(const SourceTree& tree);

// In every README.md and FORMAT.md, what stands in backticks and looks like one of our files, and
// what a table lists under "file", exists: beside the page or (a plain name) in a folder below it,
// from the top of the repository or from src/ on. `name.h, .cc` stands for two files, a name
// without a suffix for whatever it begins.
Findings CheckNamedFiles(const SourceTree& tree);

}  // namespace cairn::tidy
