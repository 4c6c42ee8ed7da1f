// Failures of the disk, the log and the store: nothing is lost, everything is tried again.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <set>

#include <sys/resource.h>

#include "engine/engine_impl.h"
#include "engine_testing.h"
#include "support/memory_fs.h"

namespace cairn::engine {
namespace {

using test::MemoryFs;

// What a FaultyStore does wrong. Shared with it, because the engine owns the store.
struct Faults {
  std::atomic<int> failing_begins = 0;
  std::atomic<int> failing_applies = 0;  // after three good ones
  std::atomic<int> failing_commits = 0;
  std::atomic<bool> panic_on_commit = false;  // the next commit makes the store want to be reopened
  std::atomic<int> failing_reopens = 0;
  std::atomic<int> reopens = 0;
};

bool Take(std::atomic<int>& left) {
  int now = left.load();
  while (now > 0 && !left.compare_exchange_weak(now, now - 1)) {
  }
  return now > 0;
}

class FaultyBatch final : public StoreBatch {
 public:
  FaultyBatch(std::unique_ptr<StoreBatch> real, Faults* faults, std::atomic<bool>* panicked)
      : real_(std::move(real)), faults_(faults), panicked_(panicked) {}

  absl::Status Apply(const RecordView& record) override {
    if (++applies_ > 3 && Take(faults_->failing_applies)) return absl::InternalError("apply");
    return real_->Apply(record);
  }
  absl::Status MarkApplying(uint64_t sequence) override { return real_->MarkApplying(sequence); }
  absl::Status FinishCheckpoint(uint64_t sequence, const CheckpointMeta& meta) override {
    return real_->FinishCheckpoint(sequence, meta);
  }
  absl::StatusOr<uint64_t> DeletePrefix(Table table, std::string_view prefix, uint64_t max_keys,
                                        uint64_t max_bytes, bool* finished) override {
    return real_->DeletePrefix(table, prefix, max_keys, max_bytes, finished);
  }
  absl::Status Commit() override {
    if (faults_->panic_on_commit.exchange(false)) {
      *panicked_ = true;
      return absl::InternalError("the meta page could not be written");
    }
    if (Take(faults_->failing_commits)) return absl::ResourceExhaustedError("commit: disk full");
    return real_->Commit();
  }

 private:
  std::unique_ptr<StoreBatch> real_;
  Faults* faults_;
  std::atomic<bool>* panicked_;
  int applies_ = 0;
};

class FaultyStore final : public Store {
 public:
  FaultyStore(std::unique_ptr<Store> real, Faults* faults)
      : real_(std::move(real)), faults_(faults) {}

  absl::StatusOr<std::unique_ptr<StoreReader>> NewReader() override {
    if (panicked_) return absl::UnavailableError("closed");
    return real_->NewReader();
  }
  absl::StatusOr<std::unique_ptr<StoreBatch>> Begin() override {
    if (panicked_) return absl::UnavailableError("closed");
    if (Take(faults_->failing_begins)) return absl::InternalError("begin");
    auto batch = real_->Begin();
    if (!batch.ok()) return batch.status();
    return std::make_unique<FaultyBatch>(*std::move(batch), faults_, &panicked_);
  }
  absl::StatusOr<StoreState> ReadState() override { return real_->ReadState(); }
  [[nodiscard]] bool needs_reopen() const override { return panicked_; }
  absl::Status Reopen() override {
    ++faults_->reopens;
    if (Take(faults_->failing_reopens)) return absl::InternalError("reopen");
    absl::Status status = real_->Reopen();
    if (status.ok()) panicked_ = false;
    return status;
  }
  [[nodiscard]] uint64_t FileBytes() const override { return real_->FileBytes(); }

 private:
  std::unique_ptr<Store> real_;
  Faults* faults_;
  std::atomic<bool> panicked_ = false;
};

// Waits until the engine works again, as a server does that calls Renew in each turn. The attempt
// that is under way may still fail.
void FinishWhateverItTakes(Engine& engine) {
  int failures = 0;
  while (!engine.WaitIdle().ok()) ASSERT_LT(++failures, 1000);
  EXPECT_TRUE(engine.checkpoint_error().ok()) << engine.checkpoint_error();
}

class FaultTest : public testing::Test {
 protected:
  FaultTest() { CAIRN_CHECK(fs_.CreateDir("/d").ok()); }

  std::unique_ptr<Engine> Open() {
    auto store = OpenLmdbStore({.dir = dir_.path()});
    CAIRN_CHECK(store.ok());
    Options options{.dir = "/d", .chunk_keys = 20};
    options.sync_log = [this](uint64_t offset) {
      const std::lock_guard lock(mutex_);
      if (sync_error_.ok()) synced_.insert(offset);
      return sync_error_;
    };
    auto engine = EngineImpl::Create(
        fs_, options, std::make_unique<FaultyStore>(*std::move(store), &faults_), &report_);
    EXPECT_TRUE(engine.ok()) << engine.status();
    return *std::move(engine);
  }

  void Write(Engine& engine, const std::string& value) {
    for (uint64_t i = 0; i < 100; ++i) {
      PutInto(engine, TestKey(i), value);
      model_[TestKey(i)] = value;
    }
  }

  void ExpectLasting() {
    const auto engine = Open();
    ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model_));
  }

  TempDir dir_;
  MemoryFs fs_;
  Faults faults_;
  std::mutex mutex_;
  absl::Status sync_error_;
  std::set<uint64_t> synced_;
  OpenReport report_;
  Model model_;
};

TEST_F(FaultTest, NothingReachesTheStoreBeforeTheLogIsLasting) {
  auto engine = Open();
  {
    const std::lock_guard lock(mutex_);
    sync_error_ = absl::ResourceExhaustedError("log: disk full");
  }
  Write(*engine, "v");
  engine->Seal({.log_offset = 5, .blob = ""});
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = engine->WaitIdle();
    ASSERT_TRUE(absl::IsResourceExhausted(status)) << status;
    ASSERT_TRUE(absl::IsResourceExhausted(engine->checkpoint_error()));
  }
  EXPECT_FALSE(engine->Idle());
  EXPECT_GE(engine->stats().checkpoint_failures, 3U);
  EXPECT_TRUE(fs_.List("/d/run")->empty());
  ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model_));
  engine.reset();
  model_.clear();
  ASSERT_NO_FATAL_FAILURE(ExpectLasting());
}

TEST_F(FaultTest, AfterTheLogWorksAgainTheCheckpointGoesOn) {
  auto engine = Open();
  {
    const std::lock_guard lock(mutex_);
    sync_error_ = absl::InternalError("log: EIO");
  }
  Write(*engine, "v");
  engine->Seal({.log_offset = 5, .blob = "x"});
  EXPECT_FALSE(engine->WaitIdle().ok());
  {
    const std::lock_guard lock(mutex_);
    sync_error_ = absl::OkStatus();
  }
  ASSERT_NO_FATAL_FAILURE(FinishWhateverItTakes(*engine));
  EXPECT_EQ(synced_, std::set<uint64_t>{5});
  EXPECT_EQ(engine->checkpoint().blob, "x");
  engine.reset();
  ASSERT_NO_FATAL_FAILURE(ExpectLasting());
}

TEST_F(FaultTest, EveryFailureOfTheRunFileIsTriedAgain) {
  auto engine = Open();
  uint64_t failed = 0;
  for (uint64_t nth = 1; nth < 40; ++nth) {
    const std::string value = "round" + std::to_string(nth);
    Write(*engine, value);
    fs_.Inject({.op = std::nullopt, .nth = nth, .times = 2, .error = ENOSPC, .partial_bytes = 3});
    const uint64_t before = engine->stats().checkpoint_failures;
    engine->Seal({.log_offset = nth, .blob = value});
    ASSERT_NO_FATAL_FAILURE(FinishWhateverItTakes(*engine));
    fs_.ClearFaults();
    failed += engine->stats().checkpoint_failures != before ? 1 : 0;
    ASSERT_EQ(engine->checkpoint().blob, value);
    ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model_)) << nth;
    if (nth > 25) break;
  }
  EXPECT_GE(failed, 6U);
  engine.reset();
  ASSERT_NO_FATAL_FAILURE(ExpectLasting());
}

TEST_F(FaultTest, EveryFailureOfTheStoreIsTriedAgain) {
  auto engine = Open();
  uint64_t offset = 0;
  for (std::atomic<int>* fault :
       {&faults_.failing_begins, &faults_.failing_applies, &faults_.failing_commits}) {
    for (const int times : {1, 2, 5}) {
      Write(*engine, "value" + std::to_string(++offset));
      *fault = times;
      engine->Seal({.log_offset = offset, .blob = ""});
      ASSERT_NO_FATAL_FAILURE(FinishWhateverItTakes(*engine));
      ASSERT_EQ(*fault, 0);
      ASSERT_EQ(engine->checkpoint().log_offset, offset);
      ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model_));
    }
  }
  EXPECT_EQ(engine->stats().checkpoint_failures, 24U);
  engine.reset();
  ASSERT_NO_FATAL_FAILURE(ExpectLasting());
}

TEST_F(FaultTest, AStoreThatRefusesEverythingIsReopened) {
  auto engine = Open();
  for (uint64_t round = 1; round <= 3; ++round) {
    Write(*engine, "value" + std::to_string(round));
    faults_.failing_reopens = static_cast<int>(round) - 1;
    faults_.panic_on_commit = true;
    engine->Seal({.log_offset = round, .blob = ""});
    ASSERT_NO_FATAL_FAILURE(FinishWhateverItTakes(*engine));
    ASSERT_EQ(faults_.failing_reopens, 0);
    ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model_));
  }
  EXPECT_EQ(faults_.reopens, 1 + 2 + 3);
  engine.reset();
  ASSERT_NO_FATAL_FAILURE(ExpectLasting());
}

TEST_F(FaultTest, WhileTheStoreCannotBeReadOverlaysCan) {
  auto engine = Open();
  Write(*engine, "in the store");
  engine->Seal({.log_offset = 1, .blob = ""});
  ASSERT_TRUE(engine->WaitIdle().ok());
  engine.reset();
  engine = Open();
  PutInto(*engine, "overlay", "value");
  faults_.failing_reopens = 1 << 20;
  faults_.panic_on_commit = true;
  engine->Seal({.log_offset = 2, .blob = ""});
  EXPECT_FALSE(engine->WaitIdle().ok());
  while (faults_.reopens == 0) static_cast<void>(engine->WaitIdle());
  EXPECT_EQ(GetOf(*engine, "overlay"), "value");
  EXPECT_FALSE(engine->Get(TestKey(1), Engine::Hash(TestKey(1))).ok());
  {
    const auto it = engine->NewIterator(Table::kKeys);
    it->SeekAtLeast("");
    EXPECT_FALSE(it->Valid());
    EXPECT_FALSE(it->status().ok());
  }
  faults_.failing_reopens = 0;
  ASSERT_NO_FATAL_FAILURE(FinishWhateverItTakes(*engine));
  EXPECT_EQ(GetOf(*engine, TestKey(1)), "in the store");
}

TEST_F(FaultTest, StopsAtOnceWhileItWaitsToTryAgain) {
  auto engine = Open();
  Write(*engine, "v");
  faults_.failing_commits = 1 << 20;
  engine->Seal({.log_offset = 1, .blob = ""});
  EXPECT_FALSE(engine->WaitIdle().ok());
  engine.reset();
  faults_.failing_commits = 0;
  // The run file was complete, so nothing is lost even without the log.
  ASSERT_NO_FATAL_FAILURE(ExpectLasting());
  EXPECT_TRUE(report_.run_file_loaded);
}

TEST(DiskFullTest, TheRealStoreGoesOnWhenThereIsSpaceAgain) {
  std::signal(SIGXFSZ, SIG_IGN);
  TempDir dir;
  MemoryFs fs;
  ASSERT_TRUE(fs.CreateDir("/d").ok());
  auto store = OpenLmdbStore({.dir = dir.path()});
  ASSERT_TRUE(store.ok());
  const Options options{.dir = "/d", .chunk_keys = 50};
  OpenReport report;
  auto engine = *EngineImpl::Create(fs, options, *std::move(store), &report);
  Model model;
  for (uint64_t i = 0; i < 2000; ++i) {
    PutInto(*engine, TestKey(i), std::string(3000, 'v'));
    model[TestKey(i)] = std::string(3000, 'v');
  }
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit tight{.rlim_cur = 1 << 20, .rlim_max = old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  engine->Seal({.log_offset = 7, .blob = ""});
  absl::Status status;
  for (int i = 0; i < 3; ++i) status = engine->WaitIdle();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("full"), absl::string_view::npos) << status;
  ASSERT_NO_FATAL_FAILURE(FinishWhateverItTakes(*engine));
  EXPECT_EQ(engine->checkpoint().log_offset, 7U);
  ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model));
}

}  // namespace
}  // namespace cairn::engine
