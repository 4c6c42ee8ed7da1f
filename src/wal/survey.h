// What a log folder holds, found by reading only: its segments, how far the stream in them goes,
// and what is wrong behind that. Recovery acts on it; tools show it.
//
// FORMAT.md ("Recovery") gives the rules and their reasons. Pure reading on the calling thread; a
// folder in which a server writes meanwhile gives its state at some time during the call, or
// kNotFound when a segment was dropped between two looks (call again).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "wal/format.h"
#include "wal/log_id.h"
#include "wal/segment.h"
#include "wal/tail_scan.h"

namespace cairn::wal {

// A segment file as it was found.
struct FoundSegment {
  SegmentInfo info;                     // bytes = the file's size
  std::optional<SegmentHeader> header;  // nullopt when it is damaged or another segment's
  std::string problem;                  // why there is no header
  std::optional<TailScan> scan;         // of the segments of the tail
};

// Where the log ends, and what is wrong behind that.
struct LogEnd {
  size_t segment = 0;      // index of the segment that holds the end
  uint64_t offset = 0;     // in the stream
  uint64_t position = 0;   // in that segment's file
  std::string problem;     // empty when nothing is behind the end
  size_t bad_segment = 0;  // where the problem is
  uint64_t bad_position = 0;
};

struct Survey {
  std::vector<FoundSegment> segments;  // by first offset
  // Paths of what is not part of the log any more: temporary files, segments that newer ones have
  // replaced, segments of a replaced log.
  std::vector<std::string> leftovers;
  size_t tail = 0;    // index of the first segment that was scanned; those before were not read
  uint64_t mark = 0;  // everything before it is known to have been lasting
  uint64_t newest_sequence = 0;  // of all that were found
  LogEnd end;                    // when there are segments
};

// The segments in `dir` whose headers, if whole, are of this program's format version, ordered by
// first offset; nothing else is looked at. Errors: kNotFound when there is no such folder;
// kFailedPrecondition for another version; those of the file system.
absl::StatusOr<std::vector<FoundSegment>> FindSegments(base::FileSystem& fs,
                                                       const std::string& dir);

// The id of a log that has begun at offset 0 and never held a byte, kNoLogId when there is no
// segment at all, and nullopt when the segments hold, or may hold, more than that.
std::optional<LogId> EmptyLog(const std::vector<FoundSegment>& segments);

// Surveys the log in `dir`. Segments with the id `replaced` (kNoLogId: none) count as left over.
// Damage of segments is part of the result; errors as FindSegments gives them.
absl::StatusOr<Survey> SurveyLog(base::FileSystem& fs, const std::string& dir,
                                 const LogId& replaced);

// kFailedPrecondition when whole headers name different logs.
absl::Status CheckOneLog(const Survey& survey);

// kDataLoss when something is missing before the tail: a header, or bytes between two segments.
absl::Status CheckOlderSegments(const Survey& survey);

// kDataLoss when the log ends before a place up to which it is known to have been lasting.
absl::Status CheckEnd(const Survey& survey);

}  // namespace cairn::wal
