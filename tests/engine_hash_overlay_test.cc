#include <thread>
#include <unordered_map>

#include "engine/hash_overlay.h"
#include "engine_testing.h"

namespace cairn::engine {
namespace {

class HashOverlayTest : public testing::Test {
 protected:
  void Put(std::string_view key, std::string_view head, std::string_view tail = {}) {
    overlay_.Put(key, Engine::Hash(key), head, tail);
  }
  void Delete(std::string_view key) { overlay_.Delete(key, Engine::Hash(key)); }
  [[nodiscard]] const Entry* Find(std::string_view key) const {
    return overlay_.Find(key, Engine::Hash(key));
  }
  [[nodiscard]] std::string_view Value(std::string_view key) const { return Find(key)->value(); }

  HashOverlay overlay_;
};

TEST_F(HashOverlayTest, KnowsWhatWasPutAndDeletedAndNothingElse) {
  EXPECT_EQ(Find("a"), nullptr);
  Put("a", "head", "tail");
  EXPECT_EQ(Value("a"), "headtail");
  EXPECT_FALSE(Find("a")->deleted());
  Delete("a");
  EXPECT_TRUE(Find("a")->deleted());
  Delete("b");
  EXPECT_TRUE(Find("b")->deleted());
  Put("b", "");
  EXPECT_FALSE(Find("b")->deleted());
  EXPECT_EQ(Value("b"), "");
  EXPECT_EQ(overlay_.keys(), 2U);
}

TEST_F(HashOverlayTest, OverwritesInPlaceWithoutTakingMemory) {
  for (int i = 0; i < 1000; ++i) Put(std::to_string(i), std::string(100, 'a'));
  const uint64_t bytes = overlay_.bytes();
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 1000; ++i) {
      Put(std::to_string(i), std::string(static_cast<size_t>(round), 'b'));
    }
  }
  EXPECT_EQ(overlay_.bytes(), bytes);
  EXPECT_EQ(Value("999"), std::string(99, 'b'));
}

TEST_F(HashOverlayTest, AppendingByteByByteTakesMemoryInProportion) {
  std::string want;
  for (int i = 0; i < 30'000; ++i) {
    want.push_back(static_cast<char>('a' + i % 26));
    // As APPEND does it: the whole old value is the head.
    Put("k", want.size() == 1 ? std::string_view() : Value("k"), {&want.back(), 1});
  }
  EXPECT_EQ(Value("k"), want);
  EXPECT_LT(overlay_.bytes(), 8 * want.size() + (256U << 10));
}

TEST_F(HashOverlayTest, ValuesMayBeMadeOfTheirPredecessor) {
  for (const size_t size : {5U, 60U, 600U, 40'000U, 300'000U}) {
    for (const size_t head_from : {0U, 1U, 3U}) {
      for (const size_t head_size : {0U, 1U, 2U, 4U}) {
        for (const size_t tail_from : {0U, 1U, 4U}) {
          for (const bool grow : {false, true}) {
            std::string old(size, ' ');
            for (size_t i = 0; i < size; ++i) old[i] = static_cast<char>('a' + i % 23);
            Put("k", old);
            const std::string_view now = Value("k");
            const std::string_view head = now.substr(head_from, head_size);
            const std::string more(2 * size, 'z');
            const std::string want = std::string(head) + old.substr(tail_from) + (grow ? more : "");
            if (grow) {
              const std::string tail = old.substr(tail_from) + more;
              Put("k", head, tail);
            } else {
              Put("k", head, now.substr(tail_from));
            }
            ASSERT_EQ(Value("k"), want)
                << size << ' ' << head_from << ' ' << head_size << ' ' << tail_from;
          }
        }
      }
    }
  }
}

TEST_F(HashOverlayTest, ViewsOfOtherKeysAreCopied) {
  Put("a", std::string(50, 'a'));
  Put("b", "x", Value("a"));
  Put("a", std::string(50, 'c'));
  EXPECT_EQ(Value("b"), "x" + std::string(50, 'a'));
}

TEST_F(HashOverlayTest, LargeValuesGoWhenTheyAreReplaced) {
  const uint64_t before = overlay_.bytes();
  Put("k", std::string(10U << 20, 'a'));
  EXPECT_GE(overlay_.bytes(), before + (10U << 20));
  Put("k", std::string(20U << 20, 'b'));
  EXPECT_LT(overlay_.bytes(), before + (30U << 20));
  Put("k", "small");
  EXPECT_EQ(Value("k"), "small");
  EXPECT_LT(overlay_.bytes(), before + (1U << 20));
  Put("k", std::string(10U << 20, 'c'));
  Delete("k");
  EXPECT_LT(overlay_.bytes(), before + (1U << 20));
  EXPECT_TRUE(Find("k")->deleted());
  Put("k", std::string(100'000, 'd'));  // freed by the destructor
  EXPECT_EQ(Value("k"), std::string(100'000, 'd'));
}

TEST_F(HashOverlayTest, EqualsAModelUnderRandomUse) {
  base::Random random(11);
  std::unordered_map<std::string, std::optional<std::string>> model;
  for (int i = 0; i < 60'000; ++i) {
    const std::string key = TestKey(random.Below(3000));
    if (random.Below(5) == 0) {
      Delete(key);
      model[key] = std::nullopt;
    } else {
      const std::string value = RandomValue(random, 200'000);
      const size_t cut = random.Below(value.size() + 1);
      Put(key, std::string_view(value).substr(0, cut), std::string_view(value).substr(cut));
      model[key] = value;
    }
  }
  ASSERT_EQ(overlay_.keys(), model.size());
  for (const auto& [key, value] : model) {
    const Entry* entry = Find(key);
    ASSERT_NE(entry, nullptr);
    ASSERT_EQ(entry->key(), key);
    ASSERT_EQ(entry->deleted(), !value.has_value());
    ASSERT_EQ(entry->value(), value.value_or(""));
  }
}

TEST_F(HashOverlayTest, GrowsToManyKeysAndFindsThemAll) {
  constexpr int kKeys = 300'000;
  for (int i = 0; i < kKeys; ++i) Put("key:" + std::to_string(i), std::to_string(i));
  EXPECT_EQ(overlay_.keys(), static_cast<uint64_t>(kKeys));
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_EQ(Value("key:" + std::to_string(i)), std::to_string(i));
    ASSERT_EQ(Find("no:" + std::to_string(i)), nullptr);
  }
}

TEST_F(HashOverlayTest, KeysWithTheSameHashStayApart) {
  overlay_.Put("a", 42, "1", "");
  overlay_.Put("b", 42, "2", "");
  overlay_.Put("c", 42 + (1ULL << 20), "3", "");  // the same slot and tag: lower bits are not used
  EXPECT_EQ(overlay_.Find("a", 42)->value(), "1");
  EXPECT_EQ(overlay_.Find("b", 42)->value(), "2");
  EXPECT_EQ(overlay_.Find("d", 42), nullptr);
}

TEST_F(HashOverlayTest, TwoThreadsGetOneOrderOfAFrozenOverlay) {
  for (int i = 0; i < 50'000; ++i) Put(std::to_string(i), "v");
  overlay_.Freeze();
  const uint64_t frozen = overlay_.bytes();
  const std::vector<const Entry*>* other = nullptr;
  std::thread thread([&] { other = &overlay_.FrozenOrder(); });
  const std::vector<const Entry*>* mine = &overlay_.FrozenOrder();
  thread.join();
  EXPECT_EQ(mine, other);
  ASSERT_EQ(mine->size(), 50'000U);
  for (size_t i = 1; i < mine->size(); ++i) ASSERT_LT((*mine)[i - 1]->key(), (*mine)[i]->key());
  EXPECT_EQ(overlay_.bytes(), frozen);
  EXPECT_EQ(overlay_.ReleaseOrder().size(), 50'000U);
  EXPECT_EQ(overlay_.bytes(), frozen - 50'000 * sizeof(Entry*));
}

}  // namespace
}  // namespace cairn::engine
