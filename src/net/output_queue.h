// Bytes that a connection has been given and the kernel has not taken yet.
//
// Bytes are copied once, into chunks that never grow or move afterwards: hundreds of megabytes cost
// what they weigh, and memory goes back chunk by chunk as a slow reader drains. The oldest chunks
// may be lent to a write under way; they stay in place until PopLent. One owner, one thread; an
// empty queue is best destroyed, connections that keep up have none.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>

namespace cairn::net {

class OutputQueue {
 public:
  static constexpr size_t kMinChunkBytes = 64 * 1024;
  static constexpr size_t kMaxChunkBytes = 1024 * 1024;

  void Append(std::string_view data);

  // Lends the oldest chunks, at most views.size() of them, oldest first; returns how many.
  // REQUIRES: nothing is lent.
  size_t Lend(std::span<std::string_view> views);
  // The lent chunks have been written and are dropped.
  void PopLent();

  [[nodiscard]] bool empty() const { return chunks_.empty(); }
  // Bytes that are not lent.
  [[nodiscard]] size_t waiting_bytes() const { return waiting_bytes_; }

 private:
  std::deque<std::string> chunks_;  // none is empty
  size_t lent_chunks_ = 0;
  size_t waiting_bytes_ = 0;
};

}  // namespace cairn::net
