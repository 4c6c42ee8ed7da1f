// A command's view of the keys: staging, slots, expiry in both modes, payloads that lie in the
// engine's own memory, damage.
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "keyspace_testing.h"

namespace cairn::keyspace {
namespace {

using TxnTest = KeyspaceTest;

void PutString(Txn& txn, Slot& slot, std::string_view payload, int64_t expire_ms = kNoExpiry) {
  txn.Put(slot, Type::kString, EncodingHint::kNatural, payload, expire_ms);
}

TEST_F(TxnTest, StagesUntilCommit) {
  txn_->Begin(now_ms_, true);
  PutString(*txn_, txn_->Write(0, "k"), "v");
  EXPECT_TRUE(txn_->dirty());
  EXPECT_EQ(txn_->Read(0, "k").payload, "v") << "what was staged is read";
  Txn other(*keyspace_);
  other.Begin(now_ms_, true);
  EXPECT_FALSE(other.Read(0, "k").exists());
  txn_->Commit();
  other.Begin(now_ms_, true);
  EXPECT_EQ(other.Read(0, "k").payload, "v");
  EXPECT_EQ(keyspace_->stats(0).keys, 1U);
}

TEST_F(TxnTest, BeginForgetsWhatWasStaged) {
  Put(0, "old", "1");
  txn_->Begin(now_ms_, true);
  PutString(*txn_, txn_->Write(0, "k"), "v");
  txn_->Delete(txn_->Write(0, "old"));
  txn_->StageWholeDb(Txn::WholeDb::kFlushAll, 0, 0);
  EXPECT_EQ(Get(0, "k"), std::nullopt);
  EXPECT_EQ(Get(0, "old"), "1");
  txn_->Begin(now_ms_, true);
  EXPECT_FALSE(txn_->dirty());
  txn_->Commit();
  EXPECT_EQ(Get(0, "old"), "1");
  EXPECT_EQ(keyspace_->stats(0).keys, 1U);
}

TEST_F(TxnTest, TheSameKeyIsTheSameSlot) {
  const std::string long_key(1000, 'l');
  txn_->Begin(now_ms_, true);
  for (const std::string_view key : {std::string_view("k"), std::string_view(long_key)}) {
    Slot& slot = txn_->Write(0, key);
    const std::string copy(key);
    EXPECT_EQ(&txn_->Write(0, copy), &slot);
    EXPECT_NE(&txn_->Write(1, key), &slot);
    EXPECT_EQ(slot.user_key(), key);
    EXPECT_EQ(slot.db(), 0);
  }
  EXPECT_FALSE(txn_->dirty()) << "a slot alone changes nothing";
}

// Few slots are found by walking them, many by an index; the border must not show.
TEST_F(TxnTest, FindsItsSlotsHoweverManyThereAre) {
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) {
    keys.push_back(i % 3 == 0 ? std::string(600, 'k') + std::to_string(i) : std::to_string(i));
  }
  for (const size_t count : {7U, 8U, 9U, 300U, 1000U, 2U}) {
    txn_->Begin(now_ms_, true);
    std::set<const Slot*> slots;
    for (size_t i = 0; i < count; ++i) {
      Slot& slot = txn_->Write(static_cast<int>(i % 4), keys[i]);
      EXPECT_TRUE(slots.insert(&slot).second);
      PutString(*txn_, slot, keys[i]);
      for (size_t j = i < 20 ? 0 : i - 3; j <= i; ++j) {
        EXPECT_TRUE(slots.contains(&txn_->Write(static_cast<int>(j % 4), keys[j])));
        EXPECT_EQ(txn_->Read(static_cast<int>(j % 4), keys[j]).payload, keys[j]);
      }
    }
    EXPECT_EQ(slots.size(), count);
    txn_->Commit();
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(Get(static_cast<int>(i % 4), keys[i]), keys[i]);
  }
  EXPECT_EQ(keyspace_->stats(0).keys, 250U);
  EXPECT_EQ(keyspace_->stats(3).keys, 250U);
}

TEST_F(TxnTest, CountsWhatIsThereInTheEnd) {
  Put(0, "a", "1", now_ms_ + 1000);
  Put(0, "b", "1");
  EXPECT_EQ(keyspace_->stats(0).keys, 2U);
  EXPECT_EQ(keyspace_->stats(0).expires, 1U);

  txn_->Begin(now_ms_, true);
  Slot& a = txn_->Write(0, "a");
  txn_->Delete(a);
  PutString(*txn_, a, "2");  // deleted and back: no expiry any more
  Slot& fresh = txn_->Write(0, "fresh");
  PutString(*txn_, fresh, "x", now_ms_ + 5);
  txn_->Delete(fresh);  // came and went
  txn_->SetExpiry(txn_->Write(0, "b"), now_ms_ + 7);
  txn_->SetExpiry(txn_->Write(0, "b"), now_ms_ + 8);
  txn_->Commit();
  EXPECT_EQ(keyspace_->stats(0).keys, 2U);
  EXPECT_EQ(keyspace_->stats(0).expires, 1U);
  EXPECT_EQ(Get(0, "a"), "2");
  EXPECT_EQ(Get(0, "fresh"), std::nullopt);
  now_ms_ += 7;
  EXPECT_EQ(Get(0, "b"), "1");
  now_ms_ += 1;
  EXPECT_EQ(Get(0, "b"), std::nullopt) << "gone at its millisecond";
}

// ---- expiry

TEST_F(TxnTest, AReaderDoesNotSeeWhatHasExpired) {
  Put(0, "k", "v", now_ms_ + 10);
  txn_->Begin(now_ms_ + 9, true);
  EXPECT_TRUE(txn_->Read(0, "k").exists());
  txn_->Begin(now_ms_ + 10, true);
  EXPECT_FALSE(txn_->Read(0, "k").exists());
  EXPECT_TRUE(txn_->expired().empty()) << "reading stages nothing";
  txn_->Commit();
  EXPECT_EQ(keyspace_->stats(0).keys, 1U);
}

TEST_F(TxnTest, AWriterStagesTheDeletionOfWhatHasExpired) {
  Put(0, "a", "v", now_ms_ + 10);
  Put(1, "b", "v", now_ms_ + 20);
  Put(1, "c", "v", now_ms_ + 21);
  txn_->Begin(now_ms_ + 20, true);
  EXPECT_FALSE(txn_->Write(1, "b").exists());
  EXPECT_FALSE(txn_->Write(0, "a").exists());
  EXPECT_FALSE(txn_->Write(0, "a").exists());
  EXPECT_TRUE(txn_->Write(1, "c").exists());
  ASSERT_EQ(txn_->expired().size(), 2U) << "each once, in order";
  EXPECT_EQ(txn_->expired()[0].db, 1);
  EXPECT_EQ(txn_->expired()[0].user_key, "b");
  EXPECT_EQ(txn_->expired()[1].user_key, "a");
  EXPECT_FALSE(txn_->dirty()) << "that is not a change of the command's";
  txn_->Commit();
  EXPECT_EQ(keyspace_->stats(0).keys, 0U);
  EXPECT_EQ(keyspace_->stats(1).keys, 1U);
  EXPECT_EQ(keyspace_->stats(1).expires, 1U);
  txn_->Begin(now_ms_, false);
  EXPECT_FALSE(txn_->Read(0, "a").exists());
}

TEST_F(TxnTest, WhatHasExpiredIsReplaced) {
  Put(0, "k", "old", now_ms_ + 10);
  txn_->Begin(now_ms_ + 10, true);
  Slot& slot = txn_->Write(0, "k");
  EXPECT_EQ(slot.value().expire_ms, kNoExpiry);
  PutString(*txn_, slot, "new", now_ms_ + 50);
  EXPECT_EQ(txn_->expired().size(), 1U);
  txn_->Commit();
  EXPECT_EQ(keyspace_->stats(0).keys, 1U);
  EXPECT_EQ(keyspace_->stats(0).expires, 1U);
  now_ms_ += 49;
  EXPECT_EQ(Get(0, "k"), "new");
}

// While the stream is applied only its DELs decide.
TEST_F(TxnTest, NoClockDecidesInTheStream) {
  Put(0, "k", "v", now_ms_ + 10);
  txn_->Begin(now_ms_ + 100'000, false);
  EXPECT_EQ(txn_->Read(0, "k").payload, "v");
  Slot& slot = txn_->Write(0, "k");
  EXPECT_TRUE(slot.exists());
  EXPECT_FALSE(txn_->Hides(slot.value()));
  EXPECT_TRUE(txn_->expired().empty());
  txn_->SetExpiry(slot, kNoExpiry);
  txn_->Commit();
  now_ms_ += 200'000;
  EXPECT_EQ(Get(0, "k"), "v");
}

// ---- payloads in the engine's memory

class TxnPayloadTest : public TxnTest, public testing::WithParamInterface<bool> {
 protected:
  // With the parameter, values lie in the store; without, in the overlay.
  void MaybeCheckpoint() {
    if (GetParam()) Checkpoint();
  }
};

TEST_P(TxnPayloadTest, ANewExpiryKeepsTheValue) {
  for (const size_t size : {0U, 1U, 100U, 5000U, 100'000U, 3'000'000U}) {
    std::string value(size, 'v');
    for (size_t i = 0; i < size; i += 7) value[i] = static_cast<char>(i % 251);
    const std::string key = std::to_string(size) + std::string(size % 2 == 0 ? 600 : 0, 'k');
    Put(0, key, value);
    MaybeCheckpoint();
    // The header grows and shrinks, so the payload moves in its place.
    for (const int64_t expire_ms : {now_ms_ + 1000, now_ms_ + 2000, kNoExpiry}) {
      txn_->Begin(now_ms_, true);
      txn_->SetExpiry(txn_->Write(0, key), expire_ms);
      txn_->Commit();
      const bool same = Get(0, key) == value;
      EXPECT_TRUE(same) << size;
      txn_->Begin(now_ms_, true);
      EXPECT_EQ(txn_->Read(0, key).expire_ms, expire_ms);
    }
  }
}

TEST_P(TxnPayloadTest, APartOfTheKeysOwnValue) {
  for (const size_t size : {10U, 100U, 50'000U}) {
    std::string value;
    for (size_t i = 0; i < size; ++i) value.push_back(static_cast<char>('a' + i % 26));
    for (const size_t from : {0U, 1U, 9U}) {
      Put(0, "k", value, now_ms_ + 1000);
      MaybeCheckpoint();
      txn_->Begin(now_ms_, true);
      Slot& slot = txn_->Write(0, "k");
      PutString(*txn_, slot, slot.value().payload.substr(from));
      txn_->Commit();
      const bool same = Get(0, "k") == value.substr(from);
      EXPECT_TRUE(same) << size << " from " << from;
    }
  }
}

TEST_P(TxnPayloadTest, OwnKeepsBytesUntilTheNextCommand) {
  Put(0, "a", "old a");
  Put(0, "b", "old b");
  MaybeCheckpoint();
  txn_->Begin(now_ms_, true);
  std::vector<std::string_view> owned;
  for (int i = 0; i < 100; ++i) {
    owned.push_back(txn_->Own(std::string(static_cast<size_t>(i), 'o')));
  }
  for (size_t i = 0; i < owned.size(); ++i) EXPECT_EQ(owned[i], std::string(i, 'o'));
  // Two keys change places.
  Slot& a = txn_->Write(0, "a");
  Slot& b = txn_->Write(0, "b");
  const std::string_view value_of_a = txn_->Own(std::string(a.value().payload));
  const std::string_view value_of_b = txn_->Own(std::string(b.value().payload));
  PutString(*txn_, a, value_of_b);
  PutString(*txn_, b, value_of_a);
  txn_->Commit();
  EXPECT_EQ(Get(0, "a"), "old b");
  EXPECT_EQ(Get(0, "b"), "old a");
}

INSTANTIATE_TEST_SUITE_P(Places, TxnPayloadTest, testing::Values(false, true),
                         [](const testing::TestParamInfo<bool>& place) {
                           return place.param ? "Store" : "Overlay";
                         });

// ---- whole databases

TEST_F(TxnTest, WholeDatabasesChangeAfterTheKeys) {
  Put(1, "x", "1");
  txn_->Begin(now_ms_, true);
  PutString(*txn_, txn_->Write(0, "k"), "v");
  txn_->StageWholeDb(Txn::WholeDb::kSwap, 0, 1);
  EXPECT_TRUE(txn_->dirty());
  EXPECT_EQ(txn_->Read(0, "k").payload, "v");
  EXPECT_EQ(txn_->Commit(), 4 + 1 + 1U) << "bytes of keys and values";
  EXPECT_EQ(Get(1, "k"), "v");
  EXPECT_EQ(Get(0, "x"), "1");
  EXPECT_EQ(Get(0, "k"), std::nullopt);
  txn_->Begin(now_ms_, true);
  txn_->StageWholeDb(Txn::WholeDb::kFlush, 1, 0);
  txn_->Commit();
  EXPECT_EQ(Get(1, "k"), std::nullopt);
  EXPECT_EQ(Get(0, "x"), "1");
  txn_->Begin(now_ms_, true);
  txn_->StageWholeDb(Txn::WholeDb::kFlushAll, 0, 0);
  txn_->Commit();
  EXPECT_EQ(Get(0, "x"), std::nullopt);
}

// ---- damage

TEST_F(TxnTest, ADamagedRecordIsLatched) {
  EngineKey key;
  keyspace_->codec().Encode(keyspace_->id(0), "k", &key);
  engine_->Put(key.view(), engine::Engine::Hash(key.view()), "\x0f", "not a record");
  Put(0, "fine", "1");
  for (const bool writes : {false, true}) {
    txn_->Begin(now_ms_, true);
    EXPECT_TRUE(txn_->status().ok()) << "forgotten with the command before";
    EXPECT_FALSE(writes ? txn_->Write(0, "k").exists() : txn_->Read(0, "k").exists());
    EXPECT_EQ(txn_->status().code(), absl::StatusCode::kDataLoss);
    EXPECT_TRUE(txn_->Read(0, "fine").exists());
    EXPECT_FALSE(txn_->status().ok()) << "the first error stays";
  }
}

TEST_F(TxnTest, ALongKeysRecordMustHoldThatKey) {
  const std::string long_key(700, 'k');
  EngineKey key;
  keyspace_->codec().Encode(keyspace_->id(0), long_key, &key);
  for (const std::string& inside : {std::string(700, 'x'), long_key + "k", std::string()}) {
    std::string head;
    AppendRecordHead({.type = Type::kString, .long_key = inside, .payload = {}}, &head);
    engine_->Put(key.view(), engine::Engine::Hash(key.view()), head, "v");
    txn_->Begin(now_ms_, true);
    EXPECT_FALSE(txn_->Read(0, long_key).exists());
    EXPECT_EQ(txn_->status().code(), absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace cairn::keyspace
