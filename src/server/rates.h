// Rates per second over the last moments, for INFO's instantaneous_* fields: the mean of sixteen
// samples.
//
// Pure; loop thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace cairn::server {

class Rates {
 public:
  enum Metric : uint8_t { kCommands, kNetInput, kNetOutput, kMetrics };

  // Takes a cumulative figure at a time; call about ten times a second.
  void Sample(Metric metric, int64_t now_us, uint64_t total);
  [[nodiscard]] uint64_t PerSecond(Metric metric) const;

 private:
  static constexpr size_t kSamples = 16;
  struct Series {
    int64_t last_us = 0;
    uint64_t last_total = 0;
    std::array<uint64_t, kSamples> rates{};
    size_t next = 0;
  };
  std::array<Series, kMetrics> series_;
};

}  // namespace cairn::server
