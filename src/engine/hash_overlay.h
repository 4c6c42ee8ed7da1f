// The newest records of one table, in memory: a hash table for point operations, with order on
// demand.
//
// Keys with a record and keys that were deleted (tombstones, which hide what lower layers hold). A
// value that fits the place of its predecessor is written over it; one that has grown gets a new
// place with room to grow further, so that appending again and again costs no more than a constant
// factor. What it leaves behind counts as used until the overlay goes.
//
// Life: active (the loop thread writes and reads), then frozen (immutable; any thread reads), then
// destroyed, on any thread. Views of values stay valid until the next Put or Delete of the same
// key, or the end of the overlay.
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/prefetch.h"
#include "engine/arena.h"
#include "engine/entry.h"
#include "engine/hash_index.h"
#include "engine/key_order.h"

namespace cairn::engine {

class HashOverlay {
 public:
  // Values from this size on have an allocation of their own, which is freed as soon as they are
  // replaced.
  static constexpr size_t kLargeValue = 32U << 10;

  HashOverlay() = default;
  ~HashOverlay();
  HashOverlay(const HashOverlay&) = delete;
  HashOverlay& operator=(const HashOverlay&) = delete;

  // The key's entry, which may be a tombstone, or nullptr when this overlay knows nothing of it.
  // `hash` as at Put.
  [[nodiscard]] const Entry* Find(std::string_view key, uint64_t hash) const {
    const uint32_t ref = index_.Find(hash, [&](uint32_t candidate) {
      const Entry* entry = At(candidate);
      // What is wanted of an entry is its value: its cache lines come while the keys are compared.
      base::Prefetch(reinterpret_cast<const char*>(entry) + 64);
      base::Prefetch(reinterpret_cast<const char*>(entry) + 128);
      return entry->key() == key;
    });
    return ref == 0 ? nullptr : At(ref);
  }
  void Prefetch(uint64_t hash) const { index_.Prefetch(hash); }
  // Asks for the entry that Find will most probably look at; false when there is none. Touches the
  // index only.
  bool PrefetchEntry(uint64_t hash) const {
    return index_.Find(hash, [&](uint32_t candidate) {
      const char* entry = reinterpret_cast<const char*>(At(candidate));
      base::Prefetch(entry);
      base::Prefetch(entry + 64);
      base::Prefetch(entry + 128);
      return true;
    }) != 0;
  }

  // REQUIRES for both: not frozen. `key` has 1 to 511 bytes; `hash` is always the same function of
  // it. Put's value is `head` and `tail` joined, less than 4 GiB. Both may be views of the key's
  // present value; when `head` is the beginning of it, at its place in memory, nothing of it is
  // moved as long as there is room.
  void Put(std::string_view key, uint64_t hash, std::string_view head, std::string_view tail);
  void Delete(std::string_view key, uint64_t hash);

  // Keys, tombstones included.
  [[nodiscard]] uint64_t keys() const { return index_.size(); }
  // All memory, as taken from the system. For a frozen overlay the order is counted in, made or
  // not.
  [[nodiscard]] uint64_t bytes() const {
    return frozen_ ? frozen_bytes_
                   : arena_.bytes() + index_.bytes() + large_bytes_ + order_.bytes();
  }

  // Brings all keys into order; base() and delta() of the result hold them. Sets *sorted when that
  // meant sorting all of them. REQUIRES: not frozen.
  const KeyOrder& Order(bool* sorted);

  // From now on immutable.
  void Freeze();
  // All entries in key order. Made at the first call, which others wait for. REQUIRES: frozen. Any
  // thread.
  const std::vector<const Entry*>& FrozenOrder() const;
  // Gives the order's memory back, to be freed where it disturbs nobody. REQUIRES: frozen, and
  // nobody wants the order again.
  std::vector<const Entry*> ReleaseOrder();

 private:
  [[nodiscard]] Entry* At(Arena::Ref ref) const { return reinterpret_cast<Entry*>(arena_.At(ref)); }
  Entry* FindMutable(std::string_view key, uint64_t hash) {
    return const_cast<Entry*>(Find(key, hash));
  }
  // A new entry whose inline place has room for `value_size` bytes, or for none when that is a
  // large value.
  Entry* Add(std::string_view key, uint64_t hash, size_t value_size);
  // A place for a value outside its entry, of at least `capacity` bytes. Install makes it the
  // entry's place; until then the old value can still be read.
  struct Place {
    char* data;
    uint32_t capacity;
    bool large;
  };
  Place NewPlace(size_t capacity);
  static void Install(Entry* entry, const Place& place);
  void Overwrite(Entry* entry, std::string_view head, std::string_view tail);
  void FreeLarge(char* place, uint32_t capacity);
  // Takes the entry's value back into the inline place, empty.
  void ResetToInline(Entry* entry);
  [[nodiscard]] std::vector<const Entry*> Collect() const;

  Arena arena_;
  HashIndex index_;
  uint64_t large_bytes_ = 0;
  uint64_t large_values_ = 0;
  bool frozen_ = false;
  uint64_t frozen_bytes_ = 0;
  mutable std::once_flag frozen_order_once_;
  mutable KeyOrder order_;
};

}  // namespace cairn::engine
