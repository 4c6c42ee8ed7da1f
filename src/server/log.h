// The server's log lines (not the log of writes: that one is in wal/), over spdlog.
//
// One line: time, level, text. Levels are Redis': debug, verbose, notice, warning. Set up once on
// the main thread before other threads start; writing is thread-safe.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "absl/status/status.h"

namespace cairn::server {

enum class LogLevel : uint8_t { kDebug, kVerbose, kNotice, kWarning, kNothing };

// Where lines go: a file, or standard output when `path` is empty.
absl::Status OpenLog(const std::string& path);
// Opens the file anew after something else has moved it away (SIGHUP).
void ReopenLog();
void SetLogLevel(LogLevel level);

void WriteLog(LogLevel level, std::string_view text);
bool LogEnabled(LogLevel level);

template <typename... T>
void Log(LogLevel level, fmt::format_string<T...> format, T&&... args) {
  if (LogEnabled(level)) WriteLog(level, fmt::format(format, std::forward<T>(args)...));
}
template <typename... T>
void LogNotice(fmt::format_string<T...> format, T&&... args) {
  Log(LogLevel::kNotice, format, std::forward<T>(args)...);
}
template <typename... T>
void LogWarning(fmt::format_string<T...> format, T&&... args) {
  Log(LogLevel::kWarning, format, std::forward<T>(args)...);
}
template <typename... T>
void LogVerbose(fmt::format_string<T...> format, T&&... args) {
  Log(LogLevel::kVerbose, format, std::forward<T>(args)...);
}

}  // namespace cairn::server
