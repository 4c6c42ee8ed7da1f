// Brings the segments that a crash left behind into order: finds the log's end, cuts a torn tail,
// refuses damage.
//
// Runs once, before the log is used, on the calling thread. FORMAT.md ("Recovery") gives the rules
// and their reasons.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/file.h"
#include "wal/log.h"
#include "wal/segment.h"

namespace cairn::wal {

struct Recovered {
  SegmentTable table;            // empty when there is no log yet
  uint64_t newest_sequence = 0;  // of all segments that were found
  uint32_t last_salt = 0;        // of the table's last segment
  uint64_t mark = 0;             // up to here the files themselves say that they are lasting
};

// Recovers the log in `dir`, which exists. When it returns Ok, all that the table holds is lasting.
// `report` gets what was cut; errors as Log::Open gives them, and those of the file system.
absl::StatusOr<Recovered> RecoverSegments(base::FileSystem& fs, const std::string& dir,
                                          const LogIdentity& identity, OpenReport* report);

// The error of a log that has begun in `dir` and is not there; noted in `report`.
absl::Status LogMissing(const std::string& dir, const LogId& id, OpenReport* report);

}  // namespace cairn::wal
