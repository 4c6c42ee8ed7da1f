// The order of a hash overlay's keys, kept only from the first range read on.
//
// A sorted list (`base`), a small B-tree of the keys that came since it was made (`delta`), and a
// list of keys that nobody has asked the order of yet. A range read brings the last into order: few
// of them go into the B-tree one by one, many are sorted and merged into the list. So a range read
// after every write costs a B-tree insertion, and one after a million writes a sort; lists are
// merged once in every quarter of their own length.
//
// Thread: one at a time. Entries must outlive the order.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/btree_set.h"
#include "engine/counting_allocator.h"
#include "engine/entry.h"

namespace cairn::engine {

// Compares things that have a key() with each other and with bare keys.
struct KeyLess {
  using is_transparent = void;
  template <typename T>
  static std::string_view KeyOf(const T* entry) {
    return entry->key();
  }
  static std::string_view KeyOf(std::string_view key) { return key; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return KeyOf(a) < KeyOf(b);
  }
};

class KeyOrder {
 public:
  using Delta = absl::btree_set<const Entry*, KeyLess, CountingAllocator<const Entry*>>;

  KeyOrder() : delta_(KeyLess(), CountingAllocator<const Entry*>(&delta_bytes_)) {}
  KeyOrder(const KeyOrder&) = delete;
  KeyOrder& operator=(const KeyOrder&) = delete;

  // False until the first Start: nobody has asked for order, and Add must not be called.
  [[nodiscard]] bool started() const { return started_; }
  // Takes all keys that are there so far, in any order, and sorts them.
  void Start(std::vector<const Entry*> all);
  // A key that is new. Costs nothing but its place in a list.
  void Add(const Entry* entry) { pending_.push_back(entry); }
  // Brings what was added into order. Afterwards base() and delta() together hold every key once.
  void Settle();
  // The same, and empties delta().
  void SettleIntoBase();

  [[nodiscard]] const std::vector<const Entry*>& base() const { return base_; }
  [[nodiscard]] const Delta& delta() const { return delta_; }
  [[nodiscard]] uint64_t bytes() const {
    constexpr size_t kPointerSize = sizeof(void*);
    return delta_bytes_ + (base_.capacity() + pending_.capacity()) * kPointerSize;
  }
  // Gives the memory of the sorted list away and forgets everything.
  std::vector<const Entry*> Release();

 private:
  void FoldDelta();

  bool started_ = false;
  uint64_t delta_bytes_ = 0;  // before delta_, which counts into it
  std::vector<const Entry*> base_;
  Delta delta_;
  std::vector<const Entry*> pending_;
};

}  // namespace cairn::engine
