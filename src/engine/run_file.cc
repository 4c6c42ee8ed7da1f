#include "engine/run_file.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/canary.h"
#include "base/check.h"
#include "base/failpoint.h"
#include "engine/format.h"

namespace cairn::engine {
namespace {

using base::AppendLittle32;
using base::AppendLittle64;
using base::LoadLittle32;
using base::LoadLittle64;

uint64_t Checksum(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

// The checksum of parts that lie apart, as if they were joined.
uint64_t Checksum(std::span<const std::string_view> parts) {
  XXH3_state_t* state = XXH3_createState();
  CAIRN_CHECK(state != nullptr);
  XXH3_64bits_reset(state);
  for (const std::string_view part : parts) XXH3_64bits_update(state, part.data(), part.size());
  const uint64_t sum = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return sum;
}

// A block's or footer's header up to its checksum.
std::string BlockHead(uint32_t tag, size_t payload, uint32_t records) {
  std::string head;
  AppendLittle32(&head, tag);
  AppendLittle32(&head, static_cast<uint32_t>(payload));
  AppendLittle32(&head, records);
  AppendLittle32(&head, 0);
  return head;
}

std::string RecordHead(const RecordView& record) {
  std::string head;
  head.push_back(static_cast<char>(record.table));
  head.push_back(record.deleted ? 1 : 0);
  head.push_back(static_cast<char>(record.key.size() & 0xff));
  head.push_back(static_cast<char>(record.key.size() >> 8));
  AppendLittle32(&head, static_cast<uint32_t>(record.value.size()));
  return head;
}

std::string TemporaryName(uint64_t log_offset) {
  return fmt::format("{}{}", log_offset, format::kRunTemporarySuffix);
}

}  // namespace

std::string RunFileName(uint64_t log_offset) {
  return fmt::format("{}{}", log_offset, format::kRunSuffix);
}

bool IsRunFileName(std::string_view name) {
  return name.ends_with(format::kRunSuffix);
}

bool IsTemporaryRunFileName(std::string_view name) {
  return name.ends_with(format::kRunTemporarySuffix);
}

// ---- writer

RunFileWriter::RunFileWriter(base::FileSystem& fs, std::string dir, const RunTarget& target)
    : fs_(fs),
      dir_(std::move(dir)),
      path_(fmt::format("{}/{}", dir_, RunFileName(target.meta.log_offset))),
      temporary_path_(fmt::format("{}/{}", dir_, TemporaryName(target.meta.log_offset))),
      target_(target) {}

RunFileWriter::~RunFileWriter() {
  if (file_ != nullptr && !finished_) fs_.Remove(temporary_path_).IgnoreError();
}

absl::StatusOr<std::unique_ptr<RunFileWriter>> RunFileWriter::Create(base::FileSystem& fs,
                                                                     std::string dir,
                                                                     const RunTarget& target) {
  std::unique_ptr<RunFileWriter> writer(new RunFileWriter(fs, std::move(dir), target));
  base::Failpoint("before run file creation");
  auto file = fs.Open(writer->temporary_path_, base::FileSystem::Mode::kCreate);
  if (!file.ok()) return file.status();
  writer->file_ = *std::move(file);
  if (absl::Status status = writer->WriteHeader(); !status.ok()) return status;
  return writer;
}

absl::Status RunFileWriter::WriteHeader() {
  std::string header(format::kRunMagic);
  AppendLittle32(&header, format::kRunVersion);
  AppendLittle32(&header, 0);
  AppendLittle64(&header, target_.sequence);
  AppendLittle64(&header, target_.meta.log_offset);
  AppendLittle64(&header, Checksum(header));
  CAIRN_CHECK(header.size() == format::kRunHeader);
  offset_ = header.size();
  return file_->WriteAt(0, header);
}

absl::Status RunFileWriter::Add(const RecordView& record) {
  ++records_;
  const std::string head = RecordHead(record);
  const size_t size = head.size() + record.key.size() + record.value.size();
  if (block_records_ != 0 && block_.size() + size > format::kBlockTarget) {
    if (absl::Status status = WriteBlock(); !status.ok()) return status;
  }
  if (size > format::kBlockTarget) return WriteLargeRecord(head, record);
  block_.append(head).append(record.key).append(record.value);
  ++block_records_;
  return absl::OkStatus();
}

absl::Status RunFileWriter::WriteBlock() {
  if (block_records_ == 0) return absl::OkStatus();
  base::Failpoint("before run file write");
  std::string head = BlockHead(format::kBlockTag, block_.size(), block_records_);
  AppendLittle64(&head, Checksum(std::array<std::string_view, 2>{head, block_}));
  const absl::Status status =
      file_->WriteAt(offset_, std::array<std::string_view, 2>{head, block_});
  offset_ += head.size() + block_.size();
  block_.clear();
  block_records_ = 0;
  base::Failpoint("after run file write");
  return status;
}

absl::Status RunFileWriter::WriteLargeRecord(std::string_view record_header,
                                             const RecordView& record) {
  base::Failpoint("before run file write");
  const size_t payload = record_header.size() + record.key.size() + record.value.size();
  std::string head = BlockHead(format::kBlockTag, payload, 1);
  AppendLittle64(&head, Checksum(std::array<std::string_view, 4>{head, record_header, record.key,
                                                                 record.value}));
  const std::array<std::string_view, 4> parts{head, record_header, record.key, record.value};
  const absl::Status status = file_->WriteAt(offset_, parts);
  offset_ += head.size() + payload;
  base::Failpoint("after run file write");
  return status;
}

absl::Status RunFileWriter::SyncSoFar() {
  absl::Status status;
  base::Failpoint("before run file sync");
  if (!base::LeavesOut("run file sync")) status = file_->Sync();
  if (!status.ok()) return status;
  base::Failpoint("after run file sync");
  synced_ = offset_;
  return absl::OkStatus();
}

absl::Status RunFileWriter::WriteFooter() {
  std::string payload;
  AppendLittle64(&payload, records_);
  payload += target_.meta.blob;
  std::string footer = BlockHead(format::kFooterTag, payload.size(), 0);
  AppendLittle64(&footer, Checksum(std::array<std::string_view, 2>{footer, payload}));
  footer += payload;
  const absl::Status status = file_->WriteAt(offset_, footer);
  offset_ += footer.size();
  return status;
}

absl::Status RunFileWriter::MoveIntoPlace() {
  base::Failpoint("before run file rename");
  if (absl::Status status = fs_.Rename(temporary_path_, path_); !status.ok()) return status;
  finished_ = true;
  base::Failpoint("after run file rename");
  if (base::LeavesOut("run folder sync")) return absl::OkStatus();
  const absl::Status status = fs_.SyncDir(dir_);
  base::Failpoint("after run folder sync");
  return status;
}

absl::Status RunFileWriter::Finish() {
  if (absl::Status status = WriteBlock(); !status.ok()) return status;
  if (absl::Status status = WriteFooter(); !status.ok()) return status;
  if (absl::Status status = SyncSoFar(); !status.ok()) return status;
  return MoveIntoPlace();
}

// ---- reader

RunFileReader::RunFileReader(std::string path, std::unique_ptr<base::File> file, uint64_t size)
    : path_(std::move(path)), file_(std::move(file)), size_(size) {}

absl::Status RunFileReader::Damaged(std::string_view what) const {
  return absl::DataLossError(fmt::format("run file `{}`, byte {}: {}", path_, block_start_, what));
}

absl::StatusOr<std::unique_ptr<RunFileReader>> RunFileReader::Open(base::FileSystem& fs,
                                                                   std::string path) {
  auto file = fs.Open(path, base::FileSystem::Mode::kRead);
  if (!file.ok()) return file.status();
  const auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  std::unique_ptr<RunFileReader> reader(
      new RunFileReader(std::move(path), *std::move(file), *size));
  if (absl::Status status = reader->ReadHeader(); !status.ok()) return status;
  return reader;
}

absl::Status RunFileReader::ReadExactly(size_t size, std::string* out) {
  if (size > size_ - offset_) return Damaged("the file ends too early");
  out->resize(size);
  const auto got = file_->ReadAt(offset_, out->data(), size);
  if (!got.ok()) return got.status();
  if (*got != size) return Damaged("the file ends too early");
  offset_ += size;
  return absl::OkStatus();
}

absl::Status RunFileReader::ReadHeader() {
  std::string header;
  if (absl::Status status = ReadExactly(format::kRunHeader, &header); !status.ok()) return status;
  const std::string_view checked = std::string_view(header).substr(0, format::kRunHeaderChecked);
  if (!header.starts_with(format::kRunMagic)) return Damaged("not a run file");
  if (LoadLittle64(header.data() + checked.size()) != Checksum(checked)) {
    return Damaged("the header does not match its checksum");
  }
  const uint32_t version = LoadLittle32(header.data() + 8);
  if (version != format::kRunVersion) {
    return absl::FailedPreconditionError(
        fmt::format("run file `{}` has format version {}; this program knows version {}. Start the "
                    "release that "
                    "wrote it once, and stop it cleanly",
                    path_, version, format::kRunVersion));
  }
  target_.sequence = LoadLittle64(header.data() + 16);
  target_.meta.log_offset = LoadLittle64(header.data() + 24);
  return absl::OkStatus();
}

absl::Status RunFileReader::ReadBlock() {
  block_start_ = offset_;
  std::string head;
  if (absl::Status status = ReadExactly(format::kBlockHeader, &head); !status.ok()) return status;
  const uint32_t tag = LoadLittle32(head.data());
  if (tag != format::kBlockTag && tag != format::kFooterTag) return Damaged("no block begins here");
  if (absl::Status status = ReadExactly(LoadLittle32(head.data() + 4), &block_); !status.ok()) {
    return status;
  }
  const std::string_view checked = std::string_view(head).substr(0, format::kBlockHeaderChecked);
  if (LoadLittle64(head.data() + checked.size()) !=
      Checksum(std::array<std::string_view, 2>{checked, block_})) {
    return Damaged("the block does not match its checksum");
  }
  block_at_ = 0;
  block_records_left_ = LoadLittle32(head.data() + 8);
  return tag == format::kFooterTag ? ParseFooter() : absl::OkStatus();
}

absl::Status RunFileReader::ParseFooter() {
  if (block_.size() < format::kFooterFixed || LoadLittle64(block_.data()) != records_) {
    return Damaged("the footer counts other records than there are");
  }
  if (offset_ != size_) return Damaged("there are bytes behind the footer");
  target_.meta.blob = block_.substr(format::kFooterFixed);
  done_ = true;
  return absl::OkStatus();
}

absl::StatusOr<bool> RunFileReader::Next(RecordView* record) {
  while (!done_ && block_records_left_ == 0) {
    if (absl::Status status = ReadBlock(); !status.ok()) return status;
  }
  if (done_) return false;
  const size_t left = block_.size() - block_at_;
  if (left < format::kRecordHeader) return Damaged("a record does not fit its block");
  const char* head = block_.data() + block_at_;
  const size_t key_size =
      static_cast<uint8_t>(head[2]) | static_cast<size_t>(static_cast<uint8_t>(head[3])) << 8;
  const size_t value_size = LoadLittle32(head + 4);
  if (key_size + value_size > left - format::kRecordHeader) {
    return Damaged("a record does not fit its block");
  }
  const auto table = static_cast<Table>(head[0]);
  if ((table != Table::kKeys && table != Table::kExpiry) || key_size == 0 ||
      key_size > kMaxEngineKey) {
    return Damaged("a record that no engine writes");
  }
  const char* key = head + format::kRecordHeader;
  *record = {.table = table,
             .deleted = head[1] != 0,
             .key = {key, key_size},
             .value = {key + key_size, value_size}};
  block_at_ += format::kRecordHeader + key_size + value_size;
  --block_records_left_;
  ++records_;
  return true;
}

absl::Status VerifyRunFile(base::FileSystem& fs, const std::string& path, RunTarget* target,
                           uint64_t* records) {
  auto reader = RunFileReader::Open(fs, path);
  if (!reader.ok()) return reader.status();
  RecordView record;
  while (true) {
    const auto more = (*reader)->Next(&record);
    *target = (*reader)->target();
    *records = (*reader)->records();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
  }
}

}  // namespace cairn::engine
