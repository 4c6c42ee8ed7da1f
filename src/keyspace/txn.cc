#include "keyspace/txn.h"

#include <utility>

#include "base/check.h"
#include "engine/engine.h"

namespace cairn::keyspace {
namespace {

// Up to so many slots are found by walking them; commands of one or two keys never pay for an
// index.
constexpr size_t kIndexedSlots = 8;
// A command of very many keys gives its memory back.
constexpr size_t kSlotsKept = 256;

}  // namespace

void Txn::Begin(int64_t now_ms, bool decides_expiry) {
  now_ms_ = now_ms;
  decides_expiry_ = decides_expiry;
  changed_ = false;
  status_ = absl::OkStatus();
  if (slot_count_ > kSlotsKept) slots_.resize(kSlotsKept);
  if (!index_.empty()) index_ = {};
  slot_count_ = 0;
  owned_.clear();
  expired_.clear();
  whole_db_.clear();
}

bool Txn::Expired(const Value& value) const {
  return decides_expiry_ && value.expire_ms != kNoExpiry && value.expire_ms <= now_ms_;
}

void Txn::Fail(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
}

Slot* Txn::Find(int db, std::string_view engine_key, uint64_t hash) {
  const auto same = [&](const Slot& slot) {
    return slot.hash_ == hash && slot.engine_key_ == engine_key && slot.db_ == db;
  };
  if (slot_count_ < kIndexedSlots) {
    for (size_t i = 0; i < slot_count_; ++i) {
      if (same(*slots_[i])) return slots_[i].get();
    }
    return nullptr;
  }
  const auto it = index_.find(hash);
  if (it == index_.end()) return nullptr;
  for (Slot* slot = it->second; slot != nullptr; slot = slot->next_same_hash_) {
    if (same(*slot)) return slot;
  }
  return nullptr;
}

void Txn::AddToIndex(Slot* slot) {
  Slot*& first = index_[slot->hash_];
  slot->next_same_hash_ = first;
  first = slot;
}

Value Txn::Load(std::string_view engine_key, uint64_t hash, std::string_view user_key,
                bool will_change) {
  const auto bytes = keyspace_->engine().Get(engine_key, hash);
  if (!bytes.ok()) {
    Fail(bytes.status());
    return {};
  }
  if (!bytes->has_value()) return {};
  const auto record = DecodeRecord(**bytes);
  if (!record.ok()) {
    Fail(record.status());
    return {};
  }
  const bool has_whole_key = !record->long_key.empty();
  if (KeyCodec::IsLong(engine_key) ? record->long_key != user_key : has_whole_key) {
    Fail(absl::DataLossError("the record holds another key than its own"));
    return {};
  }
  const Value value = {.type = record->type,
                       .hint = record->hint,
                       .expire_ms = record->expire_ms,
                       .payload = record->payload};
  // Nobody has verified a large record. Before its expiry hides the key or is taken off the books,
  // the index must know of it.
  if (value.expire_ms != kNoExpiry && bytes->value().size() > engine::kGetVerifies &&
      (will_change || Expired(value))) {
    const auto indexed = keyspace_->IsIndexed(engine_key, value.expire_ms);
    if (!indexed.ok() || !*indexed) {
      Fail(indexed.ok() ? absl::DataLossError("the expiry index does not know a record's expiry")
                        : indexed.status());
      return {};
    }
  }
  return value;
}

Value Txn::Read(int db, std::string_view user_key) {
  EngineKey key;
  keyspace_->codec().Encode(keyspace_->id(db), user_key, &key);
  const uint64_t hash = engine::Engine::Hash(key.view());
  last_hash_ = hash;
  if (slot_count_ != 0) {
    if (const Slot* slot = Find(db, key.view(), hash)) return slot->value_;
  }
  const Value value = Load(key.view(), hash, user_key, /*will_change=*/false);
  return Expired(value) ? Value{} : value;
}

Slot& Txn::Write(int db, std::string_view user_key) {
  EngineKey key;
  keyspace_->codec().Encode(keyspace_->id(db), user_key, &key);
  const uint64_t hash = engine::Engine::Hash(key.view());
  last_hash_ = hash;
  if (Slot* known = Find(db, key.view(), hash)) return *known;

  if (slot_count_ == slots_.size()) slots_.push_back(std::make_unique<Slot>());
  Slot& slot = *slots_[slot_count_++];
  if (slot_count_ == kIndexedSlots) {
    for (size_t i = 0; i + 1 < slot_count_; ++i) AddToIndex(slots_[i].get());
  }
  slot.db_ = db;
  slot.hash_ = hash;
  slot.engine_key_.assign(key.view());
  slot.user_key_ = user_key;
  slot.next_same_hash_ = nullptr;
  slot.value_ = Load(key.view(), hash, user_key, /*will_change=*/true);
  slot.before_ = {.exists = slot.value_.exists(), .expire_ms = slot.value_.expire_ms};
  slot.dirty_ = false;
  slot.payload_is_engines_ = slot.value_.exists();
  if (slot_count_ >= kIndexedSlots) AddToIndex(&slot);
  if (Expired(slot.value_)) {
    expired_.push_back({.db = db, .user_key = user_key});
    slot.value_ = {};
    slot.dirty_ = true;
  }
  return slot;
}

void Txn::MarkChanged(Slot& slot) {
  slot.dirty_ = true;
  changed_ = true;
}

void Txn::Put(Slot& slot, Type type, EncodingHint hint, std::string_view payload,
              int64_t expire_ms) {
  slot.value_ = {.type = type, .hint = hint, .expire_ms = expire_ms, .payload = payload};
  slot.payload_is_engines_ = false;
  MarkChanged(slot);
}

void Txn::SetExpiry(Slot& slot, int64_t expire_ms) {
  CAIRN_CHECK(slot.exists());
  slot.value_.expire_ms = expire_ms;
  MarkChanged(slot);
}

void Txn::Delete(Slot& slot) {
  CAIRN_CHECK(slot.exists());
  slot.value_ = {};
  MarkChanged(slot);
}

std::string_view Txn::Own(std::string bytes) {
  return owned_.emplace_back(std::move(bytes));
}

void Txn::StageWholeDb(WholeDb what, int a, int b) {
  whole_db_.push_back({.what = what, .a = a, .b = b});
  changed_ = true;
}

void Txn::CommitSlot(Slot& slot) {
  const Value& value = slot.value_;
  keyspace_->OnChange(slot.db_, slot.engine_key_, slot.before_,
                      {.exists = value.exists(), .expire_ms = value.expire_ms});
  engine::Engine& engine = keyspace_->engine();
  written_bytes_ += slot.engine_key_.size() + value.payload.size();
  if (!value.exists()) {
    if (slot.before_.exists) engine.Delete(slot.engine_key_, slot.hash_);
    return;
  }
  head_.clear();
  AppendRecordHead(
      {.type = value.type,
       .hint = value.hint,
       .expire_ms = value.expire_ms,
       .long_key = KeyCodec::IsLong(slot.engine_key_) ? slot.user_key_ : std::string_view(),
       .payload = {}},
      &head_);
  std::string_view payload = value.payload;
  if (slot.payload_is_engines_) {
    payload_.assign(payload);
    payload = payload_;
  }
  engine.Put(slot.engine_key_, slot.hash_, head_, payload);
}

uint64_t Txn::Commit() {
  CAIRN_CHECK(status_.ok());
  written_bytes_ = 0;
  for (size_t i = 0; i < slot_count_; ++i) {
    if (slots_[i]->dirty_) CommitSlot(*slots_[i]);
  }
  if (payload_.capacity() > 1U << 20) std::string().swap(payload_);
  for (const WholeDbChange& change : whole_db_) {
    switch (change.what) {
      case WholeDb::kFlush:
        keyspace_->Flush(change.a);
        break;
      case WholeDb::kFlushAll:
        keyspace_->FlushAll();
        break;
      case WholeDb::kSwap:
        keyspace_->Swap(change.a, change.b);
        break;
    }
  }
  return written_bytes_;
}

}  // namespace cairn::keyspace
