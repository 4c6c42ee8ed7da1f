// Random use of a whole engine against std::map, with checkpoints at random moments and reopening
// at random.
#include <atomic>
#include <set>

#include "engine_testing.h"

namespace cairn::engine {
namespace {

struct State {
  Model keys;
  Model expiry;
};

struct Shape {
  uint64_t seed;
  uint64_t universe;  // of keys
  size_t largest_value;
  uint64_t write_buffer_size;
  uint64_t chunk_keys;
  int steps;
};

class EngineModel {
 public:
  explicit EngineModel(const Shape& shape) : shape_(shape), random_(shape.seed) {
    history_[0] = {};
    Open();
  }

  void Run() {
    for (int step = 0; step < shape_.steps; ++step) {
      ASSERT_NO_FATAL_FAILURE(Step()) << "seed " << shape_.seed << " step " << step;
    }
    ASSERT_NO_FATAL_FAILURE(Compare());
  }

  [[nodiscard]] int reopens() const { return reopens_; }
  [[nodiscard]] int reopens_that_lost() const { return reopens_that_lost_; }

 private:
  void Open() {
    const Options options{.dir = dir_.path(),
                          .write_buffer_size = shape_.write_buffer_size,
                          .chunk_keys = shape_.chunk_keys,
                          .chunk_bytes = 1 << 20};
    auto engine = Engine::Open(base::PosixFileSystem(), options, nullptr);
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    // What is there is what was there at some seal.
    const auto found = history_.find(engine_->recovered().log_offset);
    ASSERT_NE(found, history_.end());
    EXPECT_EQ(engine_->recovered().blob,
              found->first == 0 ? "" : "blob" + std::to_string(found->first));
    EXPECT_GE(found->first, finished_);
    reopens_that_lost_ += found->first < offset_ ? 1 : 0;
    state_ = found->second;
    // Offsets after a crash are given again.
    offset_ = finished_ = found->first;
    history_.erase(std::next(found), history_.end());
    history_.erase(history_.begin(), found);
  }

  std::string RandomKey() { return TestKey(random_.Below(shape_.universe)); }

  void Step() {
    const uint64_t what = random_.Below(1000);
    if (what < 600) {
      Put();
    } else if (what < 750) {
      Delete();
    } else if (what < 850) {
      ASSERT_NO_FATAL_FAILURE(Get());
    } else if (what < 950) {
      ChangeExpiry();
    } else if (what < 970) {
      const auto it = engine_->NewIterator(random_.Below(4) == 0 ? Table::kExpiry : Table::kKeys);
    } else if (what < 980) {
      ASSERT_NO_FATAL_FAILURE(Walk());
    } else if (what < 983) {
      ASSERT_NO_FATAL_FAILURE(Compare());
    } else if (what < 991) {
      engine_->Renew();
      finished_ = engine_->checkpoint().log_offset;
    } else if (what < 998) {
      Seal();
    } else if (what < 999) {
      ASSERT_TRUE(engine_->WaitIdle().ok());
      finished_ = engine_->checkpoint().log_offset;
      ASSERT_EQ(finished_, offset_);
    } else {
      Reopen();
    }
  }

  void Put() {
    const std::string key = RandomKey();
    std::string value = RandomValue(random_, shape_.largest_value);
    const auto old = state_.keys.find(key);
    if (old != state_.keys.end() && random_.Below(8) == 0) {
      // As APPEND: head is the present value.
      const auto now = *engine_->Get(key, Engine::Hash(key));
      ASSERT_TRUE(now.has_value());
      engine_->Put(key, Engine::Hash(key), *now, value);
      old->second += value;
      return;
    }
    PutInto(*engine_, key, value);
    state_.keys[key] = std::move(value);
  }

  void Delete() {
    const std::string key = RandomKey();
    DeleteFrom(*engine_, key);
    state_.keys.erase(key);
  }

  void Get() {
    const std::string key = RandomKey();
    const auto want = state_.keys.find(key);
    const auto got = GetOf(*engine_, key);
    ASSERT_EQ(got.has_value(), want != state_.keys.end());
    const bool equal = !got.has_value() || *got == want->second;
    ASSERT_TRUE(equal) << "of " << want->second.size() << " bytes";
  }

  void ChangeExpiry() {
    const std::string key = RandomKey();
    if (state_.expiry.erase(key) != 0) {
      engine_->DeleteOrdered(key);
    } else {
      const std::string value = RandomBytes(random_, random_.Below(20));
      engine_->PutOrdered(key, value);
      state_.expiry[key] = value;
    }
  }

  void Walk() {
    const bool keys = random_.Below(3) != 0;
    const auto it = engine_->NewIterator(keys ? Table::kKeys : Table::kExpiry);
    ExpectRandomWalk(*it, keys ? state_.keys : state_.expiry, random_, 40, shape_.universe);
  }

  void Compare() {
    ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine_, Table::kKeys, state_.keys));
    ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine_, Table::kExpiry, state_.expiry));
  }

  void Seal() {
    engine_->Renew();
    if (!engine_->CanSeal()) return;
    ++offset_;
    history_[offset_] = state_;
    engine_->Seal({.log_offset = offset_, .blob = "blob" + std::to_string(offset_)});
  }

  void Reopen() {
    ++reopens_;
    engine_.reset();
    Open();
  }

  const Shape shape_;
  TempDir dir_;
  base::Random random_;
  std::unique_ptr<Engine> engine_;
  State state_;
  std::map<uint64_t, State> history_;  // by offset, from the last finished checkpoint on
  uint64_t offset_ = 0;
  uint64_t finished_ = 0;
  int reopens_ = 0;
  int reopens_that_lost_ = 0;
};

class EngineModelTest : public testing::TestWithParam<Shape> {};

TEST_P(EngineModelTest, EqualsAMap) {
  EngineModel model(GetParam());
  ASSERT_NO_FATAL_FAILURE(model.Run());
  EXPECT_GT(model.reopens(), 0);
}

constexpr int kSteps = kSanitized ? 4000 : 15'000;
INSTANTIATE_TEST_SUITE_P(
    Shapes, EngineModelTest,
    testing::Values(
        // Few keys, much overwriting; chunks so small that a checkpoint has many.
        Shape{.seed = 1,
              .universe = 60,
              .largest_value = 50'000,
              .write_buffer_size = 64U << 20,
              .chunk_keys = 7,
              .steps = kSteps},
        // Many keys, a budget that is always short.
        Shape{.seed = 2,
              .universe = 3000,
              .largest_value = 50'000,
              .write_buffer_size = 1U << 20,
              .chunk_keys = 50,
              .steps = kSteps},
        // Every checkpoint in one transaction.
        Shape{.seed = 3,
              .universe = 500,
              .largest_value = 50'000,
              .write_buffer_size = 16U << 20,
              .chunk_keys = 20'000,
              .steps = kSteps},
        // Values of several MB.
        Shape{.seed = 4,
              .universe = 100,
              .largest_value = 6U << 20,
              .write_buffer_size = 32U << 20,
              .chunk_keys = 20,
              .steps = kSteps / 3}),
    [](const testing::TestParamInfo<Shape>& shape) {
      return "Seed" + std::to_string(shape.param.seed);
    });

}  // namespace
}  // namespace cairn::engine
