#include "engine/hash_index.h"

#include <cstdlib>

#include "base/check.h"

namespace cairn::engine {
namespace {

// calloc rather than new[]: big tables come zeroed from the system without being written.
uint64_t* NewSlots(size_t count) {
  auto* slots = static_cast<uint64_t*>(std::calloc(count, sizeof(uint64_t)));
  CAIRN_CHECK(slots != nullptr);
  return slots;
}

}  // namespace

HashIndex::HashIndex() : bytes_(sizeof(*this) + kShards * kFirstSlots * sizeof(uint64_t)) {
  for (Shard& shard : shards_) shard = {NewSlots(kFirstSlots), kFirstSlots - 1, 0};
}

HashIndex::~HashIndex() {
  for (Shard& shard : shards_) std::free(shard.slots);
}

void HashIndex::Grow(Shard& shard) {
  const uint64_t count = uint64_t{shard.mask} + 1;
  CAIRN_CHECK(count <= UINT32_MAX / 2);
  const Shard old = shard;
  shard.slots = NewSlots(count * 2);
  shard.mask = static_cast<uint32_t>(count * 2 - 1);
  for (uint64_t i = 0; i < count; ++i) {
    if (old.slots[i] != 0) Place(shard, old.slots[i]);
  }
  std::free(old.slots);
  bytes_ += count * sizeof(uint64_t);
}

}  // namespace cairn::engine
