#include "server/rates.h"

#include <numeric>

namespace cairn::server {

void Rates::Sample(Metric metric, int64_t now_us, uint64_t total) {
  Series& series = series_[metric];
  const int64_t elapsed_us = now_us - series.last_us;
  if (elapsed_us <= 0) return;
  // The first sample has nothing to be compared with; a total that went back was reset.
  if (series.last_us != 0 && total >= series.last_total) {
    series.rates[series.next] =
        (total - series.last_total) * 1'000'000 / static_cast<uint64_t>(elapsed_us);
    series.next = (series.next + 1) % kSamples;
  }
  series.last_us = now_us;
  series.last_total = total;
}

uint64_t Rates::PerSecond(Metric metric) const {
  const auto& rates = series_[metric].rates;
  return std::accumulate(rates.begin(), rates.end(), uint64_t{0}) / kSamples;
}

}  // namespace cairn::server
