// The process dies at random moments: between a command and the log, between log and seal, while a
// checkpoint runs, while flushed databases are reclaimed. What the log had is there afterwards, and
// nothing else.
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

// Small, so that seals, checkpoints, new segments and dropped ones happen all the time.
server::StorageOptions SmallOptions() {
  server::StorageOptions options;
  options.databases = 3;
  options.write_buffer_size = 2U << 20;
  options.log_segment_size = 128U << 10;
  options.log_history_size = 64U << 10;
  options.checkpoint_log_size = 512U << 10;
  return options;
}

class CrashTest : public testing::TestWithParam<uint64_t> {
 protected:
  std::string Key() {
    return (random_.Below(3) == 0 ? std::string(500, 'l') : std::string("k")) +
           std::to_string(random_.Below(400));
  }

  void Write() {
    switch (random_.Below(12)) {
      case 0:
        server_.Run({"APPEND", Key(), std::string(random_.Below(3000), 'a')});
        return;
      case 1:
        server_.Run({"INCR", "counter" + std::to_string(random_.Below(5))});
        return;
      case 2:
        server_.Run({"DEL", Key(), Key()});
        return;
      case 3:
        server_.Run({"RENAME", Key(), Key()});
        return;
      case 4:
        server_.Run({"SELECT", std::to_string(random_.Below(3))});
        return;
      case 5:
        server_.clock().AdvanceMs(static_cast<int64_t>(random_.Below(20)));
        server_.ExpireDue(1 + random_.Below(10));
        return;
      case 6:
        if (random_.Below(20) == 0) server_.Line(random_.Below(2) == 0 ? "FLUSHDB" : "SWAPDB 0 1");
        return;
      case 7:
        server_.Run({"DELRANGE", "[" + Key(), "+", "LIMIT", std::to_string(1 + random_.Below(9))});
        return;
      case 8:
        server_.Run({"SET", Key(), "v", "PX", std::to_string(1 + random_.Below(500))});
        return;
      default:
        server_.Run({"SET", Key(), std::string(random_.Below(2000), 'v')});
    }
  }

  base::Random random_{GetParam()};
  CommandHarness server_{SmallOptions()};
};

TEST_P(CrashTest, WhatTheLogHasIsThere) {
  for (int life = 0; life < 40; ++life) {
    ServerState written = server_.Dump();
    for (uint64_t turn = random_.Below(40); turn > 0; --turn) {
      for (uint64_t n = random_.Below(30); n > 0; --n) Write();
      switch (random_.Below(6)) {
        case 0:
          break;  // more of the same turn
        case 1:
          server_.FlushLog();
          written = server_.Dump();
          break;
        case 2:
          server_.Seal();
          written = server_.Dump();
          break;
        default:
          server_.EndTurn();
          written = server_.Dump();
      }
    }
    server_.Crash();
    ASSERT_TRUE(server_.Dump() == written) << "life " << life;
  }
}

// So many keys that a checkpoint takes several transactions and a run file: it is cut at any point.
TEST_P(CrashTest, WhileALargeCheckpointRuns) {
  CommandHarness server;
  uint64_t runs_completed = 0;
  for (int life = 0; life < 4; ++life) {
    for (int i = 0; i < 45'000; i += 500) {
      std::vector<std::string> mset = {"MSET"};
      for (int j = i; j < i + 500; ++j) {
        mset.push_back("key:" + std::to_string(random_.Below(60'000)));
        mset.push_back(std::to_string(life * 100'000 + j));
      }
      server.Run(mset);
    }
    server.Run({"DELRANGE", "[key:" + std::to_string(random_.Below(9)), "+", "LIMIT", "3000"});
    for (int i = 0; i < 100; ++i) server.Run({"INCR", "counter"});
    server.Seal();
    for (int i = 0; i < 50; ++i) server.Run({"INCR", "counter"});
    server.FlushLog();
    const ServerState before = server.Dump();
    // Some turns go by while the checkpointer works.
    for (uint64_t turn = random_.Below(2000); turn > 0; --turn) server.EndTurn();
    server.Crash();
    ASSERT_TRUE(server.Dump() == before) << "life " << life;
    runs_completed += server.recovery().engine.run_file_loaded ? 1 : 0;
    EXPECT_EQ(server.Line("GET counter").Show(), "\"" + std::to_string((life + 1) * 150) + "\"");
  }
  RecordProperty("run_files_completed_at_start", static_cast<int>(runs_completed));
}

TEST_P(CrashTest, BetweenTheSlicesOfALongDeletion) {
  for (int i = 0; i < 3000; ++i) server_.Run({"SET", "k" + std::to_string(10'000 + i), ""});
  const uint64_t crash_at = random_.Below(5);
  uint64_t slices = 0;
  ServerState written;
  server_.client().set_between_slices([&] {
    if (slices++ > crash_at) return;
    server_.EndTurn();
    written = server_.Dump();
  });
  server_.Line("DELRANGE - +");
  server_.Crash();
  ASSERT_TRUE(server_.Dump() == written);
  EXPECT_EQ(written.at(0).size(), 3000 - 512 * (crash_at + 1));
}

TEST_P(CrashTest, WhileAFlushedDatabaseIsReclaimed) {
  for (int life = 0; life < 4; ++life) {
    for (int i = 0; i < 2000; ++i) {
      server_.Run({"SET", "k" + std::to_string(i), "v", "EX", "1000"});
    }
    server_.Checkpoint();
    server_.Line("FLUSHDB");
    server_.Line("SET left " + std::to_string(life));
    server_.FlushLog();
    const ServerState before = server_.Dump();
    if (random_.Below(2) == 0) server_.Checkpoint();
    for (uint64_t turn = random_.Below(200); turn > 0; --turn) server_.EndTurn();
    server_.Crash();
    ASSERT_TRUE(server_.Dump() == before) << "life " << life;
  }
  server_.Checkpoint();
  while (server_.storage().keyspace().ids_to_reclaim() != 0) server_.EndTurn();
  EXPECT_EQ(server_.Line("DBSIZE").Show(), ":1");
}

// A log longer than the memory for writes goes to the store on its way, and that may be cut too.
TEST_P(CrashTest, WhileALongLogIsReplayed) {
  server::StorageOptions options;
  options.databases = 3;
  CommandHarness server(options);
  for (int i = 0; i < 4000; ++i) {
    server.Run({"SET", "k" + std::to_string(random_.Below(1500)), std::string(2000, 'v')});
    server.Run({"APPEND", "k" + std::to_string(random_.Below(1500)), "w"});
    server.Run({"INCR", "counter"});
    if (i % 1000 == 500) server.Line(i % 2000 == 500 ? "SWAPDB 0 1" : "FLUSHDB");
    if (i % 50 == 0) server.FlushLog();
  }
  server.FlushLog();
  const ServerState before = server.Dump();
  server.options().write_buffer_size = 1U << 20;
  for (int life = 0; life < 3; ++life) {
    server.Crash();
    ASSERT_TRUE(server.Dump() == before) << "life " << life;
  }
  EXPECT_GT(server.recovery().store_offset, 0U) << "the store took some of it";
}

INSTANTIATE_TEST_SUITE_P(Seeds, CrashTest, testing::Range<uint64_t>(1, 4));

}  // namespace
}  // namespace cairn::test
