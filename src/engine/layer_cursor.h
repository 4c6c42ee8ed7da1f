// One layer of a merged walk, in key order: an overlay, or a table of the store.
//
// Thread: the one that made it. Lifetime: shorter than the layer's, and the layer must not change
// meanwhile.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace cairn::engine {

class LayerCursor {
 public:
  virtual ~LayerCursor() = default;
  [[nodiscard]] virtual bool Valid() const = 0;
  // To the first key >= `key` / the last key <= `key`; not Valid when there is none.
  virtual void SeekAtLeast(std::string_view key) = 0;
  virtual void SeekAtMost(std::string_view key) = 0;
  // REQUIRES for all of these: Valid().
  virtual void Next() = 0;
  virtual void Prev() = 0;
  [[nodiscard]] virtual std::string_view key() const = 0;
  [[nodiscard]] virtual std::string_view value() const = 0;
  // True for a tombstone.
  [[nodiscard]] virtual bool deleted() const = 0;
  // The first error; the cursor is not Valid from then on.
  [[nodiscard]] virtual absl::Status status() const = 0;
};

}  // namespace cairn::engine
