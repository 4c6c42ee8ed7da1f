#include "wal/survey.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace cairn::wal {
namespace {

constexpr std::string_view kDamagedHeader = "the header of the segment is damaged";

absl::StatusOr<FoundSegment> Inspect(base::FileSystem& fs, const std::string& dir,
                                     uint64_t first_offset) {
  FoundSegment found;
  found.info.first_offset = first_offset;
  found.info.path = SegmentPath(dir, first_offset);
  auto file = fs.Open(found.info.path, base::FileSystem::Mode::kRead);
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
  if (check == SegmentCheck::kDamaged) {
    found.problem = kDamagedHeader;
  } else if (header.first_offset != first_offset) {
    // In the tail also what a power cut leaves, which shows an old block of the disk in the place
    // of a header that was not synced.
    found.problem = fmt::format(
        "by its header the segment begins at offset {}; the file was renamed", header.first_offset);
  } else {
    found.header = header;
    found.info.sequence = header.sequence;
  }
  return found;
}

absl::StatusOr<std::vector<FoundSegment>> InspectAll(base::FileSystem& fs, const std::string& dir,
                                                     const std::vector<std::string>& names) {
  std::vector<FoundSegment> segments;
  for (const std::string& name : names) {
    const std::optional<uint64_t> first_offset = ParseSegmentName(name);
    if (!first_offset.has_value()) {
      continue;
    }
    auto found = Inspect(fs, dir, *first_offset);
    if (!found.ok()) {
      return found.status();
    }
    segments.push_back(std::move(*found));
  }
  return segments;
}

bool IsTemporary(std::string_view name) {
  return name.ends_with(kTemporarySuffix) &&
         ParseSegmentName(name.substr(0, name.size() - kTemporarySuffix.size())).has_value();
}

// Moves segments that do not count from survey.segments to survey.leftovers.
void SetAside(const LogId& replaced, Survey& survey) {
  const auto is_replaced = [&replaced](const FoundSegment& found) {
    return replaced != kNoLogId && found.header.has_value() && found.header->log_id == replaced;
  };
  std::vector<const FoundSegment*> by_age;
  for (const FoundSegment& found : survey.segments) {
    if (is_replaced(found)) {
      survey.leftovers.push_back(found.info.path);
    } else if (found.header.has_value()) {
      by_age.push_back(&found);
    }
  }
  // From the newest to the oldest: what begins at or after a newer segment's first offset is
  // replaced by it.
  std::sort(by_age.begin(), by_age.end(), [](const FoundSegment* a, const FoundSegment* b) {
    return a->info.sequence > b->info.sequence;
  });
  uint64_t lowest = UINT64_MAX;
  for (const FoundSegment* found : by_age) {
    if (found->info.first_offset >= lowest) {
      survey.leftovers.push_back(found->info.path);
    }
    lowest = std::min(lowest, found->info.first_offset);
  }
  std::erase_if(survey.segments, [&survey](const FoundSegment& found) {
    return std::find(survey.leftovers.begin(), survey.leftovers.end(), found.info.path) !=
           survey.leftovers.end();
  });
}

// Scans from the last segment backwards until a segment begins before everything that may be torn.
absl::Status ScanTail(base::FileSystem& fs, Survey& survey) {
  for (const FoundSegment& found : survey.segments) {
    if (found.header.has_value()) {
      survey.mark = std::max(survey.mark, found.header->synced_offset);
    }
  }
  for (survey.tail = survey.segments.size(); survey.tail > 0;) {
    FoundSegment& found = survey.segments[--survey.tail];
    std::optional<uint32_t> salt;
    if (found.header.has_value()) {
      salt = found.header->salt;
    }
    auto scan = ScanSegment(fs, found.info, salt);
    if (!scan.ok()) {
      return scan.status();
    }
    survey.mark = std::max(survey.mark, scan->mark);
    found.scan = std::move(*scan);
    if (found.header.has_value() && found.info.first_offset <= survey.mark) {
      break;
    }
  }
  return absl::OkStatus();
}

LogEnd FindEnd(const Survey& survey) {
  LogEnd end;
  for (size_t i = survey.tail; i < survey.segments.size(); ++i) {
    const FoundSegment& found = survey.segments[i];
    if (i > survey.tail && found.header.has_value() && found.info.first_offset != end.offset) {
      end.problem = fmt::format("the segment begins at offset {}, but the log before it ends at {}",
                                found.info.first_offset, end.offset);
      end.bad_segment = i;
      end.bad_position = 0;
      return end;
    }
    if (!found.header.has_value()) {
      end.problem = found.problem;
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

}  // namespace

absl::StatusOr<std::vector<FoundSegment>> FindSegments(base::FileSystem& fs,
                                                       const std::string& dir) {
  auto names = fs.List(dir);
  if (!names.ok()) {
    return names.status();
  }
  return InspectAll(fs, dir, *names);
}

std::optional<LogId> EmptyLog(const std::vector<FoundSegment>& segments) {
  if (segments.empty()) {
    return kNoLogId;
  }
  const FoundSegment& first = segments.front();
  if (segments.size() > 1 || !first.header.has_value() || first.info.first_offset != 0 ||
      first.info.bytes != kSegmentHeaderSize) {
    return std::nullopt;
  }
  return first.header->log_id;
}

absl::StatusOr<Survey> SurveyLog(base::FileSystem& fs, const std::string& dir,
                                 const LogId& replaced) {
  auto names = fs.List(dir);
  if (!names.ok()) {
    return names.status();
  }
  Survey survey;
  auto segments = InspectAll(fs, dir, *names);
  if (!segments.ok()) {
    return segments.status();
  }
  survey.segments = std::move(*segments);
  for (const std::string& name : *names) {
    if (IsTemporary(name)) {
      survey.leftovers.push_back(fmt::format("{}/{}", dir, name));
    }
  }
  for (const FoundSegment& found : survey.segments) {
    survey.newest_sequence = std::max(survey.newest_sequence, found.info.sequence);
  }
  SetAside(replaced, survey);
  if (absl::Status status = ScanTail(fs, survey); !status.ok()) {
    return status;
  }
  survey.end = FindEnd(survey);
  return survey;
}

absl::Status CheckOneLog(const Survey& survey) {
  const FoundSegment* first = nullptr;
  for (const FoundSegment& found : survey.segments) {
    if (!found.header.has_value()) {
      continue;
    }
    if (first == nullptr) {
      first = &found;
    } else if (found.header->log_id != first->header->log_id) {
      return absl::FailedPreconditionError(
          fmt::format("`{}` belongs to log {}, but `{}` to log {}: files of two logs were put "
                      "together; move those away that do not belong here",
                      first->info.path, FormatLogId(first->header->log_id), found.info.path,
                      FormatLogId(found.header->log_id)));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckOlderSegments(const Survey& survey) {
  for (size_t i = 0; i < survey.tail; ++i) {
    const SegmentInfo& info = survey.segments[i].info;
    if (!survey.segments[i].header.has_value()) {
      return Damage(info.path, 0, info.first_offset, survey.segments[i].problem);
    }
    const uint64_t next = survey.segments[i + 1].info.first_offset;
    const uint64_t least = kSegmentHeaderSize + kRecordHeaderSize + (next - info.first_offset);
    if (info.bytes < least) {
      return Damage(info.path, info.bytes, info.first_offset,
                    fmt::format("the file is too short to reach the next segment, which begins at "
                                "offset {}; a part of it or a segment in between is missing",
                                next));
    }
  }
  // The oldest segment's header is made lasting before anything refers to it.
  if (survey.tail == 0 && !survey.segments.empty() && !survey.segments[0].header.has_value()) {
    const SegmentInfo& info = survey.segments[0].info;
    return Damage(info.path, 0, info.first_offset, survey.segments[0].problem);
  }
  return absl::OkStatus();
}

absl::Status CheckEnd(const Survey& survey) {
  const LogEnd& end = survey.end;
  if (survey.segments.empty() || end.offset >= survey.mark) {
    return absl::OkStatus();
  }
  return Damage(survey.segments[end.bad_segment].info.path, end.bad_position, end.offset,
                fmt::format("{}, but the log was lasting up to offset {}",
                            end.problem.empty() ? "the log ends here" : end.problem, survey.mark));
}

}  // namespace cairn::wal
