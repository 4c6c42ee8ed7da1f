// A clock that stands still until a test moves it.
//
// Thread-safe: the threads of a server may ask while the test moves it.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace cairn::test {

class FakeClock final : public base::Clock {
 public:
  // A day in November 2023.
  static constexpr int64_t kStartMs = 1'700'000'000'000;

  [[nodiscard]] int64_t WallUs() const override { return wall_us_; }
  [[nodiscard]] int64_t MonotonicUs() const override { return monotonic_us_; }

  // Time passes: both clocks move.
  void AdvanceUs(int64_t us) {
    wall_us_ += us;
    monotonic_us_ += us;
  }
  void AdvanceMs(int64_t ms) { AdvanceUs(ms * 1000); }
  // Somebody sets the machine's clock, perhaps back: no time passes.
  void SetWallMs(int64_t ms) { wall_us_ = ms * 1000; }
  void SetMonotonicUs(int64_t us) { monotonic_us_ = us; }

 private:
  std::atomic<int64_t> wall_us_ = kStartMs * 1000;
  std::atomic<int64_t> monotonic_us_ = 1'000'000;
};

}  // namespace cairn::test
