#include "keyspace/saved_state.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/check.h"

namespace cairn::keyspace {
namespace {

constexpr uint32_t kDatabasesVersion = 1;
// What a database and a flushed id take.
constexpr size_t kDatabaseBytes = 4 + 3 * 8;
constexpr size_t kFlushedBytes = 4;

constexpr uint32_t kStateVersion = 2;

// Reads fixed-width little-endian numbers, one after another.
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
  std::string_view Bytes(size_t size) {
    if (!Has(size)) return {};
    const std::string_view bytes = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return bytes;
  }
  std::array<char, 16> Id() {
    std::array<char, 16> id{};
    const std::string_view bytes = Bytes(id.size());
    std::copy(bytes.begin(), bytes.end(), id.begin());
    return id;
  }
  // A number of items of `size` bytes each; 0, and not ok, when so many cannot follow.
  uint32_t Count(size_t size) {
    const uint32_t count = U32();
    ok_ = ok_ && count <= bytes_.size() / size;
    return ok_ ? count : 0;
  }
  [[nodiscard]] std::string_view rest() const { return bytes_; }
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

}  // namespace

uint64_t ExpirySeconds(int64_t expire_ms) {
  return static_cast<uint64_t>(expire_ms / 1000);
}

std::string EncodeDatabases(const SavedDatabases& databases) {
  std::string out;
  base::AppendLittle32(&out, kDatabasesVersion);
  base::AppendLittle32(&out, databases.next_id);
  base::AppendLittle32(&out, static_cast<uint32_t>(databases.databases.size()));
  for (const SavedDatabase& db : databases.databases) {
    base::AppendLittle32(&out, db.id);
    base::AppendLittle64(&out, db.stats.keys);
    base::AppendLittle64(&out, db.stats.expires);
    base::AppendLittle64(&out, db.stats.expire_seconds_sum);
  }
  base::AppendLittle32(&out, static_cast<uint32_t>(databases.flushed.size()));
  for (const KeyspaceId id : databases.flushed) base::AppendLittle32(&out, id);
  return out;
}

absl::StatusOr<SavedDatabases> DecodeDatabases(std::string_view bytes) {
  SavedReader in(bytes);
  const uint32_t version = in.U32();
  if (in.ok() && version != kDatabasesVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the databases were saved in format ", version, "; this program knows format ",
                     kDatabasesVersion, ": use the version that wrote them"));
  }
  SavedDatabases saved;
  saved.next_id = in.U32();
  saved.databases.resize(in.Count(kDatabaseBytes));
  for (SavedDatabase& db : saved.databases) {
    db.id = in.U32();
    db.stats = {in.U64(), in.U64(), in.U64()};
  }
  saved.flushed.resize(in.Count(kFlushedBytes));
  for (KeyspaceId& id : saved.flushed) id = in.U32();
  if (!in.Complete()) return absl::DataLossError("the saved list of databases is damaged");
  return saved;
}

std::string EncodeState(const SavedState& state) {
  CAIRN_CHECK(state.replication_id.size() == kReplicationIdDigits);
  std::string blob;
  base::AppendLittle32(&blob, kStateVersion);
  base::AppendLittle64(&blob, state.hash_seed);
  base::AppendLittle32(&blob, static_cast<uint32_t>(state.stream_db));
  blob += state.replication_id;
  blob.append(state.log_id.data(), state.log_id.size());
  blob.append(state.replaced_log_id.data(), state.replaced_log_id.size());
  return blob + state.databases;
}

absl::StatusOr<SavedState> DecodeState(std::string_view blob) {
  SavedReader in(blob);
  const uint32_t version = in.U32();
  if (in.ok() && version != kStateVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the store's state has format ", version,
                                                      "; this program knows format ", kStateVersion,
                                                      ": use the version that wrote it"));
  }
  SavedState state;
  state.hash_seed = in.U64();
  state.stream_db = static_cast<int>(in.U32());
  state.replication_id = in.Bytes(kReplicationIdDigits);
  state.log_id = in.Id();
  state.replaced_log_id = in.Id();
  if (!in.ok()) return absl::DataLossError("the store's state is cut short");
  if (state.log_id == std::array<char, 16>{}) {
    return absl::DataLossError("the store's state names no log");
  }
  state.databases = in.rest();
  return state;
}

}  // namespace cairn::keyspace
