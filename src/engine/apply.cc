#include "engine/apply.h"

#include <utility>

#include "base/failpoint.h"

namespace cairn::engine {

GenerationSource::GenerationSource(const Generation* generation)
    : generation_(generation),
      keys_(&generation->keys.FrozenOrder()),
      next_expiry_(generation->expiry->entries().begin()) {}

bool GenerationSource::Valid() const {
  return next_key_ < keys_->size() || next_expiry_ != generation_->expiry->entries().end();
}

RecordView GenerationSource::record() const {
  const auto view = [](Table table, const auto& entry) {
    return RecordView{.table = table,
                      .deleted = entry.deleted(),
                      .key = entry.key(),
                      .value = entry.deleted() ? std::string_view() : entry.value()};
  };
  if (next_key_ < keys_->size()) return view(Table::kKeys, *(*keys_)[next_key_]);
  return view(Table::kExpiry, **next_expiry_);
}

absl::Status GenerationSource::Next() {
  constexpr size_t kAhead = 8;
  if (next_key_ >= keys_->size()) {
    ++next_expiry_;
    return absl::OkStatus();
  }
  ++next_key_;
  if (next_key_ + kAhead < keys_->size()) __builtin_prefetch((*keys_)[next_key_ + kAhead]);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RunFileSource>> RunFileSource::Open(base::FileSystem& fs,
                                                                   const std::string& path) {
  auto reader = RunFileReader::Open(fs, path);
  if (!reader.ok()) return reader.status();
  std::unique_ptr<RunFileSource> source(new RunFileSource(*std::move(reader)));
  if (absl::Status status = source->Next(); !status.ok()) return status;
  return source;
}

absl::Status RunFileSource::Next() {
  const auto more = reader_->Next(&record_);
  if (!more.ok()) return more.status();
  valid_ = *more;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ApplyChunk(Store& store, RecordSource& source, const ChunkLimits& limits,
                                    const RunTarget& target) {
  auto batch = store.Begin();
  if (!batch.ok()) return batch.status();
  uint64_t keys = 0;
  uint64_t bytes = 0;
  while (source.Valid()) {
    const RecordView record = source.record();
    const uint64_t size = record.key.size() + record.value.size();
    if (keys != 0 && (keys >= limits.keys || bytes + size > limits.bytes)) break;
    if (absl::Status status = (*batch)->Apply(record); !status.ok()) return status;
    if (absl::Status status = source.Next(); !status.ok()) return status;
    ++keys;
    bytes += size;
  }
  const bool is_final = !source.Valid();
  absl::Status status = is_final ? (*batch)->FinishCheckpoint(target.sequence, target.meta)
                                 : (*batch)->MarkApplying(target.sequence);
  base::Failpoint(is_final ? "before final commit" : "before chunk commit");
  if (status.ok()) status = (*batch)->Commit();
  if (!status.ok()) return status;
  base::Failpoint(is_final ? "after final commit" : "after chunk commit");
  return keys;
}

bool FitsOneChunk(const Generation& generation, const ChunkLimits& limits) {
  if (generation.records() > limits.keys) return false;
  uint64_t keys = 0;
  uint64_t bytes = 0;
  for (GenerationSource source(&generation); source.Valid(); source.Next().IgnoreError()) {
    bytes += source.record().key.size() + source.record().value.size();
    if (keys++ != 0 && bytes > limits.bytes) return false;
  }
  return true;
}

}  // namespace cairn::engine
