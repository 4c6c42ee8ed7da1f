// LMDB on a disk that fails: this program's pwrite and fdatasync stand between LMDB and the kernel.
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include <dlfcn.h>
#include <unistd.h>

#include "engine/engine_impl.h"
#include "engine/store.h"
#include "engine_testing.h"

namespace {

// What the next calls do. Meta pages are the first two of the data file.
constexpr off_t kEndOfMeta = 2 * 4096;
std::atomic<int> failing_meta_writes = 0;
std::atomic<int> good_meta_writes_first = 0;
std::atomic<bool> failing_write_reaches_file = false;
std::atomic<int> failing_syncs = 0;

bool Take(std::atomic<int>& left) {
  int now = left.load();
  while (now > 0 && !left.compare_exchange_weak(now, now - 1)) {
  }
  return now > 0;
}

}  // namespace

extern "C" ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  static const auto real = reinterpret_cast<decltype(&::pwrite)>(dlsym(RTLD_NEXT, "pwrite"));
  if (offset < kEndOfMeta && failing_meta_writes > 0 && !Take(good_meta_writes_first) &&
      Take(failing_meta_writes)) {
    if (failing_write_reaches_file) real(fd, bytes, size, offset);
    errno = EIO;
    return -1;
  }
  return real(fd, bytes, size, offset);
}

extern "C" int fdatasync(int fd) {
  static const auto real = reinterpret_cast<decltype(&::fdatasync)>(dlsym(RTLD_NEXT, "fdatasync"));
  if (Take(failing_syncs)) {
    errno = EIO;
    return -1;
  }
  return real(fd);
}

namespace cairn::engine {
namespace {

class StoreIoTest : public testing::Test {
 protected:
  StoreIoTest() {
    store_ = *OpenLmdbStore({.dir = dir_.path()});
    CAIRN_CHECK(PutOne("k", "old").ok());
  }
  ~StoreIoTest() override {
    failing_meta_writes = 0;
    good_meta_writes_first = 0;
    failing_write_reaches_file = false;
    failing_syncs = 0;
  }

  absl::Status PutOne(std::string_view key, std::string_view value) {
    auto batch = store_->Begin();
    if (!batch.ok()) return batch.status();
    const absl::Status status =
        (*batch)->Apply({.table = Table::kKeys, .deleted = false, .key = key, .value = value});
    return status.ok() ? (*batch)->Commit() : status;
  }
  std::string GetOne(std::string_view key) {
    const auto reader = store_->NewReader();
    if (!reader.ok()) return std::string(reader.status().message());
    const auto value = (*reader)->Get(key);
    return value.ok() && value->has_value() ? std::string(**value) : "missing";
  }

  TempDir dir_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreIoTest, AFailedSyncLeavesTheOldStateAndTheNextCommitWorks) {
  for (int i = 0; i < 3; ++i) {
    failing_syncs = 1;
    ASSERT_FALSE(PutOne("k", "new").ok());
    ASSERT_EQ(failing_syncs, 0);
    ASSERT_FALSE(store_->needs_reopen());
    ASSERT_EQ(GetOne("k"), "old");
  }
  ASSERT_TRUE(PutOne("k", "new").ok());
  EXPECT_EQ(GetOne("k"), "new");
}

TEST_F(StoreIoTest, AFailedMetaWriteWantsAReopenWhichHeals) {
  for (const int failing : {1, 2}) {
    failing_meta_writes = failing;
    ASSERT_FALSE(PutOne("k", "new" + std::to_string(failing)).ok());
    failing_meta_writes = 0;
    ASSERT_TRUE(store_->needs_reopen());
    ASSERT_FALSE(PutOne("k", "refused").ok());
    ASSERT_TRUE(store_->Reopen().ok());
    ASSERT_FALSE(store_->needs_reopen());
    ASSERT_EQ(GetOne("k"), "old");
    ASSERT_TRUE(PutOne("other" + std::to_string(failing), "v").ok());
    ASSERT_EQ(GetOne("other" + std::to_string(failing)), "v");
  }
}

TEST_F(StoreIoTest, AMetaWriteThatReachedTheFileButWasReportedAsFailedIsNoHarm) {
  failing_write_reaches_file = true;
  for (const int failing : {1, 2}) {
    failing_meta_writes = failing;
    ASSERT_FALSE(PutOne("k", "new").ok());
    failing_meta_writes = 0;
    ASSERT_TRUE(store_->needs_reopen());
    ASSERT_TRUE(store_->Reopen().ok());
    const std::string now = GetOne("k");
    ASSERT_TRUE(now == "old" || now == "new") << now;
    ASSERT_TRUE(PutOne("k", "old").ok());
    ASSERT_EQ(GetOne("k"), "old");
  }
}

// What was not synced when the power went may be zeros.
TEST_F(StoreIoTest, AStoreWhoseCreationWasCutOffIsMadeAgain) {
  const TempDir dir;
  failing_syncs = 1;
  ASSERT_FALSE(OpenLmdbStore({.dir = dir.path()}).ok());
  ASSERT_EQ(failing_syncs, 0);
  for (const auto& file : std::filesystem::directory_iterator(dir.path())) {
    const std::string zeros(file.file_size(), '\0');
    std::ofstream(file.path(), std::ios::binary) << zeros;
  }
  const auto store = OpenLmdbStore({.dir = dir.path()});
  EXPECT_TRUE(store.ok()) << store.status();
}

TEST_F(StoreIoTest, AnEngineGoesOnAfterEveryKindOfFailure) {
  store_.reset();
  Options options{.dir = dir_.path() + "/engine", .chunk_keys = 20};
  auto engine = *Engine::Open(base::PosixFileSystem(), options, nullptr);
  Model model;
  uint64_t offset = 0;
  for (int kind = 0; kind < 4; ++kind) {
    for (int at = 0; at < 4; ++at) {
      for (uint64_t i = 0; i < 100; ++i) {
        model[TestKey(i)] = std::to_string(kind * 10 + at);
        PutInto(*engine, TestKey(i), model[TestKey(i)]);
      }
      failing_write_reaches_file = kind == 2;
      good_meta_writes_first = at;
      failing_meta_writes = kind == 3 ? 0 : 1 + kind % 2;
      failing_syncs = kind == 3 ? 1 + at : 0;
      engine->Seal({.log_offset = ++offset, .blob = ""});
      int failures = 0;
      while (!engine->WaitIdle().ok()) ASSERT_LT(++failures, 100);
      EXPECT_GT(failures, 0) << kind << ' ' << at;
      EXPECT_EQ(failing_meta_writes + failing_syncs, 0);
      good_meta_writes_first = 0;
      ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model));
    }
  }
  engine.reset();
  engine = *Engine::Open(base::PosixFileSystem(), options, nullptr);
  EXPECT_EQ(engine->checkpoint().log_offset, offset);
  ASSERT_NO_FATAL_FAILURE(ExpectTable(*engine, Table::kKeys, model));
}

}  // namespace
}  // namespace cairn::engine
