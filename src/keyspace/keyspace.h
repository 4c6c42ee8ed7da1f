// The databases: which keyspace id stands behind each number, how many keys each holds, and what
// has been flushed.
//
// A database's number maps to a keyspace id, so FLUSHDB and SWAPDB change the map and touch no key.
// The keys of an id that nobody maps to are deleted from the store in the background once a
// checkpoint has made the flush lasting.
//
// Thread: loop thread. Lifetime: the engine must outlive it. State is saved in each checkpoint
// (Save) and found again at the next start (Load); between checkpoints the log brings it up to
// date.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/engine.h"
#include "keyspace/key_codec.h"
#include "keyspace/record.h"
#include "keyspace/saved_state.h"

namespace cairn::keyspace {

class Keyspace {
 public:
  // A fresh keyspace with `databases` empty databases; `hash_seed` is the data directory's own.
  Keyspace(engine::Engine& engine, int databases, uint64_t hash_seed);

  // Restores what Save wrote. `databases` given to the constructor may be larger than then;
  // kFailedPrecondition when it is smaller and a database beyond it holds keys. kDataLoss when the
  // bytes are not ours.
  absl::Status Load(std::string_view saved);
  // The bytes for a checkpoint that is being sealed at `log_offset`.
  std::string Save(uint64_t log_offset);

  [[nodiscard]] int databases() const { return static_cast<int>(dbs_.size()); }
  [[nodiscard]] KeyspaceId id(int db) const { return dbs_[static_cast<size_t>(db)].id; }
  [[nodiscard]] const DbStats& stats(int db) const { return dbs_[static_cast<size_t>(db)].stats; }
  // Mean remaining time to live of the keys of `db` that have one, ms; 0 when there are none.
  [[nodiscard]] int64_t AverageTtlMs(int db, int64_t now_ms) const;

  // Empties one database / all, in O(1). Return false when there was nothing to do.
  bool Flush(int db);
  bool FlushAll();
  void Swap(int a, int b);

  // To be called when a checkpoint has finished, and again while there is work: starts and
  // completes the reclaiming of flushed ids.
  void ContinueReclaim();
  // Flushed ids whose keys are still in the store.
  [[nodiscard]] size_t ids_to_reclaim() const { return dead_.size(); }

  // The earliest time at which a key may expire (Unix ms); a lower bound. kNever = no key has an
  // expiry.
  static constexpr int64_t kNever = INT64_MAX;
  [[nodiscard]] int64_t next_expiry_ms() const { return next_expiry_ms_; }
  void set_next_expiry_ms(int64_t value) { next_expiry_ms_ = value; }

  // Where a look for due keys of a database begins in the expiry index: every entry before it is
  // gone. Without it each slice of a mass expiry would step over the tombstones of all slices
  // before.
  [[nodiscard]] const std::string& expiry_start(int db) const {
    return dbs_[static_cast<size_t>(db)].expiry_start;
  }
  void set_expiry_start(int db, std::string key) {
    dbs_[static_cast<size_t>(db)].expiry_start = std::move(key);
  }

  // Whether the expiry index has the entry of a key with this expiry. An error when it cannot be
  // read.
  absl::StatusOr<bool> IsIndexed(std::string_view engine_key, int64_t expire_ms) const;

  [[nodiscard]] engine::Engine& engine() const { return *engine_; }
  [[nodiscard]] const KeyCodec& codec() const { return codec_; }

  // The bookkeeping of one key's change, called by Txn when it commits: whether the key was there
  // with which expiry, and is now. Keeps the counts and the expiry index.
  struct Presence {
    bool exists = false;
    int64_t expire_ms = kNoExpiry;
  };
  void OnChange(int db, std::string_view engine_key, Presence before, Presence after);

 private:
  struct Db {
    KeyspaceId id = 0;
    DbStats stats;
    std::string expiry_start;
  };
  // An id without a database. Its last keys reach the store with the first checkpoint sealed after
  // the flush: only from `store_offset` on may it be reclaimed.
  struct Dead {
    KeyspaceId id = 0;
    uint64_t store_offset = 0;
  };

  engine::Engine* engine_;
  KeyCodec codec_;
  std::vector<Db> dbs_;
  std::vector<Dead> dead_;
  KeyspaceId next_id_ = 1;
  bool reclaiming_ = false;
  int64_t next_expiry_ms_ = INT64_MIN;  // unknown until the first look at the index
};

}  // namespace cairn::keyspace
