// Walks through all keys of a server, page by page over one connection, and counts what it sees.
// Not thread-safe.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "bench/client.h"

namespace cairn::bench {

enum class ScanWay : uint8_t {
  kScan,             // SCAN <cursor> COUNT 1000
  kScanAndMget,      // the same, and MGET of each page's keys
  kScanRange,        // SCANRANGE <next> + LIMIT 1000
  kScanRangeValues,  // the same WITHVALUES
};

struct ScanResult {
  uint64_t keys = 0;
  uint64_t value_bytes = 0;  // 0 for the ways without values
  double seconds = 0;
};

// Errors: as Client::Call's; kInternal = a reply of the wrong shape, keys of a range out of order,
// or fewer or more than `expected` keys (SCAN of Redis may give a key twice, so for the SCAN ways:
// fewer).
absl::StatusOr<ScanResult> ScanAll(Client& client, ScanWay way, uint64_t expected);

}  // namespace cairn::bench
