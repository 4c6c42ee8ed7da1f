#include "support/state_dump.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "absl/strings/escaping.h"
#include "base/status.h"
#include "keyspace/key_codec.h"
#include "keyspace/range.h"
#include "keyspace/txn.h"

namespace cairn::test {
namespace {

using Index = std::map<std::string, std::string>;  // of expiry: entries as the engine has them

absl::Status WalkDb(keyspace::Txn& txn, int db, DbState* state, uint64_t* expires) {
  using keyspace::Bound;
  keyspace::RangeWalk walk(txn, db, {.kind = Bound::Kind::kMin, .key = {}},
                           {.kind = Bound::Kind::kMax, .key = {}}, /*reverse=*/false);
  std::string last;
  for (; walk.Valid(); walk.Next()) {
    const keyspace::Value value = walk.value();
    std::string key(walk.user_key());
    if (!state->empty() && key <= last) {
      return base::DataLoss(fmt::format("database {}: the walk is out of order", db));
    }
    last = key;
    *expires += value.expire_ms != keyspace::kNoExpiry ? 1 : 0;
    state->insert_or_assign(std::move(key),
                            KeyState{value.type, value.expire_ms, std::string(value.payload)});
  }
  return txn.status();
}

absl::StatusOr<DbState> DumpDb(keyspace::Keyspace& keyspace, int db, int64_t now_ms) {
  keyspace::Txn txn(keyspace);
  txn.Begin(now_ms, /*decides_expiry=*/false);
  DbState state;
  uint64_t expires = 0;
  if (absl::Status status = WalkDb(txn, db, &state, &expires); !status.ok()) return status;
  const auto stats = keyspace.stats(db);
  if (stats.keys != state.size() || stats.expires != expires) {
    return base::DataLoss(
        fmt::format("database {} counts {} keys, {} with an expiry, but a walk finds {} and {}", db,
                    stats.keys, stats.expires, state.size(), expires));
  }
  for (const auto& [key, want] : state) {
    const keyspace::Value value = txn.Read(db, key);
    const KeyState got{value.type, value.expire_ms, std::string(value.payload)};
    if (got != want) {
      return base::DataLoss(
          fmt::format("walk and point read differ: database {}, `{}`", db, absl::CHexEscape(key)));
    }
  }
  if (!txn.status().ok()) return txn.status();
  return state;
}

void AddToIndex(const keyspace::Keyspace& keyspace, int db, const DbState& keys, Index* index) {
  const keyspace::KeyCodec& codec = keyspace.codec();
  for (const auto& [key, value] : keys) {
    if (value.expire_ms == keyspace::kNoExpiry) continue;
    keyspace::EngineKey engine_key;
    codec.Encode(keyspace.id(db), key, &engine_key);
    auto entry = codec.EncodeExpiry(engine_key.view(), value.expire_ms);
    index->emplace(std::move(entry.key), std::move(entry.value));
  }
}

// The expiry index has the entries of `wanted` and no others, besides those of databases that were
// flushed and wait for their end.
absl::Status CompareIndex(server::Storage& storage, Index wanted) {
  keyspace::Keyspace& keyspace = storage.keyspace();
  const auto it = storage.engine().NewIterator(engine::Table::kExpiry);
  for (int db = 0; db < keyspace.databases(); ++db) {
    const std::string prefix = keyspace::KeyCodec::IdPrefix(keyspace.id(db));
    for (it->SeekAtLeast(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
      const auto want = wanted.find(std::string(it->key()));
      if (want == wanted.end() || it->value() != want->second) {
        return base::DataLoss(fmt::format("an entry of the expiry index of database {} {}", db,
                                          want == wanted.end() ? "has no key" : "is another's"));
      }
      wanted.erase(want);
    }
  }
  if (!it->status().ok()) return it->status();
  if (wanted.empty()) return absl::OkStatus();
  return base::DataLoss(fmt::format("{} keys are not in the expiry index", wanted.size()));
}

}  // namespace

absl::StatusOr<ServerState> DumpState(server::Storage& storage, int64_t now_ms) {
  keyspace::Keyspace& keyspace = storage.keyspace();
  ServerState state;
  Index index;
  for (int db = 0; db < keyspace.databases(); ++db) {
    auto keys = DumpDb(keyspace, db, now_ms);
    if (!keys.ok()) return keys.status();
    AddToIndex(keyspace, db, *keys, &index);
    if (!keys->empty()) state.emplace(db, *std::move(keys));
  }
  if (absl::Status status = CompareIndex(storage, std::move(index)); !status.ok()) return status;
  return state;
}

}  // namespace cairn::test
