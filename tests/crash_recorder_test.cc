// The recorder sees every change: what its recording leads to is what lies in the folder.
#include <filesystem>
#include <string>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/disk.h"
#include "crash/recording.h"
#include "crash/recording_format.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"

namespace cairn::crash {
namespace {

class RecorderTest : public testing::Test {
 protected:
  // Runs the probe on a new folder; its exit status as waitpid gives it.
  int Probe(const std::vector<std::string>& more, const std::vector<std::string>& settings) {
    std::filesystem::create_directory(root_);
    std::vector<std::string> words = {CAIRN_PROBE, root_};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<std::string> environment = {
        std::string("LD_PRELOAD=") + CAIRN_RECORDER, "ASAN_OPTIONS=verify_asan_link_order=0",
        std::string(kEnvRoot) + "=" + root_, std::string(kEnvOutput) + "=" + events_};
    environment.insert(environment.end(), settings.begin(), settings.end());
    const std::vector<char*> argv = Pointers(words);
    const std::vector<char*> envp = Pointers(environment);
    pid_t pid = 0;
    EXPECT_EQ(posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), envp.data()), 0);
    int status = -1;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return status;
  }

  static std::vector<char*> Pointers(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
  }

  void ExpectAsRecorded() {
    Recording recording;
    absl::Status status = recording.Add(events_);
    ASSERT_TRUE(status.ok()) << status;
    Disk disk(recording);
    status = disk.Advance(recording.end_stamp());
    ASSERT_TRUE(status.ok()) << status;
    status = disk.CompareWithFolder(root_);
    EXPECT_TRUE(status.ok()) << status;
  }

  test::TempDir dir_;
  std::string root_ = dir_.path() + "/root";
  std::string events_ = dir_.path() + "/events";
};

TEST_F(RecorderTest, SeesEveryChange) {
  ASSERT_EQ(Probe({}, {}), 0);
  ExpectAsRecorded();
  // And the comparison would notice one that it did not see.
  std::filesystem::resize_file(root_ + "/c", 5);
  Recording recording;
  ASSERT_TRUE(recording.Add(events_).ok());
  Disk disk(recording);
  ASSERT_TRUE(disk.Advance(recording.end_stamp()).ok());
  EXPECT_TRUE(absl::IsDataLoss(disk.CompareWithFolder(root_)));
}

TEST_F(RecorderTest, KillsBetweenTwoCalls) {
  for (uint64_t kill_at = 1; kill_at < 3000; kill_at = kill_at * 5 / 4 + 3) {
    SCOPED_TRACE(kill_at);
    std::filesystem::remove_all(root_);
    std::filesystem::remove(events_);
    const int status = Probe({}, {std::string(kEnvKillAt) + "=" + std::to_string(kill_at),
                                  std::string(kEnvSyncDelayUs) + "=200"});
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_EQ(WTERMSIG(status), SIGKILL);
    ExpectAsRecorded();
  }
}

TEST_F(RecorderTest, SaysWhatItDoesNotFollow) {
  ASSERT_EQ(Probe({"symlink"}, {}), 0);
  Recording recording;
  EXPECT_TRUE(absl::IsUnimplemented(recording.Add(events_)));
}

}  // namespace
}  // namespace cairn::crash
