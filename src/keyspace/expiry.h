// Active expiry: finds keys whose time has come, in order, from the expiry index. No sampling.
//
// Thread: loop thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "keyspace/keyspace.h"

namespace cairn::keyspace {

struct DueKey {
  int db = 0;
  std::string user_key;
  std::string index_key;  // its entry in the expiry index
};

// Up to `limit` keys with an expiry <= now_ms, the oldest first within each database. When fewer
// than `limit` are due, Keyspace::next_expiry_ms is brought up to date, so that the next look can
// wait until then.
absl::StatusOr<std::vector<DueKey>> FindDueKeys(Keyspace& keyspace, int64_t now_ms, size_t limit);

// To be called when keys that FindDueKeys gave have been deleted, all of them: the next look begins
// behind them.
void NoteDeleted(Keyspace& keyspace, const std::vector<DueKey>& due);

}  // namespace cairn::keyspace
