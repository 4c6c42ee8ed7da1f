#include "engine/recovery.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace cairn::engine {
namespace {

struct RunFile {
  std::string path;
  RunTarget target;
  uint64_t records = 0;
};

// What lies in the run folder, but for temporary files.
struct Found {
  std::vector<RunFile> complete;
  std::vector<std::string> damaged;
  std::string damage;  // of the last damaged one, for the message
};

absl::Status LookAt(base::FileSystem& fs, const std::string& path, Found* found) {
  RunFile file{.path = path, .target = {}};
  absl::Status status = VerifyRunFile(fs, path, &file.target, &file.records);
  if (status.ok()) {
    found->complete.push_back(std::move(file));
    return absl::OkStatus();
  }
  if (!absl::IsDataLoss(status)) return status;
  found->damaged.push_back(path);
  found->damage = std::string(status.message());
  return absl::OkStatus();
}

absl::Status HalfApplied(const std::string& run_dir, const Found& found) {
  return absl::DataLossError(fmt::format(
      "the store has half of a checkpoint, and its run file in `{}` is {}: the log cannot be "
      "replayed on top of it. "
      "Restore the data folder from a backup or start as a replica of a good server",
      run_dir, found.damage.empty() ? "missing" : fmt::format("damaged ({})", found.damage)));
}

absl::Status ApplyRunFile(base::FileSystem& fs, const RunFile& file, Store& store,
                          const ChunkLimits& limits) {
  auto source = RunFileSource::Open(fs, file.path);
  if (!source.ok()) return source.status();
  bool more = true;
  while (more) {
    const auto applied = ApplyChunk(store, **source, limits, file.target);
    if (!applied.ok()) return applied.status();
    more = (*source)->Valid();
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RecoverRunFiles(base::FileSystem& fs, const std::string& run_dir, Store& store,
                             const ChunkLimits& limits, OpenReport* report) {
  const auto state = store.ReadState();
  if (!state.ok()) return state.status();
  const auto names = fs.List(run_dir);
  if (!names.ok()) return names.status();
  Found found;
  std::vector<std::string> useless;
  for (const std::string& name : *names) {
    const std::string path = fmt::format("{}/{}", run_dir, name);
    if (IsTemporaryRunFileName(name)) {
      useless.push_back(path);
      report->run_file_dropped = true;
    } else if (IsRunFileName(name)) {
      if (absl::Status status = LookAt(fs, path, &found); !status.ok()) return status;
    }
  }
  const bool half_applied = state->applying != 0;
  const bool can_complete =
      std::any_of(found.complete.begin(), found.complete.end(),
                  [&](const RunFile& file) { return file.target.sequence == state->applying; });
  if (half_applied && !can_complete) return HalfApplied(run_dir, found);
  report->run_file_dropped |= !found.damaged.empty();
  useless.insert(useless.end(), found.damaged.begin(), found.damaged.end());
  for (const RunFile& file : found.complete) {
    if (file.target.sequence > state->sequence) {
      if (absl::Status status = ApplyRunFile(fs, file, store, limits); !status.ok()) return status;
      report->run_file_applied = true;
      report->run_file_records += file.records;
    }
    useless.push_back(file.path);
  }
  for (const std::string& path : useless) {
    if (absl::Status status = fs.Remove(path); !status.ok()) return status;
  }
  return useless.empty() ? absl::OkStatus() : fs.SyncDir(run_dir);
}

}  // namespace cairn::engine
