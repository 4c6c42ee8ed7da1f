#include "crash/examine.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "crash/checker.h"

namespace cairn::crash {
namespace {

// What a process tells its parent of one image. Small enough that a pipe takes it whole.
struct Report {
  uint64_t number = 0;
  bool has_pending = false;
  bool log_was_cut = false;
  bool run_file_loaded = false;
  bool run_file_dropped = false;
  bool is_bad = false;
  std::array<char, 480> problem{};
};
static_assert(sizeof(Report) <= 512);

constexpr uint64_t kNoImage = UINT64_MAX;
// A cut's time of day is known to a few milliseconds.
constexpr int64_t kClockSlackMs = 5;

Expectation ExpectationAt(const Trial& trial, const Cut& cut, const Disk& disk) {
  return {.journals = &trial.JournalsAt(cut.stamp),
          .least = trial.LeastAt(cut.stamp, cut.plan.fate, disk),
          .cut_ms = trial.recording().WallUsAt(cut.stamp) / 1000 + kClockSlackMs,
          .now_ms = trial.LateMs()};
}

absl::Status MakeEmpty(const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  std::filesystem::create_directory(folder, error);
  return error ? absl::InternalError(fmt::format("cannot make `{}`", folder)) : absl::OkStatus();
}

// One child: its share of the images, in the order of their stamps.
class Worker {
 public:
  Worker(const Trial& trial, std::string folder, int pipe, uint64_t* current, bool stop_at_first)
      : trial_(trial),
        folder_(std::move(folder)),
        pipe_(pipe),
        current_(current),
        stop_at_first_(stop_at_first) {}

  int Run(const std::vector<Cut>& cuts) {
    auto disk = trial_.NewDisk();
    if (!disk.ok()) return Broken(disk.status());
    for (const Cut& cut : cuts) {
      *current_ = cut.number;
      if (absl::Status status = disk->Advance(cut.stamp); !status.ok()) return Broken(status);
      if (absl::Status status = MakeEmpty(folder_); !status.ok()) return Broken(status);
      Image image(*disk, cut.plan);
      if (absl::Status status = image.Write(folder_); !status.ok()) return Broken(status);
      const auto verdict = CheckImage(folder_, ExpectationAt(trial_, cut, *disk), cut.plan.seed);
      if (!Tell(cut, image, verdict)) return 1;
      if (!verdict.ok() && stop_at_first_) break;
    }
    *current_ = kNoImage;
    return 0;
  }

 private:
  // The machine failed, not the image.
  static int Broken(const absl::Status& status) {
    std::fprintf(stderr, "cannot build images: %s\n", std::string(base::Message(status)).c_str());
    return 1;
  }

  bool Tell(const Cut& cut, const Image& image, const absl::StatusOr<Verdict>& verdict) const {
    Report report;
    report.number = cut.number;
    report.has_pending = image.pending() != 0;
    if (verdict.ok()) {
      report.log_was_cut = verdict->log_was_cut;
      report.run_file_loaded = verdict->run_file_loaded;
      report.run_file_dropped = verdict->run_file_dropped;
    } else {
      report.is_bad = true;
      base::Message(verdict.status()).copy(report.problem.data(), report.problem.size() - 1);
    }
    return write(pipe_, &report, sizeof report) == sizeof report;
  }

  const Trial& trial_;
  const std::string folder_;
  const int pipe_;
  uint64_t* current_;
  const bool stop_at_first_;
};

class Examiner {
 public:
  Examiner(const Trial& trial, const ExamineOptions& options)
      : trial_(trial), options_(options), edges_(trial.recording()) {}

  absl::StatusOr<Tally> Run() {
    for (uint64_t i = 0; i < options_.images; ++i) cuts_.push_back(edges_.Choose(options_.seed, i));
    std::sort(cuts_.begin(), cuts_.end(), [](const Cut& a, const Cut& b) {
      return std::pair(a.stamp, a.number) < std::pair(b.stamp, b.number);
    });
    for (const Cut& cut : cuts_) by_number_.emplace(cut.number, &cut);
    const auto processes = static_cast<size_t>(options_.processes);
    // Shared with the children: the image that each is at, for when it dies.
    void* shared = mmap(nullptr, processes * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    std::array<int, 2> fds{};
    if (shared == MAP_FAILED || pipe(fds.data()) != 0) {
      return base::ErrnoStatus(errno, "cannot prepare for", "children");
    }
    current_ = static_cast<uint64_t*>(shared);
    for (size_t i = 0; i < processes; ++i) {
      if (absl::Status status = Fork(i, processes, fds); !status.ok()) return status;
    }
    close(fds[1]);
    Collect(fds[0]);
    close(fds[0]);
    const absl::Status status = Reap();
    munmap(shared, processes * sizeof(uint64_t));
    if (!status.ok()) return status;
    return std::move(tally_);
  }

 private:
  absl::Status Fork(size_t index, size_t processes, const std::array<int, 2>& fds) {
    const size_t first = cuts_.size() * index / processes;
    const size_t last = cuts_.size() * (index + 1) / processes;
    current_[index] = kNoImage;
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0) return base::ErrnoStatus(errno, "cannot fork for", trial_.folder());
    if (child > 0) {
      children_.push_back(child);
      return absl::OkStatus();
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    close(fds[0]);
    const std::vector<Cut> share(cuts_.begin() + static_cast<std::ptrdiff_t>(first),
                                 cuts_.begin() + static_cast<std::ptrdiff_t>(last));
    const std::string folder = fmt::format("{}/image-of-{}", trial_.folder(), index);
    Worker worker(trial_, folder, fds[1], &current_[index], options_.stop_at_first);
    const int code = worker.Run(share);
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    _exit(code);
  }

  void Collect(int pipe) {
    Report report;
    while (true) {
      const ssize_t got = read(pipe, &report, sizeof report);
      if (got < 0 && errno == EINTR) continue;
      if (got != sizeof report) return;
      const Cut& cut = *by_number_.at(report.number);
      Count(cut);
      tally_.with_pending += report.has_pending ? 1 : 0;
      tally_.log_was_cut += report.log_was_cut ? 1 : 0;
      tally_.run_file_loaded += report.run_file_loaded ? 1 : 0;
      tally_.run_file_dropped += report.run_file_dropped ? 1 : 0;
      if (report.is_bad) tally_.findings.push_back({cut, report.problem.data()});
    }
  }

  void Count(const Cut& cut) {
    ++tally_.images;
    ++tally_.by_edge[cut.edge];
    ++tally_.by_fate[std::string(FateName(cut.plan.fate))];
  }

  absl::Status Reap() {
    absl::Status result;
    for (size_t i = 0; i < children_.size(); ++i) {
      int status = 0;
      while (waitpid(children_[i], &status, 0) < 0 && errno == EINTR) {
      }
      if (WIFSIGNALED(status) && current_[i] != kNoImage) {
        const Cut& cut = *by_number_.at(current_[i]);
        Count(cut);
        tally_.findings.push_back(
            {cut, fmt::format("the process died of signal {}", WTERMSIG(status))});
      } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        result = absl::InternalError("a process that checks images has failed");
      }
    }
    return result;
  }

  const Trial& trial_;
  const ExamineOptions& options_;
  Edges edges_;
  std::vector<Cut> cuts_;
  std::map<uint64_t, const Cut*> by_number_;
  uint64_t* current_ = nullptr;
  std::vector<pid_t> children_;
  Tally tally_;
};

}  // namespace

void Tally::Add(const Tally& other) {
  images += other.images;
  with_pending += other.with_pending;
  log_was_cut += other.log_was_cut;
  run_file_loaded += other.run_file_loaded;
  run_file_dropped += other.run_file_dropped;
  exposed_ms = std::max(exposed_ms, other.exposed_ms);
  for (const auto& [edge, count] : other.by_edge) by_edge[edge] += count;
  for (const auto& [fate, count] : other.by_fate) by_fate[fate] += count;
  findings.insert(findings.end(), other.findings.begin(), other.findings.end());
}

absl::StatusOr<Tally> Examine(const Trial& trial, const ExamineOptions& options) {
  return Examiner(trial, options).Run();
}

absl::Status ExamineOne(const Trial& trial, uint64_t seed, uint64_t number,
                        const std::string& folder, Cut* cut, absl::StatusOr<Verdict>* verdict) {
  *cut = Edges(trial.recording()).Choose(seed, number);
  auto disk = trial.NewDisk();
  if (!disk.ok()) return disk.status();
  absl::Status status = disk->Advance(cut->stamp);
  const std::string copy = folder + ".checked";
  for (const std::string& path : {folder, copy}) {
    if (status.ok()) status = MakeEmpty(path);
    if (status.ok()) status = Image(*disk, cut->plan).Write(path);
  }
  if (!status.ok()) return status;
  *verdict = CheckImage(copy, ExpectationAt(trial, *cut, *disk), cut->plan.seed);
  std::error_code ignored;
  std::filesystem::remove_all(copy, ignored);
  return absl::OkStatus();
}

}  // namespace cairn::crash
