// What the tests of keyspace/ share: an engine in a temporary folder with databases on it, and a
// transaction for each change.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "engine/engine.h"
#include "gtest/gtest.h"
#include "keyspace/keyspace.h"
#include "keyspace/range.h"
#include "keyspace/txn.h"
#include "support/temp_dir.h"

namespace cairn::keyspace {

inline constexpr uint64_t kTestSeed = 0x5eed;

inline Bound MinBound() {
  return {.kind = Bound::Kind::kMin, .key = {}};
}
inline Bound MaxBound() {
  return {.kind = Bound::Kind::kMax, .key = {}};
}

class KeyspaceTest : public testing::Test {
 protected:
  KeyspaceTest() { Open(4); }

  // The engine from disk, and the databases as they were saved with its last checkpoint.
  void Open(int databases) {
    const absl::Status status = TryOpen(databases);
    ASSERT_TRUE(status.ok()) << status;
  }
  absl::Status TryOpen(int databases) {
    txn_.reset();
    keyspace_.reset();
    engine_.reset();
    engine::OpenReport report;
    auto engine = engine::Engine::Open(base::PosixFileSystem(), {.dir = dir_.path()}, &report);
    if (!engine.ok()) return engine.status();
    engine_ = *std::move(engine);
    keyspace_ = std::make_unique<Keyspace>(*engine_, databases, kTestSeed);
    txn_ = std::make_unique<Txn>(*keyspace_);
    offset_ = engine_->recovered().log_offset;
    if (offset_ == 0) return absl::OkStatus();
    return keyspace_->Load(engine_->recovered().blob);
  }

  // Hands what was written to the checkpointer / and waits until the store has it.
  void Seal() {
    engine_->Renew();
    ++offset_;
    engine_->Seal({.log_offset = offset_, .blob = keyspace_->Save(offset_)});
  }
  void Checkpoint() {
    ASSERT_TRUE(engine_->WaitIdle().ok());
    Seal();
    ASSERT_TRUE(engine_->WaitIdle().ok());
  }

  void Put(int db, std::string_view key, std::string_view value, int64_t expire_ms = kNoExpiry) {
    txn_->Begin(now_ms_, true);
    txn_->Put(txn_->Write(db, key), Type::kString, EncodingHint::kNatural, value, expire_ms);
    txn_->Commit();
  }
  void Delete(int db, std::string_view key) {
    txn_->Begin(now_ms_, true);
    Slot& slot = txn_->Write(db, key);
    if (slot.exists()) txn_->Delete(slot);
    txn_->Commit();
  }
  // nullopt when there is no such key, or it has expired.
  std::optional<std::string> Get(int db, std::string_view key) {
    txn_->Begin(now_ms_, true);
    const Value value = txn_->Read(db, key);
    EXPECT_TRUE(txn_->status().ok()) << txn_->status();
    if (!value.exists()) return std::nullopt;
    return std::string(value.payload);
  }

  test::TempDir dir_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Keyspace> keyspace_;
  std::unique_ptr<Txn> txn_;
  int64_t now_ms_ = 1'700'000'000'000;
  uint64_t offset_ = 0;
};

}  // namespace cairn::keyspace
