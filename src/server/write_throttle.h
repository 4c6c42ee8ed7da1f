// Back-pressure: slows writers down smoothly when the checkpointer falls behind, so that memory
// stays within the budget.
//
// While there is room, writers are free. When less than a quarter of the budget is left, they are
// let through at the rate at which the checkpointer frees memory, and less and less of it as the
// room shrinks: the two meet before the room is gone.
//
// Pure: figures and time in, a yes or no out. Loop thread.
#pragma once

#include <cstdint>

namespace cairn::server {

class WriteThrottle {
 public:
  // Once a turn. `room` and `budget` in bytes, `drain_rate` in bytes a second (0 = not known yet).
  void Update(int64_t now_us, uint64_t room, uint64_t budget, uint64_t drain_rate);
  // True when a write may go on now.
  [[nodiscard]] bool MayWrite() const { return !limited_ || tokens_ > 0; }
  [[nodiscard]] bool limited() const { return limited_; }
  // A write has put `bytes` into memory. Nothing is charged for while writers are free.
  void OnWrite(uint64_t bytes) {
    if (limited_) tokens_ -= static_cast<double>(bytes);
  }

 private:
  bool limited_ = false;
  // Bytes; negative after a large write. Fractions count: turns may be a few microseconds long.
  double tokens_ = 0;
  int64_t updated_us_ = 0;
};

}  // namespace cairn::server
