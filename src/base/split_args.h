// Splits a line into arguments by Redis' quoting rules, which inline commands and redis.conf lines
// share.
//
// Arguments are separated by white space. "double quotes" understand \xHH, \n, \r, \t, \b, \a, and
// \ before any other byte as that byte; 'single quotes' understand \' only. A quote may begin
// inside an argument (a"b c" is `ab c`), and its end must be followed by white space or the end of
// the line. Pure function; thread-safe. Source: experiments with redis-server 7.0.15.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::base {

// The arguments of `line` (none for a blank one), or empty when its quotes are not balanced.
std::optional<std::vector<std::string>> SplitArgs(std::string_view line);

}  // namespace cairn::base
