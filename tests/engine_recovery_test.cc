#include "engine/engine_impl.h"
#include "engine/format.h"
#include "engine/recovery.h"
#include "engine_testing.h"
#include "support/memory_fs.h"

namespace cairn::engine {
namespace {

using test::MemoryFs;

constexpr char kRunDir[] = "/run";
constexpr ChunkLimits kLimits{.keys = 10, .bytes = 1 << 20};

// A store that holds a first checkpoint, and the run file of a second one that changes every key of
// it.
class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() {
    CAIRN_CHECK(fs_.CreateDir(kRunDir).ok());
    store_ = *OpenLmdbStore({.dir = dir_.path()});
    for (int i = 0; i < 40; ++i) {
      before_["key" + std::to_string(i)] = "old";
      if (i % 4 != 0) after_["key" + std::to_string(i)] = "new" + std::to_string(i);
    }
    auto batch = *store_->Begin();
    for (const auto& [key, value] : before_) {
      CAIRN_CHECK(batch->Apply({Table::kKeys, false, key, value}).ok());
    }
    CAIRN_CHECK(batch->FinishCheckpoint(1, {.log_offset = 100, .blob = "first"}).ok());
    CAIRN_CHECK(batch->Commit().ok());
    WriteRunFile(second_);
  }

  void WriteRunFile(const RunTarget& target) {
    auto writer = *RunFileWriter::Create(fs_, kRunDir, target);
    for (const auto& [key, old] : before_) {
      const auto now = after_.find(key);
      const bool deleted = now == after_.end();
      CAIRN_CHECK(writer->Add({Table::kKeys, deleted, key, deleted ? "" : now->second}).ok());
    }
    CAIRN_CHECK(writer->Finish().ok());
  }

  void ApplyChunks(int count) {
    auto source = *RunFileSource::Open(fs_, kPath);
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(ApplyChunk(*store_, *source, kLimits, second_).ok());
    }
  }

  // Takes up what is there; what is found is carried out, as the checkpointer would.
  absl::Status Recover() {
    report_ = {};
    auto run = RecoverRunFiles(fs_, kRunDir, *store_->ReadState(), &report_);
    if (!run.ok()) return run.status();
    EXPECT_EQ(report_.run_file_loaded, run->has_value());
    if (!run->has_value()) return absl::OkStatus();
    EXPECT_TRUE(fs_.Exists(kPath)) << "a crash before the checkpoint's end still needs it";
    EXPECT_EQ((*run)->target.sequence, second_.sequence);
    EXPECT_EQ((*run)->target.meta.blob, second_.meta.blob);
    GenerationSource source((*run)->generation.get());
    while (source.Valid()) {
      if (auto chunk = ApplyChunk(*store_, source, kLimits, (*run)->target); !chunk.ok()) {
        return chunk.status();
      }
    }
    return fs_.Remove(kPath);
  }

  void ExpectStore(const Model& model, uint64_t sequence) {
    const auto state = *store_->ReadState();
    EXPECT_EQ(state.sequence, sequence);
    EXPECT_EQ(state.meta.blob, sequence == 1 ? "first" : "second");
    EXPECT_EQ(state.applying, 0U);
    const auto reader = *store_->NewReader();
    const auto cursor = reader->NewCursor(Table::kKeys);
    Model seen;
    for (cursor->SeekAtLeast(""); cursor->Valid(); cursor->Next()) {
      seen[std::string(cursor->key())] = cursor->value();
    }
    EXPECT_EQ(seen, model);
  }

  static constexpr char kPath[] = "/run/200.run";
  static constexpr int kChunks = 4;

  TempDir dir_;
  MemoryFs fs_;
  std::unique_ptr<Store> store_;
  Model before_;
  Model after_;
  RunTarget second_{.sequence = 2, .meta = {.log_offset = 200, .blob = "second"}};
  OpenReport report_;
};

TEST_F(RecoveryTest, ACompleteRunFileIsTakenUpWhateverWasAppliedBefore) {
  for (int chunks = 0; chunks < kChunks; ++chunks) {
    ASSERT_NO_FATAL_FAILURE(ApplyChunks(chunks));
    EXPECT_EQ(store_->ReadState()->applying, chunks == 0 ? 0 : second_.sequence);
    ASSERT_TRUE(Recover().ok());
    ExpectStore(after_, second_.sequence);
    EXPECT_TRUE(report_.run_file_loaded);
    EXPECT_EQ(report_.run_file_records, before_.size());
    EXPECT_TRUE(fs_.List(kRunDir)->empty());
    // Once more, as the next checkpoint.
    ++second_.sequence;
    WriteRunFile(second_);
  }
}

TEST_F(RecoveryTest, ARunFileThatTheStoreHasIsRemoved) {
  ASSERT_NO_FATAL_FAILURE(ApplyChunks(kChunks));
  ASSERT_TRUE(Recover().ok());
  ExpectStore(after_, 2);
  EXPECT_FALSE(report_.run_file_loaded);
  EXPECT_FALSE(report_.run_file_dropped);
  EXPECT_TRUE(fs_.List(kRunDir)->empty());
}

TEST_F(RecoveryTest, AnUnfinishedFileIsDropped) {
  ASSERT_TRUE(fs_.Rename(kPath, "/run/200.run.tmp").ok());
  ASSERT_TRUE(Recover().ok());
  ExpectStore(before_, 1);
  EXPECT_TRUE(report_.run_file_dropped);
  EXPECT_TRUE(fs_.List(kRunDir)->empty());
}

TEST_F(RecoveryTest, ADamagedFileIsDroppedWhileTheStoreIsUntouched) {
  const std::string whole = fs_.Content(kPath);
  for (size_t size = 0; size < whole.size(); size += 7) {
    fs_.SetContent(kPath, whole.substr(0, size));
    ASSERT_TRUE(Recover().ok());
    ASSERT_TRUE(report_.run_file_dropped);
    ASSERT_FALSE(report_.run_file_loaded);
    ASSERT_TRUE(fs_.List(kRunDir)->empty());
  }
  ExpectStore(before_, 1);
}

TEST_F(RecoveryTest, ADamagedFileIsAnErrorOnceTheStoreHasPartOfIt) {
  ASSERT_NO_FATAL_FAILURE(ApplyChunks(1));
  const std::string whole = fs_.Content(kPath);
  for (size_t at = 0; at < whole.size(); at += 5) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    fs_.SetContent(kPath, damaged);
    const absl::Status status = Recover();
    ASSERT_TRUE(absl::IsDataLoss(status)) << status;
    ASSERT_NE(status.message().find(kPath), absl::string_view::npos);
    ASSERT_TRUE(fs_.Exists(kPath));
  }
  fs_.SetContent(kPath, whole);
  ASSERT_TRUE(Recover().ok());
  ExpectStore(after_, 2);
}

TEST_F(RecoveryTest, AMissingFileIsAnErrorOnceTheStoreHasPartOfIt) {
  ASSERT_NO_FATAL_FAILURE(ApplyChunks(1));
  ASSERT_TRUE(fs_.Remove(kPath).ok());
  const absl::Status status = Recover();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("missing"), absl::string_view::npos);
}

TEST_F(RecoveryTest, AnUnknownVersionIsRefusedAndKept) {
  std::string file = fs_.Content(kPath);
  file[8] = 9;
  const uint64_t sum = XXH3_64bits(file.data(), format::kRunHeaderChecked);
  std::memcpy(file.data() + format::kRunHeaderChecked, &sum, sizeof sum);
  fs_.SetContent(kPath, file);
  EXPECT_TRUE(absl::IsFailedPrecondition(Recover()));
  EXPECT_TRUE(fs_.Exists(kPath));
}

TEST_F(RecoveryTest, AReadErrorIsReportedAndNothingIsDropped) {
  fs_.Inject({.op = MemoryFs::Op::kRead, .nth = 2, .times = 1, .error = 5});
  const absl::Status status = Recover();
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(fs_.Exists(kPath));
  fs_.ClearFaults();
  ASSERT_TRUE(Recover().ok());
  ExpectStore(after_, 2);
}

TEST_F(RecoveryTest, TwoNewerRunFilesAreRefused) {
  WriteRunFile({.sequence = 3, .meta = {.log_offset = 300, .blob = "third"}});
  const absl::Status status = Recover();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("different times"), absl::string_view::npos) << status;
  EXPECT_TRUE(fs_.Exists(kPath));
  EXPECT_TRUE(fs_.Exists("/run/300.run"));
  ExpectStore(before_, 1);
}

TEST_F(RecoveryTest, ARecordThatNoEngineWritesIsDamage) {
  for (const RecordView& record :
       {RecordView{Table::kKeys, false, "", "v"},
        RecordView{static_cast<Table>(7), false, "k", "v"},
        RecordView{Table::kExpiry, false, std::string(kMaxEngineKey + 1, 'k'), "v"}}) {
    auto writer = *RunFileWriter::Create(fs_, kRunDir, second_);
    ASSERT_TRUE(writer->Add(record).ok());
    ASSERT_TRUE(writer->Finish().ok());
    ASSERT_TRUE(Recover().ok());
    EXPECT_TRUE(report_.run_file_dropped);
    EXPECT_FALSE(report_.run_file_loaded);
  }
}

TEST_F(RecoveryTest, OtherFilesAreLeftAlone) {
  fs_.SetContent("/run/notes.txt", "mine");
  ASSERT_TRUE(Recover().ok());
  EXPECT_EQ(fs_.Content("/run/notes.txt"), "mine");
}

// A store that is gone cannot be completed, and a new one has nothing to do with it.
TEST(CrashTest, ARunFileBesideANewStoreIsDropped) {
  TempDir dir;
  const std::string run = dir.path() + "/run";
  base::FileSystem& fs = base::PosixFileSystem();
  ASSERT_TRUE(fs.CreateDir(run).ok());
  auto writer =
      *RunFileWriter::Create(fs, run, {.sequence = 1, .meta = {.log_offset = 50, .blob = {}}});
  ASSERT_TRUE(writer->Add({Table::kKeys, false, "old", "value"}).ok());
  ASSERT_TRUE(writer->Finish().ok());
  OpenReport report;
  const auto engine = *Engine::Open(fs, {.dir = dir.path()}, &report);
  EXPECT_FALSE(report.run_file_loaded);
  EXPECT_EQ(engine->checkpoint().log_offset, 0U);
  EXPECT_EQ(GetOf(*engine, "old"), std::nullopt);
  EXPECT_EQ(fs.List(run)->size(), 0U);
}

// The data folder as it is after each chunk of a checkpoint, as a crash there would leave it.
TEST(CrashTest, BetweenAnyTwoChunksNothingIsLost) {
  TempDir dir;
  const std::string live = dir.path() + "/live";
  Options options{.dir = live, .chunk_keys = 100};
  Model model;
  Model expiry;
  {
    auto engine = *Engine::Open(base::PosixFileSystem(), options, nullptr);
    for (uint64_t i = 0; i < 1000; ++i) {
      PutInto(*engine, TestKey(i), "first");
      model[TestKey(i)] = "first";
    }
    engine->Seal({.log_offset = 10, .blob = "first"});
    ASSERT_TRUE(engine->WaitIdle().ok());
  }
  // On the checkpointer's thread, so it writes nothing meanwhile.
  int copies = 0;
  options.on_progress = [&] {
    std::filesystem::copy(live, dir.path() + "/copy" + std::to_string(copies++),
                          std::filesystem::copy_options::recursive);
  };
  {
    auto engine = *Engine::Open(base::PosixFileSystem(), options, nullptr);
    for (uint64_t i = 0; i < 1000; i += 3) {
      DeleteFrom(*engine, TestKey(i));
      model.erase(TestKey(i));
    }
    for (uint64_t i = 500; i < 1300; ++i) {
      PutInto(*engine, TestKey(i), "second" + std::to_string(i));
      model[TestKey(i)] = "second" + std::to_string(i);
    }
    for (uint64_t i = 0; i < 250; ++i) {
      engine->PutOrdered("time" + std::to_string(i), "");
      expiry["time" + std::to_string(i)] = "";
    }
    engine->Seal({.log_offset = 20, .blob = "second"});
    ASSERT_TRUE(engine->WaitIdle().ok());
  }
  ASSERT_GE(copies, 8);
  for (int i = 0; i < copies; ++i) {
    OpenReport report;
    auto engine =
        Engine::Open(base::PosixFileSystem(),
                     {.dir = dir.path() + "/copy" + std::to_string(i), .chunk_keys = 150}, &report);
    ASSERT_TRUE(engine.ok()) << engine.status();
    EXPECT_EQ(report.run_file_loaded, i + 1 < copies) << i;
    EXPECT_EQ((*engine)->recovered().log_offset, 20U);
    EXPECT_EQ((*engine)->recovered().blob, "second");
    ASSERT_NO_FATAL_FAILURE(ExpectTable(**engine, Table::kKeys, model)) << i;
    ASSERT_NO_FATAL_FAILURE(ExpectTable(**engine, Table::kExpiry, expiry)) << i;
    ASSERT_TRUE((*engine)->WaitIdle().ok());
    EXPECT_EQ((*engine)->checkpoint().log_offset, 20U);
    EXPECT_EQ((*engine)->checkpoint().blob, "second");
    ASSERT_NO_FATAL_FAILURE(ExpectTable(**engine, Table::kKeys, model)) << i;
    ASSERT_NO_FATAL_FAILURE(ExpectTable(**engine, Table::kExpiry, expiry)) << i;
  }
}

}  // namespace
}  // namespace cairn::engine
