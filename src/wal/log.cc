#include "wal/log.h"

#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/canary.h"
#include "base/check.h"
#include "base/failpoint.h"
#include "base/random.h"
#include "wal/append_buffer.h"
#include "wal/format.h"
#include "wal/reader.h"
#include "wal/recovery.h"
#include "wal/segment.h"
#include "wal/syncer.h"

namespace cairn::wal {
namespace {

using base::FileSystem;

// An idle log leaves a mark of what is lasting after so long.
constexpr int64_t kIdleMarkMs = 1000;

uint64_t SystemSeed() {
  uint64_t seed = 0;
  base::FillRandomBytes({reinterpret_cast<char*>(&seed), sizeof(seed)});
  return seed;
}

class LogImpl final : public Log {
 public:
  // `file` is the last segment of `recovered`, which is not empty.
  LogImpl(FileSystem& fs, LogOptions options, Recovered recovered, std::shared_ptr<base::File> file,
          base::Random random)
      : fs_(fs),
        options_(std::move(options)),
        random_(random),
        table_(std::move(recovered.table)),
        newest_sequence_(recovered.newest_sequence),
        file_(std::move(file)),
        salt_(recovered.last_salt),
        marked_offset_(recovered.mark),
        buffer_(table_.written_offset()),
        syncer_(fs, options_.dir, file_, table_.written_offset()) {}

  uint64_t Append(std::string_view payload) override {
    base::Failpoint("before log append");
    const uint64_t end = buffer_.Append(payload);
    base::Failpoint("after log append");
    return end;
  }
  absl::Status Flush(int64_t now_ms) override;
  void RequestSync() override { syncer_.Request(); }
  absl::Status WaitSynced(uint64_t offset) override { return syncer_.WaitFor(offset); }
  absl::Status SyncNow() override;

  [[nodiscard]] uint64_t appended_offset() const override { return buffer_.appended(); }
  [[nodiscard]] uint64_t written_offset() const override { return table_.written_offset(); }
  [[nodiscard]] uint64_t synced_offset() const override { return syncer_.synced_offset(); }
  [[nodiscard]] uint64_t first_offset() const override { return table_.first_offset(); }

  [[nodiscard]] absl::Status error() const override;
  absl::Status Recover(int64_t now_ms) override;

  void set_sync_listener(std::function<void()> listener) override {
    syncer_.set_listener(std::move(listener));
  }
  absl::Status DropBefore(uint64_t offset, int64_t keep_since_ms) override;
  [[nodiscard]] uint64_t disk_bytes() const override { return table_.disk_bytes(); }
  [[nodiscard]] SyncStats sync_stats() const override { return syncer_.stats(); }
  absl::StatusOr<std::unique_ptr<Reader>> NewReader(uint64_t offset) override;

 private:
  // Waits for the syncer while too much is written but not lasting.
  absl::Status KeepBound();
  // Writes one batch after another until nothing is left; begins segments as they fill up.
  absl::Status WriteBatches(int64_t now_ms);
  absl::Status BeginSegment();
  // Says in the file what is lasting. Nothing depends on its success.
  void WriteMark(int64_t now_ms);
  // Writes everything that is not lasting into a new segment and syncs it: the way out of a failed
  // sync.
  absl::Status Rewrite(int64_t now_ms);
  // Deletes the files of segments that begin after `from`, when the segment that begins there has
  // replaced them.
  absl::Status RemoveReplaced(uint64_t from);
  [[nodiscard]] SegmentHeader NewHeader(uint64_t first_offset);
  absl::Status SetWriteError(absl::Status status);

  FileSystem& fs_;
  const LogOptions options_;
  base::Random random_;
  SegmentTable table_;
  uint64_t newest_sequence_;
  std::shared_ptr<base::File> file_;  // the last segment
  uint32_t salt_;                     // its salt
  uint64_t marked_offset_;            // newest mark in the files
  int64_t last_write_ms_ = 0;

  // A failed write, and the offset that has to be synced until it is forgotten (known once a Flush
  // has worked again).
  absl::Status write_error_;
  uint64_t forgotten_at_ = 0;

  AppendBuffer buffer_;
  Syncer syncer_;  // last: its thread must end before anything else goes
};

absl::Status LogImpl::error() const {
  if (syncer_.failed()) {
    return syncer_.failure();
  }
  return write_error_.ok() || syncer_.synced_offset() >= forgotten_at_ ? absl::OkStatus()
                                                                       : write_error_;
}

absl::Status LogImpl::SetWriteError(absl::Status status) {
  write_error_ = std::move(status);
  forgotten_at_ = std::numeric_limits<uint64_t>::max();
  return write_error_;
}

SegmentHeader LogImpl::NewHeader(uint64_t first_offset) {
  return {.salt = SaltFrom(random_.Next()),
          .first_offset = first_offset,
          .sequence = ++newest_sequence_,
          .synced_offset = syncer_.synced_offset(),
          .log_id = options_.identity.id};
}

absl::Status LogImpl::Flush(int64_t now_ms) {
  buffer_.CloseRecord();
  buffer_.Release(syncer_.synced_offset());
  if (table_.written_offset() == buffer_.appended()) {
    if (now_ms - last_write_ms_ >= kIdleMarkMs) {
      WriteMark(now_ms);
    }
    return error();
  }
  if (syncer_.failed()) {
    return syncer_.failure();
  }
  if (absl::Status status = KeepBound(); !status.ok()) {
    return status;
  }
  if (absl::Status status = WriteBatches(now_ms); !status.ok()) {
    return SetWriteError(std::move(status));
  }
  last_write_ms_ = now_ms;
  if (forgotten_at_ == std::numeric_limits<uint64_t>::max()) {
    forgotten_at_ = table_.written_offset();
  }
  if (table_.written_offset() - syncer_.synced_offset() >= options_.sync_every_bytes) {
    syncer_.Request();
  }
  return absl::OkStatus();
}

absl::Status LogImpl::KeepBound() {
  if (buffer_.appended() - syncer_.synced_offset() <= options_.max_unsynced_bytes) {
    return absl::OkStatus();
  }
  return syncer_.WaitFor(table_.written_offset());
}

absl::Status LogImpl::WriteBatches(int64_t now_ms) {
  while (table_.written_offset() < buffer_.appended()) {
    const SegmentInfo& last = table_.last();
    if (last.bytes >= options_.segment_size && last.first_offset < table_.written_offset()) {
      if (absl::Status status = BeginSegment(); !status.ok()) {
        return status;
      }
    }
    const uint64_t synced = syncer_.synced_offset();
    const AppendBuffer::Batch batch =
        buffer_.NextBatch({.salt = salt_, .synced_offset = synced, .time_ms = now_ms});
    base::Failpoint("before log write");
    absl::Status status;
    if (!base::LeavesOut("log write")) {
      status = file_->WriteAt(table_.last().bytes, batch.bytes);
    }
    if (!status.ok()) {
      return status;
    }
    base::Failpoint("after log write");
    buffer_.Wrote();
    marked_offset_ = synced;
    table_.Extend(batch.bytes.size(), batch.end_offset);
    syncer_.Advance(batch.end_offset);
  }
  return absl::OkStatus();
}

absl::Status LogImpl::BeginSegment() {
  const SegmentHeader header = NewHeader(table_.written_offset());
  const std::string path = SegmentPath(options_.dir, header.first_offset);
  base::Failpoint("before segment creation");
  auto file = CreateSegment(fs_, path, header, {});
  if (!file.ok()) {
    return file.status();
  }
  base::Failpoint("after segment creation");
  file_ = std::move(*file);
  salt_ = header.salt;
  table_.Add({.first_offset = header.first_offset,
              .sequence = header.sequence,
              .path = path,
              .bytes = kSegmentHeaderSize,
              .index = {}},
             header.first_offset);
  syncer_.SwitchFile(file_);
  return absl::OkStatus();
}

void LogImpl::WriteMark(int64_t now_ms) {
  const uint64_t synced = syncer_.synced_offset();
  if (marked_offset_ == synced || synced != table_.written_offset() || syncer_.failed()) {
    return;
  }
  char record[kRecordHeaderSize];
  EncodeRecordHeader({.salt = salt_,
                      .length = 0,
                      .offset = synced,
                      .synced_offset = synced,
                      .time_ms = now_ms,
                      .type = RecordType::kMark},
                     record);
  base::Failpoint("before log mark");
  if (file_->WriteAt(table_.last().bytes, std::string_view(record, sizeof(record))).ok()) {
    base::Failpoint("after log mark");
    table_.Extend(sizeof(record), synced);
    marked_offset_ = synced;
  }
  last_write_ms_ = now_ms;
}

absl::Status LogImpl::SyncNow() {
  if (absl::Status status = syncer_.WaitFor(table_.written_offset()); !status.ok()) {
    return status;
  }
  WriteMark(last_write_ms_);
  return absl::OkStatus();
}

absl::Status LogImpl::Recover(int64_t now_ms) {
  if (error().ok()) {
    return absl::OkStatus();
  }
  buffer_.CloseRecord();
  if (!syncer_.failed()) {
    if (table_.written_offset() < buffer_.appended()) {
      if (absl::Status status = Flush(now_ms); !status.ok()) {
        return status;
      }
    }
    if (SyncNow().ok()) {
      return error();
    }
  }
  return Rewrite(now_ms);
}

absl::Status LogImpl::Rewrite(int64_t now_ms) {
  const uint64_t from = syncer_.synced_offset();
  const uint64_t end = buffer_.appended();
  const SegmentHeader header = NewHeader(from);
  const std::vector<std::string_view> records =
      buffer_.Restamp(from, {.salt = header.salt, .synced_offset = from, .time_ms = now_ms});
  uint64_t bytes = kSegmentHeaderSize;
  for (const std::string_view part : records) {
    bytes += part.size();
  }
  // Complete and lasting before it gets its name: until then the old segments are the log.
  const std::string path = SegmentPath(options_.dir, from);
  const std::string temporary = path + std::string(kTemporarySuffix);
  auto file = CreateSegment(fs_, temporary, header, records);
  if (!file.ok()) {
    return file.status();
  }
  absl::Status status = (*file)->Sync();
  status.Update(status.ok() ? fs_.Rename(temporary, path) : status);
  if (!status.ok()) {
    fs_.Remove(temporary).IgnoreError();
    return status;
  }
  file_ = std::move(*file);
  salt_ = header.salt;
  marked_offset_ = from;
  last_write_ms_ = now_ms;
  SegmentInfo info{
      .first_offset = from, .sequence = header.sequence, .path = path, .bytes = bytes, .index = {}};
  table_.ReplaceFrom(std::move(info), end);
  buffer_.WroteAll();
  if (status = RemoveReplaced(from); !status.ok()) {
    return status;
  }
  write_error_ = absl::OkStatus();
  syncer_.Restart(file_, end);
  buffer_.Release(end);
  return absl::OkStatus();
}

absl::Status LogImpl::RemoveReplaced(uint64_t from) {
  // By the folder, not by the table: a segment whose creation failed may have left a file. If one
  // of these came back later it would stand among newer segments, so their absence must be lasting.
  auto names = fs_.List(options_.dir);
  if (!names.ok()) {
    return names.status();
  }
  for (const std::string& name : *names) {
    const std::optional<uint64_t> first_offset = ParseSegmentName(name);
    if (!first_offset.has_value() || *first_offset <= from) {
      continue;
    }
    if (absl::Status status = fs_.Remove(options_.dir + "/" + name); !status.ok()) {
      return status;
    }
  }
  return fs_.SyncDir(options_.dir);
}

// Records are in the order of time, but for a clock that was set back, so a segment is as young as
// the record behind it.
absl::Status LogImpl::DropBefore(uint64_t offset, int64_t keep_since_ms) {
  std::vector<std::string> paths;
  // Recovery relies on the header of the oldest segment, so a segment goes only when its
  // successor's first bytes are lasting.
  while (true) {
    const std::optional<uint64_t> second = table_.second_offset();
    if (!second.has_value() || *second > offset || *second >= syncer_.synced_offset()) {
      break;
    }
    if (keep_since_ms != kKeepNone) {
      auto reader = LogReader::Create(fs_, table_, *second);
      const auto next = reader.ok() ? (*reader)->Next() : reader.status();
      if (!next.ok() || next->time_ms >= keep_since_ms) break;
    }
    paths.push_back(table_.PopFirst());
  }
  return syncer_.RemoveFiles(std::move(paths));
}

absl::StatusOr<std::unique_ptr<Reader>> LogImpl::NewReader(uint64_t offset) {
  auto reader = LogReader::Create(fs_, table_, offset);
  if (!reader.ok()) {
    return reader.status();
  }
  return std::unique_ptr<Reader>(std::move(*reader));
}

absl::Status EnsureDir(FileSystem& fs, const std::string& dir) {
  if (absl::Status status = fs.CreateDir(dir); !status.ok()) {
    return status;
  }
  // Also when it was there: an earlier process may have died between these two lines.
  return fs.SyncDir(base::ParentDir(dir));
}

// The first segment of a new log, complete and lasting before it has its name.
absl::Status CreateFirstSegment(FileSystem& fs, const LogOptions& options, base::Random& random) {
  const SegmentHeader header{.salt = SaltFrom(random.Next()),
                             .first_offset = options.start_offset,
                             .sequence = 1,
                             .synced_offset = options.start_offset,
                             .log_id = options.identity.id};
  const std::string path = SegmentPath(options.dir, header.first_offset);
  const std::string temporary = path + std::string(kTemporarySuffix);
  auto file = CreateSegment(fs, temporary, header, {});
  if (!file.ok()) {
    return file.status();
  }
  if (absl::Status status = (*file)->Sync(); !status.ok()) {
    return status;
  }
  base::Failpoint("before first segment rename");
  if (absl::Status status = fs.Rename(temporary, path); !status.ok()) {
    return status;
  }
  base::Failpoint("after first segment rename");
  return fs.SyncDir(options.dir);
}

// RecoverSegments, with a first segment when there is none yet.
absl::StatusOr<Recovered> RecoverOrCreate(FileSystem& fs, const LogOptions& options,
                                          base::Random& random, OpenReport* report) {
  if (options.identity.begun && !fs.Exists(options.dir)) {
    return LogMissing(options.dir, options.identity.id, report);
  }
  if (absl::Status status = EnsureDir(fs, options.dir); !status.ok()) {
    return status;
  }
  auto recovered = RecoverSegments(fs, options.dir, options.identity, report);
  if (!recovered.ok() || recovered->table.size() > 0) {
    return recovered;
  }
  if (absl::Status status = CreateFirstSegment(fs, options, random); !status.ok()) {
    return status;
  }
  return RecoverSegments(fs, options.dir, options.identity, report);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Log>> Log::Open(FileSystem& fs, LogOptions options,
                                               OpenReport* report) {
  CAIRN_CHECK(options.identity.id != kNoLogId);
  *report = OpenReport();
  base::Random random(options.salt_seed != 0 ? options.salt_seed : SystemSeed());
  auto recovered = RecoverOrCreate(fs, options, random, report);
  if (!recovered.ok()) {
    return recovered.status();
  }
  const SegmentTable& table = recovered->table;
  auto file = fs.Open(table.last().path, FileSystem::Mode::kReadWrite);
  if (!file.ok()) {
    return file.status();
  }
  report->first_offset = table.first_offset();
  report->end_offset = table.written_offset();
  report->segments = table.size();
  return std::make_unique<LogImpl>(fs, std::move(options), *std::move(recovered), std::move(*file),
                                   random);
}

}  // namespace cairn::wal
