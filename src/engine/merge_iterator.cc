#include "engine/merge_iterator.h"

#include <utility>

#include "base/check.h"

namespace cairn::engine {

MergeIterator::MergeIterator(std::vector<std::unique_ptr<LayerCursor>> layers, int* walks)
    : walks_(walks) {
  layers_.reserve(layers.size());
  for (auto& cursor : layers) layers_.push_back({.cursor = std::move(cursor)});
  if (walks_ != nullptr) ++*walks_;
}

MergeIterator::~MergeIterator() {
  if (walks_ != nullptr) --*walks_;
}

void MergeIterator::Refresh(Layer& layer) {
  layer.valid = layer.cursor->Valid();
  if (layer.valid) {
    layer.key = layer.cursor->key();
  } else if (status_.ok()) {
    status_ = layer.cursor->status();
  }
}

void MergeIterator::Step(Layer& layer) {
  if (forward_) {
    layer.cursor->Next();
  } else {
    layer.cursor->Prev();
  }
  Refresh(layer);
}

void MergeIterator::StepPastCurrent() {
  // The current layer goes last: the key that the others are compared with is its.
  const std::string_view key = current_->key;
  for (Layer& layer : layers_) {
    if (&layer != current_ && layer.valid && layer.key == key) Step(layer);
  }
  Step(*current_);
}

void MergeIterator::Settle() {
  halted_ = false;
  while (true) {
    current_ = nullptr;
    if (!status_.ok()) return;
    for (Layer& layer : layers_) {
      if (!layer.valid) continue;
      if (current_ == nullptr) {
        current_ = &layer;
        continue;
      }
      // Only a key that is strictly nearer beats one of a newer layer.
      const int order = layer.key.compare(current_->key);
      if (forward_ ? order < 0 : order > 0) current_ = &layer;
    }
    if (current_ == nullptr || !current_->cursor->deleted()) return;
    if (skips_left_ == 0) {
      halted_ = true;
      return;
    }
    --skips_left_;
    StepPastCurrent();
  }
}

void MergeIterator::Resume(uint64_t deleted_keys) {
  CAIRN_CHECK(halted_);
  skips_left_ = deleted_keys;
  Settle();
}

void MergeIterator::SeekAtLeast(std::string_view key) {
  forward_ = true;
  for (Layer& layer : layers_) {
    layer.cursor->SeekAtLeast(key);
    Refresh(layer);
  }
  Settle();
}

void MergeIterator::SeekAtMost(std::string_view key) {
  forward_ = false;
  for (Layer& layer : layers_) {
    layer.cursor->SeekAtMost(key);
    Refresh(layer);
  }
  Settle();
}

void MergeIterator::TurnAround() {
  // The key's bytes must survive its own layer's move.
  const std::string key(current_->key);
  for (Layer& layer : layers_) {
    if (forward_) {
      layer.cursor->SeekAtLeast(key);
    } else {
      layer.cursor->SeekAtMost(key);
    }
    Refresh(layer);
    if (layer.valid && layer.key == key) Step(layer);
  }
}

void MergeIterator::Next() {
  CAIRN_CHECK(Valid());
  if (forward_) {
    StepPastCurrent();
  } else {
    forward_ = true;
    TurnAround();
  }
  Settle();
}

void MergeIterator::Prev() {
  CAIRN_CHECK(Valid());
  if (!forward_) {
    StepPastCurrent();
  } else {
    forward_ = false;
    TurnAround();
  }
  Settle();
}

}  // namespace cairn::engine
