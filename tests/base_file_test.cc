// The kernel's file system behind base/file.h, in a folder of its own.
#include <cerrno>
#include <filesystem>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"

namespace cairn::base {
namespace {

using Mode = FileSystem::Mode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PosixFileTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }

  FileSystem& fs_ = PosixFileSystem();
  test::TempDir folder_;
  const std::string& dir_ = folder_.path();
};

TEST_F(PosixFileTest, WritesPartsOneAfterAnotherAndReadsThem) {
  auto file = fs_.Open(Path("a"), Mode::kCreate);
  ASSERT_TRUE(file.ok()) << file.status();
  // More parts than one system call takes, some of them empty.
  std::vector<std::string> pieces;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    pieces.push_back(i % 7 == 0 ? "" : std::to_string(i));
    expected += pieces.back();
  }
  const std::vector<std::string_view> parts(pieces.begin(), pieces.end());
  ASSERT_TRUE((*file)->WriteAt(3, parts).ok());
  EXPECT_EQ((*file)->Size().value(), expected.size() + 3);
  std::string got(expected.size() + 10, 'x');
  EXPECT_EQ((*file)->ReadAt(3, got.data(), got.size()).value(), expected.size());
  EXPECT_EQ(got.substr(0, expected.size()), expected);
  EXPECT_EQ((*file)->ReadAt(expected.size() + 3, got.data(), 1).value(), 0U);
  EXPECT_TRUE((*file)->Sync().ok());
}

TEST_F(PosixFileTest, ModesOfOpening) {
  EXPECT_TRUE(absl::IsNotFound(fs_.Open(Path("none"), Mode::kRead).status()));
  EXPECT_TRUE(absl::IsNotFound(fs_.Open(Path("none"), Mode::kReadWrite).status()));
  EXPECT_TRUE(absl::IsNotFound(fs_.Open(Path("no/folder"), Mode::kCreate).status()));
  ASSERT_TRUE((*fs_.Open(Path("a"), Mode::kCreate))->WriteAt(0, "content").ok());
  struct stat info {};
  ASSERT_EQ(stat(Path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  auto reader = fs_.Open(Path("a"), Mode::kRead);
  EXPECT_FALSE((*reader)->WriteAt(0, "x").ok());
  auto writer = fs_.Open(Path("a"), Mode::kReadWrite);
  EXPECT_EQ((*writer)->Size().value(), 7U);
  ASSERT_TRUE((*writer)->Truncate(3).ok());
  EXPECT_EQ(fs_.ReadAll(Path("a")).value(), "con");
  ASSERT_TRUE(fs_.Open(Path("a"), Mode::kCreate).ok());
  EXPECT_EQ(fs_.ReadAll(Path("a")).value(), "");
}

TEST_F(PosixFileTest, ErrorsNameThePathAndTheReason) {
  const absl::Status status = fs_.Open(Path("none"), Mode::kRead).status();
  EXPECT_THAT(status.ToString(), HasSubstr("`" + Path("none") + "`: No such file or directory"));
  EXPECT_TRUE(absl::IsResourceExhausted(ErrnoStatus(ENOSPC, "cannot write", "p")));
  EXPECT_TRUE(absl::IsResourceExhausted(ErrnoStatus(EDQUOT, "cannot write", "p")));
  EXPECT_TRUE(absl::IsPermissionDenied(ErrnoStatus(EACCES, "cannot open", "p")));
  EXPECT_TRUE(absl::IsPermissionDenied(ErrnoStatus(EROFS, "cannot open", "p")));
  EXPECT_TRUE(absl::IsUnavailable(ErrnoStatus(EMFILE, "cannot open", "p")));
  EXPECT_TRUE(absl::IsInternal(ErrnoStatus(EIO, "cannot read", "p")));
  EXPECT_FALSE(fs_.Open(dir_, Mode::kReadWrite).ok());
}

TEST_F(PosixFileTest, AFullDiskIsResourceExhausted) {
  auto file = fs_.Open("/dev/full", Mode::kReadWrite);
  if (!file.ok()) {
    GTEST_SKIP() << "no /dev/full here";
  }
  EXPECT_TRUE(absl::IsResourceExhausted((*file)->WriteAt(0, "x")));
}

TEST_F(PosixFileTest, ListsRemovesAndRenames) {
  for (const char* name : {"b", "a", ".hidden"}) {
    ASSERT_TRUE(fs_.Open(Path(name), Mode::kCreate).ok());
  }
  EXPECT_THAT(fs_.List(dir_).value(), ElementsAre(".hidden", "a", "b"));
  ASSERT_TRUE(fs_.Remove(Path(".hidden")).ok());
  EXPECT_TRUE(absl::IsNotFound(fs_.Remove(Path(".hidden"))));
  ASSERT_TRUE(fs_.ReplaceFile(Path("a"), "new").ok());
  ASSERT_TRUE(fs_.Rename(Path("a"), Path("b")).ok());
  EXPECT_THAT(fs_.List(dir_).value(), ElementsAre("b"));
  EXPECT_EQ(fs_.ReadAll(Path("b")).value(), "new");
  EXPECT_TRUE(fs_.SyncDir(dir_).ok());
  EXPECT_TRUE(absl::IsNotFound(fs_.SyncDir(Path("none"))));
  EXPECT_TRUE(absl::IsNotFound(fs_.List(Path("none")).status()));
}

TEST_F(PosixFileTest, CreatesFolders) {
  EXPECT_FALSE(fs_.Exists(Path("sub")));
  EXPECT_TRUE(fs_.CreateDir(Path("sub")).ok());
  EXPECT_TRUE(fs_.CreateDir(Path("sub")).ok());
  EXPECT_TRUE(fs_.Exists(Path("sub")));
  EXPECT_TRUE(absl::IsNotFound(fs_.CreateDir(Path("no/sub"))));
  ASSERT_TRUE(fs_.ReplaceFile(Path("file"), "").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(fs_.CreateDir(Path("file"))));
}

TEST_F(PosixFileTest, ReplaceFileLeavesNoTemporaryFileAndKeepsTheOldOneOnFailure) {
  ASSERT_TRUE(fs_.ReplaceFile(Path("conf"), "old").ok());
  ASSERT_TRUE(fs_.ReplaceFile(Path("conf"), "new").ok());
  EXPECT_EQ(fs_.ReadAll(Path("conf")).value(), "new");
  EXPECT_THAT(fs_.List(dir_).value(), ElementsAre("conf"));
  // A folder cannot be replaced by a file.
  ASSERT_TRUE(fs_.CreateDir(Path("folder")).ok());
  EXPECT_FALSE(fs_.ReplaceFile(Path("folder"), "x").ok());
  EXPECT_THAT(fs_.List(dir_).value(), ElementsAre("conf", "folder"));
  EXPECT_TRUE(absl::IsNotFound(fs_.ReplaceFile(Path("no/conf"), "x")));
}

TEST_F(PosixFileTest, ReadAllTakesFilesWithoutASize) {
  auto content = fs_.ReadAll("/proc/self/status");
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_THAT(*content, HasSubstr("Pid:"));
  EXPECT_TRUE(absl::IsNotFound(fs_.ReadAll(Path("none")).status()));
}

TEST_F(PosixFileTest, ALockIsSeen) {
  EXPECT_FALSE(fs_.IsLocked(Path("lock"))) << "no such file";
  ASSERT_TRUE(fs_.ReplaceFile(Path("other"), "").ok());
  {
    const auto lock = fs_.Lock(Path("lock"));
    ASSERT_TRUE(lock.ok());
    EXPECT_TRUE(fs_.IsLocked(Path("lock")));
    EXPECT_FALSE(fs_.IsLocked(Path("other")));
  }
  EXPECT_FALSE(fs_.IsLocked(Path("lock")));
}

TEST_F(PosixFileTest, OneHolderPerLock) {
  auto lock = fs_.Lock(Path("lock"));
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_TRUE(absl::IsAlreadyExists(fs_.Lock(Path("lock")).status()));
  lock->reset();
  EXPECT_TRUE(fs_.Lock(Path("lock")).ok());
  EXPECT_TRUE(absl::IsNotFound(fs_.Lock(Path("no/lock")).status()));
}

TEST(ParentDirTest, IsWhatStandsBeforeTheLastSlash) {
  EXPECT_EQ(ParentDir("a/b/c"), "a/b");
  EXPECT_EQ(ParentDir("/a"), "/");
  EXPECT_EQ(ParentDir("a"), ".");
}

}  // namespace
}  // namespace cairn::base
