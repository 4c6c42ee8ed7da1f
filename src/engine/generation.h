// What was written between two seals: the overlays of both tables, which are sealed, checkpointed
// and dropped together.
//
// Thread: as its overlays; after Freeze any thread may read it.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/hash_overlay.h"
#include "engine/ordered_overlay.h"

namespace cairn::engine {

struct Generation {
  HashOverlay keys;
  // Given away when the store has everything: only walks use it, and they find it there.
  std::unique_ptr<OrderedOverlay> expiry = std::make_unique<OrderedOverlay>();

  [[nodiscard]] uint64_t bytes() const {
    return keys.bytes() + (expiry != nullptr ? expiry->bytes() : 0);
  }
  // REQUIRES: expiry has not been given away.
  [[nodiscard]] uint64_t records() const { return keys.keys() + expiry->entries().size(); }
};

}  // namespace cairn::engine
