#include "keyspace/expiry.h"

#include <algorithm>

#include "engine/engine.h"
#include "keyspace/key_codec.h"
#include "keyspace/record.h"

namespace cairn::keyspace {
namespace {

// The whole user key behind an engine key: long ones are in their record.
absl::StatusOr<std::string> UserKey(Keyspace& keyspace, const std::string& engine_key) {
  if (!KeyCodec::IsLong(engine_key)) return std::string(KeyCodec::UserPart(engine_key));
  const auto bytes = keyspace.engine().Get(engine_key, engine::Engine::Hash(engine_key));
  if (!bytes.ok()) return bytes.status();
  if (!bytes->has_value()) {
    return absl::DataLossError("the expiry index names a key that is not there");
  }
  const auto record = DecodeRecord(**bytes);
  if (!record.ok()) return record.status();
  return std::string(record->long_key);
}

}  // namespace

absl::StatusOr<std::vector<DueKey>> FindDueKeys(Keyspace& keyspace, int64_t now_ms, size_t limit) {
  std::vector<DueKey> due;
  int64_t next_ms = Keyspace::kNever;
  const auto it = keyspace.engine().NewIterator(engine::Table::kExpiry);
  for (int db = 0; db < keyspace.databases(); ++db) {
    if (keyspace.stats(db).expires == 0) continue;
    const std::string prefix = KeyCodec::IdPrefix(keyspace.id(db));
    for (it->SeekAtLeast(std::max(prefix, keyspace.expiry_start(db)));
         it->Valid() && it->key().starts_with(prefix); it->Next()) {
      const int64_t time_ms = KeyCodec::ExpiryTime(it->key());
      if (time_ms > now_ms) {
        next_ms = std::min(next_ms, time_ms);
        break;
      }
      if (due.size() == limit) return due;
      auto user_key = UserKey(keyspace, KeyCodec::ExpiryTarget(it->key(), it->value()));
      if (!user_key.ok()) return user_key.status();
      due.push_back(
          {.db = db, .user_key = *std::move(user_key), .index_key = std::string(it->key())});
    }
    if (!it->status().ok()) return it->status();
  }
  keyspace.set_next_expiry_ms(next_ms);
  return due;
}

void NoteDeleted(Keyspace& keyspace, const std::vector<DueKey>& due) {
  for (const DueKey& key : due) keyspace.set_expiry_start(key.db, key.index_key + '\0');
}

}  // namespace cairn::keyspace
