#include <cerrno>

#include "engine/format.h"
#include "engine/run_file.h"
#include "engine_testing.h"
#include "support/memory_fs.h"

namespace cairn::engine {
namespace {

using test::MemoryFs;

constexpr char kDir[] = "/run";

struct OwnedRecord {
  Table table;
  bool deleted;
  std::string key;
  std::string value;
  bool operator==(const OwnedRecord&) const = default;
};

std::vector<OwnedRecord> FewRecords() {
  return {{Table::kKeys, false, "a", "value of a"},
          {Table::kKeys, true, "b", ""},
          {Table::kKeys, false, "c", ""},
          {Table::kExpiry, false, std::string(kMaxEngineKey, 'e'), "x"},
          {Table::kExpiry, true, "f", ""}};
}

absl::Status AddAll(RunFileWriter& writer, const std::vector<OwnedRecord>& records) {
  for (const OwnedRecord& record : records) {
    const absl::Status status = writer.Add({.table = record.table,
                                            .deleted = record.deleted,
                                            .key = record.key,
                                            .value = record.value});
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Write(MemoryFs& fs, const RunTarget& target, const std::vector<OwnedRecord>& records) {
  auto writer = RunFileWriter::Create(fs, kDir, target);
  if (!writer.ok()) return writer.status();
  if (absl::Status status = AddAll(**writer, records); !status.ok()) return status;
  return (*writer)->Finish();
}

std::vector<OwnedRecord> ReadAll(MemoryFs& fs, const std::string& path, RunTarget* target) {
  auto reader = RunFileReader::Open(fs, path);
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::vector<OwnedRecord> records;
  RecordView record;
  while (true) {
    const auto more = (*reader)->Next(&record);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) break;
    records.push_back(
        {record.table, record.deleted, std::string(record.key), std::string(record.value)});
  }
  *target = (*reader)->target();
  return records;
}

class RunFileTest : public testing::Test {
 protected:
  RunFileTest() { CAIRN_CHECK(fs_.CreateDir(kDir).ok()); }

  // Every byte of the file matters: verification says kDataLoss for `content`.
  void ExpectDamaged(const std::string& content) {
    fs_.SetContent("/run/damaged.run", content);
    RunTarget target;
    uint64_t records = 0;
    const absl::Status status = VerifyRunFile(fs_, "/run/damaged.run", &target, &records);
    ASSERT_TRUE(absl::IsDataLoss(status)) << status;
    ASSERT_NE(status.message().find("/run/damaged.run"), absl::string_view::npos);
  }

  MemoryFs fs_;
  const RunTarget target_{.sequence = 7, .meta = {.log_offset = 123, .blob = "the blob"}};
};

TEST_F(RunFileTest, GivesBackWhatWasWritten) {
  ASSERT_TRUE(Write(fs_, target_, FewRecords()).ok());
  EXPECT_EQ(fs_.List(kDir).value(), std::vector<std::string>{"123.run"});
  RunTarget target;
  EXPECT_EQ(ReadAll(fs_, "/run/123.run", &target), FewRecords());
  EXPECT_EQ(target.sequence, 7U);
  EXPECT_EQ(target.meta.log_offset, 123U);
  EXPECT_EQ(target.meta.blob, "the blob");
}

TEST_F(RunFileTest, HasTheBytesOfTheExampleInItsDescription) {
  const RunTarget target{.sequence = 7, .meta = {.log_offset = 300, .blob = "x"}};
  const std::vector<OwnedRecord> records = {{Table::kKeys, false, "a", "1"},
                                            {Table::kKeys, true, "b", ""}};
  ASSERT_TRUE(Write(fs_, target, records).ok());
  const auto bytes = [](std::initializer_list<int> list) {
    std::string s;
    for (const int c : list) s.push_back(static_cast<char>(c));
    return s;
  };
  std::string file = fs_.Content("/run/300.run");
  for (const size_t checksum : {32U, 40U + 16U, 40U + 24U + 19U + 16U}) {
    file.replace(checksum, 8, "CHECKSUM");
  }
  EXPECT_EQ(file, "CAIRNRUN" + bytes({1, 0, 0, 0, 0, 0, 0, 0}) + bytes({7, 0, 0, 0, 0, 0, 0, 0}) +
                      bytes({0x2c, 1, 0, 0, 0, 0, 0, 0}) + "CHECKSUM" + "BLOK" +
                      bytes({0x13, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}) + "CHECKSUM" +
                      bytes({1, 0, 1, 0, 1, 0, 0, 0, 'a', '1'}) +
                      bytes({1, 1, 1, 0, 0, 0, 0, 0, 'b'}) + "FOOT" +
                      bytes({9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) + "CHECKSUM" +
                      bytes({2, 0, 0, 0, 0, 0, 0, 0, 'x'}));
}

TEST_F(RunFileTest, AnEmptyOneIsComplete) {
  ASSERT_TRUE(Write(fs_, target_, {}).ok());
  RunTarget target;
  EXPECT_TRUE(ReadAll(fs_, "/run/123.run", &target).empty());
  EXPECT_EQ(target.meta.blob, "the blob");
}

TEST_F(RunFileTest, ManyBlocksAndLargeRecords) {
  base::Random random(1);
  std::vector<OwnedRecord> records;
  for (int i = 0; i < 3000; ++i) {
    const size_t size = i % 1000 == 7 ? 3U << 20 : random.Below(500);
    records.push_back({Table::kKeys, false, "key" + std::to_string(i), RandomBytes(random, size)});
  }
  ASSERT_TRUE(Write(fs_, target_, records).ok());
  RunTarget target;
  EXPECT_EQ(ReadAll(fs_, "/run/123.run", &target), records);
}

TEST_F(RunFileTest, CutAnywhereItIsDamaged) {
  ASSERT_TRUE(Write(fs_, target_, FewRecords()).ok());
  const std::string whole = fs_.Content("/run/123.run");
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_NO_FATAL_FAILURE(ExpectDamaged(whole.substr(0, size))) << size;
  }
  ASSERT_NO_FATAL_FAILURE(ExpectDamaged(whole + '\0'));
}

TEST_F(RunFileTest, WithAnyBitFlippedItIsDamaged) {
  ASSERT_TRUE(Write(fs_, target_, FewRecords()).ok());
  const std::string whole = fs_.Content("/run/123.run");
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    ASSERT_NO_FATAL_FAILURE(ExpectDamaged(flipped)) << bit;
  }
}

TEST_F(RunFileTest, AnUnknownVersionIsRefused) {
  ASSERT_TRUE(Write(fs_, target_, FewRecords()).ok());
  std::string file = fs_.Content("/run/123.run");
  file[8] = 2;
  const uint64_t sum = XXH3_64bits(file.data(), format::kRunHeaderChecked);
  std::memcpy(file.data() + format::kRunHeaderChecked, &sum, sizeof sum);
  fs_.SetContent("/run/123.run", file);
  RunTarget target;
  uint64_t records = 0;
  const absl::Status status = VerifyRunFile(fs_, "/run/123.run", &target, &records);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("version 2"), absl::string_view::npos);
}

TEST_F(RunFileTest, AFailureAtAnyStepLeavesNoFileInPlace) {
  bool succeeded = false;
  for (uint64_t nth = 1; !succeeded; ++nth) {
    ASSERT_LT(nth, 50U);
    MemoryFs fs;
    ASSERT_TRUE(fs.CreateDir(kDir).ok());
    fs.Inject({.op = std::nullopt, .nth = nth, .times = 1, .error = ENOSPC, .partial_bytes = 5});
    const absl::Status status = Write(fs, target_, FewRecords());
    fs.ClearFaults();
    succeeded = status.ok();
    if (succeeded) continue;
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    // A failed SyncDir is the one case in which the finished file is there.
    if (fs.Exists("/run/123.run")) {
      RunTarget target;
      EXPECT_EQ(ReadAll(fs, "/run/123.run", &target), FewRecords());
    }
    EXPECT_FALSE(fs.Exists("/run/123.run.tmp"));
  }
}

TEST_F(RunFileTest, AfterAPowerCutItIsWholeOrNotThere) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    MemoryFs fs;
    ASSERT_TRUE(fs.CreateDir(kDir).ok());
    ASSERT_TRUE(fs.SyncDir("/").ok());
    // The cut comes at the seed-th call that would change something.
    fs.Inject({.op = std::nullopt, .nth = 1 + seed % 10, .times = 1000, .error = EIO});
    const bool finished = Write(fs, target_, FewRecords()).ok();
    const auto disk = fs.Crash(seed);
    const bool there = disk->Exists("/run/123.run");
    EXPECT_TRUE(there || !finished) << seed;
    if (!there) continue;
    RunTarget target;
    uint64_t records = 0;
    EXPECT_TRUE(VerifyRunFile(*disk, "/run/123.run", &target, &records).ok()) << seed;
  }
}

TEST_F(RunFileTest, NamesTellWhatAFileIs) {
  EXPECT_EQ(RunFileName(42), "42.run");
  EXPECT_TRUE(IsRunFileName("42.run"));
  EXPECT_FALSE(IsRunFileName("42.run.tmp"));
  EXPECT_TRUE(IsTemporaryRunFileName("42.run.tmp"));
  EXPECT_FALSE(IsTemporaryRunFileName("42.run"));
}

}  // namespace
}  // namespace cairn::engine
