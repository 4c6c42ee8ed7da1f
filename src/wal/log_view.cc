#include "wal/log_view.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "wal/reader.h"

namespace cairn::wal {
namespace {

// A server that drops segments can make a survey begin anew; each time it has got further.
constexpr int kMostSurveys = 1000;

absl::StatusOr<Survey> SurveyLiveLog(base::FileSystem& fs, const std::string& dir) {
  for (int i = 1;; ++i) {
    auto survey = SurveyLog(fs, dir, kNoLogId);
    if (i == kMostSurveys || !absl::IsNotFound(survey.status()) || !fs.Exists(dir)) {
      return survey;
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogView>> LogView::Open(base::FileSystem& fs,
                                                       const std::string& dir) {
  auto survey = SurveyLiveLog(fs, dir);
  if (!survey.ok()) {
    return survey.status();
  }
  if (survey->segments.empty()) {
    return absl::NotFoundError(fmt::format("there is no log in `{}`", dir));
  }
  if (absl::Status status = CheckOneLog(*survey); !status.ok()) {
    return status;
  }
  std::unique_ptr<LogView> view(new LogView(fs, std::move(*survey)));
  if (view->table_.size() == 0) {
    return view->damage_;
  }
  return view;
}

LogView::LogView(base::FileSystem& fs, Survey survey) : fs_(fs), survey_(std::move(survey)) {
  damage_ = CheckOlderSegments(survey_);
  if (damage_.ok()) {
    damage_ = CheckEnd(survey_);
  }
  const LogEnd& end = survey_.end;
  const bool torn = damage_.ok() && !end.problem.empty();
  // What a torn tail's segments hold is no part of the log; behind damage it may be all there is.
  const size_t count = torn ? end.segment + 1 : survey_.segments.size();
  for (size_t i = 0; i < count; ++i) {
    const FoundSegment& found = survey_.segments[i];
    if (found.header.has_value()) {
      id_ = found.header->log_id;
    }
    if (!found.scan.has_value()) {
      table_.Add(found.info, found.info.first_offset);
      continue;
    }
    if (!found.header.has_value()) {
      continue;
    }
    // The last one ends where its whole records do; in another one a reader must meet the problem.
    SegmentInfo info = found.scan->info;
    info.bytes = i + 1 == count ? info.bytes : found.info.bytes;
    table_.Add(std::move(info), found.scan->end_offset);
  }
  if (!torn) {
    return;
  }
  for (size_t i = end.segment; i < survey_.segments.size(); ++i) {
    torn_bytes_ += survey_.segments[i].info.bytes - (i == end.segment ? end.position : 0);
  }
  torn_text_ = fmt::format("`{}` byte {} (stream offset {}): {}",
                           survey_.segments[end.bad_segment].info.path, end.bad_position,
                           end.offset, end.problem);
}

absl::StatusOr<std::unique_ptr<Reader>> LogView::NewReader(uint64_t offset) const {
  auto reader = LogReader::Create(fs_, table_, offset);
  if (!reader.ok()) {
    return reader.status();
  }
  return std::unique_ptr<Reader>(std::move(*reader));
}

std::optional<uint64_t> LogView::NextSegment(uint64_t offset) const {
  for (const FoundSegment& found : survey_.segments) {
    if (found.info.first_offset > offset && found.header.has_value()) {
      return found.info.first_offset;
    }
  }
  return std::nullopt;
}

}  // namespace cairn::wal
