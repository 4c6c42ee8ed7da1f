// The hash table of an overlay: from the hash of a key to the reference of its entry.
//
// Open addressing in slots of 8 bytes: 32 bits of the hash and the 32-bit reference, so a miss
// hardly ever touches an entry and growing touches none. The table is 256 shards that grow one by
// one, each when it is three quarters full: with millions of keys the longest stall of an insertion
// is that of one shard, well under a millisecond. A key's home is given by the top of its hash
// bits, so a shard is rewritten from front to back when it doubles.
//
// Entries are never removed (a deleted key keeps a tombstone). Thread: one writer, or many readers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/prefetch.h"

namespace cairn::engine {

class HashIndex {
 public:
  HashIndex();
  ~HashIndex();
  HashIndex(const HashIndex&) = delete;
  HashIndex& operator=(const HashIndex&) = delete;

  // The reference for which `is_key(reference)` holds among those whose hash bits agree, or 0.
  template <typename IsKey>
  [[nodiscard]] uint32_t Find(uint64_t hash, IsKey is_key) const {
    const Shard& shard = ShardOf(hash);
    const uint64_t tag = Tag(hash);
    for (uint32_t i = Home(tag, shard.mask);; i = (i + 1) & shard.mask) {
      const uint64_t slot = shard.slots[i];
      if (slot == 0) return 0;
      if (slot >> 32 == tag && is_key(static_cast<uint32_t>(slot))) {
        return static_cast<uint32_t>(slot);
      }
    }
  }

  // Asks the processor for the slot's cache line.
  void Prefetch(uint64_t hash) const {
    const Shard& shard = ShardOf(hash);
    base::Prefetch(shard.slots + Home(Tag(hash), shard.mask));
  }

  // Adds a reference (not 0) for a key that Find does not find.
  void Insert(uint64_t hash, uint32_t ref) {
    Shard& shard = shards_[hash >> kShardShift];
    if (shard.used >= (shard.mask / 4 + 1) * 3) Grow(shard);
    Place(shard, Tag(hash) << 32 | ref);
    ++shard.used;
    ++size_;
  }

  // Calls visit(reference) for each one, in no useful order.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Shard& shard : shards_) {
      for (uint64_t i = 0; i <= shard.mask; ++i) {
        if (shard.slots[i] != 0) visit(static_cast<uint32_t>(shard.slots[i]));
      }
    }
  }

  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  struct Shard {
    uint64_t* slots;
    uint32_t mask;  // slots - 1; slots are a power of two
    uint32_t used;
  };

  static constexpr size_t kShards = 256;
  static constexpr int kShardShift = 56;  // the top 8 bits choose the shard
  static constexpr uint32_t kFirstSlots = 8;

  [[nodiscard]] const Shard& ShardOf(uint64_t hash) const { return shards_[hash >> kShardShift]; }
  // The 32 bits below those that choose the shard.
  static uint64_t Tag(uint64_t hash) { return (hash >> 24) & 0xffffffff; }
  static uint32_t Home(uint64_t tag, uint32_t mask) {
    return static_cast<uint32_t>(tag * (uint64_t{mask} + 1) >> 32);
  }
  static void Place(Shard& shard, uint64_t slot) {
    uint32_t i = Home(slot >> 32, shard.mask);
    while (shard.slots[i] != 0) i = (i + 1) & shard.mask;
    shard.slots[i] = slot;
  }
  void Grow(Shard& shard);

  std::array<Shard, kShards> shards_;
  uint64_t size_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace cairn::engine
