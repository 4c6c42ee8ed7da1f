// Fixed-width numbers in byte strings: little endian in file formats, big endian where bytes must
// sort as numbers do.
//
// Pure functions; thread-safe. Loads need as many readable bytes as their name says.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

namespace cairn::base {

static_assert(std::endian::native == std::endian::little,
              "stores are plain copies on little-endian machines");

inline uint32_t LoadLittle32(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline uint64_t LoadLittle64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline void StoreLittle32(char* p, uint32_t v) {
  std::memcpy(p, &v, sizeof v);
}
inline void StoreLittle64(char* p, uint64_t v) {
  std::memcpy(p, &v, sizeof v);
}

inline void AppendLittle32(std::string* out, uint32_t v) {
  out->append(reinterpret_cast<const char*>(&v), sizeof v);
}

inline void AppendLittle64(std::string* out, uint64_t v) {
  out->append(reinterpret_cast<const char*>(&v), sizeof v);
}

inline uint32_t LoadBig32(const char* p) {
  return __builtin_bswap32(LoadLittle32(p));
}
inline uint64_t LoadBig64(const char* p) {
  return __builtin_bswap64(LoadLittle64(p));
}
inline void StoreBig32(char* p, uint32_t v) {
  StoreLittle32(p, __builtin_bswap32(v));
}
inline void StoreBig64(char* p, uint64_t v) {
  StoreLittle64(p, __builtin_bswap64(v));
}

}  // namespace cairn::base
