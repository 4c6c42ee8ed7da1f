// Opening and closing a data folder: what comes back, and what is refused in which words.
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/random.h"
#include "base/status.h"
#include "engine/engine.h"
#include "exec/command_table.h"
#include "keyspace/saved_state.h"
#include "server/families.h"
#include "server/storage.h"
#include "support/command_harness.h"
#include "support/fake_clock.h"
#include "support/memory_fs.h"
#include "support/split_fs.h"
#include "support/temp_dir.h"
#include "wal/format.h"
#include "wal/survey.h"

namespace cairn::server {
namespace {

using test::CommandHarness;
using testing::AllOf;
using testing::HasSubstr;

constexpr auto kAlreadyExists = absl::StatusCode::kAlreadyExists;
constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

std::string TextOf(const absl::Status& status) {
  return std::string(base::Message(status));
}

TEST(ServerStorage, ANewFolderIsEmpty) {
  CommandHarness server;
  EXPECT_EQ(server.recovery().replayed_commands, 0U);
  EXPECT_EQ(server.recovery().store_offset, 0U);
  EXPECT_EQ(server.storage().replication_id().size(), 40U);
  EXPECT_EQ(server.storage().changes_since_checkpoint(), 0U);
  EXPECT_TRUE(server.Dump().empty());
}

TEST(ServerStorage, TheLogBringsEverythingBack) {
  CommandHarness server;
  server.Line("SET a 1");
  server.Line("SELECT 7");
  server.Line("SET b 2 PX 100000");
  server.Line("INCR b");
  const test::ServerState before = server.Dump();
  server.Reopen();
  EXPECT_EQ(server.Dump(), before);
  EXPECT_EQ(server.recovery().replayed_commands, 5U);  // with the SELECTs of the stream
  EXPECT_EQ(server.recovery().store_offset, 0U);
  EXPECT_GT(server.recovery().replayed_bytes, 0U);
}

TEST(ServerStorage, ACheckpointAtTheEndLeavesNothingToReplay) {
  CommandHarness server;
  server.Line("SET a 1");
  const test::ServerState before = server.Dump();
  const std::string id = server.storage().replication_id();
  const uint64_t offset = server.storage().log().appended_offset();
  server.CloseAndReopen(/*checkpoint=*/true);
  EXPECT_EQ(server.Dump(), before);
  EXPECT_EQ(server.recovery().replayed_commands, 0U);
  EXPECT_EQ(server.recovery().store_offset, offset);
  EXPECT_EQ(server.storage().replication_id(), id);
  EXPECT_EQ(server.storage().log().appended_offset(), offset);
}

TEST(ServerStorage, ClosingWithoutCheckpointKeepsTheLog) {
  CommandHarness server;
  server.Line("SET a 1");
  const test::ServerState before = server.Dump();
  server.CloseAndReopen(/*checkpoint=*/false);
  EXPECT_EQ(server.Dump(), before);
  EXPECT_GT(server.recovery().replayed_commands, 0U);
}

// The stream's database is saved with a checkpoint: what follows has no SELECT of its own.
TEST(ServerStorage, ReplayKnowsItsDatabaseAfterACheckpoint) {
  CommandHarness server;
  server.Line("SELECT 5");
  server.Line("SET a 1");
  server.Checkpoint();
  server.Line("SET b 2");
  const test::ServerState before = server.Dump();
  server.Reopen();
  EXPECT_EQ(server.recovery().replayed_commands, 1U);
  EXPECT_EQ(server.Dump(), before);
  EXPECT_EQ(server.Line("GET b").Show(), "\"2\"");  // the client is still in database 5
}

TEST(ServerStorage, TheReplicationIdChangesWhenAsked) {
  CommandHarness server;
  const std::string before = server.storage().replication_id();
  server.storage().ChangeReplicationId();
  const std::string after = server.storage().replication_id();
  EXPECT_NE(after, before);
  server.Checkpoint();
  server.Reopen();
  EXPECT_EQ(server.storage().replication_id(), after);
}

// A log that does not fit into the memory for writes is brought to the store on the way.
TEST(ServerStorage, ALongLogIsReplayedInLittleMemory) {
  StorageOptions options;
  options.checkpoint_interval_ms = 0;
  CommandHarness server(options);
  const std::string value(100'000, 'v');
  for (int i = 0; i < 200; ++i) server.Run({"SET", "key" + std::to_string(i), value});
  const test::ServerState before = server.Dump();
  server.FlushLog();
  server.options().write_buffer_size = 3ULL << 20;
  server.Reopen();
  EXPECT_TRUE(server.Dump() == before);
  EXPECT_GT(server.storage().engine().checkpoint().log_offset, 0U);
}

// The folder's own name is a change of the folder above it.
TEST(ServerStorage, ANewFolderOutlastsAPowerCut) {
  for (const std::string_view end : {"", "/"}) {
    const test::TempDir outer;
    const std::string dir = outer.path() + "/data";
    std::filesystem::create_directories(dir + "/store");  // LMDB's part needs a real folder
    test::MemoryFs fs;
    test::CreateFolders(fs, outer.path());
    const test::FakeClock clock;
    const exec::CommandTable table(DataFamilies());
    RecoveryReport report;
    StorageOptions options;
    options.dir = dir + std::string(end);
    const auto storage = Storage::Open(fs, clock, table, options, &report);
    ASSERT_TRUE(storage.ok()) << storage.status();
    for (uint64_t seed = 0; seed < 20; ++seed) {
      EXPECT_TRUE(fs.Crash(seed)->Exists(dir + "/log")) << seed;
    }
  }
}

TEST(ServerStorage, ASecondOneIsRefused) {
  CommandHarness server;
  const exec::CommandTable table(DataFamilies());
  RecoveryReport report;
  const auto second =
      Storage::Open(base::PosixFileSystem(), server.clock(), table, server.options(), &report);
  EXPECT_EQ(second.status().code(), kAlreadyExists);
  EXPECT_THAT(TextOf(second.status()),
              AllOf(HasSubstr(server.options().dir), HasSubstr("in use"), HasSubstr("dir")));
  EXPECT_EQ(server.Line("SET a 1").Show(), "+OK");
  server.Reopen();  // the first one is gone: the lock is free
  EXPECT_EQ(server.Line("GET a").Show(), "\"1\"");
}

TEST(ServerStorage, AFolderThatCannotBeMadeIsRefused) {
  const test::TempDir dir;
  const std::string file = dir.path() + "/file";
  ASSERT_TRUE(base::PosixFileSystem().ReplaceFile(file, "x").ok());
  const exec::CommandTable table(DataFamilies());
  const test::FakeClock clock;
  RecoveryReport report;
  for (const std::string& path : {file, file + "/data", dir.path() + "/no/such"}) {
    StorageOptions options;
    options.dir = path;
    const auto storage = Storage::Open(base::PosixFileSystem(), clock, table, options, &report);
    ASSERT_FALSE(storage.ok()) << path;
    EXPECT_THAT(TextOf(storage.status()), HasSubstr(path));
  }
}

TEST(ServerStorage, FewerDatabasesThanHoldKeysAreRefused) {
  CommandHarness server;
  server.Line("SELECT 9");
  server.Line("SET a 1");
  server.CloseAndReopen(/*checkpoint=*/true);
  server.options().databases = 9;
  const absl::Status status = server.TryReopen();
  EXPECT_EQ(status.code(), kFailedPrecondition);
  EXPECT_THAT(TextOf(status),
              AllOf(HasSubstr("database 9"), HasSubstr("databases"), HasSubstr("10 or more")));
  server.options().databases = 10;
  server.Crash();
  server.options().databases = 64;
  server.Reopen();
  EXPECT_EQ(server.Dump().at(9).size(), 1U);
}

// The same while the keys are in the log only.
TEST(ServerStorage, FewerDatabasesThanTheLogNeedsAreRefused) {
  CommandHarness server;
  server.Line("SELECT 9");
  server.Line("SET a 1");
  server.FlushLog();
  server.options().databases = 9;
  const absl::Status status = server.TryReopen();
  EXPECT_EQ(status.code(), kFailedPrecondition);
  EXPECT_THAT(TextOf(status), AllOf(HasSubstr("offset 0"), HasSubstr("`databases` 9")));
  server.options().databases = 10;
  server.Crash();
  EXPECT_EQ(server.Dump().at(9).size(), 1U);
}

// Nothing but the checkpoint says in which database the log goes on.
TEST(ServerStorage, FewerDatabasesThanTheLogGoesOnInAreRefused) {
  CommandHarness server;
  server.Line("SELECT 9");
  server.Line("SET a 1");
  server.Line("DEL a");
  server.Checkpoint();
  server.options().databases = 4;
  server.Reopen();  // nothing is in database 9, and nothing follows
  server.options().databases = 16;
  server.Reopen();
  server.Line("SET b 2");
  server.FlushLog();
  server.options().databases = 4;
  EXPECT_EQ(server.TryReopen().code(), kFailedPrecondition);
  server.options().databases = 16;
  server.Crash();
  EXPECT_EQ(server.Line("GET b").Show(), "\"2\"");
}

// ---- the store's state

// A folder whose store holds `blob` as the state of this room, and the log that belongs to it.
class SavedState {
 public:
  explicit SavedState(uint64_t log_offset) : log_offset_(log_offset) {
    options_.dir = dir_.path();
    CommandHarness server;
    server.Line("SET a 1");
    server.Line("SELECT 3");
    server.Line("SET b 2");
    server.Checkpoint();
    good_ = server.storage().engine().checkpoint().blob;
    std::filesystem::copy(server.options().dir + "/log", log(),
                          std::filesystem::copy_options::recursive);
  }

  [[nodiscard]] std::string log() const { return dir_.path() + "/log"; }

  [[nodiscard]] const std::string& good() const { return good_; }

  absl::Status OpenWith(const std::string& blob) {
    {
      engine::Options options;
      options.dir = options_.dir;
      engine::OpenReport report;
      auto engine = engine::Engine::Open(base::PosixFileSystem(), options, &report);
      EXPECT_TRUE(engine.ok()) << engine.status();
      (*engine)->Seal({.log_offset = log_offset_, .blob = blob});
      EXPECT_TRUE((*engine)->WaitIdle().ok());
    }
    return Open();
  }

  absl::Status Open() {
    RecoveryReport report;
    return Storage::Open(base::PosixFileSystem(), clock_, table_, options_, &report).status();
  }

 private:
  uint64_t log_offset_;
  test::TempDir dir_;
  test::FakeClock clock_;
  exec::CommandTable table_{DataFamilies()};
  StorageOptions options_;
  std::string good_;
};

TEST(ServerStorage, AGoodStateIsTaken) {
  SavedState state(0);
  const absl::Status status = state.OpenWith(state.good());
  EXPECT_TRUE(status.ok()) << status;
}

TEST(ServerStorage, ACutStateIsRefused) {
  SavedState state(0);
  // Each length of the head, then some of the list of databases.
  for (size_t size = 1; size < state.good().size(); size += size < 80 ? 1 : 17) {
    const absl::Status status = state.OpenWith(state.good().substr(0, size));
    ASSERT_FALSE(status.ok()) << size;
    EXPECT_EQ(status.code(), kDataLoss) << size << ": " << status;
    EXPECT_THAT(TextOf(status), Not(HasSubstr("format"))) << size;
  }
  EXPECT_EQ(state.OpenWith(state.good() + "x").code(), kDataLoss);
}

TEST(ServerStorage, ALostStateIsRefused) {
  SavedState state(100);
  EXPECT_EQ(state.OpenWith("").code(), kDataLoss);
}

TEST(ServerStorage, AnUnknownFormatIsRefused) {
  SavedState state(0);
  std::string newer = state.good();
  ++newer[0];
  const absl::Status status = state.OpenWith(newer);
  EXPECT_EQ(status.code(), kFailedPrecondition);
  EXPECT_THAT(TextOf(status), AllOf(HasSubstr("format 3"), HasSubstr("knows format 2")));
}

// What a full sync leaves when it dies: a checkpoint that wants another log, and the old one's
// segments.
TEST(ServerStorage, ALogThatIsToBeReplacedIsReplaced) {
  SavedState state(0);
  keyspace::SavedState wanted = keyspace::DecodeState(state.good()).value();
  wanted.replaced_log_id = wanted.log_id;
  wanted.log_id = {'n', 'e', 'w'};
  const std::string blob = keyspace::EncodeState(wanted);
  const std::string old_segment = state.log() + "/00000000000000000000.log";
  ASSERT_TRUE(std::filesystem::exists(old_segment));
  const auto log_id = [&] {
    return wal::FindSegments(base::PosixFileSystem(), state.log())->at(0).header->log_id;
  };
  ASSERT_NE(log_id(), wanted.log_id);
  ASSERT_TRUE(state.OpenWith(blob).ok());
  EXPECT_EQ(log_id(), wanted.log_id);
  EXPECT_EQ(std::filesystem::file_size(old_segment), wal::kSegmentHeaderSize);
  // From then on it must be there.
  std::filesystem::remove_all(state.log());
  EXPECT_EQ(state.Open().code(), kDataLoss);
}

// Whatever the bytes say, opening ends: with a status, not with the process.
TEST(ServerStorage, NoStateBringsTheServerDown) {
  SavedState state(0);
  base::Random random(5);
  int refused = 0;
  for (int round = 0; round < 50; ++round) {
    std::string blob = state.good();
    for (uint64_t changes = 1 + random.Below(4); changes > 0; --changes) {
      blob[random.Below(blob.size())] = static_cast<char>(random.Below(256));
    }
    refused += state.OpenWith(blob).ok() ? 0 : 1;
  }
  EXPECT_GT(refused, 0);
}

// ---- store and log belong together

TEST(ServerStorage, ALogThatEndsBeforeTheStoreIsRefused) {
  CommandHarness server;
  server.Line("SET a 1");
  server.FlushLog();
  const std::string log = server.options().dir + "/log";
  const std::string kept = server.options().dir + "/kept";
  std::filesystem::copy(log, kept, std::filesystem::copy_options::recursive);
  server.Line("SET b 2");
  server.CloseAndReopen(/*checkpoint=*/true);
  ASSERT_TRUE(server.storage().Close(false).ok());
  std::filesystem::remove_all(log);
  std::filesystem::rename(kept, log);
  const absl::Status status = server.TryReopen();
  EXPECT_EQ(status.code(), kDataLoss);
  EXPECT_THAT(TextOf(status), AllOf(HasSubstr("log offset"), HasSubstr(log)));
}

TEST(ServerStorage, AnotherHistorysStoreIsRefused) {
  CommandHarness other;
  for (int i = 0; i < 100; ++i) other.Run({"SET", "key" + std::to_string(i), "value"});
  ASSERT_TRUE(other.storage().Close(/*checkpoint=*/true).ok());
  CommandHarness server;
  server.Line("SET a 1");
  ASSERT_TRUE(server.storage().Close(/*checkpoint=*/true).ok());
  const std::string store = server.options().dir + "/store";
  std::filesystem::remove_all(store);
  std::filesystem::copy(other.options().dir + "/store", store,
                        std::filesystem::copy_options::recursive);
  EXPECT_EQ(server.TryReopen().code(), kDataLoss);
}

// ---- when checkpoints come

TEST(ServerStorage, ACheckpointComesByLogSize) {
  StorageOptions options;
  options.checkpoint_log_size = 1000;
  options.checkpoint_interval_ms = 0;
  CommandHarness server(options);
  server.Line("SET a 1");
  server.EndTurn();
  EXPECT_GT(server.storage().changes_since_checkpoint(), 0U);
  server.Run({"SET", "b", std::string(1000, 'x')});
  server.EndTurn();
  EXPECT_EQ(server.storage().changes_since_checkpoint(), 0U);
}

TEST(ServerStorage, ACheckpointComesByTime) {
  StorageOptions options;
  options.checkpoint_interval_ms = 60'000;
  CommandHarness server(options);
  server.clock().AdvanceMs(100'000);
  server.EndTurn();  // nothing was written: nothing to do
  EXPECT_TRUE(server.storage().engine().Idle());
  server.Reopen();
  server.Line("SET a 1");
  server.EndTurn();
  EXPECT_GT(server.storage().changes_since_checkpoint(), 0U);
  server.clock().AdvanceMs(60'000);
  server.EndTurn();
  EXPECT_EQ(server.storage().changes_since_checkpoint(), 0U);
}

TEST(ServerStorage, ACheckpointComesWhenAsked) {
  StorageOptions options;
  options.checkpoint_interval_ms = 0;
  CommandHarness server(options);
  server.Line("SET a 1");
  server.storage().RequestCheckpoint();
  server.storage().MaybeSeal();  // the log is not written yet
  EXPECT_GT(server.storage().changes_since_checkpoint(), 0U);
  server.EndTurn();
  EXPECT_EQ(server.storage().changes_since_checkpoint(), 0U);
}

TEST(ServerStorage, ACheckpointSetsItsTime) {
  CommandHarness server;
  EXPECT_EQ(server.storage().last_checkpoint_ms(), server.clock().WallMs());
  server.clock().AdvanceMs(5'000);
  server.Line("SET a 1");
  EXPECT_EQ(server.storage().last_checkpoint_ms(), server.clock().WallMs() - 5'000);
  server.Checkpoint();
  EXPECT_EQ(server.storage().last_checkpoint_ms(), server.clock().WallMs());
}

TEST(ServerStorage, LogThatNobodyNeedsIsDropped) {
  StorageOptions options;
  options.log_segment_size = 10'000;
  options.log_history_size = 20'000;
  CommandHarness server(options);
  for (int i = 0; i < 100; ++i) {
    server.Run({"SET", "key", std::string(1000, 'x')});
    server.FlushLog();
  }
  EXPECT_EQ(server.storage().log().first_offset(), 0U);
  server.Checkpoint();
  const uint64_t end = server.storage().log().appended_offset();
  const uint64_t first = server.storage().log().first_offset();
  EXPECT_LE(first, end - options.log_history_size);
  EXPECT_GT(first, end - options.log_history_size - 2 * options.log_segment_size);
  server.Reopen();
  EXPECT_EQ(server.Line("STRLEN key").Show(), ":1000");
}

}  // namespace
}  // namespace cairn::server
