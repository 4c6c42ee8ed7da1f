// The memory budget, the cache of recent writes, back-pressure, big values, background deletion.
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "engine_testing.h"

namespace cairn::engine {
namespace {

class MemoryTest : public testing::Test {
 protected:
  std::unique_ptr<Engine> Open(uint64_t write_buffer_size) {
    Options options{.dir = dir_.path(), .write_buffer_size = write_buffer_size, .chunk_keys = 2000};
    options.on_progress = [this] {
      {
        const std::lock_guard lock(mutex_);
        ++progress_;
      }
      changed_.notify_all();
    };
    auto engine = Engine::Open(base::PosixFileSystem(), options, nullptr);
    EXPECT_TRUE(engine.ok()) << engine.status();
    return *std::move(engine);
  }

  // Waits until the checkpointer says something new, as a loop does that has nothing else to do.
  void WaitProgress() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return progress_ != seen_; });
    seen_ = progress_;
  }

  uint64_t Progress() {
    const std::lock_guard lock(mutex_);
    return progress_;
  }

  static uint64_t Held(const Engine& engine) {
    const Stats stats = engine.stats();
    return stats.overlay_bytes + stats.sealed_bytes + stats.clean_bytes;
  }

  TempDir dir_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t progress_ = 0;
  uint64_t seen_ = 0;
};

// The throttle compares the two: an empty engine must not seem nearly full.
TEST_F(MemoryTest, AnEmptyEngineHasItsWholeBudgetLeft) {
  for (const uint64_t budget : {uint64_t{24} << 20, uint64_t{1} << 40, uint64_t{INT64_MAX}}) {
    const auto engine = Open(24U << 20);
    engine->set_write_buffer_size(budget);
    EXPECT_LE(engine->write_budget_bytes(), budget);
    EXPECT_GT(engine->write_room_bytes(), engine->write_budget_bytes() / 10 * 9);
  }
}

TEST_F(MemoryTest, StaysWithinItsBudgetUnderConstantWrites) {
  constexpr uint64_t kBudget = 24U << 20;
  auto engine = Open(kBudget);
  base::Random random(9);
  uint64_t largest = 0;
  uint64_t offset = 0;
  for (int i = 0; i < 400'000; ++i) {
    PutInto(*engine, "key" + std::to_string(random.Below(200'000)), std::string(100, 'v'));
    if (i % 64 != 0) continue;
    // The end of a turn.
    if (engine->WantsSeal(0)) engine->Seal({.log_offset = ++offset, .blob = ""});
    engine->Renew();
    largest = std::max(largest, Held(*engine));
    while (engine->write_room_bytes() < (2U << 20)) {
      WaitProgress();
      engine->Renew();
    }
  }
  EXPECT_LE(largest, kBudget);
  EXPECT_GT(largest, kBudget / 2) << "the budget is used";
  EXPECT_GT(offset, 3U);
  EXPECT_GT(engine->drain_rate(), 0U);
}

TEST_F(MemoryTest, RecentWritesStayReadableAsACacheUntilTheirRoomIsWanted) {
  constexpr uint64_t kBudget = 12U << 20;
  auto engine = Open(kBudget);
  for (int i = 0; i < 10'000; ++i)
    PutInto(*engine, "old" + std::to_string(i), std::string(100, 'o'));
  engine->Seal({.log_offset = 1, .blob = ""});
  ASSERT_TRUE(engine->WaitIdle().ok());
  EXPECT_GT(engine->stats().clean_bytes, 1U << 20);
  EXPECT_EQ(engine->stats().sealed_bytes, 0U);
  EXPECT_GT(engine->write_room_bytes(), kBudget * 9 / 10) << "the cache does not count";

  // A view of a cached value outlives the cache, up to Renew.
  const auto view = *engine->Get("old5000", Engine::Hash("old5000"));
  const uint64_t clean = engine->stats().clean_bytes;
  const uint64_t woken = Progress();
  for (int i = 0; engine->stats().clean_bytes == clean; ++i) {
    ASSERT_LT(i, 200'000);
    PutInto(*engine, "new" + std::to_string(i), std::string(100, 'n'));
  }
  EXPECT_EQ(engine->stats().clean_bytes, 0U);
  EXPECT_LE(Held(*engine), kBudget);
  EXPECT_GT(Progress(), woken) << "so that Renew is called";
  EXPECT_EQ(*view, std::string(100, 'o'));
  engine->Renew();
  EXPECT_EQ(GetOf(*engine, "old5000"), std::string(100, 'o'));
  EXPECT_EQ(GetOf(*engine, "new5"), std::string(100, 'n'));
}

TEST_F(MemoryTest, ACachedTombstoneHidesNothingNewer) {
  auto engine = Open(64U << 20);
  PutInto(*engine, "k", "1");
  engine->Seal({.log_offset = 1, .blob = ""});
  ASSERT_TRUE(engine->WaitIdle().ok());
  DeleteFrom(*engine, "k");
  engine->Seal({.log_offset = 2, .blob = ""});
  ASSERT_TRUE(engine->WaitIdle().ok());
  EXPECT_EQ(GetOf(*engine, "k"), std::nullopt);
  PutInto(*engine, "k", "3");
  EXPECT_EQ(GetOf(*engine, "k"), "3");
  for (uint64_t i = 3; i < 15; ++i) {  // more cached overlays than are kept
    engine->Seal({.log_offset = i, .blob = ""});
    ASSERT_TRUE(engine->WaitIdle().ok());
    EXPECT_EQ(GetOf(*engine, "k"), "3");
  }
}

TEST_F(MemoryTest, WantsASealWhenItsShareIsFullOrTheLogIsLong) {
  constexpr uint64_t kBudget = 9U << 20;
  auto engine = Open(kBudget);
  EXPECT_FALSE(engine->WantsSeal(0));
  EXPECT_FALSE(engine->WantsSeal(kBudget - 1));
  EXPECT_TRUE(engine->WantsSeal(kBudget));
  for (int i = 0; !engine->WantsSeal(0); ++i) {
    ASSERT_LT(i, 100'000);
    PutInto(*engine, std::to_string(i), std::string(100, 'v'));
  }
  EXPECT_GE(engine->stats().overlay_bytes, kBudget / 3);
  EXPECT_LT(engine->stats().overlay_bytes, kBudget / 2);
  EXPECT_LT(engine->write_room_bytes(), kBudget * 2 / 3);
  engine->set_write_buffer_size(4 * kBudget);
  EXPECT_FALSE(engine->WantsSeal(0));
  EXPECT_GT(engine->write_room_bytes(), 3 * kBudget);
}

TEST(SealTest, TwoOverlaysMayBeSealedAndNoMore) {
  TempDir dir;
  std::mutex mutex;
  std::condition_variable changed;
  bool may_sync = false;
  Options options{.dir = dir.path()};
  options.sync_log = [&](uint64_t /*offset*/) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return may_sync; });
    return absl::OkStatus();
  };
  auto engine = *Engine::Open(base::PosixFileSystem(), options, nullptr);
  EXPECT_TRUE(engine->Idle());
  Model model;
  for (uint64_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE(engine->CanSeal());
    PutInto(*engine, "same", std::to_string(i));
    PutInto(*engine, std::to_string(i), "v");
    model["same"] = std::to_string(i);
    model[std::to_string(i)] = "v";
    engine->Seal({.log_offset = i, .blob = std::to_string(i)});
  }
  EXPECT_FALSE(engine->CanSeal());
  EXPECT_FALSE(engine->Idle());
  EXPECT_FALSE(engine->WantsSeal(UINT64_MAX));
  EXPECT_GT(engine->stats().sealed_bytes, 0U);
  EXPECT_EQ(engine->checkpoint().log_offset, 0U);
  DeleteFrom(*engine, "1");
  model.erase("1");
  ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model));
  {
    const std::lock_guard lock(mutex);
    may_sync = true;
  }
  changed.notify_all();
  ASSERT_TRUE(engine->WaitIdle().ok());
  EXPECT_TRUE(engine->CanSeal());
  EXPECT_EQ(engine->checkpoint().log_offset, 2U);
  EXPECT_EQ(engine->checkpoint().blob, "2");
  EXPECT_EQ(engine->stats().checkpoints, 2U);
  ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model));
}

TEST_F(MemoryTest, BigValuesAreKeptAndLasting) {
  const std::string big(64U << 20, 'b');
  {
    auto engine = Open(256U << 20);
    PutInto(*engine, "big", big);
    PutInto(*engine, "small", "s");
    EXPECT_TRUE(GetOf(*engine, "big") == big);
    engine->Seal({.log_offset = 1, .blob = ""});
    ASSERT_TRUE(engine->WaitIdle().ok());
    EXPECT_TRUE(GetOf(*engine, "big") == big);
  }
  auto engine = Open(256U << 20);
  EXPECT_TRUE(GetOf(*engine, "big") == big);
  EXPECT_EQ(GetOf(*engine, "small"), "s");
  DeleteFrom(*engine, "big");
  engine->Seal({.log_offset = 2, .blob = ""});
  ASSERT_TRUE(engine->WaitIdle().ok());
  EXPECT_EQ(GetOf(*engine, "big"), std::nullopt);
}

TEST_F(MemoryTest, TheLargestValueOfTheProtocolFits) {
  if (kSanitized) GTEST_SKIP() << "too slow";
  const std::string big(512U << 20, 'b');
  {
    auto engine = Open(64U << 20);  // one oversized record may exceed the budget
    PutInto(*engine, "big", big);
    EXPECT_TRUE(engine->WantsSeal(0));
    EXPECT_EQ(engine->write_room_bytes(), 0U);
    engine->Seal({.log_offset = 1, .blob = ""});
    ASSERT_TRUE(engine->WaitIdle().ok());
    EXPECT_EQ(engine->stats().clean_bytes, 0U) << "a cache larger than the budget is not kept";
  }
  auto engine = Open(64U << 20);
  const auto got = engine->Get("big", Engine::Hash("big"));
  ASSERT_TRUE(got.ok() && got->has_value());
  EXPECT_TRUE(**got == big);
}

TEST_F(MemoryTest, ReclaimDeletesAPrefixFromBothTablesAndNothingElse) {
  auto engine = Open(64U << 20);
  Model keys;
  Model expiry;
  for (int i = 0; i < 9000; ++i) {
    const std::string n = std::to_string(i);
    for (const char* space : {"a", "b", "c"}) PutInto(*engine, space + n, "v");
    keys["a" + n] = keys["c" + n] = "v";
    engine->PutOrdered("b" + n, "");
    engine->PutOrdered("c" + n, "x");
    expiry["c" + n] = "x";
  }
  engine->Seal({.log_offset = 1, .blob = ""});
  ASSERT_TRUE(engine->WaitIdle().ok());
  EXPECT_TRUE(engine->ReclaimDone());
  engine->Reclaim("b");
  engine->Reclaim("nothing");
  EXPECT_FALSE(engine->ReclaimDone());
  // Checkpoints go on meanwhile.
  for (uint64_t offset = 2; !engine->ReclaimDone() || offset < 5; ++offset) {
    PutInto(*engine, "a0", std::to_string(offset));
    keys["a0"] = std::to_string(offset);
    engine->Seal({.log_offset = offset, .blob = ""});
    ASSERT_TRUE(engine->WaitIdle().ok());
  }
  engine->Renew();
  ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, keys));
  ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kExpiry, expiry));
}

}  // namespace
}  // namespace cairn::engine
