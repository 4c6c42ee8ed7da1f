// Names that clients give themselves (CLIENT SETNAME, SETINFO, HELLO SETNAME).
//
// Pure; thread-safe.
#pragma once

#include <algorithm>
#include <string_view>

namespace cairn::server {

inline constexpr std::string_view kBadClientName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

// Redis' rule: every byte from '!' to '~', so that CLIENT LIST stays readable by machines.
inline bool IsPrintableWord(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

}  // namespace cairn::server
