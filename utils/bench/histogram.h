// A latency histogram with a bounded relative error: log-linear buckets, as HDR histograms have
// them.
//
// Every power of two is divided into 128 equal buckets, so a bucket is at most 1/128 (0.8 %) as
// wide as the values in it, and values below 256 are exact. Recording is two shifts and an
// increment; the buckets take 58 KB and cover all of uint64_t. Not thread-safe; a plain value that
// may be copied.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn::bench {

class Histogram {
 public:
  Histogram() : buckets_(kBuckets) {}

  void Record(uint64_t value) {
    ++buckets_[BucketOf(value)];
    ++count_;
    max_ = std::max(max_, value);
  }

  // Adds everything that `other` recorded.
  void Merge(const Histogram& other) {
    for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }

  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] uint64_t max() const { return max_; }  // exact; 0 when nothing was recorded

  // The smallest bucket end that at least `percent` (0..100) of the recorded values do not exceed,
  // never more than max(). So the result is at or above the true percentile, by at most 1/128 of
  // it. 0 when nothing was recorded.
  [[nodiscard]] uint64_t Percentile(double percent) const {
    if (count_ == 0) return 0;
    const double exact_rank = std::ceil(percent / 100.0 * static_cast<double>(count_));
    const uint64_t rank = std::clamp(static_cast<uint64_t>(exact_rank), uint64_t{1}, count_);
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i];
      if (seen >= rank) return std::min(LastValueOf(i), max_);
    }
    return max_;
  }

 private:
  static constexpr int kSubBits = 7;
  static constexpr uint64_t kSub = uint64_t{1} << kSubBits;
  static constexpr size_t kBuckets = (64 - kSubBits + 1) * kSub;

  // Values below 2 * kSub have a bucket each. Above, `shift` low bits are dropped, which leaves
  // kSub..2 * kSub - 1.
  static size_t BucketOf(uint64_t value) {
    const int shift = std::max(static_cast<int>(std::bit_width(value)) - kSubBits - 1, 0);
    return static_cast<size_t>(static_cast<uint64_t>(shift) * kSub + (value >> shift));
  }

  static uint64_t LastValueOf(size_t bucket) {
    if (bucket < 2 * kSub) return bucket;
    const uint64_t shift = bucket / kSub - 1;
    const uint64_t first = (kSub + bucket % kSub) << shift;
    return first + ((uint64_t{1} << shift) - 1);
  }

  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace cairn::bench
