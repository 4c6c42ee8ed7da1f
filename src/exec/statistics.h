// Counts per command and per error code, for INFO commandstats, errorstats and latencystats.
//
// Loop thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::exec {

// How long calls took: buckets of a sixteenth of a power of two, so a figure is at most about 6 %
// off.
class LatencyHistogram {
 public:
  void Add(uint64_t us) { ++counts_[Bucket(us)]; }
  // The time in microseconds that `percentile` (0..100) of the calls did not exceed; 0 when there
  // were none.
  [[nodiscard]] double Percentile(double percentile) const;

 private:
  static constexpr size_t kSubBits = 4;
  static constexpr size_t kBuckets = 40 << kSubBits;

  static size_t Bucket(uint64_t us);
  static uint64_t UpperEdge(size_t bucket);

  std::array<uint64_t, kBuckets> counts_{};
};

struct CommandStats {
  uint64_t calls = 0;
  uint64_t us = 0;
  uint64_t rejected = 0;                      // not run: wrong arity, no permission, ...
  uint64_t failed = 0;                        // run, with an error reply
  std::unique_ptr<LatencyHistogram> latency;  // made at the first call
};

class Statistics {
 public:
  explicit Statistics(size_t commands) : commands_(commands) {}

  void CountCall(size_t command, uint64_t us, bool failed);
  void CountRejected(size_t command) { ++commands_[command].rejected; }
  // `reply` = the error as written, from the `-` on.
  void CountError(std::string_view reply);
  void Reset();

  [[nodiscard]] const CommandStats& command(size_t index) const { return commands_[index]; }
  [[nodiscard]] const std::map<std::string, uint64_t, std::less<>>& errors() const {
    return errors_;
  }
  [[nodiscard]] uint64_t total_calls() const { return total_calls_; }
  [[nodiscard]] uint64_t total_errors() const { return total_errors_; }

 private:
  std::vector<CommandStats> commands_;
  std::map<std::string, uint64_t, std::less<>> errors_;
  uint64_t total_calls_ = 0;
  uint64_t total_errors_ = 0;
};

}  // namespace cairn::exec
