// Quoting of configuration words: the inverse of base::SplitArgs.
//
// Pure function; thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace cairn::config {

// `word` as an argument of a configuration line: unchanged when it is safe bare, otherwise in
// double quotes. For any bytes, base::SplitArgs(Quote(word)) gives back {word}, and the result has
// no line break.
std::string Quote(std::string_view word);

}  // namespace cairn::config
