// Walks several layers as one: for each key the newest layer that knows it decides, and a tombstone
// there hides the key.
//
// Thread and lifetime: as layer_cursor.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/engine.h"
#include "engine/layer_cursor.h"

namespace cairn::engine {

class MergeIterator final : public Iterator {
 public:
  // `layers` from new to old. `walks`, when given, counts the iterators that exist; it must outlive
  // this.
  explicit MergeIterator(std::vector<std::unique_ptr<LayerCursor>> layers, int* walks = nullptr);
  ~MergeIterator() override;
  MergeIterator(const MergeIterator&) = delete;
  MergeIterator& operator=(const MergeIterator&) = delete;

  [[nodiscard]] bool Valid() const override { return current_ != nullptr && !halted_; }
  void SeekAtLeast(std::string_view key) override;
  void SeekAtMost(std::string_view key) override;
  void Next() override;
  void Prev() override;
  [[nodiscard]] std::string_view key() const override { return current_->key; }
  [[nodiscard]] std::string_view value() const override { return current_->cursor->value(); }
  void set_skip_limit(uint64_t deleted_keys) override { skips_left_ = deleted_keys; }
  [[nodiscard]] bool halted() const override { return halted_; }
  void Resume(uint64_t deleted_keys) override;
  [[nodiscard]] absl::Status status() const override { return status_; }

 private:
  struct Layer {
    std::unique_ptr<LayerCursor> cursor;
    bool valid = false;
    std::string_view key{};  // the cursor's, when valid
  };

  // Reads where a layer's cursor stands now.
  void Refresh(Layer& layer);
  void Step(Layer& layer);
  // Moves every layer that stands on the current key one step on.
  void StepPastCurrent();
  // Puts every layer strictly beyond the current key, as seen in the new direction.
  void TurnAround();
  // Chooses the next key in walking direction that is not hidden.
  void Settle();

  std::vector<Layer> layers_;
  Layer* current_ = nullptr;
  uint64_t skips_left_ = UINT64_MAX;
  bool halted_ = false;
  // Walking forward, all layers stand at or behind the current key; backward, at or before it.
  bool forward_ = true;
  absl::Status status_;
  int* walks_;
};

}  // namespace cairn::engine
