// kill -9 at random moments under load, again and again on the same data directory: every
// acknowledged write must be there after the restart, nothing torn, nothing out of order.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "crash/worker.h"
#include "support/server_process.h"

namespace cairn::redis_tests {
namespace {

struct Flags {
  std::string cairn;
  int rounds = 50;
  int workers = 4;
  int longest_load_ms = 700;
  uint64_t seed = 1;
};

constexpr const char* kPolicies[] = {"always", "everysec", "no"};

class Campaign {
 public:
  Campaign(const Flags& flags, std::string policy, uint64_t seed)
      : flags_(flags),
        policy_(std::move(policy)),
        random_(seed),
        server_(flags.cairn, Options(), true) {
    for (int i = 0; i < flags.workers; ++i) {
      workers_.emplace_back(i, seed * 1000 + static_cast<uint64_t>(i));
    }
  }

  // One crash and what is found after it; false when something is wrong.
  bool Round(int number) {
    const uint64_t before = Acknowledged();
    const int load_ms =
        20 + static_cast<int>(random_() % static_cast<uint64_t>(flags_.longest_load_ms));
    LoadAndKill(load_ms);
    const int interrupted = InterruptRecovery();
    const auto start = std::chrono::steady_clock::now();
    server_.Start();
    const std::chrono::duration<double, std::milli> recovery =
        std::chrono::steady_clock::now() - start;
    size_t keys = 0;
    size_t in_flight = 0;
    size_t in_effect = 0;
    const bool whole = Check(&keys, &in_flight, &in_effect);
    std::printf(
        "round %2d %-8s %3d ms of load, %lu acknowledged, %zu of %zu in flight took effect, %d "
        "recoveries cut short, "
        "ready after %.0f ms, %zu keys %s\n",
        number, policy_.c_str(), load_ms, Acknowledged() - before, in_effect, in_flight,
        interrupted, recovery.count(), keys, whole ? "whole" : "DAMAGED");
    std::fflush(stdout);
    return whole;
  }

  void Start() { server_.Start(); }
  [[nodiscard]] std::string Log() const { return server_.LogTail(); }

 private:
  [[nodiscard]] std::vector<std::string> Options() const {
    if (IsRedis(flags_.cairn)) return {"--appendfsync", policy_};
    // Everything small, so that sealed overlays, run files, checkpoints and new segments come
    // within each round.
    return {"--appendfsync",         policy_, "--write-buffer-size", "8mb",
            "--log-segment-size",    "1mb",   "--repl-backlog-size", "2mb",
            "--checkpoint-log-size", "4mb"};
  }

  [[nodiscard]] uint64_t Acknowledged() const {
    uint64_t sum = 0;
    for (const Worker& worker : workers_) sum += worker.acknowledged();
    return sum;
  }

  void LoadAndKill(int load_ms) {
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (Worker& worker : workers_) {
      threads.emplace_back([&worker, &stop, port = server_.port()] { worker.Load(port, stop); });
    }
    // The moment of the crash is what this test varies: nothing is waited for here.
    std::this_thread::sleep_for(std::chrono::milliseconds(load_ms));
    server_.Kill();
    stop = true;
    for (std::thread& thread : threads) thread.join();
  }

  // In one round of three, recovery itself is killed, up to twice; how often.
  int InterruptRecovery() {
    if (random_() % 3 != 0) return 0;
    const int times = 1 + static_cast<int>(random_() % 2);
    for (int i = 0; i < times; ++i) {
      server_.Launch();
      // As above: the moment is what varies.
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 60'000));
      server_.Kill();
    }
    return times;
  }

  bool Check(size_t* keys, size_t* in_flight, size_t* in_effect) {
    RawClient client;
    if (!client.Connect(server_.port()))
      throw std::runtime_error("cannot connect after the restart");
    bool whole = true;
    for (Worker& worker : workers_) {
      worker.Settle(&client);
      worker.Verify(&client, !server_.is_redis());
      *keys += worker.keys();
      *in_flight += worker.in_flight();
      *in_effect += worker.in_effect();
      if (!worker.failure().empty()) {
        std::printf("FAILURE: %s\n", worker.failure().c_str());
        whole = false;
      }
    }
    return whole;
  }

  const Flags& flags_;
  std::string policy_;
  std::mt19937_64 random_;
  ServerProcess server_;
  std::vector<Worker> workers_;
};

int Run(const Flags& flags) {
  constexpr int kCount = static_cast<int>(std::size(kPolicies));
  int number = 0;
  for (int policy = 0; policy < kCount; ++policy) {
    const int rounds = flags.rounds / kCount + (policy < flags.rounds % kCount ? 1 : 0);
    Campaign campaign(flags, kPolicies[policy],
                      flags.seed * kCount + static_cast<uint64_t>(policy));
    campaign.Start();
    for (int i = 0; i < rounds; ++i) {
      if (campaign.Round(++number)) continue;
      std::printf("seed %lu; the end of the log:\n%s\n", flags.seed, campaign.Log().c_str());
      return 1;
    }
  }
  std::printf("%d rounds, nothing acknowledged was lost, nothing torn\n", number);
  return 0;
}

}  // namespace
}  // namespace cairn::redis_tests

int main(int argc, char** argv) {
  cairn::redis_tests::Flags flags;
  CLI::App app("kill -9 under load: nothing acknowledged is lost, nothing is torn");
  app.add_option("--cairn", flags.cairn, "cairn-server under test")
      ->envname("CAIRN_SERVER")
      ->required();
  app.add_option("--rounds", flags.rounds, "crashes in all, shared out to the appendfsync policies")
      ->capture_default_str();
  app.add_option("--workers", flags.workers, "connections under load")->capture_default_str();
  app.add_option("--longest-load-ms", flags.longest_load_ms, "the crash comes within this time")
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "seed of commands and moments; 0 takes one by chance")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (flags.seed == 0) flags.seed = std::random_device()();
  try {
    return cairn::redis_tests::Run(flags);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
