// Several requests that stand one behind another, a client's pipeline or a stretch of the log,
// taken from the parser together so that their keys can be looked for in memory at the same time.
// Views into the parser's input; valid as long as that is not touched.
//
// Loop thread. One object serves all sessions, since a batch never outlives a call.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "exec/executor.h"

namespace cairn::exec {

class RequestBatch {
 public:
  // Enough to hide the misses of one another, and few enough that what was fetched is still there
  // when it is used.
  static constexpr size_t kMost = 16;

  void Clear() {
    size_ = 0;
    args_.clear();
  }
  [[nodiscard]] bool full() const { return size_ == kMost || args_.size() >= kMostArguments; }
  [[nodiscard]] size_t size() const { return size_; }

  void Add(std::span<const std::string_view> argv, std::string_view raw,
           const Executor::Preview& preview) {
    items_[size_++] = {.first = args_.size(), .count = argv.size(), .raw = raw, .preview = preview};
    args_.insert(args_.end(), argv.begin(), argv.end());
  }

  [[nodiscard]] Executor::Request request(size_t i) const {
    const Item& item = items_[i];
    return {.argv = std::span(args_).subspan(item.first, item.count),
            .raw = item.raw,
            .entry = item.preview.entry};
  }
  [[nodiscard]] const Executor::Preview& preview(size_t i) const { return items_[i].preview; }

 private:
  static constexpr size_t kMostArguments = 1024;

  struct Item {
    size_t first = 0;
    size_t count = 0;
    std::string_view raw;
    Executor::Preview preview;
  };
  std::array<Item, kMost> items_;
  size_t size_ = 0;
  std::vector<std::string_view> args_;
};

}  // namespace cairn::exec
