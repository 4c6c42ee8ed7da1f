// SCAN's cursors: Redis clients want a number, an ordered walk needs a key. This table holds what
// each number stands for.
//
// Bounded: the oldest cursor is forgotten when there are too many; going on from a forgotten one is
// an error for the client, never a wrong answer. Numbers are below 2^53, because some clients read
// them into doubles, and start at a random place, so that a cursor from before a restart is not
// taken for one of ours. Loop thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace cairn::keyspace {

class ScanCursors {
 public:
  explicit ScanCursors(uint64_t random_start)
      : next_((random_start & kStartMask) + 1), oldest_(next_) {}

  // The number that stands for "go on behind `key` in database `db`". Never 0.
  uint64_t Add(int db, std::string key);
  // The key behind which to go on; nullopt when the number is unknown here or belongs to another
  // database.
  [[nodiscard]] std::optional<std::string> Find(int db, uint64_t cursor) const;

 private:
  static constexpr uint64_t kStartMask = (1ULL << 52) - 1;
  static constexpr size_t kMaxCursors = 65'536;
  static constexpr size_t kMaxBytes = 16ULL << 20;

  struct Position {
    int db;
    std::string key;
  };
  absl::flat_hash_map<uint64_t, Position> positions_;
  uint64_t next_;
  uint64_t oldest_;
  size_t bytes_ = 0;
};

}  // namespace cairn::keyspace
