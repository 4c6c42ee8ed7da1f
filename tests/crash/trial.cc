#include "crash/trial.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/status.h"
#include "crash/checker.h"
#include "crash/server_run.h"

namespace cairn::crash {
namespace {

constexpr std::string_view kLogFolder = "data/log";
constexpr int64_t kLateMs = 3'600'000;

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directory(path, error);
  return error ? absl::InternalError(fmt::format("cannot make `{}`: {}", path, error.message()))
               : absl::OkStatus();
}

}  // namespace

std::string RoomyFolder() {
  std::error_code error;
  const std::filesystem::path memory = "/dev/shm";
  const auto space = std::filesystem::space(memory, error);
  constexpr uint64_t kEnough = 2ULL << 30;
  if (!error && space.available >= kEnough) return memory.string();
  return std::filesystem::temp_directory_path().string();
}

absl::Status CopyFolder(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive, error);
  return error ? absl::InternalError(fmt::format("cannot copy `{}`: {}", from, error.message()))
               : absl::OkStatus();
}

// ---- life

absl::StatusOr<Trial> Trial::Create(const std::string& folder, const std::string& appendfsync) {
  Trial trial(folder, appendfsync);
  for (const std::string& path : {folder, folder + "/root"}) {
    if (absl::Status status = MakeFolder(path); !status.ok()) return status;
  }
  return trial;
}

absl::StatusOr<Trial> Trial::CreateFromImage(const std::string& folder,
                                             const std::string& appendfsync,
                                             const std::string& image,
                                             std::vector<Journal> journals) {
  Trial trial(folder, appendfsync);
  absl::Status status = MakeFolder(folder);
  for (const std::string name : {"/initial", "/root"}) {
    status.Update(status.ok() ? CopyFolder(image, folder + name) : status);
  }
  if (!status.ok()) return status;
  trial.has_initial_ = true;
  // What the image holds is lasting from the first moment.
  for (Journal& journal : journals) journal.AcknowledgeAll();
  trial.workload_.journals() = std::move(journals);
  return trial;
}

absl::Status Trial::RunServer(const LifeOptions& options, const std::string& events) {
  const uint64_t first = recording_.end_stamp();
  ServerRun server({.server = options.server,
                    .recorder = options.recorder,
                    .folder = folder_,
                    .root = folder_ + "/root",
                    .appendfsync = appendfsync_,
                    .recording = events,
                    .first_stamp = first,
                    .kill_at = options.kill_after == 0 ? 0 : first + options.kill_after,
                    .sync_delay_us = options.sync_delay_us,
                    .environment = {}});
  absl::Status status = server.Launch();
  if (status.ok()) status = server.WaitReady();
  if (absl::IsAborted(status)) return absl::OkStatus();
  size_t connections = 1;  // that of WaitReady
  // A server that is going to be killed may be gone before the comparison is over.
  if (status.ok() && options.kill_after == 0) {
    status = CompareOverSocket(server.socket_path(), workload_.journals());
    ++connections;
  }
  if (status.ok()) status = workload_.Run(server.socket_path(), options.workload);
  if (!status.ok()) return status;
  status = server.WaitEnd();
  if (!status.ok() && !absl::IsAborted(status)) return status;
  if (status = recording_.Add(events); !status.ok()) return status;
  return workload_.NoteAcks(recording_, connections);
}

absl::Status Trial::Live(const LifeOptions& options) {
  const size_t lives = recording_.life_begins().size();
  const std::string events = LifeFile(lives + 1, "events");
  absl::Status status = RunServer(options, events);
  // A server that was killed before it listened has a recording all the same.
  if (status.ok() && recording_.life_begins().size() == lives) status = recording_.Add(events);
  if (!status.ok()) return status;
  lives_.push_back(workload_.journals());
  if (status = Save(); !status.ok()) return status;
  return CheckAfterLife();
}

absl::Status Trial::CheckAfterLife() {
  auto disk = NewDisk();
  if (!disk.ok()) return disk.status();
  const uint64_t end = recording_.end_stamp();
  absl::Status status = disk->Advance(end);
  if (status.ok()) status = disk->CompareWithFolder(folder_ + "/root");
  const std::string copy = folder_ + "/copy";
  if (status.ok()) status = CopyFolder(folder_ + "/root", copy);
  if (!status.ok()) return status;
  const Expectation expectation{.journals = &lives_.back(),
                                .least = LeastAt(end, Fate::kEverything, *disk),
                                .cut_ms = recording_.WallUsAt(end) / 1000,
                                .now_ms = LateMs()};
  const auto verdict = CheckImage(copy, expectation, end);
  if (!verdict.ok()) {
    return base::MakeStatus(verdict.status().code(),
                            fmt::format("after life {}, without a power cut: {}", lives_.size(),
                                        base::Message(verdict.status())));
  }
  std::error_code ignored;
  std::filesystem::remove_all(copy, ignored);
  for (size_t i = 0; i < verdict->survived.size(); ++i) {
    workload_.journals()[i].Truncate(verdict->survived[i]);
  }
  return absl::OkStatus();
}

// ---- questions

absl::StatusOr<Disk> Trial::NewDisk() const {
  if (has_initial_) return Disk::FromFolder(recording_, folder_ + "/initial");
  return Disk(recording_);
}

const std::vector<Journal>& Trial::JournalsAt(uint64_t stamp) const {
  const std::vector<uint64_t>& begins = recording_.life_begins();
  const auto next = std::upper_bound(begins.begin(), begins.end(), stamp);
  const auto life = std::max<std::ptrdiff_t>(next - begins.begin() - 1, 0);
  return lives_[static_cast<size_t>(life)];
}

std::vector<size_t> Trial::LeastAt(uint64_t stamp, Fate fate, const Disk& disk) const {
  // `always` promises all that was acknowledged, and so do the others when only the process dies.
  // Otherwise a reply that was handed over before the first write that is not lasting promises.
  uint64_t before = stamp;
  if (appendfsync_ != "always" && fate != Fate::kEverything) {
    before = std::min(before, disk.FirstUnsynced(kLogFolder));
  }
  std::vector<size_t> least;
  for (const Journal& journal : JournalsAt(stamp)) least.push_back(journal.AckedBefore(before));
  return least;
}

absl::StatusOr<Exposure> Trial::LongestExposure() const {
  std::vector<uint64_t> acks;
  for (const Journal& journal : lives_.back()) {
    for (const Journal::Entry& entry : journal.entries()) {
      if (entry.acked != 0 && entry.acked != Journal::kNever) acks.push_back(entry.acked);
    }
  }
  std::sort(acks.begin(), acks.end());
  auto disk = NewDisk();
  if (!disk.ok()) return disk.status();
  Exposure exposure;
  size_t safe = 0;
  std::map<uint64_t, int64_t> begun;  // syncs under way, by their begin stamps, and when that was
  for (const Moment& moment : recording_.moments()) {
    const Event& event = recording_.events()[moment.event];
    if (event.kind != EventKind::kSync) continue;
    const int64_t now_us = recording_.WallUsAt(moment.stamp);
    if (!moment.is_end) {
      begun.emplace(event.begin, now_us);
      continue;
    }
    const int64_t took_us = now_us - begun.extract(event.begin).mapped();
    exposure.longest_sync_ms = std::max(exposure.longest_sync_ms, took_us / 1000);
    if (absl::Status status = disk->Advance(moment.stamp + 1); !status.ok()) return status;
    const uint64_t unsynced = disk->FirstUnsynced(kLogFolder);
    for (; safe < acks.size() && acks[safe] < std::min(unsynced, moment.stamp); ++safe) {
      const int64_t waited_us = now_us - recording_.WallUsAt(acks[safe]);
      exposure.longest_ms = std::max(exposure.longest_ms, waited_us / 1000);
    }
  }
  if (safe == acks.size()) return exposure;
  return base::DataLoss(
      fmt::format("{} answered commands never became lasting", acks.size() - safe));
}

int64_t Trial::LateMs() const {
  return recording_.WallUsAt(UINT64_MAX) / 1000 + kLateMs;
}

// ---- files

std::string Trial::LifeFile(size_t life, std::string_view suffix) const {
  return fmt::format("{}/life-{}.{}", folder_, life, suffix);
}

absl::Status Trial::Save() const {
  for (size_t i = 0; i < lives_.back().size(); ++i) {
    const std::string file = LifeFile(lives_.size(), fmt::format("journal-{}", i));
    if (absl::Status status = lives_.back()[i].Save(file); !status.ok()) return status;
  }
  std::ofstream out(folder_ + "/trial");
  out << appendfsync_ << ' ' << lives_.size() << '\n';
  out.close();
  return out ? absl::OkStatus() : absl::InternalError("cannot write the trial's file");
}

absl::StatusOr<Trial> Trial::Load(const std::string& folder) {
  std::ifstream in(folder + "/trial");
  std::string appendfsync;
  size_t lives = 0;
  if (!(in >> appendfsync >> lives)) {
    return absl::NotFoundError(fmt::format("`{}` is not a trial's folder", folder));
  }
  Trial trial(folder, appendfsync);
  trial.has_initial_ = std::filesystem::exists(folder + "/initial");
  for (size_t life = 1; life <= lives; ++life) {
    const absl::Status status = trial.recording_.Add(trial.LifeFile(life, "events"));
    if (!status.ok()) return status;
    std::vector<Journal>& journals = trial.lives_.emplace_back();
    for (int i = 0; i < kClients; ++i) {
      auto journal = Journal::Load(trial.LifeFile(life, fmt::format("journal-{}", i)));
      if (!journal.ok()) return journal.status();
      journals.push_back(*std::move(journal));
    }
  }
  return trial;
}

}  // namespace cairn::crash
