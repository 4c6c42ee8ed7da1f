// What the benchmark was asked to do, and what it tells while it does it. Filled by main before
// anything runs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "bench/cpus.h"
#include "bench/server.h"

namespace cairn::bench {

// Index of everything that exists once for each server.
enum Side : size_t { kRedis = 0, kCairn = 1, kSides = 2 };
template <typename T>
using PerSide = std::array<T, kSides>;
inline constexpr PerSide<Side> kBothSides = {kRedis, kCairn};
inline constexpr PerSide<std::string_view> kSideNames = {"Redis", "Cairn"};

// Who goes first changes from run to run.
inline PerSide<Side> InOrder(int run) {
  return run % 2 == 0 ? kBothSides : PerSide<Side>{kCairn, kRedis};
}

// `status` with `what` in front of its message; OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view what);

struct Options {
  PerSide<ServerKind> servers;
  std::string dir = "/var/tmp";  // fresh folders for the data are made here
  CpuPlan cpus;

  int runs = 3;           // of each cell; the report shows the median
  double seconds = 5;     // of a cell
  uint64_t requests = 0;  // of a cell; 0 = as many as fit into `seconds`
  uint64_t keys = 1'000'000;
  uint64_t dataset_keys = 5'000'000;
  size_t connections = 50;
  size_t value_bytes = 100;
  int settle_timeout_s = 60;
  int attempts = 3;            // at a pair of runs on a busy machine
  int patience_s = 10;         // to wait before a run while something else uses the machine
  std::set<std::string> only;  // empty = everything; otherwise words of kOnlyWords

  // True when no word of `group` is in `only`, or `word` itself is.
  template <typename Group>
  [[nodiscard]] bool Wants(const Group& group, std::string_view word) const {
    bool restricted = false;
    for (std::string_view other : group) {
      restricted = restricted || only.contains(std::string(other));
    }
    return !restricted || only.contains(std::string(word));
  }
};

inline constexpr std::array<std::string_view, 3> kPolicyWords = {"everysec", "always", "none"};
inline constexpr std::array<std::string_view, 4> kCommandWords = {"set", "get", "incr", "mset10"};
inline constexpr std::array<std::string_view, 2> kDepthWords = {"depth1", "depth16"};
inline constexpr std::array<std::string_view, 2> kPartWords = {"throughput", "dataset"};

// One line on standard error that is overwritten by the next; silent when that is not a terminal.
class Progress {
 public:
  Progress();
  ~Progress();
  void Show(std::string_view text) const;

 private:
  bool on_terminal_;
};

}  // namespace cairn::bench
