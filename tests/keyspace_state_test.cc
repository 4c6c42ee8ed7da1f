// The databases: what is saved and found again, flushing, swapping, reclaiming, figures.
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "base/bytes.h"
#include "base/status.h"
#include "gmock/gmock.h"
#include "keyspace_testing.h"

namespace cairn::keyspace {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

class KeyspaceStateTest : public KeyspaceTest {
 protected:
  absl::Status Load(int databases, std::string_view saved) {
    return Keyspace(*engine_, databases, kTestSeed).Load(saved);
  }
  // Keys of both tables that belong to a keyspace id, as the engine sees them.
  size_t RecordsOf(KeyspaceId id) {
    size_t count = 0;
    const std::string prefix = KeyCodec::IdPrefix(id);
    for (const engine::Table table : {engine::Table::kKeys, engine::Table::kExpiry}) {
      const auto it = engine_->NewIterator(table);
      for (it->SeekAtLeast(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
        ++count;
      }
    }
    return count;
  }
  // What was begun, if anything, is done afterwards.
  void ContinueAndWait() {
    keyspace_->ContinueReclaim();
    while (!engine_->ReclaimDone()) std::this_thread::yield();
    engine_->Renew();
  }
  void FinishReclaim() {
    while (keyspace_->ids_to_reclaim() != 0) {
      engine_->Renew();
      keyspace_->ContinueReclaim();
    }
    engine_->Renew();
  }
};

// ---- saved state

TEST_F(KeyspaceStateTest, GoldenBytes) {
  Keyspace fresh(*engine_, 2, kTestSeed);
  const std::string no_stats(24, '\0');
  EXPECT_EQ(fresh.Save(0),
            "\x01\0\0\0"
            "\x03\0\0\0"
            "\x02\0\0\0"
            "\x01\0\0\0"s +
                no_stats + "\x02\0\0\0"s + no_stats + "\0\0\0\0"s);
  txn_ = std::make_unique<Txn>(fresh);
  Put(0, "a", "1");
  Put(1, "b", "1", 5000);
  Put(1, "c", "1", 1'700'000'000'999);
  Put(1, "d", "1");
  fresh.Flush(0);
  EXPECT_EQ(fresh.Save(77),
            "\x01\0\0\0"
            "\x04\0\0\0"
            "\x02\0\0\0"
            "\x03\0\0\0"s +
                no_stats +
                "\x02\0\0\0"
                "\x03\0\0\0\0\0\0\0"
                "\x02\0\0\0\0\0\0\0"
                "\x05\xf1\x53\x65\0\0\0\0"
                "\x01\0\0\0"
                "\x01\0\0\0"s);
}

TEST(SavedStateTest, GoldenBytesAndDamage) {
  SavedState state;
  state.hash_seed = 0x0102030405060708;
  state.stream_db = -1;
  state.replication_id = std::string(40, 'r');
  state.log_id.fill('l');
  state.replaced_log_id.fill('o');
  state.databases = "databases";
  const std::string bytes = EncodeState(state);
  EXPECT_EQ(bytes,
            "\x02\0\0\0"
            "\x08\x07\x06\x05\x04\x03\x02\x01"
            "\xff\xff\xff\xff"s +
                std::string(40, 'r') + std::string(16, 'l') + std::string(16, 'o') + "databases");
  const auto got = DecodeState(bytes);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(EncodeState(*got), bytes);
  EXPECT_EQ(got->stream_db, -1);
  const size_t head = bytes.size() - state.databases.size();
  for (size_t size = 0; size < head; ++size) {
    EXPECT_EQ(DecodeState(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_TRUE(DecodeState(bytes.substr(0, head)).ok()) << "the databases are not looked at";
  state.log_id.fill(0);
  EXPECT_EQ(DecodeState(EncodeState(state)).status().code(), absl::StatusCode::kDataLoss);
  std::string older = bytes;
  older[0] = 1;
  const absl::Status status = DecodeState(older).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(base::Message(status)), HasSubstr("format 1"));
}

TEST_F(KeyspaceStateTest, IsFoundAgain) {
  Put(0, "a", "1");
  Put(2, "b", "2", now_ms_ + 5000);
  Put(3, std::string(800, 'c'), "3", now_ms_ + 6000);
  Put(3, "d", "4");
  keyspace_->Swap(0, 2);
  keyspace_->Flush(1);
  Checkpoint();
  const std::string saved = keyspace_->Save(offset_);
  Open(4);
  EXPECT_EQ(keyspace_->Save(offset_), saved);
  EXPECT_EQ(Get(2, "a"), "1");
  EXPECT_EQ(Get(0, "b"), "2");
  EXPECT_EQ(Get(3, std::string(800, 'c')), "3");
  EXPECT_EQ(keyspace_->stats(3).keys, 2U);
  EXPECT_EQ(keyspace_->stats(3).expires, 1U);
  EXPECT_EQ(keyspace_->AverageTtlMs(3, now_ms_), 6000);
  now_ms_ += 5000;
  EXPECT_EQ(Get(0, "b"), std::nullopt);
}

TEST_F(KeyspaceStateTest, MoreDatabasesThanBefore) {
  Put(3, "k", "v");
  keyspace_->Flush(3);
  Put(3, "k", "w");
  Checkpoint();
  Open(9);
  EXPECT_EQ(keyspace_->databases(), 9);
  EXPECT_EQ(Get(3, "k"), "w");
  std::set<KeyspaceId> ids = {4};  // the flushed one
  for (int db = 0; db < 9; ++db) {
    EXPECT_TRUE(ids.insert(keyspace_->id(db)).second) << "ids are never used twice";
    EXPECT_EQ(keyspace_->stats(db).keys, db == 3 ? 1U : 0U);
  }
  Put(8, "k", "8");
  EXPECT_EQ(Get(8, "k"), "8");
  keyspace_->Flush(8);
  EXPECT_TRUE(ids.insert(keyspace_->id(8)).second);
}

TEST_F(KeyspaceStateTest, FewerDatabasesThanBefore) {
  Put(1, "k", "v");
  Checkpoint();
  const KeyspaceId dropped = keyspace_->id(3);
  Open(2);
  EXPECT_EQ(keyspace_->databases(), 2);
  EXPECT_EQ(Get(1, "k"), "v");
  Checkpoint();
  Open(4);
  EXPECT_EQ(Get(1, "k"), "v");
  EXPECT_NE(keyspace_->id(3), dropped);
  EXPECT_NE(keyspace_->id(2), keyspace_->id(3));
}

TEST_F(KeyspaceStateTest, RefusesToHideADatabaseWithKeys) {
  Put(2, "k", "v");
  Checkpoint();
  const absl::Status status = TryOpen(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(base::Message(status)), HasSubstr("database 2 holds 1 keys"));
  EXPECT_THAT(std::string(base::Message(status)), HasSubstr("set it to 3 or more"));
  Open(3);
  EXPECT_EQ(Get(2, "k"), "v");
}

TEST_F(KeyspaceStateTest, DamageAndUnknownFormatsAreRefused) {
  Put(0, "k", "v");
  keyspace_->Flush(0);
  const std::string saved = keyspace_->Save(1);
  EXPECT_TRUE(Load(4, saved).ok());
  for (size_t size = 4; size < saved.size(); ++size) {
    EXPECT_EQ(Load(4, saved.substr(0, size)).code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_EQ(Load(4, saved + "x").code(), absl::StatusCode::kDataLoss);
  // A number of databases, or of flushed ids, that the bytes do not have.
  for (const size_t place : {size_t{8}, saved.size() - 8}) {
    std::string damaged = saved;
    base::StoreLittle32(damaged.data() + place, 0xffffffff);
    EXPECT_EQ(Load(4, damaged).code(), absl::StatusCode::kDataLoss);
  }
  std::string other_format = saved;
  other_format[0] = 2;
  const absl::Status status = Load(4, other_format);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(base::Message(status)), HasSubstr("format 2"));
}

// More databases than anybody needs: each of them is there, and fewer can be asked for.
TEST_F(KeyspaceStateTest, VeryManyDatabases) {
  constexpr int kMany = 3 << 20;
  Keyspace many(*engine_, kMany, kTestSeed);
  const std::string saved = many.Save(1);
  Keyspace again(*engine_, kMany, kTestSeed);
  ASSERT_TRUE(again.Load(saved).ok());
  EXPECT_EQ(again.id(kMany - 1), many.id(kMany - 1));
  Keyspace few(*engine_, 2, kTestSeed);
  ASSERT_TRUE(few.Load(saved).ok());
  EXPECT_EQ(few.databases(), 2);
  EXPECT_EQ(few.id(1), many.id(1));
}

// ---- flush, swap

TEST_F(KeyspaceStateTest, FlushGivesTheDatabaseANewId) {
  Put(0, "k", "v", now_ms_ + 10);
  Put(1, "k", "other");
  const KeyspaceId before = keyspace_->id(0);
  EXPECT_TRUE(keyspace_->Flush(0));
  EXPECT_NE(keyspace_->id(0), before);
  EXPECT_EQ(keyspace_->stats(0).keys, 0U);
  EXPECT_EQ(keyspace_->stats(0).expires, 0U);
  EXPECT_EQ(keyspace_->AverageTtlMs(0, now_ms_), 0);
  EXPECT_EQ(Get(0, "k"), std::nullopt);
  EXPECT_EQ(Get(1, "k"), "other");
  const KeyspaceId empty = keyspace_->id(0);
  EXPECT_FALSE(keyspace_->Flush(0)) << "there was nothing to do";
  EXPECT_EQ(keyspace_->id(0), empty);
  EXPECT_EQ(keyspace_->ids_to_reclaim(), 1U);
}

TEST_F(KeyspaceStateTest, FlushAll) {
  EXPECT_FALSE(keyspace_->FlushAll());
  Put(0, "k", "v");
  Put(3, "k", "v");
  EXPECT_TRUE(keyspace_->FlushAll());
  EXPECT_EQ(Get(0, "k"), std::nullopt);
  EXPECT_EQ(Get(3, "k"), std::nullopt);
  EXPECT_EQ(keyspace_->ids_to_reclaim(), 2U);
}

TEST_F(KeyspaceStateTest, SwapTakesKeysAndFigures) {
  Put(0, "a", "0", now_ms_ + 1000);
  Put(0, "b", "0");
  Put(1, "a", "1");
  keyspace_->Swap(0, 1);
  EXPECT_EQ(Get(0, "a"), "1");
  EXPECT_EQ(Get(1, "a"), "0");
  EXPECT_EQ(keyspace_->stats(1).keys, 2U);
  EXPECT_EQ(keyspace_->stats(1).expires, 1U);
  EXPECT_EQ(keyspace_->stats(0).keys, 1U);
  keyspace_->Swap(1, 1);
  EXPECT_EQ(Get(1, "b"), "0");
  Delete(1, "a");
  EXPECT_EQ(keyspace_->stats(1).expires, 0U);
}

// ---- reclaiming

TEST_F(KeyspaceStateTest, AFlushedIdIsReclaimedOnceACheckpointHasMadeTheFlushLasting) {
  Put(0, "keeps", "v");
  for (int i = 0; i < 300; ++i) Put(1, "k" + std::to_string(i), "v", now_ms_ + i);
  Checkpoint();
  for (int i = 300; i < 400; ++i) Put(1, "k" + std::to_string(i), "v");
  const KeyspaceId id = keyspace_->id(1);
  EXPECT_EQ(RecordsOf(id), 700U);
  keyspace_->Flush(1);
  ContinueAndWait();
  EXPECT_EQ(RecordsOf(id), 700U) << "a crash now leads back to when they were somebody's";
  Checkpoint();
  keyspace_->ContinueReclaim();
  FinishReclaim();
  EXPECT_EQ(RecordsOf(id), 0U);
  EXPECT_EQ(Get(0, "keeps"), "v");
}

TEST_F(KeyspaceStateTest, AFlushBetweenSealAndItsEndWaitsForTheNextCheckpoint) {
  Put(1, "k", "v");
  Seal();
  const KeyspaceId id = keyspace_->id(1);
  keyspace_->Flush(1);
  ASSERT_TRUE(engine_->WaitIdle().ok());
  for (int i = 0; i < 3; ++i) ContinueAndWait();
  EXPECT_EQ(keyspace_->ids_to_reclaim(), 1U);
  EXPECT_EQ(RecordsOf(id), 1U);
  Checkpoint();
  FinishReclaim();
  EXPECT_EQ(RecordsOf(id), 0U);
}

TEST_F(KeyspaceStateTest, ReclaimingGoesOnAfterARestart) {
  std::set<KeyspaceId> ids;
  for (int round = 0; round < 5; ++round) {
    Put(0, "k", "v", now_ms_ + 1);
    Put(2, "k", "v");
    ids.insert(keyspace_->id(0));
    ids.insert(keyspace_->id(2));
    keyspace_->FlushAll();
  }
  Put(0, "stays", "v");
  Checkpoint();
  Open(4);
  EXPECT_EQ(keyspace_->ids_to_reclaim(), 10U);
  FinishReclaim();
  for (const KeyspaceId id : ids) EXPECT_EQ(RecordsOf(id), 0U);
  EXPECT_EQ(Get(0, "stays"), "v");
  Checkpoint();
  Open(4);
  EXPECT_EQ(keyspace_->ids_to_reclaim(), 0U);
}

// ---- figures

TEST_F(KeyspaceStateTest, AverageTtl) {
  EXPECT_EQ(keyspace_->AverageTtlMs(0, now_ms_), 0);
  Put(0, "a", "v", now_ms_ + 10'000);
  Put(0, "b", "v", now_ms_ + 20'000);
  Put(0, "none", "v");
  EXPECT_EQ(keyspace_->AverageTtlMs(0, now_ms_), 15'000);
  EXPECT_EQ(keyspace_->AverageTtlMs(0, now_ms_ + 5000), 10'000);
  EXPECT_EQ(keyspace_->AverageTtlMs(0, now_ms_ + 99'000), 0) << "never less than none";
  Delete(0, "b");
  EXPECT_EQ(keyspace_->AverageTtlMs(0, now_ms_), 10'000);
  // Times at the end of the world: their sum wraps, differences come out right.
  Put(1, "a", "v", INT64_MAX);
  EXPECT_GT(keyspace_->AverageTtlMs(1, now_ms_), int64_t{9'000'000'000'000'000});
  Put(1, "a", "v", now_ms_ + 1000);
  EXPECT_EQ(keyspace_->AverageTtlMs(1, now_ms_), 1000);
}

}  // namespace
}  // namespace cairn::keyspace
