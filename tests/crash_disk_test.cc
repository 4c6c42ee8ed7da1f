// The model of a disk on which the tests of power cuts rest: what a sync covers, what a cut may
// take, and that nothing else is taken.
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "crash/disk.h"
#include "crash/image.h"
#include "crash/testing.h"
#include "gtest/gtest.h"

namespace cairn::crash {
namespace {

constexpr int kNew = O_RDWR | O_CREAT | O_TRUNC;
constexpr uint64_t kSeeds = 200;

// The files of an image and their contents; folders are not listed.
using Files = std::map<std::string, std::string>;

class Cutter {
 public:
  explicit Cutter(const Script& script) {
    const absl::Status status = script.Load(&recording_);
    EXPECT_TRUE(status.ok()) << status;
  }

  Files Cut(uint64_t stamp, Plan plan) {
    Disk disk(recording_);
    const absl::Status status = disk.Advance(stamp);
    EXPECT_TRUE(status.ok()) << status;
    Files files;
    for (const ImageEntry& entry : Image(disk, plan).Build()) {
      if (!entry.is_folder) files.emplace(entry.path, entry.content());
    }
    return files;
  }

  // What every image at `stamp` has.
  Files Lasting(uint64_t stamp) { return Cut(stamp, {.fate = Fate::kNothing, .seed = 1}); }

  // All images at `stamp`, of every fate.
  std::set<Files> All(uint64_t stamp) {
    std::set<Files> all;
    for (int fate = 0; fate < kFates; ++fate) {
      for (uint64_t seed = 0; seed < kSeeds; ++seed) {
        all.insert(Cut(stamp, {.fate = static_cast<Fate>(fate), .seed = seed}));
      }
    }
    return all;
  }

  const Recording& recording() { return recording_; }

 private:
  Recording recording_;
};

// The root folder is handle 1 in all of them.
Script Begin() {
  Script script;
  script.Open(1, "", O_RDONLY | O_DIRECTORY);
  return script;
}

TEST(CrashDiskTest, ASyncCoversWhatHadEndedBeforeItBegan) {
  Script script = Begin();
  script.Open(2, "f", kNew).Sync(1);
  script.Write(2, 0, "a", {.begin = 10, .end = 11});
  script.Write(2, 1, "b", {.begin = 12, .end = 15});  // is under way when the sync begins
  script.Sync(2, {.begin = 13, .end = 20});
  script.Write(2, 2, "c", {.begin = 16, .end = 17});  // begins and ends during the sync
  Cutter cutter(script);
  EXPECT_EQ(cutter.Lasting(20), (Files{{"f", ""}})) << "the sync has not returned";
  EXPECT_EQ(cutter.Lasting(21), (Files{{"f", "a"}}));
}

TEST(CrashDiskTest, ANameLastsOnlyWithItsFolder) {
  Script script = Begin();
  script.Open(2, "f", kNew).Write(2, 0, "abc").Sync(2);
  const uint64_t before = script.end();
  script.Sync(1);
  Cutter cutter(script);
  EXPECT_EQ(cutter.Lasting(before), Files());
  EXPECT_EQ(cutter.All(before), (std::set<Files>{{}, {{"f", "abc"}}}));
  EXPECT_EQ(cutter.All(script.end()), (std::set<Files>{{{"f", "abc"}}}));
}

TEST(CrashDiskTest, AFolderThatIsLostTakesItsFilesAlong) {
  Script script = Begin();
  script.Mkdir("d").Open(2, "d", O_RDONLY | O_DIRECTORY);
  script.Open(3, "d/f", kNew).Write(3, 0, "abc").Sync(3).Sync(2);
  Cutter cutter(script);
  EXPECT_EQ(cutter.All(script.end()), (std::set<Files>{{}, {{"d/f", "abc"}}}));
}

TEST(CrashDiskTest, ARenameIsUndoneOrKeptAsAWhole) {
  Script script = Begin();
  script.Open(2, "old", kNew).Write(2, 0, "new text").Sync(2);
  script.Open(3, "f", kNew).Write(3, 0, "old text").Sync(3).Sync(1);
  script.Rename("old", "f");
  const uint64_t before = script.end();
  script.Sync(1);
  Cutter cutter(script);
  EXPECT_EQ(cutter.All(before),
            (std::set<Files>{{{"f", "new text"}}, {{"f", "old text"}, {"old", "new text"}}}));
  EXPECT_EQ(cutter.All(script.end()), (std::set<Files>{{{"f", "new text"}}}));
}

TEST(CrashDiskTest, ARenamedFileNeedNotHaveItsBytes) {
  Script script = Begin();
  script.Open(2, "tmp", kNew).Sync(1).Write(2, 0, "abc").Rename("tmp", "f").Sync(1);
  Cutter cutter(script);
  const std::set<Files> all = cutter.All(script.end());
  EXPECT_TRUE(all.contains({{"f", ""}}));
  EXPECT_TRUE(all.contains({{"f", "abc"}}));
  EXPECT_TRUE(all.contains({{"f", std::string(3, '\0')}})) << "the length alone";
  EXPECT_FALSE(all.contains({}));
}

TEST(CrashDiskTest, ARemovalMayComeBack) {
  Script script = Begin();
  script.Open(2, "f", kNew).Write(2, 0, "abc").Sync(2).Sync(1).Unlink("f");
  script.Open(3, "f", kNew);  // another file of that name
  const uint64_t before = script.end();
  script.Sync(1);
  Cutter cutter(script);
  EXPECT_EQ(cutter.All(before), (std::set<Files>{{}, {{"f", ""}}, {{"f", "abc"}}}));
  EXPECT_EQ(cutter.All(script.end()), (std::set<Files>{{{"f", ""}}}));
}

TEST(CrashDiskTest, AWriteThatSyncsLastsAlone) {
  Script script = Begin();
  script.Open(2, "f", kNew).Write(2, 0, "........").Sync(2).Sync(1);
  script.Open(3, "f", O_WRONLY | O_DSYNC);
  script.Write(2, 0, "xx").Write(3, 4, "yy");
  Cutter cutter(script);
  EXPECT_EQ(cutter.Lasting(script.end() - 1), (Files{{"f", "........"}}));
  EXPECT_EQ(cutter.Lasting(script.end()), (Files{{"f", "....yy.."}}));
}

TEST(CrashDiskTest, WritesAreTornAtSectors) {
  Script script = Begin();
  const std::string old(2048, 'o');
  const std::string text(1000, 'n');
  script.Open(2, "f", kNew).Write(2, 0, old).Sync(2).Sync(1).Write(2, 300, text);
  Cutter cutter(script);
  bool torn = false;
  for (const Files& files : cutter.All(script.end())) {
    const std::string& content = files.at("f");
    ASSERT_EQ(content.size(), old.size());
    // Pieces: up to byte 512, 1024, 1300.
    const size_t pieces[] = {300, 512, 1024, 1300};
    for (size_t i = 0; i + 1 < std::size(pieces); ++i) {
      const std::string piece = content.substr(pieces[i], pieces[i + 1] - pieces[i]);
      ASSERT_TRUE(piece.find_first_not_of('o') == std::string::npos ||
                  piece.find_first_not_of('n') == std::string::npos);
    }
    ASSERT_EQ(content.substr(0, 300), std::string(300, 'o'));
    ASSERT_EQ(content.substr(1300), std::string(748, 'o'));
    torn |= content[300] != content[600];
  }
  EXPECT_TRUE(torn);
}

TEST(CrashDiskTest, LastingBytesStayWhateverComesAfter) {
  Script script = Begin();
  script.Open(2, "f", kNew).Write(2, 0, "abc").Sync(2).Sync(1);
  script.Write(2, 3, "def").Write(2, 6, "ghi").Truncate(2, 7);
  Cutter cutter(script);
  const std::set<Files> all = cutter.All(script.end());
  EXPECT_GT(all.size(), 5U);
  for (const Files& files : all) {
    EXPECT_TRUE(files.at("f").starts_with("abc"));
    EXPECT_LE(files.at("f").size(), 9U);
  }
}

TEST(CrashDiskTest, OldBlocksStandOnlyWhereAWriteWasLost) {
  Script script = Begin();
  const std::string old(8192, 'o');
  script.Open(2, "old", kNew).Write(2, 0, old).Sync(2).Sync(1);
  script.Open(3, "f", kNew).Sync(1).Write(3, 0, "abc").Sync(3);
  script.Write(3, 4096, std::string(512, 'n')).Write(3, 8192, "z");
  Cutter cutter(script);
  bool found = false;
  for (const Files& files : cutter.All(script.end())) {
    const std::string& content = files.at("f");
    for (size_t i = 0; i < content.size(); ++i) {
      const bool written = i < 3 || (i >= 4096 && i < 4608) || i == 8192;
      if (content[i] != 'o') continue;
      ASSERT_TRUE(written && i >= 3) << i;
      found = true;
    }
  }
  EXPECT_TRUE(found);
}

TEST(CrashDiskTest, AProcessCrashTakesNothing) {
  Script script = Begin();
  script.Open(2, "f", kNew).Write(2, 0, "abcdef").Truncate(2, 4).Rename("f", "g");
  script.Mkdir("d");
  Cutter cutter(script);
  for (uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_EQ(cutter.Cut(script.end(), {.fate = Fate::kEverything, .seed = seed}),
              (Files{{"g", "abcd"}}));
  }
}

TEST(CrashDiskTest, AnImageIsWrittenAsItIsBuilt) {
  Script script = Begin();
  script.Mkdir("d").Sync(1).Open(2, "d/f", kNew).Write(2, 0, "abc").Open(3, "g", kNew);
  Cutter cutter(script);
  Disk disk(cutter.recording());
  ASSERT_TRUE(disk.Advance(script.end()).ok());
  const test::TempDir dir;
  const Plan plan{.fate = Fate::kEverything, .seed = 1};
  ASSERT_TRUE(Image(disk, plan).Write(dir.path()).ok());
  EXPECT_TRUE(disk.CompareWithFolder(dir.path()).ok());
}

TEST(CrashDiskTest, TheFirstUnsyncedMomentOfAFolder) {
  Script script = Begin();
  script.Mkdir("d").Open(2, "d", O_RDONLY | O_DIRECTORY);
  script.Open(3, "d/a", kNew, {.begin = 10, .end = 11});
  script.Write(3, 0, "x", {.begin = 12, .end = 13});
  script.Sync(2, {.begin = 14, .end = 15});
  script.Write(3, 1, "y", {.begin = 16, .end = 17});
  script.Sync(3, {.begin = 18, .end = 19});
  script.Write(3, 2, "z", {.begin = 20, .end = 21});
  script.Unlink("d/a", {.begin = 22, .end = 23});
  Cutter cutter(script);
  const auto first = [&](uint64_t stamp) {
    Disk disk(cutter.recording());
    EXPECT_TRUE(disk.Advance(stamp).ok());
    return disk.FirstUnsynced("d");
  };
  EXPECT_EQ(first(1), 0U) << "no such folder yet";
  EXPECT_EQ(first(13), 11U) << "the name";
  EXPECT_EQ(first(16), 13U) << "the first write";
  EXPECT_EQ(first(20), UINT64_MAX);
  EXPECT_EQ(first(22), 21U);
  EXPECT_EQ(first(24), UINT64_MAX) << "a removed file promises nothing";
}

TEST(CrashDiskTest, ARecordingWithACallThatIsNotFollowedIsRefused) {
  Script script = Begin();
  script.Unsupported("splice");
  Recording recording;
  const absl::Status status = script.Load(&recording);
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
}

}  // namespace
}  // namespace cairn::crash
