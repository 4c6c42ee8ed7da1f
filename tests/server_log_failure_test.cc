// A whole server whose log's disk fails: nobody is told that a write is safe when it is not, reads
// go on, and service resumes by itself.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/numbers.h"
#include "config/options.h"
#include "support/memory_fs.h"
#include "support/server_thread.h"
#include "support/split_fs.h"
#include "support/temp_dir.h"

namespace cairn::server {
namespace {

using config::AppendFsync;
using test::MemoryFs;
using test::SocketClient;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr uint64_t kForEver = UINT64_MAX / 2;

class LogFailureTest : public testing::Test {
 protected:
  [[nodiscard]] virtual AppendFsync policy() const = 0;

  void SetUp() override { Start(std::make_unique<MemoryFs>()); }

  // Starts on this disk for the log, and the store as it is.
  void Start(std::unique_ptr<MemoryFs> log_disk) {
    client_.reset();
    server_.reset();
    log_disk_ = std::move(log_disk);
    config::ServerOptions options = test::UnixSocketOptions(dir_.path());
    options.appendfsync = policy();
    test::CreateFolders(*log_disk_, options.dir + "/log");
    fs_ =
        std::make_unique<test::SplitFs>(base::PosixFileSystem(), options.dir + "/log", *log_disk_);
    server_ = std::make_unique<test::ServerThread>(*fs_, std::move(options));
    client_ = std::make_unique<SocketClient>(server_->socket_path());
  }

  void Break(MemoryFs::Op op, int error) {
    log_disk_->Inject({.op = op, .nth = 1, .times = kForEver, .error = error});
  }

  // Writes until the server takes it; it tries its disk once a second.
  void AwaitService() {
    constexpr std::chrono::seconds kLongest(60);
    const auto end = std::chrono::steady_clock::now() + kLongest;
    std::string reply;
    do {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "service does not resume";
      reply = client_->Ask("SET probe 1");
      ASSERT_TRUE(reply == "+OK\r\n" || reply.starts_with("-MISCONF")) << reply;
    } while (reply != "+OK\r\n");
  }

  // The number at `n`.
  [[nodiscard]] int64_t Count() {
    const std::string text = client_->AskText("GET n");
    return text.empty() ? 0 : base::ParseInt64(text).value_or(-1);
  }

  [[nodiscard]] std::string InfoField(const std::string& name) {
    const std::string text = client_->AskText("INFO persistence");
    const size_t begin = text.find("\r\n" + name + ":");
    EXPECT_NE(begin, std::string::npos) << name;
    const size_t value = begin + 3 + name.size();
    return text.substr(value, text.find("\r\n", value) - value);
  }

  test::TempDir dir_;
  std::unique_ptr<MemoryFs> log_disk_;
  std::unique_ptr<test::SplitFs> fs_;
  std::unique_ptr<test::ServerThread> server_;
  std::unique_ptr<SocketClient> client_;
};

class ServerLogFailure : public LogFailureTest, public testing::WithParamInterface<AppendFsync> {
  [[nodiscard]] AppendFsync policy() const override { return GetParam(); }
};

class ServerLogFailureAlways : public LogFailureTest {
  [[nodiscard]] AppendFsync policy() const override { return AppendFsync::kAlways; }
};

class ServerLogFailureEverySecond : public LogFailureTest {
  [[nodiscard]] AppendFsync policy() const override { return AppendFsync::kEverySecond; }
};

std::string Name(const testing::TestParamInfo<AppendFsync>& info) {
  switch (info.param) {
    case AppendFsync::kAlways:
      return "Always";
    case AppendFsync::kEverySecond:
      return "EverySecond";
    case AppendFsync::kNo:
      return "No";
  }
  return {};
}

INSTANTIATE_TEST_SUITE_P(Policies, ServerLogFailure,
                         testing::Values(AppendFsync::kAlways, AppendFsync::kEverySecond,
                                         AppendFsync::kNo),
                         Name);

TEST_P(ServerLogFailure, TheWriteThatMeetsTheFailureIsAnsweredWithIt) {
  ASSERT_EQ(client_->Ask("SET a 1"), "+OK\r\n");
  Break(MemoryFs::Op::kWrite, ENOSPC);
  EXPECT_THAT(
      client_->Ask("SET b 2"),
      AllOf(StartsWith("-MISCONF "), HasSubstr("No space left on device"), EndsWith("\r\n")));
}

TEST_P(ServerLogFailure, WritesAreRefusedAndReadsGoOn) {
  ASSERT_EQ(client_->Ask("SET a 1"), "+OK\r\n");
  Break(MemoryFs::Op::kWrite, ENOSPC);
  ASSERT_THAT(client_->Ask("SET b 2"), StartsWith("-MISCONF "));
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(client_->Ask("SET c 3"), StartsWith("-MISCONF "));
    ASSERT_EQ(client_->Ask("GET a"), "$1\r\n1\r\n");
    ASSERT_EQ(client_->Ask("GET c"), "$-1\r\n");
  }
  EXPECT_EQ(InfoField("aof_last_write_status"), "err");
  SocketClient other(server_->socket_path());
  EXPECT_EQ(other.Ask("PING"), "+PONG\r\n");
  EXPECT_THAT(other.Ask("DEL a"), StartsWith("-MISCONF "));
}

// One turn holds reads and writes: the replies keep their order, and only the writes' are changed.
TEST_P(ServerLogFailure, AMixedPipelineKeepsItsOrder) {
  ASSERT_EQ(client_->Ask("SET a 1"), "+OK\r\n");
  Break(MemoryFs::Op::kWrite, EIO);
  for (int i = 0; i < 50; ++i) {
    client_->Send("GET a");
    client_->Send("INCR n");
    client_->Send("ECHO e");
  }
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(client_->Receive(), "$1\r\n1\r\n");
    ASSERT_THAT(client_->Receive(), StartsWith("-MISCONF "));
    ASSERT_EQ(client_->Receive(), "$1\r\ne\r\n");
  }
}

TEST_P(ServerLogFailure, ServiceResumes) {
  ASSERT_EQ(client_->Ask("SET a 1"), "+OK\r\n");
  Break(MemoryFs::Op::kWrite, ENOSPC);
  ASSERT_THAT(client_->Ask("SET b 2"), StartsWith("-MISCONF "));
  log_disk_->ClearFaults();
  AwaitService();
  EXPECT_EQ(InfoField("aof_last_write_status"), "ok");
  ASSERT_EQ(client_->Ask("SET d 4"), "+OK\r\n");
  // What was seen before the restart is there after it, whatever became of `b`.
  const std::string keys = client_->Ask("KEYS *");
  Start(log_disk_->Kill());
  EXPECT_EQ(client_->Ask("KEYS *"), keys);
  EXPECT_EQ(client_->Ask("GET a"), "$1\r\n1\r\n");
  EXPECT_EQ(client_->Ask("GET d"), "$1\r\n4\r\n");
}

// What was acknowledged survives the death of the process while the disk is still broken.
TEST_P(ServerLogFailure, NothingAcknowledgedIsLostWhenTheProcessDies) {
  int acknowledged = 0;
  log_disk_->Inject(
      {.op = MemoryFs::Op::kWrite, .nth = 20, .times = kForEver, .error = EIO, .partial_bytes = 7});
  while (client_->Ask("INCR n") == ":" + std::to_string(acknowledged + 1) + "\r\n") ++acknowledged;
  ASSERT_GT(acknowledged, 0);
  Start(log_disk_->Kill());
  EXPECT_EQ(client_->AskText("GET n"), std::to_string(acknowledged));
}

// Neither the write nor what others have seen of it is told before it is lasting.
TEST_F(ServerLogFailureAlways, RepliesWaitForTheSync) {
  SocketClient reader(server_->socket_path());
  ASSERT_EQ(reader.Ask("PING"), "+PONG\r\n");
  log_disk_->HoldSyncs();
  client_->Send("SET a 1");
  log_disk_->WaitForHeldSync();
  reader.Send("GET a");
  EXPECT_FALSE(client_->HasInput());
  EXPECT_FALSE(reader.HasInput());
  log_disk_->ReleaseSyncs();
  EXPECT_EQ(client_->Receive(), "+OK\r\n");
  EXPECT_EQ(reader.Receive(), "$1\r\n1\r\n");
}

// A sync that failed may have lost pages: what waited for it is written again.
TEST_F(ServerLogFailureAlways, AFailedSyncIsAnsweredWithAnError) {
  ASSERT_EQ(client_->Ask("SET a 1"), "+OK\r\n");
  Break(MemoryFs::Op::kSync, EIO);
  EXPECT_THAT(client_->Ask("SET b 2"), StartsWith("-MISCONF "));
  EXPECT_EQ(client_->Ask("GET a"), "$1\r\n1\r\n");
  log_disk_->ClearFaults();
  AwaitService();
  Start(log_disk_->Crash(7));
  EXPECT_EQ(client_->Ask("MGET a probe"), "*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
}

// Replies do not wait for the sync here, but writes stop once one has failed.
TEST_F(ServerLogFailureEverySecond, AFailedSyncStopsWrites) {
  Break(MemoryFs::Op::kSync, EIO);
  int64_t count = 0;
  std::string reply;
  while ((reply = client_->Ask("INCR n")) == ":" + std::to_string(count + 1) + "\r\n") ++count;
  EXPECT_THAT(reply, StartsWith("-MISCONF "));
  EXPECT_GE(Count(), count);
  log_disk_->ClearFaults();
  AwaitService();
  // Now everything is lasting: what was acknowledged while syncs failed, too.
  Start(log_disk_->Crash(7));
  EXPECT_GE(Count(), count);
}

TEST_F(ServerLogFailureAlways, APowerCutTakesNothingAcknowledged) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    int64_t count = Count();
    log_disk_->Inject(
        {.op = MemoryFs::Op::kSync, .nth = 3 + seed, .times = kForEver, .error = EIO});
    while (client_->Ask("INCR n") == ":" + std::to_string(count + 1) + "\r\n") ++count;
    Start(log_disk_->Crash(seed));
    const int64_t after = Count();
    // The write that was answered with an error may be there or not.
    EXPECT_GE(after, count);
    EXPECT_LE(after, count + 1);
  }
}

TEST_P(ServerLogFailure, AShutdownThatWouldLoseDataIsRefused) {
  ASSERT_EQ(client_->Ask("SET a 1"), "+OK\r\n");
  Break(MemoryFs::Op::kWrite, ENOSPC);
  ASSERT_THAT(client_->Ask("SET b 2"), StartsWith("-MISCONF "));
  EXPECT_THAT(client_->Ask("SHUTDOWN"), StartsWith("-ERR Errors trying to SHUTDOWN"));
  EXPECT_THAT(client_->Ask("SAVE"), StartsWith("-ERR "));
  EXPECT_EQ(client_->Ask("GET a"), "$1\r\n1\r\n");
  EXPECT_EQ(client_->Ask("SHUTDOWN FORCE"), "");
  EXPECT_EQ(server_->Join(), 0);
}

// DEBUG RELOAD closes and recovers: when the disk fails in between, the server must not go on.
TEST_P(ServerLogFailure, AReloadThatCannotCloseLeavesTheServerAsItWas) {
  ASSERT_EQ(client_->Ask("SET a 1"), "+OK\r\n");
  Break(MemoryFs::Op::kWrite, ENOSPC);
  ASSERT_THAT(client_->Ask("SET b 2"), StartsWith("-MISCONF "));
  EXPECT_THAT(client_->Ask("DEBUG RELOAD"), StartsWith("-ERR "));
  EXPECT_EQ(client_->Ask("GET a"), "$1\r\n1\r\n");
  log_disk_->ClearFaults();
  AwaitService();
  EXPECT_EQ(client_->Ask("DEBUG RELOAD"), "+OK\r\n");
  EXPECT_EQ(client_->Ask("GET a"), "$1\r\n1\r\n");
}

TEST_P(ServerLogFailure, AReloadThatCannotOpenEndsTheServer) {
  ASSERT_EQ(client_->Ask("SET a 1"), "+OK\r\n");
  Break(MemoryFs::Op::kList, EIO);
  EXPECT_EQ(client_->Ask("DEBUG RELOAD"), "");
  EXPECT_EQ(server_->Join(), 1);
  log_disk_->ClearFaults();
  Start(log_disk_->Kill());
  EXPECT_EQ(client_->Ask("GET a"), "$1\r\n1\r\n");
}

}  // namespace
}  // namespace cairn::server
