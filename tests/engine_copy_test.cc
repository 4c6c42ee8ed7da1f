// A copy of the store, made while the engine goes on, is what the engine would have found at a
// start.
#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>

#include "engine_testing.h"

namespace cairn::engine {
namespace {

// Blocks the checkpointer at its next step.
class Gate {
 public:
  // `applies` says whether a thread that comes is to wait.
  void Close(std::function<bool()> applies = nullptr) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    applies_ = std::move(applies);
  }
  void Open() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = false;
      waiting_ = false;
    }
    changed_.notify_all();
  }
  // on_progress: the first thread that comes to the closed gate waits.
  void Pass() {
    std::unique_lock lock(mutex_);
    if (!closed_ || waiting_ || (applies_ && !applies_())) return;
    waiting_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !closed_; });
  }
  void AwaitSomebody() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<bool()> applies_;
  bool closed_ = false;
  bool waiting_ = false;
};

class CopyTest : public testing::Test {
 protected:
  std::unique_ptr<Engine> Open(const std::string& dir) {
    auto engine = Engine::Open(
        base::PosixFileSystem(),
        {.dir = dir, .chunk_keys = 100, .on_progress = [this] { gate_.Pass(); }}, nullptr);
    CAIRN_CHECK(engine.ok());
    return *std::move(engine);
  }
  // 1000 keys with this value, large ones among them, and an expiry entry each.
  void Write(Engine& engine, const std::string& value) {
    for (uint64_t i = 0; i < 1000; ++i) {
      const std::string whole = i % 10 == 0 ? value + std::string(5000, 'x') : value;
      PutInto(engine, TestKey(i), whole);
      model_[TestKey(i)] = whole;
    }
    if (!expiry_.empty()) return;
    for (uint64_t i = 0; i < 300; ++i) {
      engine.PutOrdered("time" + std::to_string(i), "k");
      expiry_["time" + std::to_string(i)] = "k";
    }
  }
  CopyProgress AwaitCopy(Engine& engine) {
    while (!engine.copy()->done) std::this_thread::yield();
    return *engine.copy();
  }
  std::string NewFolder() {
    const std::string dir = dir_.path() + "/copy" + std::to_string(copies_++);
    CAIRN_CHECK(base::PosixFileSystem().CreateDir(dir).ok());
    return dir;
  }
  void ExpectCopy(const std::string& dir, uint64_t log_offset) {
    auto engine = Open(dir);
    EXPECT_EQ(engine->recovered().log_offset, log_offset);
    EXPECT_EQ(engine->recovered().blob, "blob" + std::to_string(log_offset));
    ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model_));
    ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kExpiry, expiry_));
    ASSERT_TRUE(engine->WaitIdle().ok());
    ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model_));
  }

  TempDir dir_;
  Gate gate_;
  Model model_;
  Model expiry_;
  int copies_ = 0;
};

TEST_F(CopyTest, OfAQuietStore) {
  auto engine = Open(dir_.path() + "/live");
  Write(*engine, "value");
  engine->Seal({.log_offset = 10, .blob = "blob10"});
  ASSERT_TRUE(engine->WaitIdle().ok());
  EXPECT_FALSE(engine->copy().has_value());
  const std::string to = NewFolder();
  ASSERT_TRUE(engine->StartCopy(to).ok());
  const CopyProgress progress = AwaitCopy(*engine);
  ASSERT_TRUE(progress.status.ok()) << progress.status;
  EXPECT_EQ(progress.log_offset, 10U);
  EXPECT_EQ(progress.total_records, model_.size() + expiry_.size());
  EXPECT_EQ(progress.done_records, progress.total_records);
  // What is written meanwhile and later is not in it.
  PutInto(*engine, "later", "v");
  ASSERT_NO_FATAL_FAILURE(ExpectCopy(to, 10));
}

TEST_F(CopyTest, OfAnEmptyStoreIsAnEmptyStore) {
  auto engine = Open(dir_.path() + "/live");
  const std::string to = NewFolder();
  ASSERT_TRUE(engine->StartCopy(to).ok());
  ASSERT_TRUE(AwaitCopy(*engine).status.ok());
  auto copy = Open(to);
  EXPECT_EQ(copy->recovered().log_offset, 0U);
  ASSERT_NO_FATAL_FAILURE(ExpectTable(*copy, Table::kKeys, {}));
}

// The store holds half of a checkpoint at the moment of the snapshot; the checkpoint then ends, and
// another is made, before the copy is looked at.
TEST_F(CopyTest, InTheMiddleOfACheckpointHasItsRunFile) {
  auto engine = Open(dir_.path() + "/live");
  Write(*engine, "first");
  engine->Seal({.log_offset = 10, .blob = "blob10"});
  ASSERT_TRUE(engine->WaitIdle().ok());
  Write(*engine, "second");
  const std::string run_dir = dir_.path() + "/live/run";
  // The last word of the checkpoint before may still be on its way.
  gate_.Close([&] { return !base::PosixFileSystem().List(run_dir)->empty(); });
  engine->Seal({.log_offset = 20, .blob = "blob20"});
  gate_.AwaitSomebody();
  const std::string to = NewFolder();
  ASSERT_TRUE(engine->StartCopy(to).ok());
  gate_.Open();
  ASSERT_TRUE(engine->WaitIdle().ok());
  const CopyProgress progress = AwaitCopy(*engine);
  ASSERT_TRUE(progress.status.ok()) << progress.status;
  EXPECT_EQ(progress.log_offset, 10U)
      << "the log from there on is needed only if the run file is lost";
  EXPECT_EQ(base::PosixFileSystem().List(to + "/run")->size(), 1U);
  ASSERT_NO_FATAL_FAILURE(ExpectCopy(to, 20));
  // The file that was held is gone once nobody holds it: at the latest after the next checkpoint.
  PutInto(*engine, "more", "v");
  engine->Seal({.log_offset = 30, .blob = "blob30"});
  ASSERT_TRUE(engine->WaitIdle().ok());
  while (!base::PosixFileSystem().List(dir_.path() + "/live/run")->empty())
    std::this_thread::yield();
}

TEST_F(CopyTest, OneAtATimeAndCanBeGivenUp) {
  auto engine = Open(dir_.path() + "/live");
  Write(*engine, "value");
  engine->Seal({.log_offset = 10, .blob = "blob10"});
  ASSERT_TRUE(engine->WaitIdle().ok());
  gate_.Close();  // the copy's thread is the one that comes
  ASSERT_TRUE(engine->StartCopy(NewFolder()).ok());
  gate_.AwaitSomebody();
  EXPECT_TRUE(absl::IsFailedPrecondition(engine->StartCopy(NewFolder())));
  gate_.Open();
  engine->CancelCopy();
  EXPECT_TRUE(engine->copy()->done);
  const std::string to = NewFolder();
  ASSERT_TRUE(engine->StartCopy(to).ok());
  ASSERT_TRUE(AwaitCopy(*engine).status.ok());
  ASSERT_NO_FATAL_FAILURE(ExpectCopy(to, 10));
}

// A walk does not verify large values; a copy must, or it would give them a right checksum.
TEST_F(CopyTest, DoesNotCopyDamage) {
  const std::string live = dir_.path() + "/live";
  {
    auto engine = Open(live);
    PutInto(*engine, "large", std::string(20'000, 'L'));
    engine->Seal({.log_offset = 10, .blob = "blob10"});
    ASSERT_TRUE(engine->WaitIdle().ok());
  }
  const std::string path = live + "/store/data.mdb";
  auto content = *base::PosixFileSystem().ReadAll(path);
  const size_t at = content.find(std::string(10'000, 'L'));
  ASSERT_NE(at, std::string::npos);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(at) + 5000)
      .put('l');
  auto engine = Open(live);
  ASSERT_TRUE(engine->StartCopy(NewFolder()).ok());
  const CopyProgress progress = AwaitCopy(*engine);
  EXPECT_TRUE(absl::IsDataLoss(progress.status)) << progress.status;
  EXPECT_NE(progress.status.message().find("large"), absl::string_view::npos) << progress.status;
}

TEST_F(CopyTest, AFolderThatCannotBeWrittenIsAnError) {
  auto engine = Open(dir_.path() + "/live");
  ASSERT_TRUE(engine->StartCopy(dir_.path() + "/not/there").ok());
  EXPECT_FALSE(AwaitCopy(*engine).status.ok());
}

}  // namespace
}  // namespace cairn::engine
