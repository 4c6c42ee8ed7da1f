#include "keyspace/keyspace.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/check.h"

namespace cairn::keyspace {
namespace {

constexpr uint32_t kSavedVersion = 1;
// What a database and a flushed id take in the saved form.
constexpr size_t kSavedDbBytes = 4 + 3 * 8;
constexpr size_t kSavedDeadBytes = 4;

// Reads the saved form: fixed-width little-endian numbers, one after another.
class SavedReader {
 public:
  explicit SavedReader(std::string_view bytes) : bytes_(bytes) {}

  uint32_t U32() {
    if (!Has(4)) return 0;
    const uint32_t v = base::LoadLittle32(bytes_.data());
    bytes_.remove_prefix(4);
    return v;
  }
  uint64_t U64() {
    if (!Has(8)) return 0;
    const uint64_t v = base::LoadLittle64(bytes_.data());
    bytes_.remove_prefix(8);
    return v;
  }
  // A number of items of `size` bytes each; 0, and not ok, when so many cannot follow.
  uint32_t Count(size_t size) {
    const uint32_t count = U32();
    ok_ = ok_ && count <= bytes_.size() / size;
    return ok_ ? count : 0;
  }
  // True when everything was there so far.
  [[nodiscard]] bool ok() const { return ok_; }
  // True when everything was there and nothing is left.
  [[nodiscard]] bool Complete() const { return ok_ && bytes_.empty(); }

 private:
  bool Has(size_t n) {
    ok_ = ok_ && bytes_.size() >= n;
    return ok_;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

uint64_t ExpirySeconds(int64_t expire_ms) {
  return static_cast<uint64_t>(expire_ms / 1000);
}

}  // namespace

Keyspace::Keyspace(engine::Engine& engine, int databases, uint64_t hash_seed)
    : engine_(&engine), codec_(hash_seed), dbs_(static_cast<size_t>(databases)) {
  for (Db& db : dbs_) db.id = next_id_++;
}

std::string Keyspace::Save(uint64_t log_offset) {
  for (Dead& dead : dead_) dead.store_offset = std::min(dead.store_offset, log_offset);
  std::string out;
  base::AppendLittle32(&out, kSavedVersion);
  base::AppendLittle32(&out, next_id_);
  base::AppendLittle32(&out, static_cast<uint32_t>(dbs_.size()));
  for (const Db& db : dbs_) {
    base::AppendLittle32(&out, db.id);
    base::AppendLittle64(&out, db.stats.keys);
    base::AppendLittle64(&out, db.stats.expires);
    base::AppendLittle64(&out, db.stats.expire_seconds_sum);
  }
  base::AppendLittle32(&out, static_cast<uint32_t>(dead_.size()));
  for (const Dead& dead : dead_) base::AppendLittle32(&out, dead.id);
  return out;
}

absl::Status Keyspace::Load(std::string_view saved) {
  SavedReader in(saved);
  const uint32_t version = in.U32();
  if (in.ok() && version != kSavedVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the databases were saved in format ", version, "; this server knows format ",
                     kSavedVersion, ": start the version that wrote them"));
  }
  next_id_ = in.U32();
  const uint32_t count = in.Count(kSavedDbBytes);
  const size_t configured = dbs_.size();
  dbs_.resize(std::max<size_t>(configured, count));
  for (uint32_t i = 0; i < count; ++i) {
    Db& db = dbs_[i];
    db.id = in.U32();
    db.stats = {in.U64(), in.U64(), in.U64()};
  }
  const uint32_t dead_count = in.Count(kSavedDeadBytes);
  for (uint32_t i = 0; i < dead_count; ++i) dead_.push_back({.id = in.U32()});
  if (!in.Complete()) return absl::DataLossError("the saved list of databases is damaged");
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
