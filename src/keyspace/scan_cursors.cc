#include "keyspace/scan_cursors.h"

#include <utility>

namespace cairn::keyspace {

uint64_t ScanCursors::Add(int db, std::string key) {
  const uint64_t cursor = next_++;
  bytes_ += key.size();
  positions_.emplace(cursor, Position{.db = db, .key = std::move(key)});
  while (positions_.size() > 1 && (positions_.size() > kMaxCursors || bytes_ > kMaxBytes)) {
    const auto it = positions_.find(oldest_++);
    if (it == positions_.end()) continue;
    bytes_ -= it->second.key.size();
    positions_.erase(it);
  }
  return cursor;
}

std::optional<std::string> ScanCursors::Find(int db, uint64_t cursor) const {
  const auto it = positions_.find(cursor);
  if (it == positions_.end() || it->second.db != db) return std::nullopt;
  return it->second.key;
}

}  // namespace cairn::keyspace
