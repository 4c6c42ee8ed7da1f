#include "keyspace/key_codec.h"

#include <cstring>

#include <xxhash.h>

#include "base/bytes.h"
#include "base/check.h"

namespace cairn::keyspace {
namespace {

constexpr size_t kTimeBytes = 8;
constexpr size_t kExpiryHead = kIdBytes + kTimeBytes;
constexpr size_t kMaxExpiryUserPart = engine::kMaxEngineKey - kExpiryHead;
constexpr size_t kExpiryPrefix = kMaxExpiryUserPart - kLongHash;

// Flipping the sign bit makes two's complement sort as unsigned bytes.
uint64_t SortableTime(int64_t ms) {
  return static_cast<uint64_t>(ms) ^ (1ULL << 63);
}

}  // namespace

void KeyCodec::Hash(std::string_view data, char* out16) const {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(data.data(), data.size(), seed_);
  base::StoreBig64(out16, hash.high64);
  base::StoreBig64(out16 + 8, hash.low64);
}

void KeyCodec::Encode(KeyspaceId id, std::string_view user_key, EngineKey* out) const {
  char* p = out->bytes_.data();
  base::StoreBig32(p, id);
  p += kIdBytes;
  if (user_key.size() <= kMaxPlainKey) {
    if (!user_key.empty()) std::memcpy(p, user_key.data(), user_key.size());
    out->size_ = kIdBytes + user_key.size();
    return;
  }
  std::memcpy(p, user_key.data(), kLongPrefix);
  Hash(user_key, p + kLongPrefix);
  out->size_ = kLongEngineKey;
}

std::string KeyCodec::SeekKey(KeyspaceId id, std::string_view user_key) {
  std::string key = IdPrefix(id);
  key.append(user_key.substr(0, kLongPrefix));
  return key;
}

std::string KeyCodec::PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    const auto last = static_cast<uint8_t>(end.back());
    if (last != 0xff) {
      end.back() = static_cast<char>(last + 1);
      return end;
    }
    end.pop_back();
  }
  return end;
}

std::string KeyCodec::IdPrefix(KeyspaceId id) {
  std::string prefix(kIdBytes, '\0');
  base::StoreBig32(prefix.data(), id);
  return prefix;
}

KeyspaceId KeyCodec::IdOf(std::string_view engine_key) {
  CAIRN_CHECK(engine_key.size() >= kIdBytes);
  return base::LoadBig32(engine_key.data());
}

KeyCodec::ExpiryEntry KeyCodec::EncodeExpiry(std::string_view engine_key, int64_t expire_ms) const {
  const std::string_view user_part = UserPart(engine_key);
  ExpiryEntry entry;
  entry.key.resize(kExpiryHead);
  std::memcpy(entry.key.data(), engine_key.data(), kIdBytes);
  base::StoreBig64(entry.key.data() + kIdBytes, SortableTime(expire_ms));
  if (user_part.size() <= kMaxExpiryUserPart) {
    entry.key.append(user_part);
    return entry;
  }
  entry.key.append(user_part.substr(0, kExpiryPrefix));
  std::array<char, kLongHash> hash{};
  Hash(user_part, hash.data());
  entry.key.append(hash.data(), hash.size());
  entry.value.assign(user_part);
  return entry;
}

int64_t KeyCodec::ExpiryTime(std::string_view expiry_key) {
  CAIRN_CHECK(expiry_key.size() >= kExpiryHead);
  return static_cast<int64_t>(base::LoadBig64(expiry_key.data() + kIdBytes) ^ (1ULL << 63));
}

std::string KeyCodec::ExpiryTarget(std::string_view expiry_key, std::string_view value) {
  CAIRN_CHECK(expiry_key.size() >= kExpiryHead);
  std::string target(expiry_key.substr(0, kIdBytes));
  target.append(value.empty() ? expiry_key.substr(kExpiryHead) : value);
  return target;
}

}  // namespace cairn::keyspace
