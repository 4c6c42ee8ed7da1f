#include "check/lost_files.h"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/random.h"
#include "base/status.h"
#include "engine/engine.h"
#include "keyspace/saved_state.h"
#include "wal/log_id.h"
#include "wal/survey.h"

namespace cairn::check {
namespace {

using keyspace::SavedState;

std::string LogDir(const std::string& dir) {
  return dir + "/log";
}

// True when the log of `state` is in its folder and holds `offset`, false when it is lost. Damage
// of the right log is an error: a part of it can still be read.
absl::StatusOr<bool> HasItsLog(base::FileSystem& fs, const std::string& dir,
                               const SavedState& state, uint64_t offset) {
  const auto survey = wal::SurveyLog(fs, LogDir(dir), state.replaced_log_id);
  if (absl::IsNotFound(survey.status())) return false;
  if (!survey.ok()) return survey.status();
  for (const wal::FoundSegment& segment : survey->segments) {
    if (segment.header.has_value() && segment.header->log_id != state.log_id) return false;
  }
  if (auto status = wal::CheckOlderSegments(*survey); !status.ok()) return status;
  if (auto status = wal::CheckEnd(*survey); !status.ok()) return status;
  return !survey->segments.empty() && offset >= survey->segments.front().info.first_offset &&
         offset <= survey->end.offset;
}

// Renames the folder `log`; returns its new path, or nothing when there is none.
absl::StatusOr<std::string> MoveLogAway(base::FileSystem& fs, const std::string& dir) {
  if (!fs.Exists(LogDir(dir))) return std::string();
  std::string path;
  for (int number = 1; path.empty() || fs.Exists(path); ++number) {
    path = fmt::format("{}.lost-{}", LogDir(dir), number);
  }
  if (auto status = fs.Rename(LogDir(dir), path); !status.ok()) return status;
  if (auto status = fs.SyncDir(dir); !status.ok()) return status;
  return path;
}

}  // namespace

absl::StatusOr<AcceptedLoss> AcceptLogLoss(base::FileSystem& fs, const std::string& dir) {
  if (!engine::Engine::Exists(fs, dir)) {
    return base::FailedPrecondition(fmt::format("there is no store in `{}`", dir));
  }
  const auto lock = fs.Lock(dir + "/LOCK");
  if (!lock.ok()) return lock.status();
  const auto engine = engine::Engine::Open(fs, {.dir = dir}, nullptr);
  if (!engine.ok()) return engine.status();
  if (auto status = (*engine)->WaitIdle(); !status.ok()) return status;
  AcceptedLoss loss{.store_offset = (*engine)->checkpoint().log_offset, .moved_to = {}};
  auto state = keyspace::DecodeState((*engine)->checkpoint().blob);
  if (!state.ok()) return state.status();
  const auto has_log = HasItsLog(fs, dir, *state, loss.store_offset);
  if (!has_log.ok()) return has_log.status();
  if (*has_log) {
    return absl::FailedPreconditionError(
        "the log is there and belongs to the store: nothing needs to be lost, start the server");
  }
  auto moved = MoveLogAway(fs, dir);
  if (!moved.ok()) return moved.status();
  loss.moved_to = *std::move(moved);
  state->replaced_log_id = std::exchange(state->log_id, wal::NewLogId());
  state->replication_id = base::RandomHex(keyspace::kReplicationIdDigits);
  (*engine)->Seal({.log_offset = loss.store_offset, .blob = keyspace::EncodeState(*state)});
  if (auto status = (*engine)->WaitIdle(); !status.ok()) return status;
  return loss;
}

absl::StatusOr<uint64_t> RebuildStore(base::FileSystem& fs, const std::string& dir) {
  if (engine::Engine::Exists(fs, dir)) {
    return base::FailedPrecondition(
        fmt::format("there is a store in `{0}`: move the folder `{0}/store` away first", dir));
  }
  const auto survey = wal::SurveyLog(fs, LogDir(dir), wal::kNoLogId);
  if (!survey.ok()) return survey.status();
  if (survey->segments.empty()) {
    return base::FailedPrecondition(fmt::format("there is no log in `{}`", LogDir(dir)));
  }
  if (auto status = wal::CheckOneLog(*survey); !status.ok()) return status;
  if (auto status = wal::CheckOlderSegments(*survey); !status.ok()) return status;
  if (auto status = wal::CheckEnd(*survey); !status.ok()) return status;
  if (const uint64_t first = survey->segments.front().info.first_offset; first != 0) {
    return base::FailedPrecondition(fmt::format(
        "the log in `{}` begins at offset {}: what stood before it was only in the store",
        LogDir(dir), first));
  }
  const auto lock = fs.Lock(dir + "/LOCK");
  if (!lock.ok()) return lock.status();
  SavedState state;
  std::array<char, sizeof(uint64_t)> seed{};
  base::FillRandomBytes(seed);
  state.hash_seed = base::LoadLittle64(seed.data());
  state.replication_id = base::RandomHex(keyspace::kReplicationIdDigits);
  state.log_id = survey->segments.front().header->log_id;
  state.databases = keyspace::EncodeDatabases({});
  const auto engine = engine::Engine::Open(
      fs, {.dir = dir, .first = {.log_offset = 0, .blob = keyspace::EncodeState(state)}}, nullptr);
  if (!engine.ok()) return engine.status();
  return survey->end.offset;
}

}  // namespace cairn::check
