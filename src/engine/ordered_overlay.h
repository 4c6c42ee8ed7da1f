// The newest entries of the expiry index, in memory and always in order.
//
// An entry that came and went inside one overlay leaves no trace, except where it hides one of a
// lower layer. Entries lie in an arena; places that become free are used again for entries of the
// same size class.
//
// Life and threads: as HashOverlay's.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "absl/container/btree_set.h"
#include "engine/arena.h"
#include "engine/counting_allocator.h"
#include "engine/key_order.h"

namespace cairn::engine {

// One entry: this header, the key, the value.
struct OrderedEntry {
  uint32_t value_size;
  uint16_t key_size;
  bool is_deleted;
  bool hides;  // a lower layer holds, or may hold, this key
  Arena::Ref ref;

  [[nodiscard]] const char* key_data() const { return reinterpret_cast<const char*>(this + 1); }
  [[nodiscard]] std::string_view key() const { return {key_data(), key_size}; }
  [[nodiscard]] std::string_view value() const { return {key_data() + key_size, value_size}; }
  [[nodiscard]] bool deleted() const { return is_deleted; }
};
static_assert(sizeof(OrderedEntry) == 12);

class OrderedOverlay {
 public:
  using Set = absl::btree_set<const OrderedEntry*, KeyLess, CountingAllocator<const OrderedEntry*>>;

  // Longest value; the index needs a few bytes.
  static constexpr size_t kMaxValue = 4096;

  OrderedOverlay() : entries_(KeyLess(), CountingAllocator<const OrderedEntry*>(&tree_bytes_)) {}
  OrderedOverlay(const OrderedOverlay&) = delete;
  OrderedOverlay& operator=(const OrderedOverlay&) = delete;

  // Adds a key that neither this overlay nor any lower layer shows.
  void Put(std::string_view key, std::string_view value);
  // Removes a key that this overlay or a lower layer shows.
  void Delete(std::string_view key);

  // All entries in key order, tombstones included.
  [[nodiscard]] const Set& entries() const { return entries_; }
  [[nodiscard]] uint64_t bytes() const { return arena_.bytes() + tree_bytes_; }

 private:
  static constexpr size_t kClassSize = 16;
  static constexpr size_t kClasses = (sizeof(OrderedEntry) + 512 + kMaxValue) / kClassSize + 1;

  OrderedEntry* NewEntry(std::string_view key, std::string_view value);
  void Free(const OrderedEntry* entry);

  Arena arena_;
  std::array<Arena::Ref, kClasses> free_{};  // of each size class, linked through their first bytes
  uint64_t tree_bytes_ = 0;                  // before entries_, which counts into it
  Set entries_;
};

}  // namespace cairn::engine
