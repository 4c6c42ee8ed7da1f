// Scans one segment of the log's tail: how far its records are whole, and what the rest still
// proves.
//
// Every record says up to which offset the log was lasting when the record was written. The largest
// such mark found anywhere, also behind a hole, divides the log: what is missing before it was lost
// by damage, what is missing after it was never promised. Pure reading; used by recovery.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/file.h"
#include "wal/segment.h"

namespace cairn::wal {

struct TailScan {
  SegmentInfo info;         // index and, as bytes, the file position after the last whole record
  uint64_t end_offset = 0;  // stream offset there
  uint64_t mark = 0;        // the largest mark in the file
  std::string problem;  // why the record at info.bytes is not whole; empty when the file ends there
};

// Scans `segment`, whose `bytes` are the file's size. `salt` is what its header says; without a
// header (nullopt) only marks are looked for. Errors are those of the file system; damage is part
// of the result.
absl::StatusOr<TailScan> ScanSegment(base::FileSystem& fs, const SegmentInfo& segment,
                                     std::optional<uint32_t> salt);

}  // namespace cairn::wal
