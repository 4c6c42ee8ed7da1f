#include "engine/recovery.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/record_view.h"

namespace cairn::engine {
namespace {

// What lies in the run folder.
struct Found {
  std::optional<RecoveredRun> newer;  // than the store
  std::string newer_path;
  std::vector<std::string> useless;
  std::string damage;  // of the last damaged file, for the message
};

void Add(const RecordView& record, Generation* generation) {
  if (record.table == Table::kExpiry) {
    if (record.deleted) {
      generation->expiry->Delete(record.key);
    } else {
      generation->expiry->Put(record.key, record.value);
    }
    return;
  }
  const uint64_t hash = Engine::Hash(record.key);
  if (record.deleted) {
    generation->keys.Delete(record.key, hash);
  } else {
    generation->keys.Put(record.key, hash, record.value, {});
  }
}

// The file's content as the overlay that it was written from; nullopt when it is not newer than
// `sequence`.
absl::StatusOr<std::optional<RecoveredRun>> Load(base::FileSystem& fs, const std::string& path,
                                                 uint64_t sequence) {
  auto reader = RunFileReader::Open(fs, path);
  if (!reader.ok()) return reader.status();
  if ((*reader)->target().sequence <= sequence) return std::nullopt;
  RecoveredRun run{.generation = std::make_shared<Generation>(), .target = {}};
  RecordView record;
  while (true) {
    const auto more = (*reader)->Next(&record);
    if (!more.ok()) return more.status();
    if (!*more) break;
    Add(record, run.generation.get());
  }
  run.generation->keys.Freeze();
  run.target = (*reader)->target();
  return run;
}

absl::Status LookAt(base::FileSystem& fs, const std::string& path, uint64_t sequence,
                    Found* found) {
  auto run = Load(fs, path, sequence);
  if (absl::IsDataLoss(run.status())) {
    found->damage = std::string(run.status().message());
    found->useless.push_back(path);
    return absl::OkStatus();
  }
  if (!run.ok()) return run.status();
  if (!run->has_value()) {
    found->useless.push_back(path);
    return absl::OkStatus();
  }
  if (found->newer.has_value()) {
    return absl::DataLossError(
        fmt::format("{} and {} are both newer than the store: files of different times were put "
                    "together; restore the data folder from where they came",
                    found->newer_path, path));
  }
  found->newer = **std::move(run);
  found->newer_path = path;
  return absl::OkStatus();
}

absl::Status HalfApplied(const std::string& run_dir, const Found& found) {
  return absl::DataLossError(fmt::format(
      "the store has half of a checkpoint, and its run file in `{}` is {}: the log cannot be "
      "replayed on top of it. "
      "Restore the data folder from a backup or start as a replica of a good server",
      run_dir, found.damage.empty() ? "missing" : fmt::format("damaged ({})", found.damage)));
}

}  // namespace

absl::StatusOr<std::optional<RecoveredRun>> RecoverRunFiles(base::FileSystem& fs,
                                                            const std::string& run_dir,
                                                            const StoreState& state,
                                                            OpenReport* report) {
  const auto names = fs.List(run_dir);
  if (!names.ok()) return names.status();
  Found found;
  for (const std::string& name : *names) {
    const std::string path = fmt::format("{}/{}", run_dir, name);
    if (IsTemporaryRunFileName(name)) {
      found.useless.push_back(path);
      report->run_file_dropped = true;
    } else if (IsRunFileName(name)) {
      absl::Status status = LookAt(fs, path, state.sequence, &found);
      if (!status.ok()) return status;
    }
  }
  const uint64_t newer = found.newer.has_value() ? found.newer->target.sequence : 0;
  if (state.applying != 0 && newer != state.applying) return HalfApplied(run_dir, found);
  report->run_file_dropped |= !found.damage.empty();
  if (found.newer.has_value()) {
    report->run_file_loaded = true;
    report->run_file_records = found.newer->generation->records();
  }
  for (const std::string& path : found.useless) {
    if (absl::Status status = fs.Remove(path); !status.ok()) return status;
  }
  if (!found.useless.empty()) {
    if (absl::Status status = fs.SyncDir(run_dir); !status.ok()) return status;
  }
  return std::move(found.newer);
}

}  // namespace cairn::engine
