#include "bench/server.h"

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "bench/client.h"
#include "bench/machine.h"
#include "bench/socket.h"
#include "fmt/format.h"

namespace cairn::bench {
namespace {

constexpr int kStartTimeoutS = 120;
constexpr auto kPollInterval = std::chrono::microseconds(500);
constexpr auto kSettleInterval = std::chrono::milliseconds(100);
constexpr int kQuietIntervals = 5;
constexpr double kQuietCpuSeconds = 0.011;           // one tick of /proc/<pid>/stat in an interval
constexpr uint64_t kQuietWrittenBytes = 256 * 1024;  // in an interval

void Append(std::vector<std::string>& args, std::initializer_list<std::string> more) {
  args.insert(args.end(), more);
}

bool MeansNotYet(const absl::Status& status) {
  return absl::IsUnavailable(status) || (absl::IsFailedPrecondition(status) &&
                                         std::string_view(status.message().data(), 7) == "LOADING");
}

}  // namespace

std::string_view PolicyName(Policy policy) {
  switch (policy) {
    case Policy::kEverysec:
      return "everysec";
    case Policy::kAlways:
      return "always";
    case Policy::kNone:
      return "none";
  }
  return "";
}

absl::StatusOr<ServerKind> IdentifyServer(const std::string& binary) {
  const absl::StatusOr<std::string> text = RunAndCapture({binary, "--version"});
  if (!text.ok()) return text.status();
  ServerKind kind;
  kind.binary = binary;
  kind.version = text->substr(0, text->find('\n'));
  kind.is_redis = kind.version.rfind("Redis server", 0) == 0;
  return kind;
}

std::vector<std::string> ServerCommandLine(const ServerKind& kind, Policy policy,
                                           const std::string& port, const std::string& dir,
                                           const CpuPlan& cpus) {
  std::vector<std::string> args = {kind.binary, "--port", port, "--bind",
                                   "127.0.0.1", "--dir",  dir};
  if (!kind.is_redis) {
    Append(args,
           {"--appendfsync", policy == Policy::kNone ? "no" : std::string(PolicyName(policy))});
    return args;
  }
  Append(args, {"--save", ""});  // no snapshots beside the AOF
  if (policy == Policy::kNone) {
    Append(args, {"--appendonly", "no"});
  } else {
    // A forked rewrite must not share the main thread's processor, whose pinning it would inherit.
    const std::string helpers = CpuList(cpus.server_helpers);
    Append(args, {"--appendonly", "yes", "--appendfsync", std::string(PolicyName(policy))});
    Append(args, {"--aof_rewrite_cpulist", helpers});
  }
  return args;
}

absl::StatusOr<std::unique_ptr<Server>> Server::Launch(const ServerKind& kind, Policy policy,
                                                       const std::string& dir,
                                                       const CpuPlan& cpus) {
  const absl::StatusOr<uint16_t> port = FreePort();
  if (!port.ok()) return port.status();
  const std::vector<std::string> args =
      ServerCommandLine(kind, policy, std::to_string(*port), dir, cpus);
  absl::StatusOr<std::unique_ptr<ServerProcess>> process =
      ServerProcess::Start(args, cpus.server_helpers, dir + ".log");
  if (!process.ok()) return process.status();
  return std::unique_ptr<Server>(new Server(*std::move(process), *port, dir, cpus));
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerKind& kind, Policy policy,
                                                      const std::string& dir, const CpuPlan& cpus) {
  absl::StatusOr<std::unique_ptr<Server>> server = Launch(kind, policy, dir, cpus);
  if (!server.ok()) return server.status();
  if (absl::Status s = (*server)->AwaitReply({"PING"}, "PONG", kStartTimeoutS); !s.ok()) return s;
  if (absl::Status s = (*server)->Pin(); !s.ok()) return s;
  return server;
}

absl::Status Server::AwaitReply(const std::vector<std::string_view>& args,
                                std::string_view expected, int timeout_s) {
  const uint64_t end_ns = NowNs() + static_cast<uint64_t>(timeout_s) * 1'000'000'000;
  std::optional<Client> client;
  while (true) {
    absl::Status status;
    if (!client.has_value()) {
      absl::StatusOr<Client> connected = Client::Connect(port_);
      status = connected.status();
      if (connected.ok()) client = *std::move(connected);
    }
    if (client.has_value()) {
      const absl::StatusOr<Client::Leaves> reply = client->Call(args);
      if (reply.ok() && reply->size() == 1 && reply->front() == expected) return absl::OkStatus();
      if (reply.ok()) {
        return absl::FailedPreconditionError(
            fmt::format("{} got another answer than expected", args[0]));
      }
      status = reply.status();
      if (absl::IsUnavailable(status)) client.reset();
    }
    if (!MeansNotYet(status)) return status;
    if (absl::Status s = CheckInterrupted(); !s.ok()) return s;
    if (absl::Status s = process_->CheckRunning(); !s.ok()) return s;
    if (NowNs() > end_ns) {
      return absl::DeadlineExceededError(fmt::format("not ready after {} s", timeout_s));
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

absl::StatusOr<bool> Server::Settle(int timeout_s) {
  const pid_t pid = process_->pid();
  const uint64_t end_ns = NowNs() + static_cast<uint64_t>(timeout_s) * 1'000'000'000;
  int quiet = 0;
  while (quiet < kQuietIntervals && NowNs() < end_ns) {
    const absl::StatusOr<double> cpu = CpuSeconds(pid);
    const uint64_t written = WrittenBytes(pid);
    std::this_thread::sleep_for(kSettleInterval);
    if (absl::Status s = CheckInterrupted(); !s.ok()) return s;
    if (absl::Status s = process_->CheckRunning(); !s.ok()) return s;
    const absl::StatusOr<double> cpu_after = CpuSeconds(pid);
    if (!cpu.ok() || !cpu_after.ok()) return absl::UnavailableError("the server is gone");
    const bool is_quiet = *cpu_after - *cpu < kQuietCpuSeconds &&
                          WrittenBytes(pid) - written < kQuietWrittenBytes && !HasChildren(pid);
    quiet = is_quiet ? quiet + 1 : 0;
  }
  if (absl::Status s = SyncFileSystem(dir_.substr(0, dir_.rfind('/'))); !s.ok()) return s;
  return quiet >= kQuietIntervals;
}

}  // namespace cairn::bench
