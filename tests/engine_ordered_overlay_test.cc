#include "engine/ordered_overlay.h"
#include "engine_testing.h"

namespace cairn::engine {
namespace {

TEST(OrderedOverlayTest, AnEntryThatCameAndWentLeavesNoTrace) {
  OrderedOverlay overlay;
  overlay.Put("a", "1");
  ASSERT_EQ(overlay.entries().size(), 1U);
  EXPECT_EQ((*overlay.entries().begin())->value(), "1");
  overlay.Delete("a");
  EXPECT_TRUE(overlay.entries().empty());
}

TEST(OrderedOverlayTest, DeletingWhatIsBelowLeavesATombstone) {
  OrderedOverlay overlay;
  overlay.Delete("a");
  ASSERT_EQ(overlay.entries().size(), 1U);
  EXPECT_TRUE((*overlay.entries().begin())->deleted());
}

TEST(OrderedOverlayTest, AnEntryOverATombstoneBecomesOneAgain) {
  OrderedOverlay overlay;
  for (int i = 0; i < 3; ++i) {
    overlay.Delete("a");
    ASSERT_EQ(overlay.entries().size(), 1U);
    ASSERT_TRUE((*overlay.entries().begin())->deleted());
    overlay.Put("a", "value");
    ASSERT_EQ(overlay.entries().size(), 1U);
    ASSERT_FALSE((*overlay.entries().begin())->deleted());
    ASSERT_EQ((*overlay.entries().begin())->value(), "value");
  }
}

TEST(OrderedOverlayTest, EntriesThatComeAndGoTakeNoMemory) {
  OrderedOverlay overlay;
  for (int i = 0; i < 100; ++i) overlay.Put("k" + std::to_string(i), "");
  const uint64_t bytes = overlay.bytes();
  for (int i = 100; i < 200'000; ++i) {
    overlay.Delete("k" + std::to_string(i - 100));
    overlay.Put("k" + std::to_string(i), "");
  }
  EXPECT_EQ(overlay.entries().size(), 100U);
  EXPECT_LT(overlay.bytes(), bytes + (128U << 10));
}

TEST(OrderedOverlayTest, EqualsAModelUnderRandomUse) {
  base::Random random(3);
  OrderedOverlay overlay;
  // What the lower layers hold, and what all layers together show.
  Model below;
  for (uint64_t i = 0; i < 300; i += 2) below[TestKey(i)] = "below";
  Model model = below;
  for (int i = 0; i < 50'000; ++i) {
    const std::string key = TestKey(random.Below(300));
    if (model.erase(key) != 0) {
      overlay.Delete(key);
    } else {
      const std::string value = RandomBytes(random, random.Below(60));
      overlay.Put(key, value);
      model[key] = value;
    }
  }
  Model seen = below;
  std::string last;
  for (const OrderedEntry* entry : overlay.entries()) {
    ASSERT_LT(last, entry->key());
    last = entry->key();
    if (entry->deleted()) {
      ASSERT_EQ(seen.erase(last), 1U) << "a tombstone that hides nothing";
    } else {
      seen[last] = entry->value();
    }
  }
  EXPECT_EQ(seen, model);
}

}  // namespace
}  // namespace cairn::engine
