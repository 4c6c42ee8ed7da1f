#include "exec/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace cairn::exec {
namespace {

// A client can make up error codes (through names of commands that do not exist); the table does
// not grow with them.
constexpr size_t kMaxErrorCodes = 128;

}  // namespace

size_t LatencyHistogram::Bucket(uint64_t us) {
  if (us < (1U << kSubBits)) return us;
  const auto exponent = static_cast<size_t>(std::bit_width(us)) - 1 - kSubBits;
  return std::min(kBuckets - 1, ((exponent + 1) << kSubBits) + (us >> exponent) - (1U << kSubBits));
}

uint64_t LatencyHistogram::UpperEdge(size_t bucket) {
  if (bucket < (1U << kSubBits)) return bucket;
  const size_t exponent = (bucket >> kSubBits) - 1;
  const uint64_t sub = (bucket & ((1U << kSubBits) - 1)) + (1U << kSubBits);
  return ((sub + 1) << exponent) - 1;
}

double LatencyHistogram::Percentile(double percentile) const {
  const uint64_t total = std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
  if (total == 0) return 0;
  const auto wanted = std::max<uint64_t>(
      1, static_cast<uint64_t>(std::ceil(percentile * static_cast<double>(total) / 100.0)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= wanted) return static_cast<double>(UpperEdge(i));
  }
  return static_cast<double>(UpperEdge(kBuckets - 1));
}

void Statistics::CountCall(size_t command, uint64_t us, bool failed) {
  CommandStats& stats = commands_[command];
  ++stats.calls;
  stats.us += us;
  stats.failed += failed ? 1 : 0;
  if (stats.latency == nullptr) stats.latency = std::make_unique<LatencyHistogram>();
  stats.latency->Add(us);
  ++total_calls_;
}

void Statistics::CountError(std::string_view reply) {
  ++total_errors_;
  const std::string_view code = reply.substr(1, reply.find_first_of(" \r") - 1);
  const auto it = errors_.find(code);
  if (it != errors_.end()) {
    ++it->second;
  } else if (errors_.size() < kMaxErrorCodes) {
    errors_.emplace(code, 1);
  }
}

void Statistics::Reset() {
  const size_t count = commands_.size();
  commands_.clear();
  commands_.resize(count);
  errors_.clear();
  total_calls_ = 0;
  total_errors_ = 0;
}

}  // namespace cairn::exec
