// The two servers that are compared: how each is started for a policy, and waiting for one of them.
// Not thread-safe. A Server that is destroyed kills its process; its data folder is the caller's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/cpus.h"
#include "bench/process.h"

namespace cairn::bench {

// kNone: Redis writes nothing at all; Cairn, which always writes, leaves syncing to the kernel
// (`appendfsync no`).
enum class Policy : uint8_t { kEverysec, kAlways, kNone };
std::string_view PolicyName(Policy policy);  // "everysec", "always", "none"

// What a binary is, found out by its `--version`.
struct ServerKind {
  std::string binary;
  std::string version;  // first line of --version
  bool is_redis = false;
};
absl::StatusOr<ServerKind> IdentifyServer(const std::string& binary);

// The command line for a policy; `port` and `dir` as text, so that a report can show placeholders.
std::vector<std::string> ServerCommandLine(const ServerKind& kind, Policy policy,
                                           const std::string& port, const std::string& dir,
                                           const CpuPlan& cpus);

class Server {
 public:
  // Starts a server on a free port with its data in `dir` and does not wait for it. Its log goes to
  // `dir` + ".log".
  static absl::StatusOr<std::unique_ptr<Server>> Launch(const ServerKind& kind, Policy policy,
                                                        const std::string& dir,
                                                        const CpuPlan& cpus);
  // Launch, then waits until it answers PING and pins its threads.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerKind& kind, Policy policy,
                                                       const std::string& dir, const CpuPlan& cpus);

  // Sends `args`, on a new connection if need be, until the reply is the one string `expected`.
  // Refused connections and -LOADING mean "not yet". kDeadlineExceeded after `timeout_s`; at once
  // when the process ends or the reply is another.
  absl::Status AwaitReply(const std::vector<std::string_view>& args, std::string_view expected,
                          int timeout_s);

  // Waits until what the server does in the background is over: no child, and next to no processor
  // time and no disk writes for half a second; then has the kernel write out what it holds back, so
  // that the next cell does not pay for it. False = it was still busy after `timeout_s`.
  absl::StatusOr<bool> Settle(int timeout_s);

  absl::Status Pin() { return PinServer(process_->pid(), cpus_); }
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] ServerProcess& process() { return *process_; }

 private:
  Server(std::unique_ptr<ServerProcess> process, uint16_t port, std::string dir,
         const CpuPlan& cpus)
      : process_(std::move(process)), port_(port), dir_(std::move(dir)), cpus_(cpus) {}

  std::unique_ptr<ServerProcess> process_;
  uint16_t port_;
  std::string dir_;
  CpuPlan cpus_;
};

}  // namespace cairn::bench
