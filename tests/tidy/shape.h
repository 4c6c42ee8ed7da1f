// How large things may be and how files look.
//
// Pure; thread-safe.
#pragma once

#include <cstddef>

#include "tidy/source_tree.h"

namespace cairn::tidy {

constexpr size_t kMaxSourceLines = 800;
constexpr size_t kMaxHeaderLines = 300;
constexpr size_t kMaxFunctionLines = 70;  // from its first line to its closing brace
constexpr size_t kMaxColumns = 100;

// A header begins with a comment and has #pragma once.
Findings CheckHeaderForm(const SourceTree& tree);
Findings CheckFileLengths(const SourceTree& tree);
Findings CheckFunctionLengths(const SourceTree& tree);
// C++: at most kMaxColumns characters a line.
Findings CheckColumns(const SourceTree& tree);
// No tabs (but in makefiles), no blanks at line ends, no carriage returns, a line end at the end.
Findings CheckWhitespace(const SourceTree& tree);
// src/<room>/<file>, and nowhere else more than three folders deep.
Findings CheckDepth(const SourceTree& tree);

}  // namespace cairn::tidy
