// A command's view of the keys: reads see the state before the command and what it has staged so
// far; writes are staged and take effect together in Commit, so a command that fails half-way has
// changed nothing.
//
// Expiry: a key whose time has come is absent for every reader. When a command that writes meets
// one, its deletion is staged and listed in expired(), because the stream must carry a DEL before
// the command's own effect. While the log is replayed (or a primary's stream applied) no clock
// decides: only the stream's DEL does, so `decides_expiry` is false and expired keys are as good as
// any.
//
// Read errors (damage, input/output) are latched: lookups then report "absent" and status() says
// why; the executor looks once, before it commits, and drops everything when it is not Ok.
//
// Thread: loop thread. One Txn is reused for all commands (Begin). Views that lookups return are
// valid until Commit or the next Begin.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "keyspace/keyspace.h"

namespace cairn::keyspace {

// A key's value as a command sees it. Absent = Type::kNone.
struct Value {
  Type type = Type::kNone;
  EncodingHint hint = EncodingHint::kNatural;
  int64_t expire_ms = kNoExpiry;
  std::string_view payload;

  [[nodiscard]] bool exists() const { return type != Type::kNone; }
};

// A key that a command may change. Owned by the Txn.
class Slot {
 public:
  [[nodiscard]] const Value& value() const { return value_; }
  [[nodiscard]] bool exists() const { return value_.exists(); }
  [[nodiscard]] std::string_view user_key() const { return user_key_; }
  [[nodiscard]] int db() const { return db_; }

 private:
  friend class Txn;
  int db_ = 0;
  uint64_t hash_ = 0;
  std::string engine_key_;
  std::string_view user_key_;  // the caller's
  Slot* next_same_hash_ = nullptr;
  Keyspace::Presence before_;
  Value value_;
  bool dirty_ = false;
  bool payload_is_engines_ = false;  // a view that this very commit may overwrite
};

class Txn {
 public:
  explicit Txn(Keyspace& keyspace) : keyspace_(&keyspace) {}

  // Starts a command: forgets everything of the last one. `now_ms` is the command's only time.
  void Begin(int64_t now_ms, bool decides_expiry);
  [[nodiscard]] int64_t now_ms() const { return now_ms_; }

  // The value of a key, for commands that only read it.
  Value Read(int db, std::string_view user_key);
  // The key's slot, for commands that may change it. The same key gives the same slot. `user_key`
  // must live until Commit.
  Slot& Write(int db, std::string_view user_key);

  // Hash of the key that was looked up last.
  [[nodiscard]] uint64_t last_hash() const { return last_hash_; }

  // Stages a new value. `payload` must live until Commit: an argument, Own(), or a part of this
  // slot's own value. Another key's value will not do, because that key's commit may write over it.
  void Put(Slot& slot, Type type, EncodingHint hint, std::string_view payload, int64_t expire_ms);
  // Stages another expiry for the same value. REQUIRES: slot.exists().
  void SetExpiry(Slot& slot, int64_t expire_ms);
  // Stages the removal. REQUIRES: slot.exists().
  void Delete(Slot& slot);

  // Keeps bytes alive until the next Begin.
  std::string_view Own(std::string bytes);

  // Whole-database changes are staged as well; they take effect in Commit, after the keys.
  enum class WholeDb : uint8_t { kFlush, kFlushAll, kSwap };
  void StageWholeDb(WholeDb what, int a, int b);

  // Keys that were found to have expired, in order; the stream deletes them before the command's
  // effect.
  struct ExpiredKey {
    int db = 0;
    std::string_view user_key;
  };
  [[nodiscard]] const std::vector<ExpiredKey>& expired() const { return expired_; }

  // True when a Commit would change anything besides expired keys.
  [[nodiscard]] bool dirty() const { return changed_; }
  [[nodiscard]] const absl::Status& status() const { return status_; }
  [[nodiscard]] Keyspace& keyspace() const { return *keyspace_; }

  // Makes the staged changes. REQUIRES: status().ok(). Returns the bytes of keys and values that
  // were written.
  uint64_t Commit();

  // True when a value that a walk met must not be shown: it has expired.
  [[nodiscard]] bool Hides(const Value& value) const { return Expired(value); }
  // Records and whole keys seen while walking (range.h) report their damage here.
  void Fail(absl::Status status);

 private:
  Slot* Find(int db, std::string_view engine_key, uint64_t hash);
  Value Load(std::string_view engine_key, uint64_t hash, std::string_view user_key,
             bool will_change);
  [[nodiscard]] bool Expired(const Value& value) const;
  void MarkChanged(Slot& slot);
  void AddToIndex(Slot* slot);
  void CommitSlot(Slot& slot);

  Keyspace* keyspace_;
  int64_t now_ms_ = 0;
  bool decides_expiry_ = true;
  bool changed_ = false;
  uint64_t last_hash_ = 0;
  absl::Status status_;
  std::vector<std::unique_ptr<Slot>> slots_;  // reused; the first slot_count_ are in use
  size_t slot_count_ = 0;
  absl::flat_hash_map<uint64_t, Slot*> index_;  // filled from kIndexedSlots slots on
  std::deque<std::string> owned_;
  std::vector<ExpiredKey> expired_;
  struct WholeDbChange {
    WholeDb what;
    int a;
    int b;
  };
  std::vector<WholeDbChange> whole_db_;
  std::string head_;     // scratch of CommitSlot
  std::string payload_;  // scratch of CommitSlot
  uint64_t written_bytes_ = 0;
};

}  // namespace cairn::keyspace
