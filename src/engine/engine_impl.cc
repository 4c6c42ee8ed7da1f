#include "engine/engine_impl.h"

#include <algorithm>

#include "base/check.h"
#include "engine/merge_iterator.h"
#include "engine/overlay_cursor.h"

namespace cairn::engine {
namespace {

// The active overlay, one in its checkpoint and one that waits share the budget. Thirds rather than
// halves: while a checkpoint runs, writers have two thirds of the budget before they must be
// slowed, and at rest between one and two thirds are a cache of recent writes. Smaller parts would
// make checkpoints touch more pages for each key.
constexpr uint64_t kShares = 3;
// An arena names its memory in 32 bits, so whatever the budget an overlay is sealed at half of what
// that allows, and writers must have stopped at three quarters.
constexpr uint64_t kMaxShare = Arena::kMaxBytes / 2;
constexpr uint64_t kMaxActive = Arena::kMaxBytes / 4 * 3;
// Cached overlays give way this much before the budget is full (1 / 16 of it): their memory goes
// back a little later.
constexpr uint64_t kHeadroomShift = 4;

// Stands for a store that cannot be read.
class ErrorCursor final : public LayerCursor {
 public:
  explicit ErrorCursor(absl::Status status) : status_(std::move(status)) {}
  [[nodiscard]] bool Valid() const override { return false; }
  void SeekAtLeast(std::string_view /*key*/) override {}
  void SeekAtMost(std::string_view /*key*/) override {}
  void Next() override {}
  void Prev() override {}
  [[nodiscard]] std::string_view key() const override { return {}; }
  [[nodiscard]] std::string_view value() const override { return {}; }
  [[nodiscard]] bool deleted() const override { return false; }
  [[nodiscard]] absl::Status status() const override { return status_; }

 private:
  absl::Status status_;
};

std::string RunDir(const Options& options) {
  return options.dir + "/run";
}

// Chunks stay well under LMDB's limit of 131,071 dirty pages: a record dirties its leaf and, when
// it is larger than half a page, pages of its own.
ChunkLimits LimitsOf(const Options& options) {
  return {.keys = std::clamp<uint64_t>(options.chunk_keys, 1, 40'000),
          .bytes = std::clamp<uint64_t>(options.chunk_bytes, 1, 128ULL << 20)};
}

}  // namespace

// ---- life

absl::StatusOr<std::unique_ptr<EngineImpl>> EngineImpl::Create(base::FileSystem& fs,
                                                               Options options,
                                                               std::unique_ptr<Store> store,
                                                               OpenReport* report) {
  const std::string run_dir = RunDir(options);
  if (absl::Status status = fs.CreateDir(run_dir); !status.ok()) return status;
  if (absl::Status status = fs.SyncDir(options.dir); !status.ok()) return status;
  auto state = store->ReadState();
  if (!state.ok()) return state.status();
  auto run = RecoverRunFiles(fs, run_dir, *state, report);
  if (!run.ok()) return run.status();
  std::unique_ptr<EngineImpl> engine(
      new EngineImpl(fs, std::move(options), std::move(store), *std::move(state)));
  if (run->has_value()) engine->Resume(**std::move(run));
  engine->RenewReader();
  if (!engine->reader_error_.ok()) return engine->reader_error_;
  return engine;
}

EngineImpl::EngineImpl(base::FileSystem& fs, Options options, std::unique_ptr<Store> store,
                       StoreState state)
    : fs_(fs),
      options_(std::move(options)),
      store_(std::move(store)),
      recovered_(state.meta),
      checkpoint_(std::move(state.meta)),
      next_sequence_(state.sequence + 1),
      active_(std::make_shared<Generation>()) {
  checkpointer_ =
      std::make_unique<Checkpointer>(fs_, *store_,
                                     CheckpointerOptions{.run_dir = RunDir(options_),
                                                         .limits = LimitsOf(options_),
                                                         .sync_log = options_.sync_log,
                                                         .on_progress = options_.on_progress});
  ListLayers();
  NoteGrowth();
}

EngineImpl::~EngineImpl() {
  CAIRN_CHECK(walks_ == 0);
  copy_.reset();
  checkpointer_.reset();
  reader_.reset();
}

// ---- point operations

void EngineImpl::ListLayers() {
  layer_count_ = 0;
  layers_[layer_count_++] = &active_->keys;
  for (const auto& generation : sealed_) layers_[layer_count_++] = &generation->keys;
  for (const auto& generation : clean_) layers_[layer_count_++] = &generation->keys;
}

void EngineImpl::Prefetch(uint64_t hash) const {
  for (size_t i = 0; i < layer_count_; ++i) layers_[i]->Prefetch(hash);
}

void EngineImpl::PrefetchRecord(uint64_t hash) const {
  for (size_t i = 0; i < layer_count_; ++i) {
    if (layers_[i]->PrefetchEntry(hash)) return;
  }
}

absl::StatusOr<std::optional<std::string_view>> EngineImpl::Get(std::string_view key,
                                                                uint64_t hash) {
  Prefetch(hash);
  for (size_t i = 0; i < layer_count_; ++i) {
    const Entry* entry = layers_[i]->Find(key, hash);
    if (entry == nullptr) continue;
    if (entry->deleted()) return std::nullopt;
    return entry->value();
  }
  if (reader_ == nullptr) return reader_error_;
  return reader_->Get(key);
}

void EngineImpl::Put(std::string_view key, uint64_t hash, std::string_view head,
                     std::string_view tail) {
  CAIRN_CHECK(walks_ == 0);
  active_->keys.Put(key, hash, head, tail);
  NoteGrowth();
}

void EngineImpl::Delete(std::string_view key, uint64_t hash) {
  CAIRN_CHECK(walks_ == 0);
  active_->keys.Delete(key, hash);
  NoteGrowth();
}

void EngineImpl::PutOrdered(std::string_view key, std::string_view value) {
  CAIRN_CHECK(walks_ == 0);
  active_->expiry->Put(key, value);
  NoteGrowth();
}

void EngineImpl::DeleteOrdered(std::string_view key) {
  CAIRN_CHECK(walks_ == 0);
  active_->expiry->Delete(key);
  NoteGrowth();
}

// ---- walks

std::vector<std::unique_ptr<LayerCursor>> EngineImpl::MemoryCursors(Table table) {
  std::vector<std::unique_ptr<LayerCursor>> cursors;
  if (table == Table::kExpiry) {
    using Cursor = TreeCursor<OrderedOverlay::Set>;
    cursors.push_back(std::make_unique<Cursor>(&active_->expiry->entries()));
    for (const auto& generation : sealed_) {
      cursors.push_back(std::make_unique<Cursor>(&generation->expiry->entries()));
    }
    return cursors;
  }
  bool sorted = false;
  const KeyOrder& order = active_->keys.Order(&sorted);
  order_builds_ += sorted ? 1 : 0;
  NoteGrowth();
  cursors.push_back(std::make_unique<ListCursor>(&order.base()));
  if (!order.delta().empty()) {
    cursors.push_back(std::make_unique<TreeCursor<KeyOrder::Delta>>(&order.delta()));
  }
  for (const auto& generation : sealed_) {
    cursors.push_back(std::make_unique<ListCursor>(&generation->keys.FrozenOrder()));
  }
  return cursors;
}

std::unique_ptr<Iterator> EngineImpl::NewIterator(Table table) {
  auto cursors = MemoryCursors(table);
  if (reader_ != nullptr) {
    cursors.push_back(reader_->NewCursor(table));
  } else {
    cursors.push_back(std::make_unique<ErrorCursor>(reader_error_));
  }
  return std::make_unique<MergeIterator>(std::move(cursors), &walks_);
}

// ---- memory

uint64_t EngineImpl::Share() const {
  return std::min(options_.write_buffer_size / kShares, kMaxShare);
}

void EngineImpl::Grown(uint64_t active_bytes) {
  active_bytes_ = active_bytes;
  const uint64_t budget = options_.write_buffer_size;
  const uint64_t limit = budget - (budget >> kHeadroomShift);
  const size_t waiting = dropped_.size();
  while (!clean_.empty() && active_bytes_ + sealed_bytes_ + clean_bytes_ > limit) DropOldestClean();
  if (dropped_.size() != waiting && options_.on_progress) options_.on_progress();
  checkpointer_->SetMemoryUse(active_bytes_ + sealed_bytes_, budget);
}

void EngineImpl::DropOldestClean() {
  clean_bytes_ -= clean_.back()->bytes();
  dropped_.push_back(std::move(clean_.back()));
  clean_.pop_back();
  ListLayers();
}

bool EngineImpl::WantsSeal(uint64_t log_bytes_since_seal) const {
  // A log as long as the budget is replayed in a few seconds.
  return CanSeal() &&
         (active_bytes_ >= Share() || log_bytes_since_seal >= options_.write_buffer_size);
}

uint64_t EngineImpl::write_room_bytes() const {
  const auto left = [](uint64_t limit, uint64_t used) { return limit - std::min(limit, used); };
  return std::min(left(options_.write_buffer_size, active_bytes_ + sealed_bytes_),
                  left(kMaxActive, active_bytes_));
}

uint64_t EngineImpl::write_budget_bytes() const {
  return std::min(options_.write_buffer_size, kMaxActive);
}

void EngineImpl::set_write_buffer_size(uint64_t bytes) {
  options_.write_buffer_size = bytes;
  Grown(active_->bytes());
}

// ---- checkpoints

void EngineImpl::Seal(CheckpointMeta meta) {
  CAIRN_CHECK(CanSeal());
  CAIRN_CHECK(walks_ == 0);
  active_->keys.Freeze();
  sealed_bytes_ += active_->bytes();
  sealed_.push_front(active_);
  checkpointer_->Submit({.generation = std::move(active_),
                         .target = {.sequence = next_sequence_++, .meta = std::move(meta)}});
  active_ = std::make_shared<Generation>();
  ListLayers();
  Grown(active_->bytes());
}

void EngineImpl::Resume(RecoveredRun run) {
  recovered_ = run.target.meta;
  next_sequence_ = run.target.sequence + 1;
  sealed_bytes_ += run.generation->bytes();
  sealed_.push_front(run.generation);
  checkpointer_->Submit({.generation = std::move(run.generation),
                         .target = std::move(run.target),
                         .has_run_file = true});
  ListLayers();
  Grown(active_->bytes());
}

void EngineImpl::RetireFinished(std::vector<CheckpointJob> finished) {
  for (CheckpointJob& job : finished) {
    CAIRN_CHECK(!sealed_.empty() && sealed_.back() == job.generation);
    std::shared_ptr<Generation> generation = std::move(sealed_.back());
    sealed_.pop_back();
    sealed_bytes_ -= generation->bytes();
    reaper_.Post(std::make_shared<std::vector<const Entry*>>(generation->keys.ReleaseOrder()));
    reaper_.Post(std::shared_ptr<const void>(std::move(generation->expiry)));
    clean_bytes_ += generation->bytes();
    clean_.push_front(std::move(generation));
    if (clean_.size() > kMaxClean) DropOldestClean();
    checkpoint_ = std::move(job.target.meta);
  }
  if (!finished.empty()) {
    ListLayers();
    Grown(active_->bytes());
  }
}

void EngineImpl::RenewReader() {
  if (reader_ != nullptr) {
    reader_error_ = reader_->Renew();
    if (reader_error_.ok()) return;
    reader_.reset();
  }
  auto reader = store_->NewReader();
  reader_error_ = reader.status();
  if (reader.ok()) reader_ = *std::move(reader);
}

void EngineImpl::ReopenStore() {
  CancelCopy();
  reader_.reset();
  // When this fails, the checkpointer finds the store closed at its next attempt and asks again.
  reader_error_ = store_->Reopen();
  if (reader_error_.ok()) RenewReader();
  checkpointer_->Reopened();
}

void EngineImpl::Renew() {
  CAIRN_CHECK(walks_ == 0);
  if (checkpointer_->TakeProgress()) {
    // In this order: the new reader sees all that the finished jobs have written.
    auto finished = checkpointer_->TakeFinished();
    if (checkpointer_->WantsReopen()) {
      ReopenStore();
    } else {
      RenewReader();
    }
    RetireFinished(std::move(finished));
  }
  for (auto& generation : dropped_) reaper_.Post(std::move(generation));
  dropped_.clear();
}

absl::Status EngineImpl::WaitIdle() {
  const uint64_t failures = checkpointer_->stats().failures;
  checkpointer_->SetUrgent(true);
  absl::Status status;
  while (true) {
    Renew();
    if (Idle()) break;
    if (checkpointer_->stats().failures != failures) {
      status = checkpointer_->error();
      if (!status.ok()) break;
    }
    checkpointer_->WaitProgress();
  }
  checkpointer_->SetUrgent(false);
  return status;
}

absl::Status EngineImpl::StartCopy(std::string dir) {
  if (copy_ != nullptr && !copy_->progress().done) {
    return absl::FailedPreconditionError("a copy of the store is being made already");
  }
  CancelCopy();
  auto copy = StoreCopy::Start(fs_, *store_, *checkpointer_, RunDir(options_), std::move(dir),
                               LimitsOf(options_), [this] {
                                 if (options_.on_progress) options_.on_progress();
                               });
  if (!copy.ok()) return copy.status();
  copy_ = *std::move(copy);
  return absl::OkStatus();
}

std::optional<CopyProgress> EngineImpl::copy() const {
  if (copy_ != nullptr) return copy_->progress();
  return last_copy_;
}

void EngineImpl::CancelCopy() {
  if (copy_ == nullptr) return;
  StoreCopy* const copy = copy_.get();
  copy->Stop();
  last_copy_ = copy->progress();
  copy_.reset();
}

Stats EngineImpl::stats() const {
  const CheckpointerStats checkpointer = checkpointer_->stats();
  return {.overlay_bytes = active_->bytes(),
          .overlay_keys = active_->keys.keys(),
          .sealed_bytes = sealed_bytes_,
          .clean_bytes = clean_bytes_,
          .checkpoints = checkpointer.finished,
          .checkpoint_failures = checkpointer.failures,
          .checkpoint_running = checkpointer.running,
          .checkpoint_done_records = checkpointer.done_records,
          .checkpoint_total_records = checkpointer.total_records,
          .last_checkpoint_us = checkpointer.last_us,
          .store_file_bytes = store_->FileBytes(),
          .store_used_bytes = reader_ != nullptr ? reader_->UsedBytes() : 0,
          .order_builds = order_builds_};
}

}  // namespace cairn::engine
