#include "engine/key_order.h"

#include <utility>

#include "engine/key_sort.h"

namespace cairn::engine {
namespace {

// How many keys may wait before sorting and merging them is cheaper than inserting them one by one,
// and how many the B-tree may hold before it is merged; both grow with the list that a merge would
// copy.
size_t PendingLimit(size_t base) {
  return base / 8 + 64;
}
size_t DeltaLimit(size_t base) {
  return base / 4 + 4096;
}

}  // namespace

void KeyOrder::Start(std::vector<const Entry*> all) {
  started_ = true;
  base_ = std::move(all);
  SortByKey(&base_);
}

void KeyOrder::FoldDelta() {
  if (delta_.empty()) return;
  base_ = MergeByKey(base_, {delta_.begin(), delta_.end()});
  delta_.clear();
}

void KeyOrder::Settle() {
  if (pending_.empty()) return;
  if (pending_.size() > PendingLimit(base_.size())) {
    SettleIntoBase();
    return;
  }
  delta_.insert(pending_.begin(), pending_.end());
  pending_.clear();
  if (delta_.size() > DeltaLimit(base_.size())) FoldDelta();
}

void KeyOrder::SettleIntoBase() {
  FoldDelta();
  if (pending_.empty()) return;
  SortByKey(&pending_);
  base_ = MergeByKey(base_, pending_);
  pending_ = {};
}

std::vector<const Entry*> KeyOrder::Release() {
  delta_.clear();
  pending_ = {};
  return std::exchange(base_, {});
}

}  // namespace cairn::engine
