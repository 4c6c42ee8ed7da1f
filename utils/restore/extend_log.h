// Point-in-time recovery: the log of a restored backup is extended by what was written after it,
// up to a place or a time; the server replays it at its next start.
//
// One thread. Nothing else uses the two folders meanwhile, but a server may go on writing to the
// log that is read.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/file.h"

namespace cairn::restore {

struct Target {
  // Commands that end at or before this offset are taken,
  uint64_t to_offset = UINT64_MAX;
  // if they were written before this time, Unix ms.
  int64_t until_ms = INT64_MAX;
};

struct Extended {
  uint64_t from_offset = 0;  // what the backup reached
  uint64_t to_offset = 0;    // what it reaches now
  uint64_t records = 0;      // that were added
  int64_t last_ms = 0;       // when the last of them was written; 0 when there was none
};

// Adds to the log in the data folder `dir` what `log_dir` (a folder of segments of the same log:
// the live one, or kept copies) holds behind its end, as far as `target` goes. A file in `dir`
// makes the server that starts there take a new replication id. When it returns Ok everything is
// lasting; after an error what was added so far stays, and it can be called again.
//
// kFailedPrecondition: a server holds `dir`; the two logs are not the same one; there is a gap
// between them; `dir` is past the target already. kDataLoss: damage on the way, with its place.
absl::StatusOr<Extended> ExtendLog(base::FileSystem& fs, const std::string& dir,
                                   const std::string& log_dir, const Target& target);

}  // namespace cairn::restore
