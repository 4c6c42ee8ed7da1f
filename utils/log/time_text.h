// Times as cairn-log reads and writes them.
//
// Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::log_tool {

// Unix ms as `2026-11-20T08:41:53.109Z`.
std::string FormatTime(int64_t unix_ms);

// Reads a time, as Unix ms: a date, perhaps with hours and minutes, perhaps with seconds and a zone
// (RFC 3339; without a zone in UTC; a blank may stand for the T), Unix seconds with or without a
// fraction, or a duration before `now_ms` (`-10m`, `-1h30m`). nullopt when it is none.
std::optional<int64_t> ParseTime(std::string_view text, int64_t now_ms);

}  // namespace cairn::log_tool
