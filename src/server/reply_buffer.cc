#include "server/reply_buffer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace cairn::server {

void ReplyBuffer::Mark(uint64_t offset) {
  const size_t marked = marks_.empty() ? free_until_ : marks_.back().end;
  if (marked == bytes_.size()) return;
  if (!marks_.empty() && marks_.back().offset == offset) {
    marks_.back().end = bytes_.size();
    return;
  }
  CAIRN_CHECK(marks_.empty() || marks_.back().offset < offset);
  marks_.push_back({.end = bytes_.size(), .offset = offset});
}

std::string_view ReplyBuffer::Releasable(uint64_t durable) {
  while (!marks_.empty() && marks_.front().offset <= durable) {
    free_until_ = marks_.front().end;
    marks_.pop_front();
  }
  return std::string_view(bytes_).substr(0, free_until_);
}

void ReplyBuffer::Consume(size_t size) {
  CAIRN_CHECK(size <= free_until_);
  if (size == bytes_.size()) {
    bytes_.clear();
    writes_.clear();
    free_until_ = 0;
    return;
  }
  bytes_.erase(0, size);
  free_until_ -= size;
  for (MarkPoint& mark : marks_) mark.end -= size;
  const auto kept = std::find_if(writes_.begin(), writes_.end(),
                                 [size](const Span& span) { return span.end > size; });
  writes_.erase(writes_.begin(), kept);
  for (Span& span : writes_) {
    span.begin = span.begin > size ? span.begin - size : 0;
    span.end -= size;
  }
}

void ReplyBuffer::FailHeld(uint64_t durable, std::string_view error) {
  std::string changed(Releasable(durable));
  size_t copied = free_until_;
  for (const Span& span : writes_) {
    if (span.begin < free_until_ || span.begin == span.end) continue;
    changed.append(bytes_, copied, span.begin - copied);
    changed.append(error);
    copied = span.end;
  }
  changed.append(bytes_, copied, std::string::npos);
  bytes_ = std::move(changed);
  free_until_ = bytes_.size();
  marks_.clear();
  writes_.clear();
}

void ReplyBuffer::Trim(size_t keep) {
  if (bytes_.empty() && bytes_.capacity() > keep) std::string().swap(bytes_);
  if (writes_.empty() && writes_.capacity() > 64) std::vector<Span>().swap(writes_);
}

}  // namespace cairn::server
