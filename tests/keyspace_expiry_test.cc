// The expiry index as the reaper of expired keys reads it.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "keyspace/expiry.h"
#include "keyspace_testing.h"

namespace cairn::keyspace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class ExpiryTest : public KeyspaceTest {
 protected:
  std::vector<std::pair<int, std::string>> Due(int64_t at_ms, size_t limit = 100) {
    const auto due = FindDueKeys(*keyspace_, at_ms, limit);
    EXPECT_TRUE(due.ok()) << due.status();
    std::vector<std::pair<int, std::string>> keys;
    for (const DueKey& key : *due) keys.emplace_back(key.db, key.user_key);
    return keys;
  }
};

TEST_F(ExpiryTest, TheOldestFirst) {
  Put(0, "late", "", now_ms_ + 30);
  Put(0, "early", "", now_ms_ + 10);
  Put(0, "never", "");
  Put(0, "middle", "", now_ms_ + 20);
  EXPECT_THAT(Due(now_ms_ + 9), IsEmpty());
  EXPECT_THAT(Due(now_ms_ + 10), ElementsAre(Pair(0, "early")));
  EXPECT_THAT(Due(now_ms_ + 29), ElementsAre(Pair(0, "early"), Pair(0, "middle")));
  EXPECT_THAT(Due(now_ms_ + 30), ElementsAre(Pair(0, "early"), Pair(0, "middle"), Pair(0, "late")));
}

TEST_F(ExpiryTest, TellsWhenToLookAgain) {
  EXPECT_LT(keyspace_->next_expiry_ms(), now_ms_) << "unknown before the first look";
  EXPECT_THAT(Due(now_ms_), IsEmpty());
  EXPECT_EQ(keyspace_->next_expiry_ms(), Keyspace::kNever);
  Put(1, "b", "", now_ms_ + 50);
  EXPECT_EQ(keyspace_->next_expiry_ms(), now_ms_ + 50);
  Put(0, "a", "", now_ms_ + 20);
  Put(0, "c", "", now_ms_ + 70);
  EXPECT_EQ(keyspace_->next_expiry_ms(), now_ms_ + 20);
  Delete(0, "a");
  EXPECT_LE(keyspace_->next_expiry_ms(), now_ms_ + 50) << "a lower bound";
  EXPECT_THAT(Due(now_ms_ + 30), IsEmpty());
  EXPECT_EQ(keyspace_->next_expiry_ms(), now_ms_ + 50);
  EXPECT_THAT(Due(now_ms_ + 60), ElementsAre(Pair(1, "b")));
  EXPECT_EQ(keyspace_->next_expiry_ms(), now_ms_ + 70);
}

TEST_F(ExpiryTest, NoMoreThanTheLimit) {
  for (int i = 0; i < 10; ++i) Put(i % 3, "k" + std::to_string(i), "", now_ms_ + i);
  const int64_t at_ms = now_ms_ + 100;
  EXPECT_THAT(Due(at_ms, 3), ElementsAre(Pair(0, "k0"), Pair(0, "k3"), Pair(0, "k6")));
  EXPECT_LE(keyspace_->next_expiry_ms(), now_ms_) << "there is more";
  EXPECT_EQ(Due(at_ms, 9).size(), 9U);
  EXPECT_LE(keyspace_->next_expiry_ms(), now_ms_);
  EXPECT_EQ(Due(at_ms, 10).size(), 10U);
  EXPECT_EQ(keyspace_->next_expiry_ms(), Keyspace::kNever);
}

// A million keys that expire at once took 35 s instead of 5 s while each slice of deletions stepped
// over the tombstones of all slices before it.
TEST_F(ExpiryTest, BeginsBehindWhatIsGone) {
  for (int i = 0; i < 4; ++i) Put(0, "k" + std::to_string(i), "", now_ms_ + i);
  const auto due = FindDueKeys(*keyspace_, now_ms_ + 1, 100);
  ASSERT_TRUE(due.ok()) << due.status();
  ASSERT_EQ(due->size(), 2U);
  for (const DueKey& key : *due) Delete(0, key.user_key);
  NoteDeleted(*keyspace_, *due);
  EXPECT_GT(keyspace_->expiry_start(0), due->back().index_key);
  EXPECT_THAT(Due(now_ms_ + 100), ElementsAre(Pair(0, "k2"), Pair(0, "k3")));
  Put(0, "earlier", "", now_ms_ - 50);
  EXPECT_THAT(Due(now_ms_ + 100), ElementsAre(Pair(0, "earlier"), Pair(0, "k2"), Pair(0, "k3")));
}

TEST_F(ExpiryTest, FindsTheWholeNamesOfLongKeys) {
  std::vector<std::string> long_keys;
  for (const size_t size : {490U, 491U, 500U, 2000U}) long_keys.emplace_back(size, 'l');
  long_keys.push_back(std::string(491, 'l') + "other");
  for (size_t i = 0; i < long_keys.size(); ++i) {
    Put(2, long_keys[i], "v", now_ms_ + static_cast<int64_t>(i));
  }
  Checkpoint();
  EXPECT_THAT(Due(now_ms_ + 10),
              ElementsAre(Pair(2, long_keys[0]), Pair(2, long_keys[1]), Pair(2, long_keys[2]),
                          Pair(2, long_keys[3]), Pair(2, long_keys[4])));
}

TEST_F(ExpiryTest, FollowsEveryChange) {
  Put(0, "k", "", now_ms_ + 10);
  Put(0, "k", "", now_ms_ + 500);
  EXPECT_THAT(Due(now_ms_ + 10), IsEmpty());
  txn_->Begin(now_ms_, true);
  txn_->SetExpiry(txn_->Write(0, "k"), now_ms_ + 5);
  txn_->Commit();
  EXPECT_THAT(Due(now_ms_ + 5), ElementsAre(Pair(0, "k")));
  Put(0, "k", "");
  EXPECT_THAT(Due(now_ms_ + 1000), IsEmpty());
  Put(0, "k", "", now_ms_ + 10);
  Delete(0, "k");
  EXPECT_THAT(Due(now_ms_ + 1000), IsEmpty());
}

TEST_F(ExpiryTest, FollowsWholeDatabases) {
  Put(0, "a", "", now_ms_ + 10);
  Put(1, "b", "", now_ms_ + 11);
  keyspace_->Swap(0, 3);
  EXPECT_THAT(Due(now_ms_ + 20), ElementsAre(Pair(1, "b"), Pair(3, "a")));
  keyspace_->Flush(3);
  EXPECT_THAT(Due(now_ms_ + 20), ElementsAre(Pair(1, "b")));
  keyspace_->FlushAll();
  EXPECT_THAT(Due(now_ms_ + 20), IsEmpty());
}

// What was deleted is not looked at again, and nothing that comes later is missed for that.
TEST_F(ExpiryTest, TheNextLookBeginsBehindWhatWasDeleted) {
  const auto delete_due = [&](int64_t at_ms, size_t limit) {
    const auto due = FindDueKeys(*keyspace_, at_ms, limit);
    EXPECT_TRUE(due.ok()) << due.status();
    for (const DueKey& key : *due) Delete(key.db, key.user_key);
    NoteDeleted(*keyspace_, *due);
    return due->size();
  };
  for (int i = 0; i < 20; ++i) {
    Put(i % 2, "k" + std::to_string(100 + i) + std::string(i % 3 == 0 ? 600 : 0, 'l'), "",
        now_ms_ + i);
  }
  EXPECT_EQ(delete_due(now_ms_ + 100, 12), 12U);
  Put(0, "before all others", "", now_ms_ - 5);
  Put(1, "k101", "", now_ms_ + 1);
  keyspace_->Swap(0, 1);
  EXPECT_THAT(Due(now_ms_ + 1), ElementsAre(Pair(0, "k101"), Pair(1, "before all others")));
  EXPECT_EQ(delete_due(now_ms_ + 100, 100), 10U);
  EXPECT_EQ(keyspace_->stats(0).expires + keyspace_->stats(1).expires, 0U);
  Put(0, "again", "", now_ms_);
  EXPECT_EQ(delete_due(now_ms_ + 100, 100), 1U);
  // A flushed database starts anew.
  Put(0, "late", "", now_ms_ + 50);
  EXPECT_EQ(delete_due(now_ms_ + 100, 100), 1U);
  Put(0, "flushed", "", now_ms_ + 60);
  keyspace_->Flush(0);
  Put(0, "early", "", now_ms_ + 10);
  EXPECT_THAT(Due(now_ms_ + 100), ElementsAre(Pair(0, "early")));
}

TEST_F(ExpiryTest, EqualTimesComeByKey) {
  for (const std::string_view key : {"c", "a", "b"}) Put(0, key, "", now_ms_);
  EXPECT_THAT(Due(now_ms_), ElementsAre(Pair(0, "a"), Pair(0, "b"), Pair(0, "c")));
}

TEST_F(ExpiryTest, TimesAtBothEnds) {
  Put(0, "first", "", INT64_MIN + 1);
  Put(0, "second", "", -1);
  Put(0, "third", "", 0);
  Put(0, "last", "", INT64_MAX);
  EXPECT_THAT(Due(0), ElementsAre(Pair(0, "first"), Pair(0, "second"), Pair(0, "third")));
  EXPECT_EQ(keyspace_->next_expiry_ms(), INT64_MAX);
}

TEST_F(ExpiryTest, AnEntryWithoutItsKeyIsDamage) {
  const std::string key(600, 'k');
  EngineKey engine_key;
  keyspace_->codec().Encode(keyspace_->id(0), key, &engine_key);
  Put(0, "k", "", now_ms_ + 5);  // so that the database is looked at
  const auto entry = keyspace_->codec().EncodeExpiry(engine_key.view(), now_ms_);
  engine_->PutOrdered(entry.key, entry.value);
  EXPECT_EQ(FindDueKeys(*keyspace_, now_ms_, 10).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace cairn::keyspace
