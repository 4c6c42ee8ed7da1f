#include "log/time_text.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"

namespace cairn::log_tool {

std::string FormatTime(int64_t unix_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(unix_ms),
                          absl::UTCTimeZone());
}

std::optional<int64_t> ParseTime(std::string_view text, int64_t now_ms) {
  const absl::string_view view(text.data(), text.size());
  absl::Duration duration;
  if (text.starts_with('-')) {
    if (!absl::ParseDuration(view, &duration)) return std::nullopt;
    return now_ms + absl::ToInt64Milliseconds(duration);
  }
  const bool is_number = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.';
  });
  double seconds = 0;
  // Up to the year 5000, so that the milliseconds are exact.
  if (is_number && absl::SimpleAtod(view, &seconds) && seconds < 1e11) {
    return std::llround(seconds * 1000);
  }
  absl::Time time;
  for (const char* format :
       {"%Y-%m-%d%ET%H:%M:%E*S%Ez", "%Y-%m-%d %H:%M:%E*S%Ez", "%Y-%m-%d%ET%H:%M:%E*S",
        "%Y-%m-%d %H:%M:%E*S", "%Y-%m-%d%ET%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    if (absl::ParseTime(format, view, absl::UTCTimeZone(), &time, nullptr)) {
      return absl::ToUnixMillis(time);
    }
  }
  return std::nullopt;
}

}  // namespace cairn::log_tool
