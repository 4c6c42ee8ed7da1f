#include "wal/recovery.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/canary.h"
#include "base/failpoint.h"
#include "wal/survey.h"

namespace cairn::wal {
namespace {

class Recovery {
 public:
  Recovery(base::FileSystem& fs, const std::string& dir, OpenReport* report)
      : fs_(fs), dir_(dir), report_(report) {}

  absl::StatusOr<Recovered> Run(const LogIdentity& identity);

 private:
  // kNotFound or kFailedPrecondition when the folder does not hold the log that it should.
  absl::Status CheckIdentity(const LogIdentity& identity) const;
  // Cuts what is behind the end, which holds nothing lasting.
  absl::Status Cut();
  // Writes what may not be lasting once more over itself and syncs it.
  absl::Status MakeLasting();
  absl::Status Rewrite(base::File& file, uint64_t position, uint64_t end_position);
  absl::Status RemoveLeftovers();

  base::FileSystem& fs_;
  const std::string& dir_;
  OpenReport* report_;
  Survey survey_;
};

absl::Status Recovery::CheckIdentity(const LogIdentity& identity) const {
  for (const FoundSegment& found : survey_.segments) {
    if (found.header.has_value() && found.header->log_id != identity.id) {
      report_->mismatch = Mismatch::kForeign;
      return absl::FailedPreconditionError(fmt::format(
          "log segment `{}` belongs to log {}, but the log that should be there is {}",
          found.info.path, FormatLogId(found.header->log_id), FormatLogId(identity.id)));
    }
  }
  if (survey_.segments.empty() && identity.begun) {
    return LogMissing(dir_, identity.id, report_);
  }
  return absl::OkStatus();
}

absl::Status Recovery::Cut() {
  const LogEnd& end = survey_.end;
  if (end.problem.empty()) {
    return absl::OkStatus();
  }
  const SegmentInfo& bad = survey_.segments[end.bad_segment].info;
  const SegmentInfo& kept = survey_.segments[end.segment].info;
  uint64_t cut = 0;
  // From the newest back, and lasting before anything is appended: a later segment that came back
  // would continue the log with bytes of another history.
  for (size_t i = survey_.segments.size(); i-- > end.segment + 1;) {
    cut += survey_.segments[i].info.bytes;
    if (absl::Status status = fs_.Remove(survey_.segments[i].info.path); !status.ok()) {
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

absl::Status Recovery::MakeLasting() {
  if (survey_.end.offset <= survey_.mark) {
    return absl::OkStatus();
  }
  base::Failpoint("before log takeover");
  for (size_t i = survey_.tail; i <= survey_.end.segment; ++i) {
    const TailScan& scan = *survey_.segments[i].scan;
    const uint64_t begin =
        scan.info.first_offset < survey_.mark ? scan.info.Nearest(survey_.mark).position : 0;
    auto file = fs_.Open(scan.info.path, base::FileSystem::Mode::kReadWrite);
    if (!file.ok()) {
      return file.status();
    }
    absl::Status status = Rewrite(**file, begin, scan.info.bytes);
    if (status.ok() && !base::LeavesOut("recovered log sync")) {
      status = (*file)->Sync();
    }
    if (!status.ok()) {
      return status;
    }
  }
  base::Failpoint("after log takeover");
  return absl::OkStatus();
}

absl::Status Recovery::RemoveLeftovers() {
  for (const std::string& path : survey_.leftovers) {
    if (absl::Status status = fs_.Remove(path); !status.ok()) {
      return status;
    }
  }
  return fs_.SyncDir(dir_);
}

absl::StatusOr<Recovered> Recovery::Run(const LogIdentity& identity) {
  auto survey = SurveyLog(fs_, dir_, identity.replaced);
  if (!survey.ok()) {
    return survey.status();
  }
  survey_ = std::move(*survey);
  absl::Status status = CheckIdentity(identity);
  status.Update(status.ok() ? CheckOlderSegments(survey_) : status);
  status.Update(status.ok() ? CheckEnd(survey_) : status);
  if (!status.ok()) {
    return status;
  }
  Recovered recovered;
  recovered.newest_sequence = survey_.newest_sequence;
  if (!survey_.segments.empty()) {
    status = Cut();
    status.Update(status.ok() ? MakeLasting() : status);
    if (!status.ok()) {
      return status;
    }
    const LogEnd& end = survey_.end;
    for (size_t i = 0; i <= end.segment; ++i) {
      FoundSegment& found = survey_.segments[i];
      recovered.table.Add(found.scan.has_value() ? found.scan->info : found.info, end.offset);
    }
    recovered.last_salt = survey_.segments[end.segment].header->salt;
    recovered.mark = survey_.mark;
  }
  if (status = RemoveLeftovers(); !status.ok()) {
    return status;
  }
  return recovered;
}

}  // namespace

absl::Status LogMissing(const std::string& dir, const LogId& id, OpenReport* report) {
  report->mismatch = Mismatch::kMissing;
  return absl::NotFoundError(
      fmt::format("the log {} has begun in the folder `{}`, but no segment of it is there",
                  FormatLogId(id), dir));
}

absl::StatusOr<Recovered> RecoverSegments(base::FileSystem& fs, const std::string& dir,
                                          const LogIdentity& identity, OpenReport* report) {
  return Recovery(fs, dir, report).Run(identity);
}

}  // namespace cairn::wal
