// What the tests of engine/ share: keys and values of all shapes, a model, and the comparison of an
// engine with it.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "base/random.h"
#include "engine/engine.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"

namespace cairn::engine {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

using test::TempDir;

using Model = std::map<std::string, std::string>;

// One of `universe` keys of 1 to 511 bytes; many share long prefixes, some differ in zero bytes
// only.
inline std::string TestKey(uint64_t n) {
  constexpr std::array<size_t, 6> kPrefixes = {0, 3, 8, 60, 200, 500};
  std::string key(kPrefixes[n % kPrefixes.size()], 'p');
  switch (n / 6 % 4) {
    case 0:
      return key + std::to_string(n);
    case 1:
      return key + std::string(n / 24 % 9 + 1, '\0');
    case 2:
      return key + std::string(1, static_cast<char>(n * 37));
    default:
      key += std::to_string(n * 2654435761U);
      return key.substr(0, kMaxEngineKey);
  }
}

inline std::string RandomBytes(base::Random& random, size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; i += 8) {
    const uint64_t word = random.Next();
    std::memcpy(bytes.data() + i, &word, std::min<size_t>(8, size - i));
  }
  return bytes;
}

// Mostly small, sometimes empty, now and then `largest` bytes.
inline std::string RandomValue(base::Random& random, size_t largest) {
  switch (random.Below(16)) {
    case 0:
      return "";
    case 1:
      return RandomBytes(random, random.Below(6000));
    case 2:
      return random.Below(8) == 0 ? RandomBytes(random, random.Below(largest))
                                  : RandomBytes(random, random.Below(40'000));
    default:
      return RandomBytes(random, random.Below(120));
  }
}

inline std::optional<std::string> GetOf(Engine& engine, std::string_view key) {
  const auto got = engine.Get(key, Engine::Hash(key));
  EXPECT_TRUE(got.ok()) << got.status();
  if (!got.ok() || !got->has_value()) return std::nullopt;
  return std::string(**got);
}

inline void PutInto(Engine& engine, std::string_view key, std::string_view value) {
  engine.Put(key, Engine::Hash(key), value.substr(0, value.size() / 3),
             value.substr(value.size() / 3));
}

inline void DeleteFrom(Engine& engine, std::string_view key) {
  engine.Delete(key, Engine::Hash(key));
}

// The whole table, forward and backward, equals the model.
inline void ExpectTable(Engine& engine, Table table, const Model& model) {
  const auto it = engine.NewIterator(table);
  auto want = model.begin();
  for (it->SeekAtLeast(""); it->Valid(); it->Next(), ++want) {
    ASSERT_NE(want, model.end()) << "a key too much: " << it->key();
    ASSERT_EQ(it->key(), want->first);
    ASSERT_EQ(it->value(), want->second);
  }
  ASSERT_TRUE(it->status().ok()) << it->status();
  ASSERT_EQ(want, model.end());
  auto back = model.rbegin();
  for (it->SeekAtMost(std::string(kMaxEngineKey, '\xff')); it->Valid(); it->Prev(), ++back) {
    ASSERT_NE(back, model.rend());
    ASSERT_EQ(it->key(), back->first);
    ASSERT_EQ(it->value(), back->second);
  }
  ASSERT_TRUE(it->status().ok()) << it->status();
  ASSERT_EQ(back, model.rend());
}

// Seeks and steps of all kinds do what they do on the model.
inline void ExpectRandomWalk(Iterator& it, const Model& model, base::Random& random, int steps,
                             uint64_t universe) {
  auto want = model.end();
  for (int i = 0; i < steps; ++i) {
    const uint64_t what = want == model.end() ? random.Below(2) : random.Below(10);
    const std::string key = TestKey(random.Below(universe));
    if (what == 0) {
      it.SeekAtLeast(key);
      want = model.lower_bound(key);
    } else if (what == 1) {
      it.SeekAtMost(key);
      want = model.upper_bound(key);
      want = want == model.begin() ? model.end() : std::prev(want);
    } else if (what < 6) {
      it.Next();
      ++want;
    } else {
      it.Prev();
      want = want == model.begin() ? model.end() : std::prev(want);
    }
    ASSERT_EQ(it.Valid(), want != model.end());
    if (!it.Valid()) continue;
    ASSERT_EQ(it.key(), want->first);
    ASSERT_EQ(it.value(), want->second);
  }
}

}  // namespace cairn::engine
