#include "log/show.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/status.h"
#include "config/quote.h"
#include "log/time_text.h"
#include "resp/stream_commands.h"
#include "wal/log_view.h"
#include "wal/segment.h"

namespace cairn::log_tool {
namespace {

class Shower {
 public:
  Shower(base::FileSystem& fs, std::string log_dir, const ShowOptions& options,
         const std::function<absl::Status(std::string_view)>& write)
      : fs_(fs), log_dir_(std::move(log_dir)), options_(options), write_(write) {}

  absl::StatusOr<Shown> Run();

 private:
  // Shows what one view of the log has from next_ on. kNotFound: a server has dropped segments
  // meanwhile. Ok: all is shown, and shown_ says how it ends.
  absl::Status ShowView(const wal::LogView& view);
  // True when the record is the last that is wanted.
  absl::StatusOr<bool> ShowRecord(const wal::Record& record);
  absl::Status ShowCommand(const wal::Record& record, uint64_t offset);
  void Damaged(const wal::LogView& view, const absl::Status& status);

  base::FileSystem& fs_;
  const std::string log_dir_;
  const ShowOptions& options_;
  const std::function<absl::Status(std::string_view)>& write_;
  resp::StreamCommands commands_;
  std::string line_;
  uint64_t next_ = 0;
  Shown shown_;
};

absl::Status Shower::ShowCommand(const wal::Record& record, uint64_t offset) {
  ++shown_.commands;
  if (options_.resp) return write_(commands_.raw());
  line_ = fmt::format("{} {}", offset, FormatTime(record.time_ms));
  for (const std::string_view word : commands_.args()) {
    line_ += ' ';
    line_ += config::Quote(word);
  }
  line_ += '\n';
  return write_(line_);
}

absl::StatusOr<bool> Shower::ShowRecord(const wal::Record& record) {
  const bool in_time = record.time_ms >= options_.since_ms && record.time_ms < options_.until_ms;
  uint64_t offset = record.offset;
  next_ = record.offset + record.payload.size();
  if (!in_time) return next_ >= options_.to;
  commands_.Begin(record.payload);
  while (offset < options_.to) {
    const auto more = commands_.Next();
    if (!more.ok() || (*more && commands_.raw().empty())) {
      // The checksum was right, so it was written so.
      return base::DataLoss(fmt::format("stream offset {}: {}", offset,
                                        more.ok()
                                            ? "what is here is not a command in canonical form"
                                            : base::Message(more.status())));
    }
    if (!*more) return next_ >= options_.to;
    const uint64_t size = commands_.raw().size();
    if (offset >= options_.from) {
      if (auto status = ShowCommand(record, offset); !status.ok()) return status;
    }
    offset += size;
  }
  return true;
}

void Shower::Damaged(const wal::LogView& view, const absl::Status& status) {
  shown_.end = Shown::End::kDamaged;
  shown_.text = base::Message(status);
  if (const auto next = view.NextSegment(next_); next.has_value()) {
    shown_.note = fmt::format("the next segment begins at offset {}: --from {} shows what follows",
                              *next, *next);
  }
}

absl::Status Shower::ShowView(const wal::LogView& view) {
  const auto reader = view.NewReader(next_);
  if (absl::IsOutOfRange(reader.status())) return reader.status();
  absl::Status status = reader.status();
  while (status.ok()) {
    const auto record = (*reader)->Next();
    status = record.status();
    if (!record.ok()) break;
    const auto last = ShowRecord(*record);
    if (!last.ok() && absl::IsDataLoss(last.status())) {
      Damaged(view, last.status());
      return absl::OkStatus();
    }
    if (!last.ok()) return last.status();
    if (*last) return absl::OkStatus();
  }
  if (absl::IsDataLoss(status)) {
    Damaged(view, status);
    return absl::OkStatus();
  }
  if (!absl::IsOutOfRange(status)) return status;
  if (!view.damage().ok()) {
    Damaged(view, view.damage());
  } else if (view.torn_bytes() > 0 && fs_.IsLocked(base::ParentDir(log_dir_) + "/LOCK")) {
    shown_.note = "a server is writing here: its newest record is not complete yet";
  } else if (view.torn_bytes() > 0) {
    shown_.end = Shown::End::kTorn;
    shown_.text = fmt::format("the tail of the log is torn, {} bytes from {}", view.torn_bytes(),
                              view.torn_text());
  }
  return absl::OkStatus();
}

absl::StatusOr<Shown> Shower::Run() {
  while (true) {
    const auto view = wal::LogView::Open(fs_, log_dir_);
    if (!view.ok()) return view.status();
    const uint64_t first = (*view)->first_offset();
    if (next_ == 0) {
      next_ = options_.from == 0 ? first : options_.from;
      if (next_ < first) {
        return absl::NotFoundError(
            fmt::format("offset {} is no longer in the log, which begins at {}", next_, first));
      }
    } else if (next_ < first) {
      shown_.note = fmt::format("offsets {} to {} were dropped by the server before they were read",
                                next_, first);
      next_ = first;
    }
    const uint64_t before = next_;
    const absl::Status status = ShowView(**view);
    if (status.ok()) return shown_;
    // A segment that went away is fine when the log has moved on meanwhile.
    if (!absl::IsNotFound(status)) return status;
    const auto now = wal::LogView::Open(fs_, log_dir_);
    if (!now.ok()) return now.status();
    if (next_ == before && (*now)->first_offset() <= next_) return status;
  }
}

}  // namespace

absl::StatusOr<std::string> FindLogFolder(base::FileSystem& fs, const std::string& dir) {
  const std::string inside = dir + "/log";
  if (fs.Exists(inside)) return inside;
  const auto names = fs.List(dir);
  if (!names.ok()) return names.status();
  const bool has_segments = std::any_of(names->begin(), names->end(), [](const std::string& name) {
    return wal::ParseSegmentName(name).has_value();
  });
  if (has_segments) return dir;
  return absl::NotFoundError(
      fmt::format("`{}` is neither a data folder with a log nor the folder of a log", dir));
}

absl::StatusOr<Shown> ShowLog(base::FileSystem& fs, const std::string& log_dir,
                              const ShowOptions& options,
                              const std::function<absl::Status(std::string_view)>& write) {
  return Shower(fs, log_dir, options, write).Run();
}

}  // namespace cairn::log_tool
