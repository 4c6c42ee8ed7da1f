#include <set>

#include "engine/hash_overlay.h"
#include "engine/key_order.h"
#include "engine/key_sort.h"
#include "engine/overlay_cursor.h"
#include "engine_testing.h"

namespace cairn::engine {
namespace {

void Add(HashOverlay* overlay, std::string_view key) {
  overlay->Put(key, Engine::Hash(key), "", "");
}

// The overlay's keys as its order has them.
std::vector<std::string> Keys(HashOverlay* overlay) {
  bool sorted = false;
  const KeyOrder& order = overlay->Order(&sorted);
  std::vector<const Entry*> delta(order.delta().begin(), order.delta().end());
  std::vector<std::string> keys;
  for (const Entry* entry : MergeByKey(order.base(), delta)) keys.emplace_back(entry->key());
  return keys;
}

std::vector<std::string> Keys(const std::set<std::string>& model) {
  return {model.begin(), model.end()};
}

TEST(KeySortTest, OrdersKeysOfEveryShape) {
  for (const uint64_t count : {0U, 1U, 2U, 3U, 30U, 500U, 600U, 20'000U}) {
    HashOverlay overlay;
    std::set<std::string> model;
    for (uint64_t i = 0; i < count; ++i) {
      Add(&overlay, TestKey(i));
      model.insert(TestKey(i));
    }
    ASSERT_EQ(Keys(&overlay), Keys(model)) << count;
  }
}

TEST(KeySortTest, OrdersKeysThatAreZerosAndPrefixesOfEachOther) {
  HashOverlay overlay;
  std::set<std::string> model;
  for (const std::string& stem : {std::string(), std::string("ab"), std::string("abcdefgh"),
                                  std::string("abcdefghi"), std::string(16, '\0')}) {
    for (size_t zeros = 1; zeros < 40; ++zeros) {
      for (const std::string& end : {std::string(), std::string("\x01"), std::string("z")}) {
        const std::string key = stem + std::string(zeros, '\0') + end;
        Add(&overlay, key);
        model.insert(key);
      }
    }
  }
  EXPECT_EQ(Keys(&overlay), Keys(model));
}

TEST(KeySortTest, OrdersManyKeysThatDifferOnlyAtTheEnd) {
  HashOverlay overlay;
  std::set<std::string> model;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = std::string(500, 'x') + std::to_string(i);
    Add(&overlay, key);
    model.insert(key);
  }
  EXPECT_EQ(Keys(&overlay), Keys(model));
}

TEST(KeyOrderTest, FollowsWritesBetweenRangeReads) {
  base::Random random(5);
  HashOverlay overlay;
  std::set<std::string> model;
  bool sorted = false;
  overlay.Order(&sorted);
  EXPECT_TRUE(sorted);
  for (int round = 0; round < 400; ++round) {
    // One key, a few, or far more than there are.
    const uint64_t count = round % 50 == 49 ? 20'000 : 1 + random.Below(round % 3 == 0 ? 1 : 200);
    for (uint64_t i = 0; i < count; ++i) {
      const std::string key = TestKey(random.Below(1'000'000));
      Add(&overlay, key);
      model.insert(key);
    }
    if (round % 20 != 0) {
      overlay.Order(&sorted);
    } else {
      ASSERT_EQ(Keys(&overlay), Keys(model)) << round;
    }
    EXPECT_FALSE(sorted && round != 0);
  }
  ASSERT_EQ(Keys(&overlay), Keys(model));
  overlay.Freeze();
  std::vector<std::string> frozen;
  for (const Entry* entry : overlay.FrozenOrder()) frozen.emplace_back(entry->key());
  EXPECT_EQ(frozen, Keys(model));
}

TEST(KeyOrderTest, CountsItsMemory) {
  HashOverlay overlay;
  bool sorted = false;
  overlay.Order(&sorted);
  const uint64_t before = overlay.bytes();
  for (int i = 0; i < 4000; ++i) {
    Add(&overlay, std::to_string(i));
    overlay.Order(&sorted);
  }
  HashOverlay without;
  for (int i = 0; i < 4000; ++i) Add(&without, std::to_string(i));
  EXPECT_GT(overlay.bytes(), before);
  EXPECT_GE(overlay.bytes(), without.bytes() + 4000 * sizeof(Entry*));
}

TEST(ListCursorTest, SeeksAndStepsLikeAModel) {
  HashOverlay overlay;
  Model model;
  for (const char* key : {"b", "d", "f"}) {
    Add(&overlay, key);
    model[key] = "";
  }
  bool sorted = false;
  ListCursor cursor(&overlay.Order(&sorted).base());
  EXPECT_FALSE(cursor.Valid());
  cursor.SeekAtMost("a");
  EXPECT_FALSE(cursor.Valid());
  cursor.SeekAtLeast("g");
  EXPECT_FALSE(cursor.Valid());
  cursor.SeekAtMost("e");
  ASSERT_TRUE(cursor.Valid());
  EXPECT_EQ(cursor.key(), "d");
  cursor.SeekAtMost("f");
  EXPECT_EQ(cursor.key(), "f");
  cursor.Next();
  EXPECT_FALSE(cursor.Valid());
  cursor.SeekAtLeast("");
  EXPECT_EQ(cursor.key(), "b");
  cursor.Prev();
  EXPECT_FALSE(cursor.Valid());
}

}  // namespace
}  // namespace cairn::engine
