// The file system in memory: that it reads like one, forgets what it should, and fails when told.
#include <cerrno>
#include <set>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/memory_fs.h"

namespace cairn::test {
namespace {

using Mode = base::FileSystem::Mode;
using Op = MemoryFs::Op;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kSeeds = 200;

std::unique_ptr<base::File> Create(MemoryFs& fs, const std::string& path) {
  auto file = fs.Open(path, Mode::kCreate);
  EXPECT_TRUE(file.ok()) << file.status();
  return std::move(*file);
}

TEST(MemoryFsTest, ReadsWhatWasWritten) {
  MemoryFs fs;
  ASSERT_TRUE(fs.CreateDir("/d").ok());
  auto file = Create(fs, "/d/f");
  ASSERT_TRUE(file->WriteAt(2, "hello").ok());
  std::string got(10, 'x');
  EXPECT_EQ(file->ReadAt(0, got.data(), 10).value(), 7U);
  EXPECT_EQ(got.substr(0, 7), std::string("\0\0hello", 7));
  EXPECT_EQ(file->ReadAt(7, got.data(), 10).value(), 0U);
  EXPECT_EQ(file->Size().value(), 7U);
  EXPECT_EQ(fs.ReadAll("d/f").value(), std::string("\0\0hello", 7));
  ASSERT_TRUE(file->Truncate(3).ok());
  EXPECT_EQ(fs.Content("./d/f"), std::string("\0\0h", 3));
  EXPECT_FALSE((*fs.Open("/d/f", Mode::kRead))->WriteAt(0, "x").ok());
}

TEST(MemoryFsTest, NamesBehaveAsInAFileSystem) {
  MemoryFs fs;
  EXPECT_TRUE(absl::IsNotFound(fs.Open("/d/f", Mode::kCreate).status()));
  ASSERT_TRUE(fs.CreateDir("/d").ok());
  ASSERT_TRUE(fs.CreateDir("/d").ok());
  EXPECT_TRUE(absl::IsNotFound(fs.CreateDir("/no/d")));
  EXPECT_TRUE(absl::IsNotFound(fs.Open("/d/f", Mode::kRead).status()));
  ASSERT_TRUE(fs.ReplaceFile("/d/f", "one").ok());
  ASSERT_TRUE(fs.ReplaceFile("/d/f", "two").ok());
  EXPECT_THAT(fs.List("/d").value(), ElementsAre("f"));
  auto open = fs.Open("/d/f", Mode::kRead);
  ASSERT_TRUE(fs.Remove("/d/f").ok());
  EXPECT_TRUE(absl::IsNotFound(fs.Remove("/d/f")));
  EXPECT_FALSE(fs.Exists("/d/f"));
  EXPECT_EQ((*open)->Size().value(), 3U);  // an open file outlives its name
  auto lock = fs.Lock("/d/lock");
  ASSERT_TRUE(lock.ok());
  EXPECT_TRUE(absl::IsAlreadyExists(fs.Lock("/d/lock").status()));
  lock->reset();
  EXPECT_TRUE(fs.Lock("/d/lock").ok());
}

TEST(MemoryFsTest, WhatIsSyncedSurvivesEveryPowerCut) {
  MemoryFs fs;
  auto file = Create(fs, "/f");
  ASSERT_TRUE(file->WriteAt(0, std::string(2000, 'a')).ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(fs.SyncDir("/").ok());
  ASSERT_TRUE(file->WriteAt(2000, std::string(2000, 'b')).ok());
  std::set<std::string> images;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::string content = fs.Crash(seed)->Content("/f");
    ASSERT_GE(content.size(), 2000U);
    ASSERT_LE(content.size(), 4000U);
    EXPECT_EQ(content.substr(0, 2000), std::string(2000, 'a'));
    images.insert(content);
    EXPECT_EQ(content, fs.Crash(seed)->Content("/f"));  // the same seed, the same disk
  }
  // Among them: nothing kept, all kept, zeros only.
  EXPECT_TRUE(images.contains(std::string(2000, 'a')));
  EXPECT_TRUE(images.contains(std::string(2000, 'a') + std::string(2000, 'b')));
  EXPECT_TRUE(images.contains(std::string(2000, 'a') + std::string(2000, '\0')));
  EXPECT_GT(images.size(), 20U);
}

TEST(MemoryFsTest, TearsAtSectors) {
  MemoryFs fs;
  auto file = Create(fs, "/f");
  ASSERT_TRUE(fs.SyncDir("/").ok());
  ASSERT_TRUE(file->WriteAt(100, std::string(3000, 'b')).ok());
  bool torn = false;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::string content = fs.Crash(seed)->Content("/f");
    for (size_t at = 512; at < content.size(); ++at) {
      const bool changes = content[at] != content[at - 1];
      EXPECT_TRUE(!changes || at % 512 == 0) << at;
      torn = torn || changes;
    }
  }
  EXPECT_TRUE(torn);
}

TEST(MemoryFsTest, NamesLastOnlyAfterSyncDir) {
  MemoryFs fs;
  ASSERT_TRUE(fs.CreateDir("/d").ok());
  ASSERT_TRUE(fs.SyncDir("/").ok());
  auto file = Create(fs, "/d/a");
  ASSERT_TRUE(file->WriteAt(0, "x").ok());
  ASSERT_TRUE(file->Sync().ok());
  std::set<std::vector<std::string>> images;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    images.insert(fs.Crash(seed)->List("/d").value());
  }
  EXPECT_THAT(images, UnorderedElementsAre(IsEmpty(), ElementsAre("a")));

  ASSERT_TRUE(fs.SyncDir("/d").ok());
  ASSERT_TRUE(fs.Rename("/d/a", "/d/b").ok());
  images.clear();
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    images.insert(fs.Crash(seed)->List("/d").value());
  }
  EXPECT_THAT(images, UnorderedElementsAre(ElementsAre("a"), ElementsAre("b")));

  ASSERT_TRUE(fs.SyncDir("/d").ok());
  ASSERT_TRUE(fs.Remove("/d/b").ok());
  images.clear();
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    images.insert(fs.Crash(seed)->List("/d").value());
  }
  EXPECT_THAT(images, UnorderedElementsAre(IsEmpty(), ElementsAre("b")));
}

TEST(MemoryFsTest, AFailedSyncLosesWhatWasNotLasting) {
  MemoryFs fs;
  auto file = Create(fs, "/f");
  ASSERT_TRUE(fs.SyncDir("/").ok());
  ASSERT_TRUE(file->WriteAt(0, "lost").ok());
  fs.Inject({.op = Op::kSync});
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(fs.Content("/f"), "lost");
  EXPECT_EQ(fs.Kill()->Content("/f"), "lost");
  EXPECT_EQ(fs.Crash(1)->Content("/f"), "");
  EXPECT_EQ(fs.Kill()->Crash(1)->Content("/f"), "");
  ASSERT_TRUE(file->WriteAt(4, "kept").ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(fs.Crash(1)->Content("/f"), std::string("\0\0\0\0kept", 8));
}

TEST(MemoryFsTest, KillKeepsWhatIsRead) {
  MemoryFs fs;
  auto file = Create(fs, "/f");
  ASSERT_TRUE(file->WriteAt(0, "x").ok());
  const auto after = fs.Kill();
  EXPECT_EQ(after->Content("/f"), "x");
  int gone = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    gone += after->Crash(seed)->Exists("/f") ? 0 : 1;
  }
  EXPECT_GT(gone, 0);
  ASSERT_TRUE(file->WriteAt(0, "y").ok());
  EXPECT_EQ(after->Content("/f"), "x");
}

TEST(MemoryFsTest, FaultsHitTheCallsTheyName) {
  MemoryFs fs;
  auto file = Create(fs, "/f");
  fs.Inject({.op = Op::kWrite, .nth = 2, .times = 2, .error = ENOSPC, .partial_bytes = 3});
  EXPECT_TRUE(file->WriteAt(0, "first").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(file->WriteAt(5, "second")));
  EXPECT_EQ(fs.Content("/f"), "firstsec");
  EXPECT_TRUE(absl::IsResourceExhausted(file->WriteAt(5, "second")));
  EXPECT_TRUE(file->WriteAt(5, "second").ok());
  EXPECT_EQ(fs.calls(Op::kWrite), 4U);
  fs.Inject({.op = std::nullopt, .nth = 1, .times = 100, .error = EIO});
  EXPECT_TRUE(absl::IsInternal(fs.Open("/f", Mode::kRead).status()));
  EXPECT_TRUE(absl::IsInternal(fs.List("/").status()));
  EXPECT_FALSE(file->Size().ok());
  fs.ClearFaults();
  EXPECT_TRUE(file->Size().ok());
}

TEST(MemoryFsTest, AFullDiskTakesWhatFits) {
  MemoryFs fs;
  auto file = Create(fs, "/f");
  fs.set_capacity(10);
  EXPECT_TRUE(file->WriteAt(0, "12345678").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(file->WriteAt(8, "abcd")));
  EXPECT_EQ(fs.Content("/f"), "12345678ab");
  EXPECT_TRUE(file->WriteAt(0, "xx").ok());  // in place
  ASSERT_TRUE(file->Truncate(0).ok());
  EXPECT_TRUE(file->WriteAt(0, "1234567890").ok());
}

TEST(MemoryFsTest, HeldSyncsCoverWhatWasThereWhenTheyBegan) {
  MemoryFs fs;
  auto file = Create(fs, "/f");
  ASSERT_TRUE(fs.SyncDir("/").ok());
  ASSERT_TRUE(file->WriteAt(0, "a").ok());
  fs.HoldSyncs();
  std::thread syncing([&] { EXPECT_TRUE(file->Sync().ok()); });
  fs.WaitForHeldSync();
  ASSERT_TRUE(file->WriteAt(1, "b").ok());
  std::set<std::string> images;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    images.insert(fs.Crash(seed)->Content("/f"));
  }
  EXPECT_TRUE(images.contains(""));
  EXPECT_TRUE(images.contains("ab"));
  fs.ReleaseSyncs();
  syncing.join();
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    EXPECT_EQ(fs.Crash(seed)->Content("/f")[0], 'a');
  }
}

}  // namespace
}  // namespace cairn::test
