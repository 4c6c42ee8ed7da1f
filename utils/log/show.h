// Shows the commands of a log, from disk, whoever writes to it meanwhile.
//
// One thread; nothing is kept. It reads with wal/'s own reader, so what it shows is what the server
// would replay.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"

namespace cairn::log_tool {

struct ShowOptions {
  // Commands that begin at a stream offset in [from, to). 0 = from the log's beginning; any other
  // `from` must be in the log.
  uint64_t from = 0;
  uint64_t to = std::numeric_limits<uint64_t>::max();
  // Records that were written in [since_ms, until_ms), by their own Unix times.
  int64_t since_ms = std::numeric_limits<int64_t>::min();
  int64_t until_ms = std::numeric_limits<int64_t>::max();
  // The commands' own bytes, RESP, instead of a line each: offset, time, words quoted as redis-cli
  // reads them.
  bool resp = false;
};

struct Shown {
  enum class End : uint8_t {
    kWhole,    // everything that was asked for
    kTorn,     // the log ends in bytes that are not a whole record
    kDamaged,  // something is missing or damaged
  };
  End end = End::kWhole;
  std::string text;  // what is torn or damaged, and where; empty when nothing is
  std::string note;  // what else there is to know; empty when nothing
  uint64_t commands = 0;
};

// The folder of a log's segments, given it or the data folder around it. kNotFound when there is
// none.
absl::StatusOr<std::string> FindLogFolder(base::FileSystem& fs, const std::string& dir);

// Hands the commands of the log in the folder `log_dir` to `write`, piece by piece, in order; an
// error of `write` ends it and is returned. kNotFound and kOutOfRange: options.from is not in the
// log. Other errors as wal::LogView::Open.
absl::StatusOr<Shown> ShowLog(base::FileSystem& fs, const std::string& log_dir,
                              const ShowOptions& options,
                              const std::function<absl::Status(std::string_view)>& write);

}  // namespace cairn::log_tool
