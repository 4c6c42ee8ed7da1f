#include "restore/extend_log.h"

#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/status.h"
#include "resp/stream_commands.h"
#include "wal/log.h"
#include "wal/log_view.h"

namespace cairn::restore {
namespace {

// The server knows a restored folder by this file (server/backup.h).
constexpr std::string_view kNote = "BACKUP";

// How much of a record's payload lies before `limit` bytes, in whole commands.
absl::StatusOr<size_t> WholeCommands(std::string_view payload, uint64_t limit) {
  if (payload.size() <= limit) return payload.size();
  resp::StreamCommands commands;
  commands.Begin(payload);
  size_t size = 0;
  while (true) {
    const auto more = commands.Next();
    if (!more.ok()) return more.status();
    if (!*more || size + commands.raw().size() > limit) return size;
    size += commands.raw().size();
  }
}

absl::Status CheckFit(const wal::LogView& from, const wal::LogId& id, uint64_t end,
                      const std::string& log_dir) {
  if (from.id() != id) {
    return base::FailedPrecondition(fmt::format(
        "{} holds log {}, but the backup belongs to log {}: they are of different servers", log_dir,
        wal::FormatLogId(from.id()), wal::FormatLogId(id)));
  }
  if (from.first_offset() > end) {
    return base::FailedPrecondition(fmt::format(
        "the backup ends at offset {} and {} begins at {}: what lies between is missing "
        "(log-retention-size, log-retention-time)",
        end, log_dir, from.first_offset()));
  }
  return absl::OkStatus();
}

// Copies records until the target or the end; `to` is flushed, not synced.
absl::Status CopyRecords(const wal::LogView& from, const Target& target, wal::Log& to,
                         Extended* extended) {
  if (from.end_offset() <= to.appended_offset()) return absl::OkStatus();
  auto reader = from.NewReader(to.appended_offset());
  if (!reader.ok()) return reader.status();
  while (true) {
    const auto record = (*reader)->Next();
    if (absl::IsOutOfRange(record.status())) return absl::OkStatus();
    if (!record.ok()) return record.status();
    if (record->time_ms >= target.until_ms || record->offset >= target.to_offset) {
      return absl::OkStatus();
    }
    // The backup may end inside a record: an earlier call ended there.
    const uint64_t known = to.appended_offset() - record->offset;
    const auto wanted = WholeCommands(record->payload, target.to_offset - record->offset);
    if (!wanted.ok()) return wanted.status();
    if (*wanted <= known) return absl::OkStatus();
    to.Append(record->payload.substr(known, *wanted - known));
    if (auto status = to.Flush(record->time_ms); !status.ok()) return status;
    ++extended->records;
    extended->last_ms = record->time_ms;
    if (*wanted < record->payload.size()) return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<Extended> ExtendLog(base::FileSystem& fs, const std::string& dir,
                                   const std::string& log_dir, const Target& target) {
  auto lock = fs.Lock(dir + "/LOCK");
  if (!lock.ok()) {
    if (!absl::IsAlreadyExists(lock.status())) return lock.status();
    return base::FailedPrecondition(
        fmt::format("{} is in use by a server: work on a copy of a backup", dir));
  }
  const std::string own_dir = dir + "/log";
  const auto own = wal::LogView::Open(fs, own_dir);
  if (!own.ok()) return own.status();
  const auto from = wal::LogView::Open(fs, log_dir);
  if (!from.ok()) return from.status();
  wal::OpenReport report;
  auto to = wal::Log::Open(fs, {.dir = own_dir, .identity = {.id = (*own)->id(), .begun = true}},
                           &report);
  if (!to.ok()) return to.status();
  Extended extended{.from_offset = (*to)->appended_offset()};
  auto status = CheckFit(**from, (*own)->id(), extended.from_offset, log_dir);
  if (!status.ok()) return status;
  if (target.to_offset < extended.from_offset) {
    return base::FailedPrecondition(
        fmt::format("the backup reaches offset {} already, behind {}: take an older backup",
                    extended.from_offset, target.to_offset));
  }
  if (auto noted = fs.ReplaceFile(fmt::format("{}/{}", dir, kNote), "restored\n"); !noted.ok()) {
    return noted;
  }
  status = CopyRecords(**from, target, **to, &extended);
  if (status.ok()) status = (*to)->SyncNow();
  if (!status.ok()) return status;
  extended.to_offset = (*to)->appended_offset();
  return extended;
}

}  // namespace cairn::restore
