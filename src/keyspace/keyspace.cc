#include "keyspace/keyspace.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace cairn::keyspace {

Keyspace::Keyspace(engine::Engine& engine, int databases, uint64_t hash_seed)
    : engine_(&engine), codec_(hash_seed), dbs_(static_cast<size_t>(databases)) {
  for (Db& db : dbs_) db.id = next_id_++;
}

std::string Keyspace::Save(uint64_t log_offset) {
  for (Dead& dead : dead_) dead.store_offset = std::min(dead.store_offset, log_offset);
  SavedDatabases saved;
  saved.next_id = next_id_;
  saved.databases.reserve(dbs_.size());
  for (const Db& db : dbs_) saved.databases.push_back({.id = db.id, .stats = db.stats});
  for (const Dead& dead : dead_) saved.flushed.push_back(dead.id);
  return EncodeDatabases(saved);
}

absl::Status Keyspace::Load(std::string_view saved) {
  const auto decoded = DecodeDatabases(saved);
  if (!decoded.ok()) return decoded.status();
  next_id_ = decoded->next_id;
  const size_t count = decoded->databases.size();
  const size_t configured = dbs_.size();
  dbs_.resize(std::max(configured, count));
  for (size_t i = 0; i < count; ++i) {
    dbs_[i].id = decoded->databases[i].id;
    dbs_[i].stats = decoded->databases[i].stats;
  }
  for (const KeyspaceId id : decoded->flushed) dead_.push_back({.id = id});
  for (size_t i = count; i < dbs_.size(); ++i) dbs_[i].id = next_id_++;
  for (size_t i = configured; i < dbs_.size(); ++i) {
    if (dbs_[i].stats.keys != 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("database ", i, " holds ", dbs_[i].stats.keys, " keys, but `databases` is ",
                       configured, ": set it to ", i + 1, " or more"));
    }
  }
  dbs_.resize(configured);
  return absl::OkStatus();
}

int64_t Keyspace::AverageTtlMs(int db, int64_t now_ms) const {
  const DbStats& s = stats(db);
  if (s.expires == 0) return 0;
  // Summed as differences to now, so that the wrapped sum comes out right whenever the true one
  // fits.
  const auto total =
      static_cast<int64_t>(s.expire_seconds_sum - s.expires * static_cast<uint64_t>(now_ms / 1000));
  return std::max<int64_t>(0, total / static_cast<int64_t>(s.expires)) * 1000;
}

bool Keyspace::Flush(int db) {
  Db& d = dbs_[static_cast<size_t>(db)];
  if (d.stats.keys == 0) return false;
  dead_.push_back({.id = d.id, .store_offset = UINT64_MAX});
  d = Db{.id = next_id_++, .stats = {}, .expiry_start = {}};
  return true;
}

bool Keyspace::FlushAll() {
  bool any = false;
  for (int db = 0; db < databases(); ++db) any = Flush(db) || any;
  return any;
}

void Keyspace::Swap(int a, int b) {
  std::swap(dbs_[static_cast<size_t>(a)], dbs_[static_cast<size_t>(b)]);
}

void Keyspace::ContinueReclaim() {
  if (dead_.empty()) return;
  if (reclaiming_) {
    if (!engine_->ReclaimDone()) return;
    reclaiming_ = false;
    dead_.erase(dead_.begin());
    if (dead_.empty()) return;
  }
  if (engine_->checkpoint().log_offset < dead_.front().store_offset) return;
  engine_->Reclaim(KeyCodec::IdPrefix(dead_.front().id));
  reclaiming_ = true;
}

absl::StatusOr<bool> Keyspace::IsIndexed(std::string_view engine_key, int64_t expire_ms) const {
  const KeyCodec::ExpiryEntry entry = codec_.EncodeExpiry(engine_key, expire_ms);
  const auto it = engine_->NewIterator(engine::Table::kExpiry);
  it->SeekAtLeast(entry.key);
  if (!it->status().ok()) return it->status();
  return it->Valid() && it->key() == entry.key;
}

void Keyspace::OnChange(int db, std::string_view engine_key, Presence before, Presence after) {
  DbStats& s = dbs_[static_cast<size_t>(db)].stats;
  if (before.exists != after.exists) {
    if (after.exists) {
      ++s.keys;
    } else {
      CAIRN_CHECK(s.keys > 0);
      --s.keys;
    }
  }
  const int64_t old_ms = before.exists ? before.expire_ms : kNoExpiry;
  const int64_t new_ms = after.exists ? after.expire_ms : kNoExpiry;
  if (old_ms == new_ms) return;
  if (old_ms != kNoExpiry) {
    CAIRN_CHECK(s.expires > 0);
    --s.expires;
    s.expire_seconds_sum -= ExpirySeconds(old_ms);
    engine_->DeleteOrdered(codec_.EncodeExpiry(engine_key, old_ms).key);
  }
  if (new_ms != kNoExpiry) {
    ++s.expires;
    s.expire_seconds_sum += ExpirySeconds(new_ms);
    const KeyCodec::ExpiryEntry entry = codec_.EncodeExpiry(engine_key, new_ms);
    engine_->PutOrdered(entry.key, entry.value);
    std::string& start = dbs_[static_cast<size_t>(db)].expiry_start;
    if (entry.key < start) start = entry.key;
    next_expiry_ms_ = std::min(next_expiry_ms_, new_ms);
  }
}

}  // namespace cairn::keyspace
