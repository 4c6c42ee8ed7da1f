// What a checkpoint says besides the records: which databases there are, and which log goes on from
// its offset. The engine keeps these bytes as the checkpoint's blob. FORMAT.md beside this file
// describes them.
//
// Pure functions over bytes; thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "keyspace/key_codec.h"

namespace cairn::keyspace {

// Exact figures of one database.
struct DbStats {
  uint64_t keys = 0;
  uint64_t expires = 0;             // keys that have an expiry
  uint64_t expire_seconds_sum = 0;  // of those, for the mean; wraps

  bool operator==(const DbStats&) const = default;
};

// What the time of one key adds to DbStats::expire_seconds_sum.
uint64_t ExpirySeconds(int64_t expire_ms);

struct SavedDatabase {
  KeyspaceId id = 0;
  DbStats stats;
};

struct SavedDatabases {
  KeyspaceId next_id = 1;
  std::vector<SavedDatabase> databases;  // by number
  std::vector<KeyspaceId> flushed;       // ids whose keys may still be in the store
};

std::string EncodeDatabases(const SavedDatabases& databases);
// kFailedPrecondition: another format version. kDataLoss: the bytes are not ours.
absl::StatusOr<SavedDatabases> DecodeDatabases(std::string_view bytes);

inline constexpr size_t kReplicationIdDigits = 40;

struct SavedState {
  uint64_t hash_seed = 0;      // of long keys
  int stream_db = -1;          // the database that the log is in at the checkpoint's offset
  std::string replication_id;  // kReplicationIdDigits digits
  // The log that goes on from the checkpoint's offset, and one whose place it takes and that it may
  // not have taken yet; zeros: the log is there and takes no other's place.
  std::array<char, 16> log_id{};
  std::array<char, 16> replaced_log_id{};
  std::string databases;  // as EncodeDatabases gives them
};

std::string EncodeState(const SavedState& state);
// Errors as DecodeDatabases, whose bytes are not looked at.
absl::StatusOr<SavedState> DecodeState(std::string_view blob);

}  // namespace cairn::keyspace
