// One record as it travels to a run file and into the store.
//
// Plain data; the views belong to whoever made it.
#pragma once

#include <string_view>

#include "engine/engine.h"

namespace cairn::engine {

struct RecordView {
  Table table = Table::kKeys;
  bool deleted = false;  // a tombstone; `value` is empty then
  std::string_view key;
  std::string_view value;
};

}  // namespace cairn::engine
