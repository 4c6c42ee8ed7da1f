#include "engine/hash_overlay.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "engine/engine.h"

namespace cairn::engine {
namespace {

constexpr size_t kPage = 4096;
// A frozen overlay's order is a list of pointers.
constexpr size_t kOrderBytesPerKey = sizeof(void*);

size_t RoundUp(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

void Copy(char* to, std::string_view from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

void Move(char* to, std::string_view from) {
  if (!from.empty() && from.data() != to) std::memmove(to, from.data(), from.size());
}

bool Overlaps(std::string_view a, std::string_view b) {
  const auto from = [](std::string_view s) { return reinterpret_cast<uintptr_t>(s.data()); };
  return !a.empty() && from(a) < from(b) + b.size() && from(b) < from(a) + a.size();
}

// Writes head and tail to `to`, either of which may lie in what is written over.
void JoinOver(char* to, std::string_view head, std::string_view tail) {
  const std::string_view target(to, head.size() + tail.size());
  const bool head_inside = Overlaps(head, target);
  const bool tail_inside = Overlaps(tail, target);
  char* tail_to = to + head.size();
  if (tail_inside && !head_inside) {
    Move(tail_to, tail);
    Move(to, head);
  } else if (tail_inside && head.data() != to && tail.data() != tail_to) {
    const std::string kept_tail(tail);
    Move(to, head);
    Copy(tail_to, kept_tail);
  } else {
    Move(to, head);
    Move(tail_to, tail);
  }
}

// Room for a value that has outgrown its place. Small ones leave what they outgrow unused, so they
// grow by half; large ones free it.
size_t GrownCapacity(size_t size) {
  return size < HashOverlay::kLargeValue ? size + size / 2 : size + size / 4;
}

}  // namespace

HashOverlay::~HashOverlay() {
  if (large_values_ == 0) return;
  index_.ForEach([this](uint32_t ref) {
    const Entry* entry = At(ref);
    if (entry->large()) std::free(const_cast<char*>(entry->value_data()));
  });
}

Entry* HashOverlay::Add(std::string_view key, uint64_t hash, size_t value_size) {
  CAIRN_CHECK(!key.empty() && key.size() <= kMaxEngineKey);
  const size_t place =
      value_size < kLargeValue ? std::max(value_size, kMinInlinePlace) : kMinInlinePlace;
  const size_t size = RoundUp(sizeof(Entry) + key.size() + place, Arena::kUnit);
  const Arena::Ref ref = arena_.Allocate(size);
  Entry* entry = At(ref);
  *entry = {.value_size = 0,
            .capacity = static_cast<uint32_t>(size - sizeof(Entry) - key.size()),
            .key_size = static_cast<uint16_t>(key.size()),
            .flags = 0,
            .unused = 0};
  Copy(reinterpret_cast<char*>(entry + 1), key);
  index_.Insert(hash, ref);
  if (order_.started()) order_.Add(entry);
  return entry;
}

HashOverlay::Place HashOverlay::NewPlace(size_t capacity) {
  if (capacity < kLargeValue) {
    capacity = RoundUp(std::max(capacity, kMinInlinePlace), Arena::kUnit);
    return {arena_.At(arena_.Allocate(capacity)), static_cast<uint32_t>(capacity), false};
  }
  capacity = std::min<size_t>(RoundUp(capacity, kPage), UINT32_MAX);
  char* data = static_cast<char*>(std::malloc(capacity));
  CAIRN_CHECK(data != nullptr);
  large_bytes_ += capacity;
  ++large_values_;
  return {data, static_cast<uint32_t>(capacity), true};
}

void HashOverlay::Install(Entry* entry, const Place& place) {
  std::memcpy(entry->inline_place(), &place.data, sizeof place.data);
  entry->capacity = place.capacity;
  entry->flags = Entry::kExternal | (place.large ? Entry::kLarge : 0);
}

void HashOverlay::FreeLarge(char* place, uint32_t capacity) {
  std::free(place);
  large_bytes_ -= capacity;
  --large_values_;
}

void HashOverlay::ResetToInline(Entry* entry) {
  if (entry->large()) {
    FreeLarge(const_cast<char*>(entry->value_data()), entry->capacity);
    entry->flags = 0;
    entry->capacity = kMinInlinePlace;
  }
  entry->value_size = 0;
}

void HashOverlay::Overwrite(Entry* entry, std::string_view head, std::string_view tail) {
  const size_t size = head.size() + tail.size();
  char* old_place = const_cast<char*>(entry->value_data());
  const uint32_t old_capacity = entry->capacity;
  const bool old_is_large = entry->large();
  const bool wasteful = old_is_large && size < old_capacity / 4;
  if (size <= old_capacity && !wasteful) {
    JoinOver(old_place, head, tail);
    entry->flags = static_cast<uint8_t>(entry->flags & ~Entry::kDeleted);
    return;
  }
  // head and tail may look at the old place, so it is given up last.
  const Place place = NewPlace(wasteful ? size : GrownCapacity(size));
  Copy(place.data, head);
  Copy(place.data + head.size(), tail);
  Install(entry, place);
  if (old_is_large) FreeLarge(old_place, old_capacity);
}

void HashOverlay::Put(std::string_view key, uint64_t hash, std::string_view head,
                      std::string_view tail) {
  CAIRN_CHECK(!frozen_);
  const size_t size = head.size() + tail.size();
  CAIRN_CHECK(size <= UINT32_MAX);
  Entry* entry = FindMutable(key, hash);
  if (entry != nullptr) {
    Overwrite(entry, head, tail);
  } else {
    entry = Add(key, hash, size);
    if (size > entry->capacity) Install(entry, NewPlace(size));
    char* place = const_cast<char*>(entry->value_data());
    Copy(place, head);
    Copy(place + head.size(), tail);
  }
  entry->value_size = static_cast<uint32_t>(size);
}

void HashOverlay::Delete(std::string_view key, uint64_t hash) {
  CAIRN_CHECK(!frozen_);
  Entry* entry = FindMutable(key, hash);
  if (entry == nullptr) entry = Add(key, hash, 0);
  ResetToInline(entry);
  entry->flags |= Entry::kDeleted;
}

std::vector<const Entry*> HashOverlay::Collect() const {
  std::vector<const Entry*> all;
  all.reserve(index_.size());
  index_.ForEach([&](uint32_t ref) { all.push_back(At(ref)); });
  return all;
}

const KeyOrder& HashOverlay::Order(bool* sorted) {
  CAIRN_CHECK(!frozen_);
  *sorted = !order_.started();
  if (*sorted) {
    order_.Start(Collect());
  } else {
    order_.Settle();
  }
  return order_;
}

void HashOverlay::Freeze() {
  CAIRN_CHECK(!frozen_);
  frozen_bytes_ = arena_.bytes() + index_.bytes() + large_bytes_ + keys() * kOrderBytesPerKey;
  frozen_ = true;
}

const std::vector<const Entry*>& HashOverlay::FrozenOrder() const {
  CAIRN_CHECK(frozen_);
  std::call_once(frozen_order_once_, [this] {
    if (order_.started()) {
      order_.SettleIntoBase();
    } else {
      order_.Start(Collect());
    }
  });
  return order_.base();
}

std::vector<const Entry*> HashOverlay::ReleaseOrder() {
  CAIRN_CHECK(frozen_);
  frozen_bytes_ -= keys() * kOrderBytesPerKey;
  return order_.Release();
}

}  // namespace cairn::engine
