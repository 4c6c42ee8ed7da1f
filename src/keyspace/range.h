// Walks the user keys of one database in byte order, up or down, between bounds.
//
// Where long keys share a prefix, the engine's order is not theirs: such a group is gathered,
// sorted by whole key and then walked, so the caller sees exact byte order throughout.
//
// Thread: loop thread. A walk sees the committed state and must end before the next Commit. Views
// are valid until Next().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "keyspace/keyspace.h"
#include "keyspace/record.h"
#include "keyspace/txn.h"

namespace cairn::keyspace {

// One end of a range, as in ZRANGEBYLEX: "-", "+", "[key", "(key".
struct Bound {
  enum class Kind : uint8_t { kMin, kMax, kInclusive, kExclusive };
  Kind kind = Kind::kMin;
  std::string key;

  // nullopt when `text` is none of the four forms.
  static std::optional<Bound> Parse(std::string_view text);
  // The text that Parse reads back.
  [[nodiscard]] std::string Format() const;
  // True when `candidate` is at or above this bound, taken as a lower one / at or below it, taken
  // as an upper one.
  [[nodiscard]] bool AdmitsFromBelow(std::string_view candidate) const;
  [[nodiscard]] bool AdmitsFromAbove(std::string_view candidate) const;
};

class RangeWalk {
 public:
  static constexpr uint64_t kNoLimit = UINT64_MAX;
  // Walks the keys k of `db` with min <= k <= max (by the bounds' kinds), downwards when `reverse`.
  // Expired keys are left out (as txn's time and mode say). Damage is reported to `txn`, and ends
  // the walk.
  //
  // The walk pauses when it has passed `max_steps` keys, expired ones among them, or as many
  // deleted ones, whose remains the engine has until its next checkpoint. Those of long keys with
  // one prefix do not count: such a group is taken as a whole. REQUIRES: max_steps > 0.
  RangeWalk(Txn& txn, int db, Bound min, Bound max, bool reverse, uint64_t max_steps = kNoLimit);

  [[nodiscard]] bool Valid() const { return valid_; }
  // True when the walk is not Valid because it has paused: there may be more. The next walk goes on
  // behind paused_at(), exclusively.
  [[nodiscard]] bool paused() const { return paused_at_.has_value(); }
  [[nodiscard]] const std::string& paused_at() const { return *paused_at_; }
  void Next();  // REQUIRES: Valid()
  // REQUIRES: Valid().
  [[nodiscard]] std::string_view user_key() const { return user_key_; }
  [[nodiscard]] const Value& value() const { return value_; }

 private:
  struct Member {
    std::string key;
    Value value;  // the payload's view stays valid: the walk ends before the state changes
  };

  void SeekFirst();
  // True when `key` and everything that the walk would come to behind it is outside.
  [[nodiscard]] bool IsBeyond(std::string_view key) const {
    return reverse_ ? !min_.AdmitsFromBelow(key) : !max_.AdmitsFromAbove(key);
  }
  void Step();    // the engine's iterator, to the next key
  void Settle();  // moves on until the current key is live and inside, or the walk ends
  void Pause(std::string_view key);
  // True when the engine's iterator stands on a live key. It does not halt among long keys.
  bool AtEngineKey();
  // Reads the record under the engine's iterator; false = the walk has ended, or pauses.
  bool LoadFromEngine();
  void GatherGroup();
  bool TakeGroupMember();

  Txn* txn_;
  Bound min_;
  Bound max_;
  bool reverse_;
  std::string id_prefix_;
  KeyspaceId id_;
  std::unique_ptr<engine::Iterator> it_;
  std::vector<Member> group_;  // in walking order
  size_t group_next_ = 0;
  const uint64_t max_steps_;
  uint64_t steps_left_;
  std::optional<std::string> paused_at_;
  bool valid_ = false;
  std::string_view user_key_;
  Value value_;
};

}  // namespace cairn::keyspace
