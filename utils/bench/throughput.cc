#include "bench/throughput.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bench/loadgen.h"
#include "bench/machine.h"
#include "fmt/format.h"

namespace cairn::bench {
namespace {

constexpr std::array<Policy, 3> kPolicies = {Policy::kEverysec, Policy::kAlways, Policy::kNone};
constexpr std::array<Command, 4> kCommands = {Command::kSet, Command::kGet, Command::kIncr,
                                              Command::kMset10};
constexpr std::array<size_t, 2> kDepths = {1, 16};
constexpr size_t kLoadDepth = 64;
constexpr int kAttempts = 3;            // at a pair of runs on a busy machine
constexpr double kWarmUpSeconds = 0.3;  // at most; a quarter of a short run

std::string Label(const Cell& cell) {
  return fmt::format("{} {} depth {}", PolicyName(cell.policy), CommandName(cell.command),
                     cell.depth);
}

// The cells of one policy, on two servers that live as long as this.
class PolicyBench {
 public:
  PolicyBench(const Options& options, Policy policy, Progress& progress)
      : options_(options), policy_(policy), progress_(progress) {}

  absl::Status Start(const std::string& parent);
  absl::Status Load();
  absl::StatusOr<CellRun> Run(const Cell& cell, Side side, int run);

 private:
  [[nodiscard]] LoadSpec Spec(Side side) const;

  const Options& options_;
  Policy policy_;
  Progress& progress_;
  PerSide<std::unique_ptr<Server>> servers_;
};

absl::Status PolicyBench::Start(const std::string& parent) {
  for (Side side : kBothSides) {
    const std::string dir = fmt::format("{}/{}-{}", parent, kSideNames[side], PolicyName(policy_));
    if (absl::Status s = MakeDir(dir); !s.ok()) return s;
    absl::StatusOr<std::unique_ptr<Server>> server =
        Server::Start(options_.servers[side], policy_, dir, options_.cpus);
    if (!server.ok()) return Annotate(server.status(), kSideNames[side]);
    servers_[side] = *std::move(server);
  }
  return absl::OkStatus();
}

LoadSpec PolicyBench::Spec(Side side) const {
  LoadSpec spec;
  spec.port = servers_[side]->port();
  spec.connections = options_.connections;
  spec.value_bytes = options_.value_bytes;
  spec.keys = options_.keys;
  return spec;
}

// Every key and every counter exists before the first cell, so that all runs of a cell do the same.
absl::Status PolicyBench::Load() {
  for (Side side : kBothSides) {
    for (Command command : {Command::kSet, Command::kIncr}) {
      progress_.Show(fmt::format("{}: loading {} keys into {}", PolicyName(policy_), options_.keys,
                                 kSideNames[side]));
      LoadSpec spec = Spec(side);
      spec.command = command;
      spec.depth = kLoadDepth;
      spec.each_once = true;
      spec.requests = options_.keys;
      if (absl::Status s = RunLoad(spec).status(); !s.ok()) return Annotate(s, kSideNames[side]);
    }
    if (absl::Status s = servers_[side]->Settle(options_.settle_timeout_s).status(); !s.ok()) {
      return s;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<CellRun> PolicyBench::Run(const Cell& cell, Side side, int run) {
  Server& server = *servers_[side];
  LoadSpec spec = Spec(side);
  spec.command = cell.command;
  spec.depth = cell.depth;
  spec.seconds = std::min(kWarmUpSeconds, options_.seconds / 4);
  spec.seed = 1'000'000 + static_cast<uint64_t>(run);
  if (absl::Status s = server.Pin(); !s.ok()) return s;
  if (absl::Status s = RunLoad(spec).status(); !s.ok()) return s;

  spec.seconds = options_.seconds;
  spec.requests = options_.requests;
  spec.seed = 1 + static_cast<uint64_t>(run);  // the same keys for both servers
  const absl::StatusOr<double> cpu_before = CpuSeconds(server.process().pid());
  const double machine_before = MachineCpuSeconds();
  const absl::StatusOr<LoadResult> load = RunLoad(spec);
  if (!load.ok()) return load.status();
  const absl::StatusOr<double> cpu_loaded = CpuSeconds(server.process().pid());
  const double machine_after = MachineCpuSeconds();
  const absl::StatusOr<bool> settled = server.Settle(options_.settle_timeout_s);
  if (!settled.ok()) return settled.status();
  const absl::StatusOr<double> cpu_after = CpuSeconds(server.process().pid());
  if (!cpu_before.ok() || !cpu_loaded.ok() || !cpu_after.ok()) {
    return absl::UnavailableError("the server is gone");
  }

  CellRun result;
  result.requests = static_cast<double>(load->requests);
  result.ops_per_s = result.requests / load->seconds;
  result.p50_ms = static_cast<double>(load->batch_ns.Percentile(50)) * 1e-6;
  result.p99_ms = static_cast<double>(load->batch_ns.Percentile(99)) * 1e-6;
  result.p999_ms = static_cast<double>(load->batch_ns.Percentile(99.9)) * 1e-6;
  result.max_ms = static_cast<double>(load->batch_ns.max()) * 1e-6;
  result.cpu_s = *cpu_after - *cpu_before;
  result.client_share = load->client_cpu_seconds / load->seconds;
  const double ours = load->client_cpu_seconds + (*cpu_loaded - *cpu_before);
  const double machine = load->seconds * static_cast<double>(AvailableCpus().size());
  // The kernel's clock is coarse, and time that the hypervisor took may be counted twice.
  result.others_share = std::clamp((machine_after - machine_before - ours) / machine, 0.0, 1.0);
  result.settled = *settled;
  return result;
}

std::vector<Cell> PlanCells(const Options& options) {
  std::vector<Cell> cells;
  for (size_t p = 0; p < kPolicies.size(); ++p) {
    if (!options.Wants(kPolicyWords, kPolicyWords[p])) continue;
    for (size_t c = 0; c < kCommands.size(); ++c) {
      if (!options.Wants(kCommandWords, kCommandWords[c])) continue;
      for (size_t d = 0; d < kDepths.size(); ++d) {
        if (options.Wants(kDepthWords, kDepthWords[d])) {
          cells.push_back({kPolicies[p], kCommands[c], kDepths[d], {}});
        }
      }
    }
  }
  return cells;
}

double Disturbance(const PerSide<CellRun>& pair) {
  return std::max(pair[kRedis].others_share, pair[kCairn].others_share);
}

absl::Status RunPair(const Options& options, Progress& progress, PolicyBench& bench, Cell& cell,
                     int run, std::string_view position) {
  std::optional<PerSide<CellRun>> best;
  for (int attempt = 0; attempt < options.attempts; ++attempt) {
    PerSide<CellRun> pair;
    for (Side side : InOrder(run)) {
      const std::string label = fmt::format("{} {}", kSideNames[side], Label(cell));
      progress.Show(fmt::format("{} {}{}", position, label,
                                attempt > 0 ? " (again: the machine was busy)" : ""));
      WaitForQuietMachine(options.patience_s);
      absl::StatusOr<CellRun> result = bench.Run(cell, side, run);
      if (!result.ok()) return Annotate(result.status(), label);
      pair[side] = *result;
    }
    if (!best.has_value() || Disturbance(pair) < Disturbance(*best)) best = pair;
    if (Disturbance(*best) <= kBusyShare) break;
  }
  for (Side side : kBothSides) cell.runs[side].push_back((*best)[side]);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunThroughput(const Options& options, Progress& progress, std::vector<Cell>& cells) {
  size_t done = 0;
  const std::vector<Cell> plan = PlanCells(options);
  const size_t total = plan.size() * static_cast<size_t>(options.runs);
  for (Policy policy : kPolicies) {
    const size_t first = cells.size();
    std::copy_if(plan.begin(), plan.end(), std::back_inserter(cells),
                 [policy](const Cell& cell) { return cell.policy == policy; });
    if (cells.size() == first) continue;
    absl::StatusOr<TempDir> dir = TempDir::Create(options.dir);
    if (!dir.ok()) return dir.status();
    PolicyBench bench(options, policy, progress);
    if (absl::Status s = bench.Start(dir->path()); !s.ok()) return s;
    if (absl::Status s = bench.Load(); !s.ok()) return s;
    for (int run = 0; run < options.runs; ++run) {
      for (size_t i = first; i < cells.size(); ++i) {
        const std::string position = fmt::format("[{}/{}]", ++done, total);
        if (absl::Status s = RunPair(options, progress, bench, cells[i], run, position); !s.ok()) {
          return s;
        }
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace cairn::bench
