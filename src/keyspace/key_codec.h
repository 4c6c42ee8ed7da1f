// User keys as engine keys: the one place that knows about LMDB's 511 bytes.
//
// An engine key is the keyspace id (4 bytes, big endian) and the user key. A user key of more than
// kMaxPlainKey bytes keeps its first kLongPrefix bytes and a 16-byte hash; its record holds the
// whole key. All long forms have the same length and no plain one has it, so the two never meet.
// Byte order of engine keys is byte order of user keys, except among long keys that share the whole
// prefix: those are gathered and sorted by whoever walks them (range.h).
//
// Pure but for the hash seed, which is fixed for a data directory (so that nobody can prepare
// collisions). Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace cairn::keyspace {

// What a database's number stands for at present; never used twice.
using KeyspaceId = uint32_t;

inline constexpr size_t kIdBytes = 4;
inline constexpr size_t kLongHash = 16;
inline constexpr size_t kLongPrefix = engine::kMaxEngineKey - kIdBytes - kLongHash;  // 491
inline constexpr size_t kMaxPlainKey = kLongPrefix - 1;                              // 490
inline constexpr size_t kLongEngineKey = engine::kMaxEngineKey;
static_assert(kIdBytes + kMaxPlainKey < kLongEngineKey,
              "plain and long engine keys differ in length");
static_assert(kMaxPlainKey < kLongPrefix,
              "a plain key is decided against a long one within the long one's prefix");

// An engine key, in place.
class EngineKey {
 public:
  EngineKey() = default;
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }
  [[nodiscard]] bool is_long() const { return size_ == kLongEngineKey; }

 private:
  friend class KeyCodec;
  std::array<char, engine::kMaxEngineKey> bytes_;
  size_t size_ = 0;
};

class KeyCodec {
 public:
  explicit KeyCodec(uint64_t seed) : seed_(seed) {}

  // The engine key of a user key.
  void Encode(KeyspaceId id, std::string_view user_key, EngineKey* out) const;

  // Where a walk over user keys >= `user_key` must begin: the engine key itself or, for a long key,
  // the start of its group.
  static std::string SeekKey(KeyspaceId id, std::string_view user_key);
  // The smallest byte string above all engine keys that begin with `prefix`, or empty when there is
  // none.
  static std::string PrefixEnd(std::string_view prefix);
  static std::string IdPrefix(KeyspaceId id);

  static bool IsLong(std::string_view engine_key) { return engine_key.size() == kLongEngineKey; }
  static KeyspaceId IdOf(std::string_view engine_key);
  // The user key's bytes in an engine key: whole when plain, its prefix and hash when long.
  static std::string_view UserPart(std::string_view engine_key) {
    return engine_key.substr(kIdBytes);
  }
  // What all members of a long key's group share: id and prefix.
  static std::string_view GroupOf(std::string_view engine_key) {
    return engine_key.substr(0, kIdBytes + kLongPrefix);
  }

  // The expiry index: id, time (so that bytes sort as times do), then the user part, cut and hashed
  // when it does not fit; in that case the entry's value holds the whole user part.
  struct ExpiryEntry {
    std::string key;
    std::string value;
  };
  [[nodiscard]] ExpiryEntry EncodeExpiry(std::string_view engine_key, int64_t expire_ms) const;
  // The time of an expiry entry's key, and the engine key that it speaks of.
  static int64_t ExpiryTime(std::string_view expiry_key);
  static std::string ExpiryTarget(std::string_view expiry_key, std::string_view value);

 private:
  void Hash(std::string_view data, char* out16) const;

  uint64_t seed_;
};

}  // namespace cairn::keyspace
