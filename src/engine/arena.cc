#include "engine/arena.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::engine {

void Arena::AddBlock(size_t at_least) {
  CAIRN_CHECK(at_least <= kMaxAllocation);
  CAIRN_CHECK(blocks_.size() < kMaxBytes / kMaxBlock);
  // Small overlays (tests, quiet servers) stay small; blocks double until they have their full
  // size.
  const size_t wanted =
      blocks_.empty() ? kFirstBlock : std::min<size_t>(kMaxBlock, block_size_ * 2);
  blocks_.push_back(std::make_unique_for_overwrite<char[]>(wanted));
  block_size_ = wanted;
  used_ = blocks_.size() == 1 ? kUnit : 0;  // so that no reference is 0
  bytes_ += wanted;
}

}  // namespace cairn::engine
