// A comparison sort over pointers would miss the cache at nearly every comparison. So eight bytes
// of each key are kept beside the pointer and sorted as numbers; only keys that agree in them are
// looked at again, eight bytes further on.
#include "engine/key_sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "base/bytes.h"

namespace cairn::engine {
namespace {

struct Item {
  uint64_t chunk;  // eight bytes of the key as a big-endian number, zeros behind its end
  const Entry* entry;
};

constexpr size_t kChunk = sizeof(uint64_t);
constexpr size_t kPrefetchAhead = 12;
constexpr size_t kRadixFrom = 512;  // below this a comparison sort is faster

// Reading eight bytes at any position inside a key, or right behind it, stays inside the entry
// (kMinInlinePlace).
uint64_t LoadChunk(const Entry* entry, size_t depth) {
  if (entry->key_size <= depth) return 0;
  const uint64_t word = base::LoadBig64(entry->key_data() + depth);
  const size_t left = entry->key_size - depth;
  return left >= kChunk ? word : word & ~(~uint64_t{0} >> (8 * left));
}

// Loads the chunks at `depth`; returns the bits in which they are not all the same.
uint64_t LoadChunks(Item* first, Item* last, size_t depth) {
  uint64_t differ = 0;
  for (Item* item = first; item != last; ++item) {
    if (static_cast<size_t>(last - item) > kPrefetchAhead) {
      __builtin_prefetch(item[kPrefetchAhead].entry->key_data() + depth);
    }
    item->chunk = LoadChunk(item->entry, depth);
    differ |= item->chunk ^ first->chunk;
  }
  return differ;
}

// Radix sort from the lowest byte up, of those bytes in which the chunks differ. `scratch` has room
// for all items.
void RadixSort(Item* first, Item* last, uint64_t differ, Item* scratch) {
  const auto count = static_cast<size_t>(last - first);
  Item* from = first;
  Item* to = scratch;
  for (int shift = 0; shift < 64; shift += 8) {
    if ((differ >> shift & 0xff) == 0) continue;
    std::array<size_t, 256> start{};
    for (size_t i = 0; i < count; ++i) ++start[from[i].chunk >> shift & 0xff];
    size_t sum = 0;
    for (size_t& place : start) sum += std::exchange(place, sum);
    for (size_t i = 0; i < count; ++i) to[start[from[i].chunk >> shift & 0xff]++] = from[i];
    std::swap(from, to);
  }
  if (from != first) std::copy(from, from + count, first);
}

void SortRange(Item* first, Item* last, size_t depth, Item* scratch);

// Items first..last have the same chunk at `depth`. Keys that end in it come first, the shorter the
// earlier: they differ only in how many zero bytes they have.
void SortRun(Item* first, Item* last, size_t depth, Item* scratch) {
  const size_t end = depth + kChunk;
  Item* longer =
      std::partition(first, last, [end](const Item& i) { return i.entry->key_size <= end; });
  std::sort(first, longer,
            [](const Item& a, const Item& b) { return a.entry->key_size < b.entry->key_size; });
  SortRange(longer, last, end, scratch);
}

// Sorts items whose keys, with zeros behind their ends, agree in their first `depth` bytes.
void SortRange(Item* first, Item* last, size_t depth, Item* scratch) {
  if (last - first < 2) return;
  const uint64_t differ = LoadChunks(first, last, depth);
  const size_t agreed = static_cast<size_t>(std::countl_zero(differ)) / 8;
  if (agreed >= kChunk) {
    SortRun(first, last, depth, scratch);
    return;
  }
  // A chunk that begins at the first difference tells more keys apart.
  if (agreed >= 2) {
    SortRange(first, last, depth + agreed, scratch);
    return;
  }
  if (static_cast<size_t>(last - first) >= kRadixFrom) {
    RadixSort(first, last, differ, scratch);
  } else {
    std::sort(first, last, [](const Item& a, const Item& b) { return a.chunk < b.chunk; });
  }
  for (Item* run = first; run != last;) {
    Item* next = run + 1;
    while (next != last && next->chunk == run->chunk) ++next;
    if (next - run > 1) SortRun(run, next, depth, scratch);
    run = next;
  }
}

}  // namespace

void SortByKey(std::vector<const Entry*>* entries) {
  std::vector<Item> items(entries->size());
  std::vector<Item> scratch(entries->size() >= kRadixFrom ? entries->size() : 0);
  for (size_t i = 0; i < items.size(); ++i) items[i].entry = (*entries)[i];
  SortRange(items.data(), items.data() + items.size(), 0, scratch.data());
  for (size_t i = 0; i < items.size(); ++i) (*entries)[i] = items[i].entry;
}

std::vector<const Entry*> MergeByKey(const std::vector<const Entry*>& a,
                                     const std::vector<const Entry*>& b) {
  std::vector<const Entry*> merged;
  merged.reserve(a.size() + b.size());
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (i + kPrefetchAhead < a.size()) __builtin_prefetch(a[i + kPrefetchAhead]);
    if (j + kPrefetchAhead < b.size()) __builtin_prefetch(b[j + kPrefetchAhead]);
    merged.push_back(a[i]->key() < b[j]->key() ? a[i++] : b[j++]);
  }
  merged.insert(merged.end(), a.begin() + static_cast<ptrdiff_t>(i), a.end());
  merged.insert(merged.end(), b.begin() + static_cast<ptrdiff_t>(j), b.end());
  return merged;
}

}  // namespace cairn::engine
