#include <csignal>
#include <fstream>

#include <sys/resource.h>
#include <sys/stat.h>

#include "base/random.h"
#include "engine/store.h"
#include "engine_testing.h"

namespace cairn::engine {
namespace {

// A limit of this process, put back at the end.
class ScopedLimit {
 public:
  ScopedLimit(__rlimit_resource what, rlim_t soft) : what_(what) {
    CAIRN_CHECK(getrlimit(what_, &old_) == 0);
    const rlimit now{.rlim_cur = soft, .rlim_max = old_.rlim_max};
    CAIRN_CHECK(setrlimit(what_, &now) == 0);
  }
  ScopedLimit(const ScopedLimit&) = delete;
  ScopedLimit& operator=(const ScopedLimit&) = delete;
  ~ScopedLimit() { CAIRN_CHECK(setrlimit(what_, &old_) == 0); }

 private:
  __rlimit_resource what_;
  rlimit old_{};
};

class StoreTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Store>> TryOpen(uint64_t map_size = 0) {
    return OpenLmdbStore({.dir = dir_.path(), .map_size = map_size});
  }
  std::unique_ptr<Store> Open() {
    auto store = TryOpen();
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  static absl::Status Apply(Store& store, const std::vector<RecordView>& records) {
    auto batch = store.Begin();
    if (!batch.ok()) return batch.status();
    for (const RecordView& record : records) {
      if (absl::Status status = (*batch)->Apply(record); !status.ok()) return status;
    }
    return (*batch)->Commit();
  }
  static absl::Status PutOne(Store& store, std::string_view key, std::string_view value) {
    return Apply(store, {{.table = Table::kKeys, .deleted = false, .key = key, .value = value}});
  }
  static std::optional<std::string> GetOne(Store& store, std::string_view key) {
    const auto reader = store.NewReader();
    EXPECT_TRUE(reader.ok()) << reader.status();
    const auto value = (*reader)->Get(key);
    EXPECT_TRUE(value.ok()) << value.status();
    if (!value.ok() || !value->has_value()) return std::nullopt;
    return std::string(**value);
  }
  [[nodiscard]] std::string DataFile() const { return dir_.path() + "/data.mdb"; }
  // Replaces each `from` in the data file by `to`, of the same size. Returns how many there were.
  int Patch(std::string_view from, std::string_view to) const {
    CAIRN_CHECK(from.size() == to.size());
    std::string bytes;
    {
      std::ifstream file(DataFile(), std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(file), {});
    }
    int count = 0;
    for (size_t at = bytes.find(from); at != std::string::npos; at = bytes.find(from, at + 1)) {
      bytes.replace(at, to.size(), to);
      ++count;
    }
    std::ofstream(DataFile(), std::ios::binary | std::ios::trunc) << bytes;
    return count;
  }

  TempDir dir_;
};

TEST_F(StoreTest, KeepsWhatWasCommittedAndNothingElse) {
  {
    const auto store = Open();
    ASSERT_TRUE(Apply(*store, {{Table::kKeys, false, "a", "1"},
                               {Table::kKeys, false, "b", ""},
                               {Table::kKeys, false, "c", "3"},
                               {Table::kExpiry, false, "e", "x"}})
                    .ok());
    ASSERT_TRUE(
        Apply(*store, {{Table::kKeys, true, "c", ""}, {Table::kKeys, true, "never", ""}}).ok());
    auto dropped = *store->Begin();
    ASSERT_TRUE(dropped->Apply({Table::kKeys, false, "d", "4"}).ok());
  }
  const auto store = Open();
  EXPECT_EQ(GetOne(*store, "a"), "1");
  EXPECT_EQ(GetOne(*store, "b"), "");
  EXPECT_EQ(GetOne(*store, "c"), std::nullopt);
  EXPECT_EQ(GetOne(*store, "d"), std::nullopt);
  EXPECT_EQ(GetOne(*store, "e"), std::nullopt);
  EXPECT_EQ(GetOne(*store, std::string(kMaxEngineKey, 'k')), std::nullopt);
  const auto reader = *store->NewReader();
  const auto cursor = reader->NewCursor(Table::kExpiry);
  cursor->SeekAtLeast("");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "e");
  EXPECT_EQ(cursor->value(), "x");
  EXPECT_GT(store->FileBytes(), 0U);
  EXPECT_GT(reader->UsedBytes(), 0U);
}

TEST_F(StoreTest, FilesArePrivate) {
  Open();
  struct stat data {};
  ASSERT_EQ(stat(DataFile().c_str(), &data), 0);
  EXPECT_EQ(data.st_mode & 0777, 0600U);
}

TEST_F(StoreTest, AReaderSeesItsStateUntilItIsRenewed) {
  const auto store = Open();
  ASSERT_TRUE(PutOne(*store, "k", "old").ok());
  const auto reader = *store->NewReader();
  ASSERT_TRUE(PutOne(*store, "k", "new").ok());
  EXPECT_EQ(**reader->Get("k"), "old");
  ASSERT_TRUE(reader->Renew().ok());
  EXPECT_EQ(**reader->Get("k"), "new");
}

TEST_F(StoreTest, TheStateOfCheckpointsIsKept) {
  {
    const auto store = Open();
    EXPECT_EQ(store->ReadState()->sequence, 0U);
    auto batch = *store->Begin();
    ASSERT_TRUE(batch->MarkApplying(5).ok());
    ASSERT_TRUE(batch->Commit().ok());
    EXPECT_EQ(store->ReadState()->applying, 5U);
    EXPECT_EQ(store->ReadState()->sequence, 0U);
    batch = *store->Begin();
    ASSERT_TRUE(batch->FinishCheckpoint(5, {.log_offset = 99, .blob = "blob"}).ok());
    ASSERT_TRUE(batch->Commit().ok());
  }
  const auto state = Open()->ReadState();
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->applying, 0U);
  EXPECT_EQ(state->sequence, 5U);
  EXPECT_EQ(state->meta.log_offset, 99U);
  EXPECT_EQ(state->meta.blob, "blob");
}

TEST_F(StoreTest, DeletesAPrefixInSlices) {
  const auto store = Open();
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back("p" + std::to_string(i));
  std::vector<RecordView> records;
  for (const std::string& key : keys) records.push_back({Table::kKeys, false, key, "v"});
  ASSERT_TRUE(Apply(*store, records).ok());
  ASSERT_TRUE(PutOne(*store, "o", "below").ok());
  ASSERT_TRUE(PutOne(*store, "q", "above").ok());
  uint64_t deleted = 0;
  bool finished = false;
  int slices = 0;
  for (; !finished; ++slices) {
    auto batch = *store->Begin();
    const auto count = batch->DeletePrefix(Table::kKeys, "p", 30, 1 << 20, &finished);
    ASSERT_TRUE(count.ok());
    ASSERT_LE(*count, 30U);
    deleted += *count;
    ASSERT_TRUE(batch->Commit().ok());
  }
  EXPECT_EQ(deleted, 100U);
  EXPECT_EQ(slices, 4);
  EXPECT_EQ(GetOne(*store, "o"), "below");
  EXPECT_EQ(GetOne(*store, "q"), "above");
  EXPECT_EQ(GetOne(*store, "p50"), std::nullopt);
}

TEST_F(StoreTest, AnUnknownVersionIsRefused) {
  Open();
  ASSERT_GT(Patch(std::string("version\x02\0\0\0", 11), std::string("version\x09\0\0\0", 11)), 0);
  const auto store = TryOpen();
  EXPECT_TRUE(absl::IsFailedPrecondition(store.status())) << store.status();
  EXPECT_NE(store.status().message().find("version 9"), absl::string_view::npos);
}

TEST_F(StoreTest, AnotherProgramsFileIsRefused) {
  std::ofstream(DataFile()) << std::string(100'000, 'x');
  EXPECT_TRUE(absl::IsFailedPrecondition(TryOpen().status())) << TryOpen().status();
}

// LMDB itself would begin anew in it.
TEST_F(StoreTest, AnEmptyFileIsRefused) {
  {
    const auto store = Open();
    ASSERT_TRUE(PutOne(*store, "k", "v").ok());
  }
  std::filesystem::resize_file(DataFile(), 0);
  const auto store = TryOpen();
  EXPECT_TRUE(absl::IsDataLoss(store.status())) << store.status();
  EXPECT_NE(store.status().message().find("empty"), absl::string_view::npos);
  EXPECT_EQ(std::filesystem::file_size(DataFile()), 0U);
}

TEST_F(StoreTest, ANewStoreSaysWhatItWasGiven) {
  const LmdbOptions options{
      .dir = dir_.path(), .map_size = 0, .first = {.log_offset = 7, .blob = "first"}};
  ASSERT_TRUE(OpenLmdbStore(options).ok());
  const auto state = Open()->ReadState();
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->sequence, 0U);
  EXPECT_EQ(state->applying, 0U);
  EXPECT_EQ(state->meta.log_offset, 7U);
  EXPECT_EQ(state->meta.blob, "first");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_.path()), {}), 2)
      << "data.mdb and lock.mdb, and nothing else";
}

// Pages that a transaction takes at the end of the file and gives back before its commit are never
// written: such a file is whole, and was once refused.
TEST_F(StoreTest, AFileWhoseLastPagesAreFreeIsWhole) {
  base::Random random(1);
  bool met = false;
  for (int round = 0; round < 400 && !met; ++round) {
    {
      const auto store = Open();
      auto batch = *store->Begin();
      const uint64_t first = random.Below(400);
      const uint64_t count = 1 + random.Below(120);
      for (const bool remove : {false, true}) {
        if (remove && random.Below(4) == 0) continue;
        for (uint64_t i = first; i < first + count; ++i) {
          const std::string value(remove ? 0 : 200 + random.Below(400), 'v');
          ASSERT_TRUE(batch->Apply({Table::kKeys, remove, "k" + std::to_string(i), value}).ok());
        }
      }
      ASSERT_TRUE(batch->Commit().ok());
    }
    const auto size = std::filesystem::file_size(DataFile());
    const auto store = TryOpen();
    ASSERT_TRUE(store.ok()) << "round " << round << ": " << store.status();
    met = std::filesystem::file_size(DataFile()) > size;
  }
  EXPECT_TRUE(met) << "no transaction left such a file";
}

TEST_F(StoreTest, AFileThatWasCutOffIsRefused) {
  {
    const auto store = Open();
    ASSERT_TRUE(PutOne(*store, "k", std::string(1 << 20, 'v')).ok());
  }
  std::filesystem::resize_file(DataFile(), 256 << 10);
  const auto store = TryOpen();
  EXPECT_TRUE(absl::IsDataLoss(store.status())) << store.status();
  EXPECT_NE(store.status().message().find("cut off"), absl::string_view::npos);
}

TEST_F(StoreTest, ADamagedRecordIsReportedAndOthersAreRead) {
  {
    const auto store = Open();
    ASSERT_TRUE(PutOne(*store, "good", "good value").ok());
    ASSERT_TRUE(PutOne(*store, "bad", "bad value").ok());
  }
  ASSERT_GT(Patch("bad value", "bad volue"), 0);
  const auto store = Open();
  const auto reader = *store->NewReader();
  const auto bad = reader->Get("bad");
  EXPECT_TRUE(absl::IsDataLoss(bad.status())) << bad.status();
  EXPECT_NE(bad.status().message().find("bad"), absl::string_view::npos);
  EXPECT_EQ(GetOne(*store, "good"), "good value");
  const auto cursor = reader->NewCursor(Table::kKeys);
  cursor->SeekAtLeast("");
  EXPECT_FALSE(cursor->Valid());
  EXPECT_TRUE(absl::IsDataLoss(cursor->status())) << cursor->status();
}

TEST_F(StoreTest, SeeksMayBeLongerThanAnyKey) {
  const auto store = Open();
  ASSERT_TRUE(PutOne(*store, std::string(kMaxEngineKey, 'k'), "v").ok());
  const auto reader = *store->NewReader();
  const auto cursor = reader->NewCursor(Table::kKeys);
  cursor->SeekAtMost(std::string(2000, 'k'));
  EXPECT_TRUE(cursor->Valid());
  cursor->SeekAtLeast(std::string(2000, 'k'));
  EXPECT_FALSE(cursor->Valid());
  EXPECT_TRUE(cursor->status().ok()) << cursor->status();
}

TEST_F(StoreTest, ACommitThatFindsNoSpaceLeavesNoTraceAndCanBeRepeated) {
  std::signal(SIGXFSZ, SIG_IGN);
  const auto store = Open();
  ASSERT_TRUE(PutOne(*store, "k", "old").ok());
  const std::string large(4 << 20, 'v');
  {
    const ScopedLimit limit(RLIMIT_FSIZE, store->FileBytes());
    for (int i = 0; i < 3; ++i) {
      const absl::Status status = PutOne(*store, "k", large);
      ASSERT_TRUE(absl::IsResourceExhausted(status)) << status;
      ASSERT_FALSE(store->needs_reopen());
      ASSERT_EQ(GetOne(*store, "k"), "old");
    }
  }
  ASSERT_TRUE(PutOne(*store, "k", large).ok());
  EXPECT_EQ(GetOne(*store, "k"), large);
}

TEST_F(StoreTest, LimitedAddressSpaceIsAClearError) {
  if (kSanitized) GTEST_SKIP() << "sanitizers need the address space themselves";
  const ScopedLimit limit(RLIMIT_AS, rlim_t{1} << 40);
  const auto store = TryOpen();
  EXPECT_TRUE(absl::IsResourceExhausted(store.status())) << store.status();
  EXPECT_NE(store.status().message().find("address space"), absl::string_view::npos);
  EXPECT_TRUE(TryOpen(1ULL << 30).ok());
}

TEST_F(StoreTest, ReopenKeepsEverything) {
  const auto store = Open();
  ASSERT_TRUE(PutOne(*store, "k", "v").ok());
  ASSERT_TRUE(store->Reopen().ok());
  EXPECT_FALSE(store->needs_reopen());
  EXPECT_EQ(GetOne(*store, "k"), "v");
  ASSERT_TRUE(PutOne(*store, "k", "w").ok());
  EXPECT_EQ(GetOne(*store, "k"), "w");
}

TEST_F(StoreTest, EqualsAModelUnderRandomUse) {
  base::Random random(23);
  const auto store = Open();
  Model model;
  for (int round = 0; round < 60; ++round) {
    std::map<std::string, std::optional<std::string>> writes;
    const uint64_t count = random.Below(60);
    for (uint64_t i = 0; i < count; ++i) {
      auto& value = writes[TestKey(random.Below(500))];
      if (random.Below(3) != 0) value = RandomValue(random, 300'000);
    }
    std::vector<RecordView> records;
    for (const auto& [key, value] : writes) {
      records.push_back(
          {Table::kKeys, !value.has_value(), key, value ? *value : std::string_view()});
      if (value.has_value()) {
        model[key] = *value;
      } else {
        model.erase(key);
      }
    }
    ASSERT_TRUE(Apply(*store, records).ok());
    const auto reader = *store->NewReader();
    const auto cursor = reader->NewCursor(Table::kKeys);
    auto want = model.begin();
    for (cursor->SeekAtLeast(""); cursor->Valid(); cursor->Next(), ++want) {
      ASSERT_NE(want, model.end());
      ASSERT_EQ(cursor->key(), want->first);
      ASSERT_EQ(cursor->value(), want->second);
    }
    ASSERT_EQ(want, model.end());
  }
}

}  // namespace
}  // namespace cairn::engine
