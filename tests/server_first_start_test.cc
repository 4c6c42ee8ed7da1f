// The very first start of a data folder, stopped at every place: by a crash of the process at each
// of its calls that change files, and by failures and power cuts under the log. Whatever is left
// starts again, and what is acknowledged then is kept.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "exec/command_table.h"
#include "server/families.h"
#include "server/storage.h"
#include "support/crash_calls.h"
#include "support/fake_clock.h"
#include "support/memory_fs.h"
#include "support/split_fs.h"
#include "support/temp_dir.h"

namespace cairn::server {
namespace {

class FirstStart : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Storage>> Open(base::FileSystem& fs) {
    StorageOptions options;
    options.dir = folder();
    RecoveryReport report;
    return Storage::Open(fs, clock_, table_, std::move(options), &report);
  }
  [[nodiscard]] std::string folder() const { return dir_->path() + "/data"; }

  // Opens what is left, writes, closes, and finds what was written.
  void ExpectServes(base::FileSystem& fs) {
    for (uint64_t life = 0; life < 2; ++life) {
      auto storage = Open(fs);
      ASSERT_TRUE(storage.ok()) << storage.status();
      const uint64_t offset = (*storage)->log().appended_offset();
      EXPECT_EQ(offset > 0, life > 0);
      (*storage)->log().Append("*1\r\n$4\r\nPING\r\n");
      ASSERT_TRUE((*storage)->FlushLog().ok());
      ASSERT_TRUE((*storage)->log().SyncNow().ok());
    }
  }

  void NewFolder() { dir_ = std::make_unique<test::TempDir>(); }

  std::unique_ptr<test::TempDir> dir_ = std::make_unique<test::TempDir>();
  test::FakeClock clock_;
  exec::CommandTable table_{DataFamilies()};
};

using FirstStartDeathTest = FirstStart;

TEST_F(FirstStartDeathTest, ACrashAtAnyCallLeavesAFolderThatStarts) {
  int calls = 0;
  for (bool finished = false; !finished; ++calls) {
    SCOPED_TRACE(calls);
    ASSERT_LT(calls, 1000);
    NewFolder();
    // In a process of its own, which is made by copying this one; nothing is open here.
    EXPECT_EXIT(
        {
          test::CrashAtCall(calls + 1);
          const auto storage = Open(base::PosixFileSystem());
          test::CrashAtCall(0);
          _exit(storage.ok() ? 0 : 1);
        },
        [&finished](int status) {
          finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
          return finished || (WIFEXITED(status) && WEXITSTATUS(status) == test::kCrashed);
        },
        "");
    ExpectServes(base::PosixFileSystem());
    if (HasFailure()) return;
  }
  EXPECT_GT(calls, 30) << "the calls are not seen";
}

// The log's disk fails at each of its calls, and then loses power; the store's disk does not.
TEST_F(FirstStart, FailuresAndPowerCutsUnderTheLogLeaveAFolderThatStarts) {
  bool opened = false;
  for (uint64_t nth = 1; !opened; ++nth) {
    ASSERT_LT(nth, 200U);
    for (uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(testing::Message() << "nth " << nth << " seed " << seed);
      NewFolder();
      const std::string log = folder() + "/log";
      test::MemoryFs disk;
      // The folder itself is there: what makes its name lasting is a sync of a folder of the
      // store's disk (wal_power_cut_test has that).
      test::CreateFolders(disk, log);
      disk.Inject({.op = std::nullopt, .nth = nth, .times = 1'000'000});
      {
        test::SplitFs fs(base::PosixFileSystem(), log, disk);
        opened = Open(fs).ok();
      }
      const auto after = disk.Crash(seed);
      test::SplitFs fs(base::PosixFileSystem(), log, *after);
      ExpectServes(fs);
      if (HasFailure()) return;
    }
  }
}

// A store that was half made under its temporary name, as a power cut may leave it.
TEST_F(FirstStart, HalfAStoreIsMadeAnew) {
  base::FileSystem& fs = base::PosixFileSystem();
  ASSERT_TRUE(fs.CreateDir(folder()).ok());
  ASSERT_TRUE(fs.CreateDir(folder() + "/store").ok());
  for (const std::string name : {"data.mdb.tmp", "data.mdb.tmp-lock"}) {
    ASSERT_TRUE(fs.ReplaceFile(folder() + "/store/" + name, std::string(8192, '\0')).ok());
  }
  ExpectServes(fs);
  for (const std::string name : {"data.mdb.tmp", "data.mdb.tmp-lock"}) {
    EXPECT_FALSE(fs.Exists(folder() + "/store/" + name));
  }
}

}  // namespace
}  // namespace cairn::server
