#include "engine/hash_overlay.h"
#include "engine/merge_iterator.h"
#include "engine/overlay_cursor.h"
#include "engine_testing.h"

namespace cairn::engine {
namespace {

// Some overlays, newest first, and what they show together.
struct Layers {
  std::vector<std::unique_ptr<HashOverlay>> overlays;
  Model model;

  void Add(const std::map<std::string, std::optional<std::string>>& layer) {
    auto overlay = std::make_unique<HashOverlay>();
    for (const auto& [key, value] : layer) {
      if (value.has_value()) {
        overlay->Put(key, Engine::Hash(key), *value, "");
        model[key] = *value;
      } else {
        overlay->Delete(key, Engine::Hash(key));
        model.erase(key);
      }
    }
    overlay->Freeze();
    overlays.insert(overlays.begin(), std::move(overlay));
  }

  MergeIterator Iterate() {
    std::vector<std::unique_ptr<LayerCursor>> cursors;
    for (const auto& overlay : overlays) {
      cursors.push_back(std::make_unique<ListCursor>(&overlay->FrozenOrder()));
    }
    return MergeIterator(std::move(cursors));
  }
};

std::string Walk(MergeIterator& it) {
  std::string seen;
  for (it.SeekAtLeast(""); it.Valid(); it.Next()) {
    seen.append(it.key()).append("=").append(it.value()).append(" ");
  }
  return seen;
}

TEST(MergeIteratorTest, TheNewestLayerDecides) {
  Layers layers;
  layers.Add({{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}});
  layers.Add({{"b", "2"}, {"c", std::nullopt}, {"e", std::nullopt}});
  layers.Add({{"a", std::nullopt}, {"c", "3"}, {"f", "3"}});
  MergeIterator it = layers.Iterate();
  EXPECT_EQ(Walk(it), "b=2 c=3 d=1 f=3 ");
}

TEST(MergeIteratorTest, TurnsAroundAtAnyKey) {
  Layers layers;
  layers.Add({{"a", "1"}, {"c", "1"}, {"e", "1"}});
  layers.Add({{"b", "2"}, {"c", std::nullopt}, {"d", "2"}, {"e", "2"}});
  MergeIterator it = layers.Iterate();
  const std::vector<std::string> keys = {"a", "b", "d", "e"};
  for (size_t turn = 1; turn + 1 < keys.size(); ++turn) {
    it.SeekAtLeast("");
    for (size_t i = 0; i < turn; ++i) it.Next();
    ASSERT_EQ(it.key(), keys[turn]);
    it.Prev();
    ASSERT_EQ(it.key(), keys[turn - 1]);
    it.Next();
    ASSERT_EQ(it.key(), keys[turn]);
    it.Next();
    ASSERT_EQ(it.key(), keys[turn + 1]);
  }
}

TEST(MergeIteratorTest, IsNotValidWhereThereIsNothing) {
  Layers layers;
  layers.Add({{"b", "1"}});
  layers.Add({{"c", std::nullopt}});
  MergeIterator it = layers.Iterate();
  EXPECT_FALSE(it.Valid());
  it.SeekAtLeast("c");
  EXPECT_FALSE(it.Valid());
  it.SeekAtMost("a");
  EXPECT_FALSE(it.Valid());
  it.SeekAtMost("zzz");
  ASSERT_TRUE(it.Valid());
  EXPECT_EQ(it.key(), "b");
  it.Prev();
  EXPECT_FALSE(it.Valid());
}

// Walks with a limit of deleted keys, as far as it comes, and says where it halts.
std::string WalkOn(MergeIterator& it, bool forward) {
  std::string seen;
  while (it.Valid()) {
    seen.append(it.key()).append(" ");
    if (forward) {
      it.Next();
    } else {
      it.Prev();
    }
  }
  if (it.halted()) seen.append("halted at ").append(it.key());
  return seen;
}

TEST(MergeIteratorTest, HaltsAtOneDeletedKeyTooMany) {
  Layers layers;
  layers.Add({{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}, {"e", "1"}, {"f", "1"}, {"g", "1"}});
  layers.Add({{"b", std::nullopt}, {"c", std::nullopt}, {"e", std::nullopt}, {"f", std::nullopt}});
  layers.Add({{"c", std::nullopt}, {"f", "3"}});  // b, c and e are deleted
  MergeIterator it = layers.Iterate();
  it.set_skip_limit(2);
  it.SeekAtLeast("");
  EXPECT_EQ(WalkOn(it, true), "a d halted at e");
  it.Resume(0);
  EXPECT_EQ(WalkOn(it, true), "halted at e");
  it.Resume(1);
  EXPECT_EQ(WalkOn(it, true), "f g ");
  // It counts over seeks and steps of both directions.
  it.set_skip_limit(1);
  it.SeekAtMost("zzz");
  EXPECT_EQ(WalkOn(it, false), "g f d halted at c");
  it.SeekAtLeast("b");
  EXPECT_FALSE(it.Valid());
  EXPECT_EQ(WalkOn(it, true), "halted at b");
  it.SeekAtLeast("d");
  EXPECT_EQ(it.key(), "d");
  it.set_skip_limit(3);
  EXPECT_EQ(WalkOn(it, true), "d f g ");
}

TEST(MergeIteratorTest, HaltedAndResumedItMeetsTheSameKeys) {
  base::Random random(23);
  for (int round = 0; round < 60; ++round) {
    Layers layers;
    for (int layer = 0; layer < 3; ++layer) {
      std::map<std::string, std::optional<std::string>> writes;
      for (uint64_t i = random.Below(200); i > 0; --i) {
        auto& value = writes[TestKey(random.Below(200))];
        if (random.Below(3) == 0) value = "v";
      }
      layers.Add(writes);
    }
    for (const bool forward : {true, false}) {
      std::vector<std::string> want;
      for (const auto& [key, value] : layers.model) want.push_back(key);
      if (!forward) std::reverse(want.begin(), want.end());
      std::vector<std::string> got;
      MergeIterator it = layers.Iterate();
      it.set_skip_limit(random.Below(4));
      if (forward) {
        it.SeekAtLeast("");
      } else {
        it.SeekAtMost(std::string(kMaxEngineKey, '\xff'));
      }
      while (it.Valid() || it.halted()) {
        if (it.halted()) {
          ASSERT_FALSE(layers.model.contains(std::string(it.key())));
          it.Resume(1 + random.Below(4));
          continue;
        }
        got.emplace_back(it.key());
        if (forward) {
          it.Next();
        } else {
          it.Prev();
        }
      }
      ASSERT_EQ(got, want);
    }
  }
}

TEST(MergeIteratorTest, EqualsAModelUnderRandomUse) {
  base::Random random(17);
  for (int round = 0; round < 60; ++round) {
    Layers layers;
    const uint64_t universe = 1 + random.Below(400);
    const uint64_t depth = random.Below(5);
    for (uint64_t layer = 0; layer < depth; ++layer) {
      std::map<std::string, std::optional<std::string>> writes;
      const uint64_t count = random.Below(universe);
      for (uint64_t i = 0; i < count; ++i) {
        auto& value = writes[TestKey(random.Below(universe))];
        if (random.Below(3) != 0) value = RandomBytes(random, random.Below(30));
      }
      layers.Add(writes);
    }
    MergeIterator it = layers.Iterate();
    ASSERT_NO_FATAL_FAILURE(ExpectRandomWalk(it, layers.model, random, 2000, universe));
  }
}

// A cursor over nothing that fails.
class FailingCursor final : public LayerCursor {
 public:
  [[nodiscard]] bool Valid() const override { return false; }
  void SeekAtLeast(std::string_view /*key*/) override {}
  void SeekAtMost(std::string_view /*key*/) override {}
  void Next() override {}
  void Prev() override {}
  [[nodiscard]] std::string_view key() const override { return {}; }
  [[nodiscard]] std::string_view value() const override { return {}; }
  [[nodiscard]] bool deleted() const override { return false; }
  [[nodiscard]] absl::Status status() const override { return absl::DataLossError("broken"); }
};

TEST(MergeIteratorTest, AnErrorOfALayerEndsTheWalk) {
  HashOverlay overlay;
  overlay.Put("a", Engine::Hash("a"), "1", "");
  overlay.Freeze();
  std::vector<std::unique_ptr<LayerCursor>> cursors;
  cursors.push_back(std::make_unique<ListCursor>(&overlay.FrozenOrder()));
  cursors.push_back(std::make_unique<FailingCursor>());
  MergeIterator it(std::move(cursors));
  it.SeekAtLeast("");
  EXPECT_FALSE(it.Valid());
  EXPECT_TRUE(absl::IsDataLoss(it.status()));
}

}  // namespace
}  // namespace cairn::engine
