#include "net/output_queue.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::net {

void OutputQueue::Append(std::string_view data) {
  waiting_bytes_ += data.size();
  while (!data.empty()) {
    const bool has_open_chunk = chunks_.size() > lent_chunks_;
    if (!has_open_chunk || chunks_.back().size() == chunks_.back().capacity()) {
      chunks_.emplace_back().reserve(std::clamp(data.size(), kMinChunkBytes, kMaxChunkBytes));
    }
    std::string& chunk = chunks_.back();
    const size_t size = std::min(data.size(), chunk.capacity() - chunk.size());
    chunk.append(data.substr(0, size));
    data.remove_prefix(size);
  }
}

size_t OutputQueue::Lend(std::span<std::string_view> views) {
  CAIRN_CHECK(lent_chunks_ == 0);
  const size_t count = std::min(views.size(), chunks_.size());
  for (size_t i = 0; i < count; ++i) {
    views[i] = chunks_[i];
    waiting_bytes_ -= chunks_[i].size();
  }
  lent_chunks_ = count;
  return count;
}

void OutputQueue::PopLent() {
  for (; lent_chunks_ > 0; --lent_chunks_) chunks_.pop_front();
}

}  // namespace cairn::net
