// Power cuts: records what real servers do to their data folders under load, builds the disks that
// a power cut could have left, and checks what is recovered from each. README.md has the model.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/random.h"
#include "base/status.h"
#include "crash/checker.h"
#include "crash/examine.h"
#include "crash/trial.h"

namespace cairn::crash {
namespace {

struct Flags {
  std::string server;
  std::string recorder;
  std::string folder;
  std::string replay;
  std::string policy;
  uint64_t seed = 1;
  uint64_t images = 2000;
  uint64_t image = UINT64_MAX;
  uint64_t commands = 4000;
  int descendants = 4;
  int processes = 2;
  bool expect_loss = false;
  bool keep = false;
};

std::string Text(const absl::Status& status) {
  return std::string(base::Message(status));
}

// Images that are made of one set of recordings; for more, servers are recorded again.
constexpr uint64_t kImagesOfARound = 4000;

// One set of recordings and its images.
class Round {
 public:
  Round(const Flags& flags, uint64_t seed, uint64_t images)
      : flags_(flags), seed_(seed), images_(images), random_(seed) {}

  // False when something is wrong: with an image, which the tally has, or with the rest.
  bool Run() {
    std::string pattern =
        (flags_.folder.empty() ? RoomyFolder() : flags_.folder) + "/cairn-crash-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
    folder_ = pattern;
    const bool good = Trials();
    const bool is_done = good || (flags_.expect_loss && !tally_.findings.empty());
    if (!flags_.keep && is_done) {
      std::error_code ignored;
      std::filesystem::remove_all(folder_, ignored);
    }
    return good;
  }
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  struct Share {
    const char* appendfsync;
    uint64_t percent;
  };

  [[nodiscard]] LifeOptions Life(const std::string& policy, uint64_t commands) {
    const bool is_slow = policy != "always";
    return {.server = flags_.server,
            .recorder = flags_.recorder,
            .kill_after = 0,
            .sync_delay_us = 1500,
            .workload = {.seed = random_.Next(),
                         .commands = commands,
                         .pause_ms = is_slow ? 25 : 0,
                         .shut_down = true}};
  }

  bool Trials() {
    constexpr Share kShares[] = {{"always", 50}, {"everysec", 25}, {"no", 20}};
    for (const Share& share : kShares) {
      if (!flags_.policy.empty() && flags_.policy != share.appendfsync) continue;
      const uint64_t images = flags_.policy.empty() ? images_ * share.percent / 100 : images_;
      if (!RunTrial(share.appendfsync, images)) return false;
    }
    if (!flags_.policy.empty() && flags_.policy != "everysec") return true;
    return RunSlowTrial(images_ / 20);
  }

  // So few writes that nothing but the clock asks for syncs: everysec's second is kept.
  bool RunSlowTrial(uint64_t images) {
    constexpr int64_t kSecondMs = 1000;
    // The server's own rounds, and a machine that has other things to do.
    constexpr int64_t kSlackMs = 1500;
    auto trial = Trial::Create(folder_ + "/slow", "everysec");
    if (!trial.ok()) return Fail("cannot begin", trial.status());
    LifeOptions life = Life("everysec", 600);
    life.workload.pause_ms = 180;
    if (absl::Status status = trial->Live(life); !status.ok()) return Fail("slow", status);
    const auto exposure = trial->LongestExposure();
    if (!exposure.ok()) return Fail("slow", exposure.status());
    tally_.exposed_ms = std::max(tally_.exposed_ms, exposure->longest_ms);
    if (exposure->longest_ms > kSecondMs + kSlackMs + 2 * exposure->longest_sync_ms) {
      tally_.findings.push_back({{}, "a second"});
      std::printf(
          "LOSS: with appendfsync everysec a write that was answered was at risk for %ld ms\n",
          exposure->longest_ms);
      return false;
    }
    return ExamineTrial(*trial, images);
  }

  // The trial's images, then some of them as the beginning of another trial.
  bool RunTrial(const std::string& policy, uint64_t images) {
    auto trial = Trial::Create(fmt::format("{}/{}", folder_, policy), policy);
    if (!trial.ok()) return Fail("cannot begin", trial.status());
    LifeOptions first = Life(policy, flags_.commands);
    first.kill_after = 1 + random_.Below(flags_.commands * 2);
    if (absl::Status status = trial->Live(first); !status.ok()) return Fail(policy, status);
    if (absl::Status status = trial->Live(Life(policy, flags_.commands)); !status.ok()) {
      return Fail(policy, status);
    }
    const auto descendants = static_cast<uint64_t>(flags_.descendants);
    const uint64_t of_descendants = descendants == 0 ? 0 : images / 4 / descendants;
    if (!ExamineTrial(*trial, images - of_descendants * descendants)) return false;
    for (uint64_t i = 0; i < descendants; ++i) {
      if (!RunDescendant(*trial, i, of_descendants)) return false;
    }
    return true;
  }

  // A real server goes on from an image, and the power is cut again.
  bool RunDescendant(const Trial& parent, uint64_t index, uint64_t images) {
    Cut cut;
    absl::StatusOr<Verdict> verdict;
    const std::string image = parent.folder() + "/image";
    const uint64_t number = images_ + index;
    absl::Status status = ExamineOne(parent, seed_, number, image, &cut, &verdict);
    if (!status.ok()) return Fail("cannot build an image", status);
    if (!verdict.ok()) {
      tally_.findings.push_back({cut, Text(verdict.status())});
      Report(parent, tally_.findings.back());
      return false;
    }
    std::vector<Journal> journals = parent.JournalsAt(cut.stamp);
    for (size_t i = 0; i < journals.size(); ++i) journals[i].Truncate(verdict->survived[i]);
    auto trial = Trial::CreateFromImage(fmt::format("{}-{}", parent.folder(), index),
                                        parent.appendfsync(), image, std::move(journals));
    if (!trial.ok()) return Fail("cannot begin", trial.status());
    if (status = trial->Live(Life(parent.appendfsync(), flags_.commands / 8)); !status.ok()) {
      return Fail(fmt::format("image {} of {} under a real server", number, parent.folder()),
                  status);
    }
    return ExamineTrial(*trial, images);
  }

  bool ExamineTrial(const Trial& trial, uint64_t images) {
    const auto tally = Examine(
        trial,
        {.seed = seed_, .images = images, .processes = flags_.processes, .stop_at_first = true});
    if (!tally.ok()) return Fail("cannot check images", tally.status());
    tally_.Add(*tally);
    for (const Finding& finding : tally->findings) Report(trial, finding);
    return tally->findings.empty();
  }

  bool Fail(const std::string& what, const absl::Status& status) {
    std::printf("%s: %s\n", what.c_str(), Text(status).c_str());
    return false;
  }

  void Report(const Trial& trial, const Finding& finding) {
    std::printf(
        "LOSS: appendfsync %s, image %lu, cut at stamp %lu (%s), what was not synced: %s\n  %s\n"
        "  again: crash_images --replay %s --seed %lu --image %lu\n",
        trial.appendfsync().c_str(), finding.cut.number, finding.cut.stamp,
        finding.cut.edge.c_str(), std::string(FateName(finding.cut.plan.fate)).c_str(),
        finding.problem.c_str(), trial.folder().c_str(), seed_, finding.cut.number);
  }

  const Flags& flags_;
  const uint64_t seed_;
  const uint64_t images_;
  base::Random random_;
  std::string folder_;
  Tally tally_;
};

void Print(const Tally& tally) {
  for (const auto& [edge, count] : tally.by_edge) std::printf("%8lu at: %s\n", count, edge.c_str());
  for (const auto& [fate, count] : tally.by_fate) {
    std::printf("%8lu with what was not synced: %s\n", count, fate.c_str());
  }
  std::printf("%8ld ms were the longest that everysec left an answered write at risk\n",
              tally.exposed_ms);
  std::printf(
      "%lu images, %lu with something not lasting; the log was cut in %lu, a run file loaded in "
      "%lu, dropped in %lu\n%zu losses\n",
      tally.images, tally.with_pending, tally.log_was_cut, tally.run_file_loaded,
      tally.run_file_dropped, tally.findings.size());
}

int RunRounds(const Flags& flags) {
  Tally tally;
  bool good = true;
  for (uint64_t number = 0; good && number * kImagesOfARound < flags.images; ++number) {
    const uint64_t left = flags.images - number * kImagesOfARound;
    Round round(flags, flags.seed + number, std::min(left, kImagesOfARound));
    good = round.Run();
    tally.Add(round.tally());
    std::printf("seed %lu: %lu images so far, %s\n", flags.seed + number, tally.images,
                good ? "all good" : "not good");
    std::fflush(stdout);
  }
  Print(tally);
  if (!flags.expect_loss) return good ? 0 : 1;
  const bool found = !tally.findings.empty();
  std::printf("%s\n", found ? "as expected" : "there is a loss, but it was not found");
  return found ? 0 : 1;
}

int Replay(const Flags& flags) {
  const auto trial = Trial::Load(flags.replay);
  if (!trial.ok()) throw std::runtime_error(Text(trial.status()));
  Cut cut;
  absl::StatusOr<Verdict> verdict;
  const std::string image = flags.replay + "/image";
  const absl::Status status = ExamineOne(*trial, flags.seed, flags.image, image, &cut, &verdict);
  if (!status.ok()) throw std::runtime_error(Text(status));
  std::printf("image %lu, cut at stamp %lu (%s), what was not synced: %s; it lies in %s\n%s\n",
              cut.number, cut.stamp, cut.edge.c_str(), std::string(FateName(cut.plan.fate)).c_str(),
              image.c_str(),
              verdict.ok() ? "nothing is wrong with it" : Text(verdict.status()).c_str());
  return verdict.ok() ? 0 : 1;
}

}  // namespace
}  // namespace cairn::crash

int main(int argc, char** argv) {
  cairn::crash::Flags flags;
  CLI::App app("power cuts: what was acknowledged as lasting is there, nothing is half there");
  app.add_option("--server", flags.server, "cairn-server under test")->envname("CAIRN_SERVER");
  app.add_option("--recorder", flags.recorder, "the recorder's library")->envname("CAIRN_RECORDER");
  app.add_option("--folder", flags.folder, "where to work; default: memory, when it has room");
  app.add_option("--seed", flags.seed, "seed of the workload and of the images")
      ->capture_default_str();
  app.add_option("--images", flags.images, "images in all")->capture_default_str();
  app.add_option("--policy", flags.policy, "one appendfsync policy only");
  app.add_option("--commands", flags.commands, "commands of each client in each life")
      ->capture_default_str();
  app.add_option("--descendants", flags.descendants,
                 "images of each trial that a real server goes on from")
      ->capture_default_str();
  app.add_option("--processes", flags.processes, "images that are checked at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_flag("--expect-loss", flags.expect_loss, "succeed only if something is wrong");
  app.add_flag("--keep", flags.keep, "keep the recordings");
  app.add_option("--replay", flags.replay, "check one image of a kept recording: its folder");
  app.add_option("--image", flags.image, "and its number");
  CLI11_PARSE(app, argc, argv);
  try {
    if (!flags.replay.empty()) return cairn::crash::Replay(flags);
    return cairn::crash::RunRounds(flags);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
