// Time, as an interface, so that tests and simulators can own it.
//
// Only shells ask a clock; pure cores are handed the time. SystemClock is thread-safe and lives as
// long as the process.
#pragma once

#include <cstdint>

namespace cairn::base {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time in microseconds since the Unix epoch. May jump.
  [[nodiscard]] virtual int64_t WallUs() const = 0;
  // Time in microseconds since an arbitrary start. Never goes back.
  [[nodiscard]] virtual int64_t MonotonicUs() const = 0;

  [[nodiscard]] int64_t WallMs() const { return WallUs() / 1000; }
};

// The kernel's clocks.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] int64_t WallUs() const override;
  [[nodiscard]] int64_t MonotonicUs() const override;
};

}  // namespace cairn::base
