// The engine behind engine.h: holds the layers, finds the right one, keeps the memory budget, talks
// to the checkpointer.
//
// Thread: the loop's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/checkpointer.h"
#include "engine/engine.h"
#include "engine/generation.h"
#include "engine/layer_cursor.h"
#include "engine/reaper.h"
#include "engine/recovery.h"
#include "engine/store.h"
#include "engine/store_copy.h"

namespace cairn::engine {

class EngineImpl final : public Engine {
 public:
  // Recovers from run files and starts the checkpointer. `store` is the store of `options.dir` (or
  // a test's wrapping of it).
  static absl::StatusOr<std::unique_ptr<EngineImpl>> Create(base::FileSystem& fs, Options options,
                                                            std::unique_ptr<Store> store,
                                                            OpenReport* report);
  ~EngineImpl() override;
  EngineImpl(const EngineImpl&) = delete;
  EngineImpl& operator=(const EngineImpl&) = delete;

  absl::StatusOr<std::optional<std::string_view>> Get(std::string_view key, uint64_t hash) override;
  void Prefetch(uint64_t hash) const override;
  void PrefetchRecord(uint64_t hash) const override;
  void Put(std::string_view key, uint64_t hash, std::string_view head,
           std::string_view tail) override;
  void Delete(std::string_view key, uint64_t hash) override;
  void PutOrdered(std::string_view key, std::string_view value) override;
  void DeleteOrdered(std::string_view key) override;
  std::unique_ptr<Iterator> NewIterator(Table table) override;
  [[nodiscard]] bool WantsSeal(uint64_t log_bytes_since_seal) const override;
  void Seal(CheckpointMeta meta) override;
  [[nodiscard]] bool CanSeal() const override { return sealed_.size() < kMaxSealed; }
  [[nodiscard]] bool Idle() const override { return sealed_.empty(); }
  void Renew() override;
  absl::Status WaitIdle() override;
  [[nodiscard]] absl::Status checkpoint_error() const override { return checkpointer_->error(); }
  [[nodiscard]] uint64_t write_room_bytes() const override;
  [[nodiscard]] uint64_t write_budget_bytes() const override;
  [[nodiscard]] uint64_t drain_rate() const override { return checkpointer_->stats().drain_rate; }
  void set_write_buffer_size(uint64_t bytes) override;
  [[nodiscard]] const CheckpointMeta& recovered() const override { return recovered_; }
  [[nodiscard]] const CheckpointMeta& checkpoint() const override { return checkpoint_; }
  void Reclaim(std::string prefix) override { checkpointer_->Reclaim(std::move(prefix)); }
  [[nodiscard]] bool ReclaimDone() const override { return checkpointer_->ReclaimDone(); }
  absl::Status StartCopy(std::string dir) override;
  [[nodiscard]] std::optional<CopyProgress> copy() const override;
  void CancelCopy() override;
  [[nodiscard]] Stats stats() const override;

 private:
  static constexpr size_t kMaxSealed = 2;  // one in its checkpoint, one waits
  static constexpr size_t kMaxClean = 4;   // each costs every miss a look
  static constexpr size_t kMaxLayers = 1 + kMaxSealed + kMaxClean;

  EngineImpl(base::FileSystem& fs, Options options, std::unique_ptr<Store> store, StoreState state);

  // Takes up a checkpoint that a crash has cut off.
  void Resume(RecoveredRun run);

  // The active overlay's share of the budget.
  [[nodiscard]] uint64_t Share() const;
  [[nodiscard]] uint64_t SealedBytes() const;
  // After a write: keeps the sum of all overlays within the budget and tells the checkpointer how
  // things stand. Cheap when no memory was taken.
  void NoteGrowth() {
    const uint64_t bytes = active_->bytes();
    if (bytes != active_bytes_) Grown(bytes);
  }
  void Grown(uint64_t active_bytes);
  void DropOldestClean();
  // Rebuilds the list of layers that Get looks at.
  void ListLayers();
  // Moves generations whose checkpoint has finished from sealed to clean.
  void RetireFinished(std::vector<CheckpointJob> finished);
  // Brings the reader to the newest state; afterwards reader_ or reader_error_ is set.
  void RenewReader();
  void ReopenStore();
  std::vector<std::unique_ptr<LayerCursor>> MemoryCursors(Table table);

  base::FileSystem& fs_;
  Options options_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StoreReader> reader_;
  absl::Status reader_error_;  // why there is no reader
  CheckpointMeta recovered_;
  CheckpointMeta checkpoint_;
  uint64_t next_sequence_;

  std::shared_ptr<Generation> active_;
  std::deque<std::shared_ptr<Generation>> sealed_;    // newest first; all of them shadow the store
  std::deque<std::shared_ptr<Generation>> clean_;     // newest first; the store has what they have
  std::vector<std::shared_ptr<Generation>> dropped_;  // views may still look at them until Renew
  std::array<const HashOverlay*, kMaxLayers> layers_{};  // active, sealed, clean: newest first
  size_t layer_count_ = 0;
  uint64_t active_bytes_ = 0;
  uint64_t sealed_bytes_ = 0;
  uint64_t clean_bytes_ = 0;
  uint64_t order_builds_ = 0;
  int walks_ = 0;  // iterators that exist

  Reaper reaper_;
  std::unique_ptr<Checkpointer> checkpointer_;  // it uses the store and generations
  std::unique_ptr<StoreCopy> copy_;             // last: it uses the store and the checkpointer
  std::optional<CopyProgress> last_copy_;       // of one that is over
};

}  // namespace cairn::engine
