// Process crashes: a real server under load is killed at each named place (base/failpoint.h) in
// turn, and at any of them by chance, again and again on the same data folder. What was
// acknowledged is there each time, nothing is half there.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/random.h"
#include "base/status.h"
#include "crash/checker.h"
#include "crash/failpoint_hook.h"
#include "crash/server_run.h"
#include "crash/trial.h"
#include "crash/workload.h"

namespace cairn::crash {
namespace {

// Where a place is passed.
enum class When : uint8_t {
  kLoad,   // all the time under load
  kStart,  // at a start on a folder that a crash has left
  kFirst,  // at the first start of all
};

struct Place {
  std::string_view name;
  When when = When::kLoad;
  uint64_t one_in = 1;  // so that the load comes some way before it strikes
};

// Every place there is. The program fails when the server passes one that is not here, or does not
// pass one that is.
constexpr Place kPlaces[] = {
    {"before log append", When::kLoad, 1500},
    {"after log append", When::kLoad, 1500},
    {"before log write", When::kLoad, 150},
    {"after log write", When::kLoad, 150},
    {"before log mark", When::kLoad, 1},
    {"after log mark", When::kLoad, 1},
    {"before log sync", When::kLoad, 50},
    {"after log sync", When::kLoad, 50},
    {"before log folder sync", When::kLoad, 2},
    {"after log folder sync", When::kLoad, 2},
    {"before segment creation", When::kLoad, 2},
    {"after segment creation", When::kLoad, 2},
    {"before segment removal", When::kLoad, 2},
    {"before segment removal sync", When::kLoad, 2},
    {"after segment removal", When::kLoad, 2},
    {"before seal", When::kLoad, 2},
    {"after seal", When::kLoad, 2},
    {"before run file creation", When::kLoad, 1},
    {"before run file write", When::kLoad, 3},
    {"after run file write", When::kLoad, 3},
    {"before run file sync", When::kLoad, 1},
    {"after run file sync", When::kLoad, 1},
    {"before run file rename", When::kLoad, 1},
    {"after run file rename", When::kLoad, 1},
    {"after run folder sync", When::kLoad, 1},
    {"before chunk commit", When::kLoad, 1},
    {"after chunk commit", When::kLoad, 1},
    {"before final commit", When::kLoad, 2},
    {"after final commit", When::kLoad, 2},
    {"before run file removal", When::kLoad, 1},
    {"before run file removal sync", When::kLoad, 1},
    {"after run file removal", When::kLoad, 1},
    {"before reclaim commit", When::kLoad, 1},
    {"after reclaim commit", When::kLoad, 1},
    {"before log takeover", When::kStart, 1},
    {"after log takeover", When::kStart, 1},
    {"before first segment rename", When::kFirst, 1},
    {"after first segment rename", When::kFirst, 1},
    {"before store rename", When::kFirst, 1},
    {"after store rename", When::kFirst, 1},
};

struct Flags {
  std::string server;
  uint64_t seed = 1;
  int rounds = 2;       // for each place
  int any_rounds = 30;  // with a crash anywhere
  uint64_t commands = 6000;
  bool expect_loss = false;
};

int64_t UnixMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string Text(const absl::Status& status) {
  return std::string(base::Message(status));
}

// A data folder and what its clients know, over many lives.
class Subject {
 public:
  Subject(const Flags& flags, std::string folder, std::string policy)
      : flags_(flags), folder_(std::move(folder)), policy_(std::move(policy)) {
    std::filesystem::create_directories(folder_ + "/root");
  }

  // A life with a failpoint: true in `*struck` when the server was killed there. An error is a
  // loss or a wrong reply.
  absl::Status Live(std::string_view failpoint, uint64_t one_in, uint64_t seed, bool* struck) {
    ServerRun server({.server = flags_.server,
                      .recorder = {},
                      .folder = folder_,
                      .root = folder_ + "/root",
                      .appendfsync = policy_,
                      .recording = {},
                      .environment = {fmt::format("{}={}", kEnvFailpoint, failpoint),
                                      fmt::format("{}={}", kEnvFailpointOneIn, one_in),
                                      fmt::format("{}={}", kEnvFailpointSeed, seed),
                                      fmt::format("{}={}/seen", kEnvFailpointSeen, folder_)}});
    absl::Status status = server.Launch();
    if (status.ok()) status = server.WaitReady();
    if (status.ok()) {
      const WorkloadOptions load{.seed = seed, .commands = flags_.commands};
      if (status = workload_.Run(server.socket_path(), load); !status.ok()) return status;
      acknowledged_ += workload_.acknowledged();
      workload_.AcknowledgeAnswered();
      status = server.WaitEnd();
    }
    *struck = absl::IsAborted(status);
    if (!status.ok() && !*struck) return status;
    return Check(seed);
  }

  [[nodiscard]] std::set<std::string> Seen() const {
    std::ifstream file(folder_ + "/seen");
    std::set<std::string> names;
    for (std::string line; std::getline(file, line);) names.insert(line);
    return names;
  }
  [[nodiscard]] uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] const std::string& policy() const { return policy_; }

 private:
  // A copy of the folder is opened; the journals go on from what is found there.
  absl::Status Check(uint64_t seed) {
    const std::string copy = folder_ + "/copy";
    std::filesystem::remove_all(copy);
    if (absl::Status status = CopyFolder(folder_ + "/root", copy); !status.ok()) return status;
    constexpr int64_t kLateMs = 3'600'000;
    const int64_t now_ms = UnixMs();
    std::vector<Journal>& journals = workload_.journals();
    Expectation expectation{
        .journals = &journals, .least = {}, .cut_ms = now_ms, .now_ms = now_ms + kLateMs};
    for (const Journal& journal : journals) expectation.least.push_back(journal.AckedBefore(1));
    const auto verdict = CheckImage(copy, expectation, seed);
    if (!verdict.ok()) return verdict.status();
    for (size_t i = 0; i < journals.size(); ++i) {
      journals[i].Truncate(verdict->survived[i]);
      journals[i].AcknowledgeAll();
    }
    return absl::OkStatus();
  }

  const Flags& flags_;
  const std::string folder_;
  const std::string policy_;
  Workload workload_;
  uint64_t acknowledged_ = 0;
};

class Program {
 public:
  explicit Program(const Flags& flags) : flags_(flags), random_(flags.seed) {}

  int Run() {
    std::string pattern = RoomyFolder() + "/cairn-failpoints-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
    folder_ = pattern;
    const bool good = EachPlace() && AnyPlace() && AllWereSeen();
    for (const auto& [name, count] : struck_) std::printf("%4lu crashes %s\n", count, name.c_str());
    std::printf("%lu crashes, %lu commands acknowledged; %s (seed %lu)\n", crashes_, acknowledged_,
                good ? "nothing was lost, nothing is half there" : "NOT GOOD", flags_.seed);
    const bool as_expected = flags_.expect_loss ? lost_ : good;
    if (flags_.expect_loss) std::printf("%s\n", lost_ ? "as expected" : "no loss was found");
    if (as_expected) std::filesystem::remove_all(folder_);
    return as_expected ? 0 : 1;
  }

 private:
  // Places of the load and the start share a folder each policy; the first start needs a new one.
  Subject& Take(When when, int round) {
    static constexpr std::array<const char*, 3> kPolicies = {"always", "everysec", "no"};
    const size_t policy = static_cast<size_t>(round) % kPolicies.size();
    auto& slot = subjects_[policy];
    if (slot == nullptr || when == When::kFirst) {
      if (slot != nullptr) Retire(*slot);
      slot = std::make_unique<Subject>(
          flags_, fmt::format("{}/{}-{}", folder_, kPolicies[policy], made_++), kPolicies[policy]);
    }
    return *slot;
  }

  void Retire(const Subject& subject) {
    const std::set<std::string> seen = subject.Seen();
    seen_.insert(seen.begin(), seen.end());
    acknowledged_ += subject.acknowledged();
  }

  bool Live(Subject& subject, std::string_view failpoint, uint64_t one_in, bool* struck) {
    const uint64_t seed = random_.Next() >> 1;
    const absl::Status status = subject.Live(failpoint, one_in, seed, struck);
    if (*struck) {
      ++crashes_;
      ++struck_[std::string(failpoint)];
    }
    if (status.ok()) return true;
    lost_ = absl::IsDataLoss(status);
    std::printf("LOSS: appendfsync %s, killed %s (1 in %lu, seed %lu): %s; the folder is %s\n",
                subject.policy().c_str(), std::string(failpoint).c_str(), one_in, seed,
                Text(status).c_str(), folder_.c_str());
    return false;
  }

  bool EachPlace() {
    for (int round = 0; round < flags_.rounds; ++round) {
      for (size_t i = 0; i < std::size(kPlaces); ++i) {
        const Place& place = kPlaces[i];
        Subject& subject = Take(place.when, round + static_cast<int>(i));
        bool struck = false;
        if (!Live(subject, place.name, place.one_in, &struck)) return false;
        // The load may end before its chance comes: then it strikes at the first passing.
        if (!struck && !Live(subject, place.name, 1, &struck)) return false;
        if (struck) continue;
        std::printf("the server does not come by: %s\n", std::string(place.name).c_str());
        return false;
      }
    }
    return true;
  }

  bool AnyPlace() {
    for (int round = 0; round < flags_.any_rounds; ++round) {
      Subject& subject = Take(When::kLoad, round);
      // From crashes in the midst of recovery to some thousand commands later.
      const uint64_t one_in = 1ULL << random_.Below(14);
      bool struck = false;
      if (!Live(subject, "*", one_in, &struck)) return false;
    }
    return true;
  }

  bool AllWereSeen() {
    for (const auto& subject : subjects_) {
      if (subject != nullptr) Retire(*subject);
    }
    bool good = true;
    for (const Place& place : kPlaces) {
      if (seen_.erase(std::string(place.name)) == 1) continue;
      std::printf("never passed: %s\n", std::string(place.name).c_str());
      good = false;
    }
    for (const std::string& name : seen_) {
      std::printf("not in the list of places: %s\n", name.c_str());
      good = false;
    }
    return good;
  }

  const Flags& flags_;
  base::Random random_;
  std::string folder_;
  std::array<std::unique_ptr<Subject>, 3> subjects_;
  std::set<std::string> seen_;
  std::map<std::string, uint64_t> struck_;
  uint64_t crashes_ = 0;
  uint64_t acknowledged_ = 0;
  int made_ = 0;
  bool lost_ = false;
};

}  // namespace
}  // namespace cairn::crash

int main(int argc, char** argv) {
  cairn::crash::Flags flags;
  CLI::App app("process crashes at every named place: nothing acknowledged is lost");
  app.add_option("--server", flags.server, "cairn-server with failpoints")->required();
  app.add_option("--seed", flags.seed, "seed of the loads and of the chances")
      ->capture_default_str();
  app.add_option("--rounds", flags.rounds, "crashes at each place")->capture_default_str();
  app.add_option("--any-rounds", flags.any_rounds, "lives with a crash at any place, by chance")
      ->capture_default_str();
  app.add_option("--commands", flags.commands, "the most commands of each client in one life")
      ->capture_default_str();
  app.add_flag("--expect-loss", flags.expect_loss, "succeed only if something is lost");
  CLI11_PARSE(app, argc, argv);
  try {
    return cairn::crash::Program(flags).Run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
