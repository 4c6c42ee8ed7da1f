// Cursors over what lies in memory: sorted lists and B-trees of entries.
//
// Thread and lifetime: as layer_cursor.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "engine/entry.h"
#include "engine/key_order.h"
#include "engine/layer_cursor.h"

namespace cairn::engine {

// Over a sorted list.
class ListCursor final : public LayerCursor {
 public:
  explicit ListCursor(const std::vector<const Entry*>* list) : list_(list), at_(list->size()) {}

  [[nodiscard]] bool Valid() const override { return at_ < list_->size(); }
  void SeekAtLeast(std::string_view key) override {
    at_ = static_cast<size_t>(std::lower_bound(list_->begin(), list_->end(), key, KeyLess()) -
                              list_->begin());
  }
  void SeekAtMost(std::string_view key) override {
    const auto above = std::upper_bound(list_->begin(), list_->end(), key, KeyLess());
    at_ = static_cast<size_t>(above - list_->begin()) - 1;  // wraps to "not Valid"
  }
  void Next() override {
    ++at_;
    if (at_ + kAhead < list_->size()) __builtin_prefetch((*list_)[at_ + kAhead]);
  }
  void Prev() override {
    --at_;
    if (at_ >= kAhead && at_ < list_->size()) __builtin_prefetch((*list_)[at_ - kAhead]);
  }
  [[nodiscard]] std::string_view key() const override { return (*list_)[at_]->key(); }
  [[nodiscard]] std::string_view value() const override { return (*list_)[at_]->value(); }
  [[nodiscard]] bool deleted() const override { return (*list_)[at_]->deleted(); }
  [[nodiscard]] absl::Status status() const override { return absl::OkStatus(); }

 private:
  static constexpr size_t kAhead =
      8;  // entries lie anywhere, so the processor cannot guess the next one

  const std::vector<const Entry*>* list_;
  size_t at_;
};

// Over a B-tree of pointers to entries.
template <typename Set>
class TreeCursor final : public LayerCursor {
 public:
  explicit TreeCursor(const Set* set) : set_(set), at_(set->end()) {}

  [[nodiscard]] bool Valid() const override { return at_ != set_->end(); }
  void SeekAtLeast(std::string_view key) override { at_ = set_->lower_bound(key); }
  void SeekAtMost(std::string_view key) override {
    at_ = set_->upper_bound(key);
    Prev();
  }
  void Next() override { ++at_; }
  void Prev() override { at_ = at_ == set_->begin() ? set_->end() : std::prev(at_); }
  [[nodiscard]] std::string_view key() const override { return (*at_)->key(); }
  [[nodiscard]] std::string_view value() const override { return (*at_)->value(); }
  [[nodiscard]] bool deleted() const override { return (*at_)->deleted(); }
  [[nodiscard]] absl::Status status() const override { return absl::OkStatus(); }

 private:
  const Set* set_;
  typename Set::const_iterator at_;
};

}  // namespace cairn::engine
