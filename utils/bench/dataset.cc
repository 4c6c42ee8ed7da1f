#include "bench/dataset.h"

#include <charconv>
#include <chrono>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "bench/client.h"
#include "bench/loadgen.h"
#include "bench/machine.h"
#include "bench/scan.h"
#include "bench/server.h"
#include "bench/socket.h"
#include "fmt/format.h"

namespace cairn::bench {
namespace {

constexpr Policy kPolicy = Policy::kEverysec;
constexpr size_t kLoadDepth = 16;
constexpr int kStartTimeoutS = 600;
constexpr int kShutdownTimeoutS = 300;
constexpr int kRewriteTimeoutS = 600;
// In key order it stands behind all loaded keys, and no load ever writes it.
constexpr std::string_view kKnownKey = "known:key";
constexpr std::string_view kKnownValue = "the value that was there before";

// The value of `field` in the reply of INFO; empty when it is not there.
std::string_view InfoField(std::string_view info, std::string_view field) {
  const std::string start = fmt::format("\n{}:", field);
  const size_t at = info.find(start);
  if (at == std::string_view::npos) return {};
  info.remove_prefix(at + start.size());
  return info.substr(0, info.find_first_of("\r\n"));
}

double Megabytes(std::string_view bytes) {
  uint64_t number = 0;
  std::from_chars(bytes.data(), bytes.data() + bytes.size(), number);
  return static_cast<double>(number) * 1e-6;
}

class DatasetBench {
 public:
  DatasetBench(const Options& options, Progress& progress, std::string parent, Dataset& dataset)
      : options_(options), progress_(progress), parent_(std::move(parent)), dataset_(dataset) {}

  absl::Status Run();

 private:
  absl::Status Load(Side side);
  absl::Status Scan(Side side);
  absl::Status Stop(Side side);
  absl::Status RestartClean(Side side);
  absl::Status RestartKilled(Side side, int run);
  absl::Status RestartRewritten();
  absl::Status TimedStart(Side side, std::vector<double>& seconds);
  absl::Status NoteAppendOnlyFile(std::string_view moment);

  absl::Status StartServer(Side side);
  absl::StatusOr<Client> Connect(Side side) { return Client::Connect(servers_[side]->port()); }
  absl::Status CheckKeyCount(Side side);
  absl::Status RunSets(Side side, uint64_t requests, double seconds, int run);
  void Say(Side side, std::string_view what) {
    progress_.Show(fmt::format("{} keys: {} {}", dataset_.keys, kSideNames[side], what));
  }
  [[nodiscard]] std::string Dir(Side side) const {
    return fmt::format("{}/{}", parent_, kSideNames[side]);
  }
  DatasetSide& Result(Side side) { return dataset_.sides[side]; }

  const Options& options_;
  Progress& progress_;
  std::string parent_;
  Dataset& dataset_;
  PerSide<std::unique_ptr<Server>> servers_;
};

absl::Status DatasetBench::StartServer(Side side) {
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Start(options_.servers[side], kPolicy, Dir(side), options_.cpus);
  if (!server.ok()) return server.status();
  servers_[side] = *std::move(server);
  return absl::OkStatus();
}

// Each key once when `requests` is given, otherwise random keys for `seconds`.
absl::Status DatasetBench::RunSets(Side side, uint64_t requests, double seconds, int run) {
  LoadSpec spec;
  spec.port = servers_[side]->port();
  spec.connections = options_.connections;
  spec.depth = kLoadDepth;
  spec.value_bytes = options_.value_bytes;
  spec.keys = dataset_.keys;
  spec.each_once = requests > 0;
  spec.requests = requests;
  spec.seconds = seconds;
  spec.seed = 7 + static_cast<uint64_t>(run);
  const absl::StatusOr<LoadResult> load = RunLoad(spec);
  if (!load.ok()) return load.status();
  if (requests > 0) Result(side).load_per_s = static_cast<double>(load->requests) / load->seconds;
  return absl::OkStatus();
}

absl::Status DatasetBench::Load(Side side) {
  Say(side, "loads");
  if (absl::Status s = MakeDir(Dir(side)); !s.ok()) return s;
  if (absl::Status s = StartServer(side); !s.ok()) return s;
  absl::StatusOr<Client> client = Connect(side);
  if (!client.ok()) return client.status();
  if (absl::Status s = client->Call({"SET", kKnownKey, kKnownValue}).status(); !s.ok()) return s;
  WaitForQuietMachine(options_.patience_s);
  if (absl::Status s = RunSets(side, dataset_.keys, 0, 0); !s.ok()) return s;
  Say(side, "finishes its background work");
  const absl::StatusOr<bool> settled = servers_[side]->Settle(options_.settle_timeout_s);
  if (!settled.ok()) return settled.status();
  if (!*settled) {
    dataset_.notes.push_back(fmt::format("{} was still busy after the load", kSideNames[side]));
  }
  const absl::StatusOr<Memory> memory = ReadMemory(servers_[side]->process().pid());
  if (!memory.ok()) return memory.status();
  Result(side).memory_loaded = *memory;
  Result(side).disk_loaded_bytes = DiskUsage(Dir(side));
  return CheckKeyCount(side);
}

absl::Status DatasetBench::CheckKeyCount(Side side) {
  absl::StatusOr<Client> client = Connect(side);
  if (!client.ok()) return client.status();
  const absl::StatusOr<Client::Leaves> size = client->Call({"DBSIZE"});
  if (!size.ok()) return size.status();
  const std::string expected = std::to_string(dataset_.keys + 1);
  if (size->size() == 1 && size->front() == expected) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("DBSIZE is {}, not {}", size->empty() ? "" : size->front(), expected));
}

absl::Status DatasetBench::Scan(Side side) {
  struct Way {
    ScanWay way;
    std::vector<double>& per_s;
    std::string_view name;
  };
  DatasetSide& result = Result(side);
  std::vector<Way> ways = {{ScanWay::kScan, result.scan_keys_per_s, "SCAN"},
                           {ScanWay::kScanAndMget, result.scan_mget_values_per_s, "SCAN and MGET"}};
  if (!options_.servers[side].is_redis) {
    ways.push_back({ScanWay::kScanRange, result.range_keys_per_s, "SCANRANGE"});
    ways.push_back({ScanWay::kScanRangeValues, result.range_values_per_s, "SCANRANGE WITHVALUES"});
  }
  if (absl::Status s = servers_[side]->Pin(); !s.ok()) return s;
  absl::StatusOr<Client> client = Connect(side);
  if (!client.ok()) return client.status();
  for (const Way& way : ways) {
    Say(side, way.name);
    WaitForQuietMachine(options_.patience_s);
    const absl::StatusOr<ScanResult> scan = ScanAll(*client, way.way, dataset_.keys + 1);
    if (!scan.ok()) return Annotate(scan.status(), way.name);
    way.per_s.push_back(static_cast<double>(scan->keys) / scan->seconds);
  }
  return absl::OkStatus();
}

absl::Status DatasetBench::Stop(Side side) {
  Say(side, "shuts down");
  return servers_[side]->process().Shutdown(kShutdownTimeoutS);
}

absl::Status DatasetBench::TimedStart(Side side, std::vector<double>& seconds) {
  Say(side, "starts");
  WaitForQuietMachine(options_.patience_s);
  const uint64_t start_ns = NowNs();
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Launch(options_.servers[side], kPolicy, Dir(side), options_.cpus);
  if (!server.ok()) return server.status();
  servers_[side] = *std::move(server);
  if (absl::Status s = servers_[side]->AwaitReply({"GET", kKnownKey}, kKnownValue, kStartTimeoutS);
      !s.ok()) {
    return s;
  }
  seconds.push_back(static_cast<double>(NowNs() - start_ns) * 1e-9);
  return CheckKeyCount(side);
}

absl::Status DatasetBench::RestartClean(Side side) {
  if (absl::Status s = TimedStart(side, Result(side).start_clean_s); !s.ok()) return s;
  const absl::StatusOr<Memory> memory = ReadMemory(servers_[side]->process().pid());
  if (!memory.ok()) return memory.status();
  Result(side).memory_started = *memory;
  return Stop(side);
}

absl::Status DatasetBench::RestartKilled(Side side, int run) {
  Say(side, "is written to and killed");
  if (absl::Status s = StartServer(side); !s.ok()) return s;
  if (absl::Status s = RunSets(side, 0, options_.seconds, run); !s.ok()) return s;
  if (side == kRedis && run == 0) {
    if (absl::Status s = NoteAppendOnlyFile("before the first kill -9"); !s.ok()) return s;
  }
  servers_[side]->process().Kill();
  if (absl::Status s = TimedStart(side, Result(side).start_killed_s); !s.ok()) return s;
  return Stop(side);
}

// Waits until the server at the other end rewrites nothing.
absl::Status AwaitNoRewrite(Client& client) {
  const uint64_t end_ns = NowNs() + uint64_t{kRewriteTimeoutS} * 1'000'000'000;
  while (true) {
    const absl::StatusOr<Client::Leaves> info = client.Call({"INFO", "persistence"});
    if (!info.ok()) return info.status();
    if (info->size() == 1 && InfoField(info->front(), "aof_rewrite_in_progress") == "0" &&
        InfoField(info->front(), "aof_rewrite_scheduled") == "0") {
      return absl::OkStatus();
    }
    if (absl::Status s = CheckInterrupted(); !s.ok()) return s;
    if (NowNs() > end_ns) {
      return absl::DeadlineExceededError("the rewrite of the append-only file does not end");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

absl::Status DatasetBench::RestartRewritten() {
  Say(kRedis, "rewrites its append-only file");
  if (absl::Status s = StartServer(kRedis); !s.ok()) return s;
  absl::StatusOr<Client> client = Connect(kRedis);
  if (!client.ok()) return client.status();
  // It may have begun one by itself, since the file has grown, and then refuses another.
  if (absl::Status s = AwaitNoRewrite(*client); !s.ok()) return s;
  if (absl::Status s = client->Call({"BGREWRITEAOF"}).status(); !s.ok()) return s;
  if (absl::Status s = AwaitNoRewrite(*client); !s.ok()) return s;
  if (absl::Status s = NoteAppendOnlyFile("after BGREWRITEAOF"); !s.ok()) return s;
  if (absl::Status s = Stop(kRedis); !s.ok()) return s;
  for (int run = 0; run < options_.runs; ++run) {
    if (absl::Status s = TimedStart(kRedis, Result(kRedis).start_rewritten_s); !s.ok()) return s;
    if (absl::Status s = Stop(kRedis); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status DatasetBench::NoteAppendOnlyFile(std::string_view moment) {
  absl::StatusOr<Client> client = Connect(kRedis);
  if (!client.ok()) return client.status();
  const absl::StatusOr<Client::Leaves> info = client->Call({"INFO", "persistence"});
  if (!info.ok()) return info.status();
  const std::string_view text = info->size() == 1 ? info->front() : std::string_view();
  const double all = Megabytes(InfoField(text, "aof_current_size"));
  const double base = Megabytes(InfoField(text, "aof_base_size"));
  dataset_.notes.push_back(
      fmt::format("Redis' append-only file {}: {:.0f} MB of base (RDB format, "
                  "aof-use-rdb-preamble) and {:.0f} MB of commands; "
                  "rewrites by this process so far: {}",
                  moment, base, all - base, InfoField(text, "aof_rewrites")));
  return absl::OkStatus();
}

absl::Status DatasetBench::Run() {
  for (Side side : kBothSides) {
    if (absl::Status s = Load(side); !s.ok()) return Annotate(s, kSideNames[side]);
  }
  for (int run = 0; run < options_.runs; ++run) {
    for (Side side : InOrder(run)) {
      if (absl::Status s = Scan(side); !s.ok()) return Annotate(s, kSideNames[side]);
    }
  }
  if (absl::Status s = NoteAppendOnlyFile("at the clean shutdown"); !s.ok()) {
    return Annotate(s, "Redis");
  }
  for (Side side : kBothSides) {
    if (absl::Status s = Stop(side); !s.ok()) return Annotate(s, kSideNames[side]);
    Result(side).disk_stopped_bytes = DiskUsage(Dir(side));
  }
  for (int run = 0; run < options_.runs; ++run) {
    for (Side side : InOrder(run)) {
      if (absl::Status s = RestartClean(side); !s.ok()) return Annotate(s, kSideNames[side]);
    }
  }
  for (int run = 0; run < options_.runs; ++run) {
    for (Side side : InOrder(run)) {
      if (absl::Status s = RestartKilled(side, run); !s.ok()) return Annotate(s, kSideNames[side]);
    }
  }
  return Annotate(RestartRewritten(), "Redis");
}

}  // namespace

absl::Status RunDataset(const Options& options, Progress& progress, Dataset& dataset) {
  dataset.keys = options.dataset_keys;
  absl::StatusOr<TempDir> dir = TempDir::Create(options.dir);
  if (!dir.ok()) return dir.status();
  return DatasetBench(options, progress, dir->path(), dataset).Run();
}

}  // namespace cairn::bench
