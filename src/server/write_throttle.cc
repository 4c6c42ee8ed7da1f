#include "server/write_throttle.h"

#include <algorithm>

namespace cairn::server {
namespace {

// Before the first checkpoint has shown what the disk can do.
constexpr uint64_t kAssumedRate = 20ULL << 20;
// Tokens are not saved up for longer than this.
constexpr int64_t kBurstUs = 20'000;

}  // namespace

void WriteThrottle::Update(int64_t now_us, uint64_t room, uint64_t budget, uint64_t drain_rate) {
  const uint64_t threshold = budget / 4;
  const int64_t elapsed_us = std::clamp<int64_t>(now_us - updated_us_, 0, kBurstUs);
  updated_us_ = now_us;
  if (room >= threshold) {
    limited_ = false;
    tokens_ = 0;
    return;
  }
  limited_ = true;
  const double share = static_cast<double>(room) / static_cast<double>(threshold);
  const double rate = static_cast<double>(drain_rate == 0 ? kAssumedRate : drain_rate) * share;
  const double most = rate * static_cast<double>(kBurstUs) / 1e6;
  const double more = rate * static_cast<double>(elapsed_us) / 1e6;
  tokens_ = std::min(tokens_ + more, most);
}

}  // namespace cairn::server
