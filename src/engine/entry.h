// One key of a hash overlay, as it lies in the overlay's arena.
//
//   | value_size 4 | capacity 4 | key_size 2 | flags 1 | 0 | key | inline place, at least 8 bytes |
//   padding to 8 |
//
// An entry never moves and never goes away before its overlay does, so the hash index and the order
// may point to it for as long as they like. Its value begins in the inline place; when it outgrows
// that, the inline place holds a pointer to a better one (in the arena or, for large values, an
// allocation of its own).
//
// Thread: as the overlay that owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cairn::engine {

struct Entry {
  static constexpr uint8_t kDeleted = 1;   // a tombstone: hides the key in lower layers
  static constexpr uint8_t kExternal = 2;  // the value is where the inline place points
  static constexpr uint8_t kLarge = 4;     // and that place is an allocation of its own

  uint32_t value_size;
  uint32_t capacity;  // of the place where the value is now
  uint16_t key_size;
  uint8_t flags;
  uint8_t unused;

  [[nodiscard]] const char* key_data() const { return reinterpret_cast<const char*>(this + 1); }
  [[nodiscard]] std::string_view key() const { return {key_data(), key_size}; }
  [[nodiscard]] bool deleted() const { return (flags & kDeleted) != 0; }
  // The value is an allocation of its own.
  [[nodiscard]] bool large() const { return (flags & kExternal) != 0 && (flags & kLarge) != 0; }
  [[nodiscard]] const char* value_data() const {
    const char* place = key_data() + key_size;
    if ((flags & kExternal) == 0) return place;
    const char* external;
    std::memcpy(&external, place, sizeof external);
    return external;
  }
  [[nodiscard]] std::string_view value() const { return {value_data(), value_size}; }

  [[nodiscard]] char* inline_place() { return reinterpret_cast<char*>(this + 1) + key_size; }
};

// The inline place must hold a pointer, and the sort reads 8 bytes from any position in a key.
inline constexpr size_t kMinInlinePlace = 8;
static_assert(sizeof(Entry) == 12 && sizeof(char*) <= kMinInlinePlace);

}  // namespace cairn::engine
