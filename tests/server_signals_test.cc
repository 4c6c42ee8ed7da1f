// Signals: they work from the moment a server is created, since that is when others learn of it.
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "server/log.h"
#include "server/server.h"
#include "support/server_thread.h"
#include "support/temp_dir.h"

namespace cairn::server {
namespace {

using testing::HasSubstr;
using testing::Not;

std::unique_ptr<Server> MakeServer(const std::string& folder) {
  auto server = Server::Create(
      base::PosixFileSystem(),
      {.options = test::UnixSocketOptions(folder), .config_file = {}, .executable = {}});
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

TEST(ServerSignals, EitherOneStopsTheServerCleanly) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const test::TempDir dir;
    const auto server = MakeServer(dir.path());
    ASSERT_EQ(raise(signal), 0);  // before it runs, as it may come in a hurry
    EXPECT_EQ(server->Run(), 0) << signal;
    EXPECT_FALSE(std::filesystem::exists(dir.path() + "/socket"));
  }
}

TEST(ServerSignals, HupOpensTheLogFileAnew) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/cairn.log";
  ASSERT_TRUE(OpenLog(path).ok());
  {
    const auto server = MakeServer(dir.path());
    std::filesystem::rename(path, path + ".1");
    ASSERT_EQ(raise(SIGHUP), 0);
    ASSERT_EQ(raise(SIGTERM), 0);
    EXPECT_EQ(server->Run(), 0);
  }
  ASSERT_TRUE(OpenLog("").ok());
  const auto moved = base::PosixFileSystem().ReadAll(path + ".1");
  const auto fresh = base::PosixFileSystem().ReadAll(path);
  ASSERT_TRUE(moved.ok() && fresh.ok());
  EXPECT_THAT(*moved, HasSubstr("recovered in"));
  EXPECT_THAT(*moved, Not(HasSubstr("shut down")));
  EXPECT_THAT(*fresh, HasSubstr("asked by a signal to shut down"));
}

}  // namespace
}  // namespace cairn::server
