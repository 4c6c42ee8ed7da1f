#include "wal/recovery.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "wal/tail_scan.h"

namespace cairn::wal {
namespace {

// A segment file as it was found.
struct Found {
  SegmentInfo info;                     // bytes = the file's size
  std::optional<SegmentHeader> header;  // nullopt when it is damaged
  std::optional<TailScan> scan;         // once the segment was scanned
};

// Where the log ends, and what is wrong behind that.
struct End {
  size_t segment = 0;      // index of the segment that holds the end
  uint64_t offset = 0;     // in the stream
  uint64_t position = 0;   // in that segment's file
  std::string problem;     // empty when nothing is behind the end
  size_t bad_segment = 0;  // where the problem is
  uint64_t bad_position = 0;
};

class Recovery {
 public:
  Recovery(base::FileSystem& fs, const std::string& dir, OpenReport* report)
      : fs_(fs), dir_(dir), report_(report) {}

  absl::StatusOr<Recovered> Run();

 private:
  // Fills segments_, ordered by offset, and removes left-over temporary files.
  absl::Status Find();
  absl::StatusOr<Found> Inspect(uint64_t first_offset);
  // Takes out of segments_ what a newer segment has replaced.
  void SetReplacedAside();
  // Scans from the last segment backwards until a segment begins before everything that may be
  // torn.
  absl::Status ScanTail();
  // Segments before the tail are lasting; they are not read, but their sizes must fit together.
  absl::Status CheckOlder() const;
  [[nodiscard]] End FindEnd() const;
  // Cuts what is behind the end, or refuses when something lasting is missing there.
  absl::Status Cut(const End& end);
  // Writes what may not be lasting once more over itself and syncs it.
  absl::Status MakeLasting(const End& end);
  absl::Status Rewrite(base::File& file, uint64_t position, uint64_t end_position);

  base::FileSystem& fs_;
  const std::string& dir_;
  OpenReport* report_;
  std::vector<Found> segments_;
  std::vector<std::string> replaced_;  // paths
  size_t tail_ = 0;                    // the first scanned segment
  uint64_t mark_ = 0;                  // everything before it is known to have been lasting
  uint64_t newest_sequence_ = 0;
};

absl::StatusOr<Found> Recovery::Inspect(uint64_t first_offset) {
  Found found;
  found.info.first_offset = first_offset;
  found.info.path = SegmentPath(dir_, first_offset);
  auto file = fs_.Open(found.info.path, base::FileSystem::Mode::kRead);
  if (!file.ok()) {
    return file.status();
  }
  auto size = (*file)->Size();
  if (!size.ok()) {
    return size.status();
  }
  found.info.bytes = *size;
  std::array<char, kSegmentHeaderSize> bytes{};
  auto got = (*file)->ReadAt(0, bytes.data(), bytes.size());
  if (!got.ok()) {
    return got.status();
  }
  SegmentHeader header;
  uint32_t version = 0;
  const SegmentCheck check = *got < bytes.size()
                                 ? SegmentCheck::kDamaged
                                 : DecodeSegmentHeader(bytes.data(), &header, &version);
  if (check == SegmentCheck::kUnknownVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "log segment `{}` has format version {}, but this program knows only version {}: "
        "use the program that wrote it",
        found.info.path, version, kFormatVersion));
  }
  if (check == SegmentCheck::kOk) {
    if (header.first_offset != first_offset) {
      return Damage(
          found.info.path, 0, first_offset,
          fmt::format("by its header the segment begins at offset {}; the file was renamed",
                      header.first_offset));
    }
    found.header = header;
    found.info.sequence = header.sequence;
  }
  return found;
}

absl::Status Recovery::Find() {
  auto names = fs_.List(dir_);
  if (!names.ok()) {
    return names.status();
  }
  for (const std::string& name : *names) {
    if (name.ends_with(kTemporarySuffix) &&
        ParseSegmentName(name.substr(0, name.size() - kTemporarySuffix.size())).has_value()) {
      replaced_.push_back(dir_ + "/" + name);
    }
    const std::optional<uint64_t> first_offset = ParseSegmentName(name);
    if (!first_offset.has_value()) {
      continue;
    }
    auto found = Inspect(*first_offset);
    if (!found.ok()) {
      return found.status();
    }
    newest_sequence_ = std::max(newest_sequence_, found->info.sequence);
    segments_.push_back(std::move(*found));
  }
  return absl::OkStatus();
}

void Recovery::SetReplacedAside() {
  // From the newest to the oldest: what begins at or after a newer segment's first offset is
  // replaced by it.
  std::vector<const Found*> by_age;
  for (const Found& found : segments_) {
    if (found.header.has_value()) {
      by_age.push_back(&found);
    }
  }
  std::sort(by_age.begin(), by_age.end(),
            [](const Found* a, const Found* b) { return a->info.sequence > b->info.sequence; });
  uint64_t lowest = UINT64_MAX;
  for (const Found* found : by_age) {
    if (found->info.first_offset >= lowest) {
      replaced_.push_back(found->info.path);
    }
    lowest = std::min(lowest, found->info.first_offset);
  }
  std::erase_if(segments_, [this](const Found& found) {
    return std::find(replaced_.begin(), replaced_.end(), found.info.path) != replaced_.end();
  });
}

absl::Status Recovery::ScanTail() {
  for (const Found& found : segments_) {
    if (found.header.has_value()) {
      mark_ = std::max(mark_, found.header->synced_offset);
    }
  }
  for (tail_ = segments_.size(); tail_ > 0;) {
    Found& found = segments_[--tail_];
    std::optional<uint32_t> salt;
    if (found.header.has_value()) {
      salt = found.header->salt;
    }
    auto scan = ScanSegment(fs_, found.info, salt);
    if (!scan.ok()) {
      return scan.status();
    }
    mark_ = std::max(mark_, scan->mark);
    found.scan = std::move(*scan);
    if (found.header.has_value() && found.info.first_offset <= mark_) {
      break;
    }
  }
  return absl::OkStatus();
}

absl::Status Recovery::CheckOlder() const {
  for (size_t i = 0; i < tail_; ++i) {
    const SegmentInfo& info = segments_[i].info;
    if (!segments_[i].header.has_value()) {
      return Damage(info.path, 0, info.first_offset, "the header of the segment is damaged");
    }
    const uint64_t next = segments_[i + 1].info.first_offset;
    const uint64_t least = kSegmentHeaderSize + kRecordHeaderSize + (next - info.first_offset);
    if (info.bytes < least) {
      return Damage(info.path, info.bytes, info.first_offset,
                    fmt::format("the file is too short to reach the next segment, which begins at "
                                "offset {}; a part of it or a segment in between is missing",
                                next));
    }
  }
  // The oldest segment's header is made lasting before anything refers to it.
  if (tail_ == 0 && !segments_[0].header.has_value()) {
    const SegmentInfo& info = segments_[0].info;
    return Damage(info.path, 0, info.first_offset, "the header of the segment is damaged");
  }
  return absl::OkStatus();
}

End Recovery::FindEnd() const {
  End end;
  for (size_t i = tail_; i < segments_.size(); ++i) {
    const Found& found = segments_[i];
    if (i > tail_ && found.header.has_value() && found.info.first_offset != end.offset) {
      end.problem = fmt::format("the segment begins at offset {}, but the log before it ends at {}",
                                found.info.first_offset, end.offset);
      end.bad_segment = i;
      end.bad_position = 0;
      return end;
    }
    if (!found.header.has_value()) {
      end.problem = found.scan->problem;
      end.bad_segment = i;
      end.bad_position = 0;
      return end;
    }
    end.segment = i;
    end.offset = found.scan->end_offset;
    end.position = found.scan->info.bytes;
    end.bad_segment = i;
    end.bad_position = end.position;
    end.problem = found.scan->problem;
    if (!end.problem.empty()) {
      return end;
    }
  }
  return end;
}

absl::Status Recovery::Cut(const End& end) {
  const SegmentInfo& bad = segments_[end.bad_segment].info;
  if (end.offset < mark_) {
    return Damage(bad.path, end.bad_position, end.offset,
                  fmt::format("{}, but the log was lasting up to offset {}",
                              end.problem.empty() ? "the log ends here" : end.problem, mark_));
  }
  if (end.problem.empty()) {
    return absl::OkStatus();
  }
  const SegmentInfo& kept = segments_[end.segment].info;
  uint64_t cut = 0;
  // From the newest back, and lasting before anything is appended: a later segment that came back
  // would continue the log with bytes of another history.
  for (size_t i = segments_.size(); i-- > end.segment + 1;) {
    cut += segments_[i].info.bytes;
    if (absl::Status status = fs_.Remove(segments_[i].info.path); !status.ok()) {
      return status;
    }
  }
  if (end.bad_segment == end.segment) {
    cut += kept.bytes - end.position;
    auto file = fs_.Open(kept.path, base::FileSystem::Mode::kReadWrite);
    if (!file.ok()) {
      return file.status();
    }
    absl::Status status = (*file)->Truncate(end.position);
    status.Update(status.ok() ? (*file)->Sync() : status);
    if (!status.ok()) {
      return status;
    }
  }
  report_->cut_bytes = cut;
  report_->cut_reason = fmt::format("`{}` byte {} (stream offset {}): {}", bad.path,
                                    end.bad_position, end.offset, end.problem);
  return absl::OkStatus();
}

absl::Status Recovery::Rewrite(base::File& file, uint64_t position, uint64_t end_position) {
  std::string piece;
  while (position < end_position) {
    piece.resize(static_cast<size_t>(std::min<uint64_t>(1 << 20, end_position - position)));
    auto got = file.ReadAt(position, piece.data(), piece.size());
    if (!got.ok()) {
      return got.status();
    }
    if (*got < piece.size()) {
      return absl::InternalError("a log segment became shorter while it was read");
    }
    if (absl::Status status = file.WriteAt(position, piece); !status.ok()) {
      return status;
    }
    position += piece.size();
  }
  return absl::OkStatus();
}

absl::Status Recovery::MakeLasting(const End& end) {
  if (end.offset > mark_) {
    for (size_t i = tail_; i <= end.segment; ++i) {
      const TailScan& scan = *segments_[i].scan;
      const uint64_t begin = scan.info.first_offset < mark_ ? scan.info.Nearest(mark_).position : 0;
      auto file = fs_.Open(scan.info.path, base::FileSystem::Mode::kReadWrite);
      if (!file.ok()) {
        return file.status();
      }
      absl::Status status = Rewrite(**file, begin, scan.info.bytes);
      status.Update(status.ok() ? (*file)->Sync() : status);
      if (!status.ok()) {
        return status;
      }
    }
  }
  for (const std::string& path : replaced_) {
    if (absl::Status status = fs_.Remove(path); !status.ok()) {
      return status;
    }
  }
  return fs_.SyncDir(dir_);
}

absl::StatusOr<Recovered> Recovery::Run() {
  absl::Status status = Find();
  if (!status.ok()) {
    return status;
  }
  SetReplacedAside();
  Recovered recovered;
  recovered.newest_sequence = newest_sequence_;
  End end;
  if (!segments_.empty()) {
    status = ScanTail();
    status.Update(status.ok() ? CheckOlder() : status);
    if (!status.ok()) {
      return status;
    }
    end = FindEnd();
    if (status = Cut(end); !status.ok()) {
      return status;
    }
    for (size_t i = 0; i <= end.segment; ++i) {
      Found& found = segments_[i];
      recovered.table.Add(found.scan.has_value() ? found.scan->info : found.info, end.offset);
    }
    recovered.last_salt = segments_[end.segment].header->salt;
    recovered.mark = mark_;
  }
  if (status = segments_.empty() ? fs_.SyncDir(dir_) : MakeLasting(end); !status.ok()) {
    return status;
  }
  return recovered;
}

}  // namespace

absl::StatusOr<Recovered> RecoverSegments(base::FileSystem& fs, const std::string& dir,
                                          OpenReport* report) {
  return Recovery(fs, dir, report).Run();
}

}  // namespace cairn::wal
