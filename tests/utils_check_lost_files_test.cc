// A data folder that lost its log or its store, and what the operator may decide then.
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "check/lost_files.h"
#include "support/command_harness.h"
#include "support/crash_calls.h"

namespace cairn::check {
namespace {

namespace files = std::filesystem;
using test::CommandHarness;
using testing::HasSubstr;

std::string TextOf(const absl::Status& status) {
  return std::string(base::Message(status));
}

// A server with one key in the store and one in the log only, stopped.
class LostFiles : public testing::Test {
 protected:
  LostFiles() {
    server_.Line("SET stored 1");
    server_.Checkpoint();
    stored_offset_ = server_.storage().log().appended_offset();
    replication_id_ = server_.storage().replication_id();
    server_.Line("SET logged 2");
    Stop();
  }

  void Stop() {
    server_.FlushLog();
    server_.Stop();
  }
  [[nodiscard]] std::string dir() { return server_.options().dir; }
  [[nodiscard]] std::string log() { return dir() + "/log"; }
  absl::StatusOr<AcceptedLoss> Accept() { return AcceptLogLoss(base::PosixFileSystem(), dir()); }
  absl::StatusOr<uint64_t> Rebuild() { return RebuildStore(base::PosixFileSystem(), dir()); }
  [[nodiscard]] std::string Get(std::string_view key) { return server_.Run({"GET", key}).Show(); }

  CommandHarness server_;
  uint64_t stored_offset_ = 0;
  std::string replication_id_;
};

TEST_F(LostFiles, ASoundFolderIsLeftAlone) {
  EXPECT_EQ(Accept().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Rebuild().status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(server_.TryReopen().ok());
  EXPECT_EQ(Get("logged"), "\"2\"");
  EXPECT_EQ(Accept().status().code(), absl::StatusCode::kAlreadyExists) << "it is in use";
}

TEST_F(LostFiles, ALostLogIsGivenUp) {
  files::remove_all(log());
  ASSERT_FALSE(server_.TryReopen().ok());
  const auto loss = Accept();
  ASSERT_TRUE(loss.ok()) << loss.status();
  EXPECT_EQ(loss->store_offset, stored_offset_);
  EXPECT_EQ(loss->moved_to, "");
  ASSERT_TRUE(server_.TryReopen().ok());
  EXPECT_EQ(Get("stored"), "\"1\"");
  EXPECT_EQ(Get("logged"), "nil");
  EXPECT_EQ(server_.storage().log().first_offset(), stored_offset_);
  EXPECT_NE(server_.storage().replication_id(), replication_id_);
  server_.Line("SET after 3");
  server_.Reopen();
  EXPECT_EQ(Get("after"), "\"3\"");
}

TEST_F(LostFiles, AForeignLogIsMovedAwayWithTheLoss) {
  CommandHarness other;
  for (int i = 0; i < 50; ++i) other.Run({"SET", "other" + std::to_string(i), "x"});
  other.FlushLog();
  const std::string kept = dir() + "/kept";
  files::rename(log(), kept);
  files::copy(other.options().dir + "/log", log(), files::copy_options::recursive);
  const absl::Status refused = server_.TryReopen();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(TextOf(refused), HasSubstr("--accept-log-loss"));
  const auto loss = Accept();
  ASSERT_TRUE(loss.ok()) << loss.status();
  EXPECT_EQ(loss->moved_to, log() + ".lost-1");
  EXPECT_TRUE(files::exists(loss->moved_to));
  ASSERT_TRUE(server_.TryReopen().ok());
  EXPECT_EQ(Get("stored"), "\"1\"");
  EXPECT_EQ(Get("other1"), "nil");
  // The log that was given up is not the store's any more, also when it turns up again.
  Stop();
  files::remove_all(log());
  files::rename(kept, log());
  EXPECT_EQ(server_.TryReopen().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Accept()->moved_to, log() + ".lost-2");
}

TEST_F(LostFiles, ALogOfAnotherTimeIsGivenUp) {
  const std::string kept = dir() + "/kept";
  files::copy(log(), kept, files::copy_options::recursive);
  ASSERT_TRUE(server_.TryReopen().ok());
  server_.Line("SET later 3");
  server_.Checkpoint();
  Stop();
  files::remove_all(log());
  files::rename(kept, log());
  ASSERT_FALSE(server_.TryReopen().ok());
  ASSERT_TRUE(Accept().ok());
  ASSERT_TRUE(server_.TryReopen().ok());
  EXPECT_EQ(Get("later"), "\"3\"");
}

TEST_F(LostFiles, ADamagedLogIsNotGivenUpWhole) {
  const std::string segment = log() + "/00000000000000000000.log";
  // In the first record; a later one says that it was lasting.
  std::fstream(segment, std::ios::in | std::ios::out | std::ios::binary).seekp(70).put('!');
  const auto loss = Accept();
  EXPECT_EQ(loss.status().code(), absl::StatusCode::kDataLoss) << loss.status();
  EXPECT_TRUE(files::exists(segment));
}

TEST_F(LostFiles, AStoreIsMadeFromAWholeLog) {
  files::remove_all(dir() + "/store");
  const absl::Status refused = server_.TryReopen();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(TextOf(refused), HasSubstr("--rebuild-store"));
  const auto end = Rebuild();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_GT(*end, stored_offset_);
  ASSERT_TRUE(server_.TryReopen().ok());
  EXPECT_EQ(Get("stored"), "\"1\"");
  EXPECT_EQ(Get("logged"), "\"2\"");
}

TEST_F(LostFiles, AStoreIsNotMadeFromHalfALog) {
  files::remove_all(log());
  ASSERT_TRUE(Accept().ok());
  ASSERT_TRUE(server_.TryReopen().ok());
  server_.Line("SET a 1");
  Stop();
  files::remove_all(dir() + "/store");
  const auto end = Rebuild();
  EXPECT_EQ(end.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(TextOf(end.status()), HasSubstr("begins at offset"));
  EXPECT_FALSE(files::exists(dir() + "/store"));
  files::remove_all(log());
  EXPECT_FALSE(Rebuild().ok());
  EXPECT_FALSE(Accept().ok()) << "there is no store to give a log to";
}

using LostFilesDeathTest = LostFiles;

// Whatever it has done before a crash, the folder is refused as before, or taken, and never empty.
TEST_F(LostFilesDeathTest, ACrashAtAnyCallLeavesTheChoice) {
  CommandHarness other;
  other.FlushLog();
  other.Stop();  // no threads here when a process is made
  const std::string original = dir();
  files::remove_all(log());
  files::copy(other.options().dir + "/log", log(), files::copy_options::recursive);
  const std::string copy = original + "-copy";
  int taken = 0;
  int refused = 0;
  bool finished = false;
  for (int calls = 1; !finished; ++calls) {
    SCOPED_TRACE(calls);
    ASSERT_LT(calls, 500);
    files::remove_all(copy);
    files::copy(original, copy, files::copy_options::recursive);
    EXPECT_EXIT(
        {
          test::CrashAtCall(calls);
          const bool ok = AcceptLogLoss(base::PosixFileSystem(), copy).ok();
          test::CrashAtCall(0);
          _exit(ok ? 0 : 1);
        },
        [&finished](int status) {
          finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
          return finished || (WIFEXITED(status) && WEXITSTATUS(status) == test::kCrashed);
        },
        "");
    absl::Status status = server_.TryReopenAt(copy);
    if (!status.ok()) {
      ++refused;
      EXPECT_FALSE(finished);
      EXPECT_THAT(TextOf(status), HasSubstr("--accept-log-loss"));
      const auto again = AcceptLogLoss(base::PosixFileSystem(), copy);
      ASSERT_TRUE(again.ok()) << again.status();
      status = server_.TryReopenAt(copy);
    } else {
      ++taken;
    }
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(Get("stored"), "\"1\"");
    server_.Stop();
  }
  files::remove_all(copy);
  EXPECT_GT(refused, 3);
  EXPECT_GT(taken, 0);
}

}  // namespace
}  // namespace cairn::check
