#include "engine/ordered_overlay.h"

#include <cstring>

#include "base/check.h"
#include "engine/engine.h"

namespace cairn::engine {

OrderedEntry* OrderedOverlay::NewEntry(std::string_view key, std::string_view value) {
  CAIRN_CHECK(!key.empty() && key.size() <= kMaxEngineKey && value.size() <= kMaxValue);
  const size_t size = sizeof(OrderedEntry) + key.size() + value.size();
  const size_t size_class = (size + kClassSize - 1) / kClassSize;
  Arena::Ref ref = free_[size_class];
  if (ref != 0) {
    std::memcpy(&free_[size_class], arena_.At(ref), sizeof ref);
  } else {
    ref = arena_.Allocate(size_class * kClassSize);
  }
  auto* entry = reinterpret_cast<OrderedEntry*>(arena_.At(ref));
  *entry = {.value_size = static_cast<uint32_t>(value.size()),
            .key_size = static_cast<uint16_t>(key.size()),
            .is_deleted = false,
            .hides = false,
            .ref = ref};
  auto* bytes = reinterpret_cast<char*>(entry + 1);
  std::memcpy(bytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(bytes + key.size(), value.data(), value.size());
  return entry;
}

void OrderedOverlay::Free(const OrderedEntry* entry) {
  const size_t size = sizeof(OrderedEntry) + entry->key_size + entry->value_size;
  const size_t size_class = (size + kClassSize - 1) / kClassSize;
  const Arena::Ref ref = entry->ref;
  std::memcpy(arena_.At(ref), &free_[size_class], sizeof ref);
  free_[size_class] = ref;
}

void OrderedOverlay::Put(std::string_view key, std::string_view value) {
  OrderedEntry* entry = NewEntry(key, value);
  const auto [it, added] = entries_.insert(entry);
  if (added) return;
  const OrderedEntry* tombstone = *it;
  CAIRN_CHECK(tombstone->deleted());
  entry->hides = true;
  const auto hint = entries_.erase(it);
  entries_.insert(hint, entry);
  Free(tombstone);
}

void OrderedOverlay::Delete(std::string_view key) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) {
    OrderedEntry* tombstone = NewEntry(key, {});
    tombstone->is_deleted = true;
    tombstone->hides = true;
    entries_.insert(tombstone);
    return;
  }
  auto* entry = const_cast<OrderedEntry*>(*it);
  CAIRN_CHECK(!entry->deleted());
  if (entry->hides) {
    // The value's bytes stay counted in value_size, so that the place goes back to its own size
    // class.
    entry->is_deleted = true;
    return;
  }
  entries_.erase(it);
  Free(entry);
}

}  // namespace cairn::engine
