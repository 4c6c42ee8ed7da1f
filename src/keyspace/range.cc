#include "keyspace/range.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace cairn::keyspace {

std::optional<Bound> Bound::Parse(std::string_view text) {
  if (text == "-") return Bound{.kind = Kind::kMin, .key = {}};
  if (text == "+") return Bound{.kind = Kind::kMax, .key = {}};
  if (text.empty() || (text.front() != '[' && text.front() != '(')) return std::nullopt;
  return Bound{.kind = text.front() == '[' ? Kind::kInclusive : Kind::kExclusive,
               .key = std::string(text.substr(1))};
}

std::string Bound::Format() const {
  switch (kind) {
    case Kind::kMin:
      return "-";
    case Kind::kMax:
      return "+";
    case Kind::kInclusive:
      return "[" + key;
    case Kind::kExclusive:
      return "(" + key;
  }
  return {};
}

bool Bound::AdmitsFromBelow(std::string_view candidate) const {
  switch (kind) {
    case Kind::kMin:
      return true;
    case Kind::kMax:
      return false;
    case Kind::kInclusive:
      return candidate >= key;
    case Kind::kExclusive:
      return candidate > key;
  }
  return false;
}

bool Bound::AdmitsFromAbove(std::string_view candidate) const {
  switch (kind) {
    case Kind::kMin:
      return false;
    case Kind::kMax:
      return true;
    case Kind::kInclusive:
      return candidate <= key;
    case Kind::kExclusive:
      return candidate < key;
  }
  return false;
}

RangeWalk::RangeWalk(Txn& txn, int db, Bound min, Bound max, bool reverse, uint64_t max_steps)
    : txn_(&txn),
      min_(std::move(min)),
      max_(std::move(max)),
      reverse_(reverse),
      id_prefix_(KeyCodec::IdPrefix(txn.keyspace().id(db))),
      id_(txn.keyspace().id(db)),
      it_(txn.keyspace().engine().NewIterator(engine::Table::kKeys)),
      max_steps_(max_steps),
      steps_left_(max_steps) {
  CAIRN_CHECK(max_steps > 0);
  it_->set_skip_limit(max_steps);
  if (min_.kind == Bound::Kind::kMax || max_.kind == Bound::Kind::kMin) return;
  SeekFirst();
  valid_ = true;
  Settle();
}

void RangeWalk::SeekFirst() {
  if (!reverse_) {
    it_->SeekAtLeast(min_.kind == Bound::Kind::kMin ? id_prefix_
                                                    : KeyCodec::SeekKey(id_, min_.key));
    return;
  }
  // A long bound's whole group may hold keys below it, so the seek goes behind the group; Settle
  // drops what is above.
  std::string from;
  if (max_.kind == Bound::Kind::kMax) {
    from = KeyCodec::PrefixEnd(id_prefix_);
  } else if (max_.key.size() > kMaxPlainKey) {
    from = KeyCodec::PrefixEnd(KeyCodec::SeekKey(id_, max_.key));
  } else {
    from = KeyCodec::SeekKey(id_, max_.key);
  }
  it_->SeekAtMost(from);
  // At most the empty key of the next id stands between.
  if (it_->halted() && KeyCodec::IdOf(it_->key()) > id_) it_->Resume(max_steps_);
  while (it_->Valid() && KeyCodec::IdOf(it_->key()) > id_) it_->Prev();
}

void RangeWalk::Step() {
  if (reverse_) {
    it_->Prev();
  } else {
    it_->Next();
  }
}

void RangeWalk::Pause(std::string_view key) {
  paused_at_ = std::string(key);
  valid_ = false;
}

bool RangeWalk::AtEngineKey() {
  while (it_->halted() && it_->key().starts_with(id_prefix_) && KeyCodec::IsLong(it_->key())) {
    it_->Resume(max_steps_);
  }
  return it_->Valid();
}

bool RangeWalk::TakeGroupMember() {
  if (group_next_ == group_.size()) return false;
  const Member& member = group_[group_next_++];
  user_key_ = member.key;
  value_ = member.value;
  return true;
}

void RangeWalk::GatherGroup() {
  const std::string group(KeyCodec::GroupOf(it_->key()));
  group_.clear();
  group_next_ = 0;
  while (AtEngineKey() && KeyCodec::IsLong(it_->key()) && KeyCodec::GroupOf(it_->key()) == group) {
    const auto record = DecodeRecord(it_->value());
    if (!record.ok()) {
      txn_->Fail(record.status());
      return;
    }
    if (!record->long_key.starts_with(KeyCodec::UserPart(group))) {
      txn_->Fail(absl::DataLossError("a long key's record does not hold that key"));
      return;
    }
    group_.push_back({.key = std::string(record->long_key),
                      .value = {.type = record->type,
                                .hint = record->hint,
                                .expire_ms = record->expire_ms,
                                .payload = record->payload}});
    Step();
  }
  std::sort(group_.begin(), group_.end(), [this](const Member& a, const Member& b) {
    return reverse_ ? a.key > b.key : a.key < b.key;
  });
}

bool RangeWalk::LoadFromEngine() {
  if (!AtEngineKey()) {
    if (!it_->status().ok()) txn_->Fail(it_->status());
    if (it_->halted() && it_->key().starts_with(id_prefix_)) {
      const std::string_view deleted = KeyCodec::UserPart(it_->key());
      if (!IsBeyond(deleted)) Pause(deleted);
    }
    return false;
  }
  const std::string_view engine_key = it_->key();
  if (!engine_key.starts_with(id_prefix_)) return false;
  if (KeyCodec::IsLong(engine_key)) {
    GatherGroup();
    return txn_->status().ok() && TakeGroupMember();
  }
  user_key_ = KeyCodec::UserPart(engine_key);
  if (IsBeyond(user_key_)) return false;
  const auto record = DecodeRecord(it_->value());
  if (!record.ok()) {
    txn_->Fail(record.status());
    return false;
  }
  value_ = {.type = record->type,
            .hint = record->hint,
            .expire_ms = record->expire_ms,
            .payload = record->payload};
  return true;
}

void RangeWalk::Settle() {
  while (true) {
    if (!TakeGroupMember()) {
      group_.clear();
      group_next_ = 0;
      if (!LoadFromEngine()) {
        valid_ = false;
        return;
      }
    }
    if (!group_.empty() && IsBeyond(user_key_)) {
      valid_ = false;
      return;
    }
    const bool inside =
        reverse_ ? max_.AdmitsFromAbove(user_key_) : min_.AdmitsFromBelow(user_key_);
    if (inside && !txn_->Hides(value_)) return;
    if (inside && --steps_left_ == 0) {
      Pause(user_key_);
      return;
    }
    if (group_.empty()) Step();
  }
}

void RangeWalk::Next() {
  CAIRN_CHECK(valid_);
  if (--steps_left_ == 0) {
    Pause(user_key_);
    return;
  }
  if (group_.empty()) Step();
  Settle();
}

}  // namespace cairn::keyspace
