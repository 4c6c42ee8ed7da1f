// A log as somebody reads it who does not own it: tools, also while a server writes to it.
//
// Nothing is locked, cut, deleted or written. The view is that of one moment: what is appended
// later is seen by a new view. Readers are the log's own; they find damage in what Open does not
// read. One thread; readers must not outlive their view.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "wal/log.h"
#include "wal/log_id.h"
#include "wal/segment.h"
#include "wal/survey.h"

namespace cairn::wal {

class LogView {
 public:
  // kNotFound when there is no such folder or no segment in it; kFailedPrecondition for another
  // format version, or segments of several logs; kDataLoss when not even one segment can be told
  // from garbage; errors of the file system.
  static absl::StatusOr<std::unique_ptr<LogView>> Open(base::FileSystem& fs,
                                                       const std::string& dir);

  [[nodiscard]] const LogId& id() const { return id_; }
  [[nodiscard]] uint64_t first_offset() const { return table_.first_offset(); }
  // Where the records end that follow each other; behind damage there may be more.
  [[nodiscard]] uint64_t end_offset() const { return survey_.end.offset; }
  // With their headers; the first ones have not been read any further.
  [[nodiscard]] const std::vector<FoundSegment>& segments() const { return survey_.segments; }

  // kDataLoss when something lasting is missing or damaged, as far as it can be known without
  // reading every record. A log in this state is refused by Log::Open, with the same text.
  [[nodiscard]] const absl::Status& damage() const { return damage_; }
  // Bytes behind the end that were never promised to be lasting, in files; 0 when damage() is not
  // Ok. Log::Open cuts them. While a server writes they may be a record on its way.
  [[nodiscard]] uint64_t torn_bytes() const { return torn_bytes_; }
  // Where they begin and what is wrong with them; empty when there are none.
  [[nodiscard]] const std::string& torn_text() const { return torn_text_; }

  // As Log::NewReader. A segment that a server has dropped since Open gives kNotFound.
  [[nodiscard]] absl::StatusOr<std::unique_ptr<Reader>> NewReader(uint64_t offset) const;
  // Where the first segment behind `offset` begins: there one can read on after damage at `offset`.
  // nullopt when there is none.
  [[nodiscard]] std::optional<uint64_t> NextSegment(uint64_t offset) const;

 private:
  LogView(base::FileSystem& fs, Survey survey);

  base::FileSystem& fs_;
  Survey survey_;
  SegmentTable table_;
  LogId id_ = kNoLogId;
  absl::Status damage_;
  uint64_t torn_bytes_ = 0;
  std::string torn_text_;
};

}  // namespace cairn::wal
