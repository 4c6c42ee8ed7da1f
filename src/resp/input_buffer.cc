#include "resp/input_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace cairn::resp {

std::span<char> InputBuffer::ReadBuffer(std::span<char> shared, size_t missing) {
  if (empty()) {
    Release();
    offered_ = shared;
    return offered_;
  }
  Hold();
  const size_t most = missing != 0 ? missing : kReadRoom;
  MakeRoom(std::min(most, kLeastRoom), std::min(most, std::max(size(), kTrustedBytes)));
  char* const place = own_ + (end_ - own_);
  offered_ = {place, std::min(most, capacity_ - static_cast<size_t>(place - own_))};
  return offered_;
}

void InputBuffer::Filled(size_t size) {
  CAIRN_CHECK(size <= offered_.size());
  if (own_ == nullptr) {
    begin_ = offered_.data();
    end_ = begin_ + size;
  } else {
    end_ += size;
  }
  offered_ = {};
}

void InputBuffer::Feed(std::string_view data) {
  if (empty()) {
    Release();
    begin_ = data.data();
    end_ = begin_ + data.size();
    return;
  }
  Hold();
  MakeRoom(data.size(), std::max(data.size(), kReadRoom));
  std::memcpy(own_ + (end_ - own_), data.data(), data.size());
  moved_bytes_ += data.size();
  end_ += data.size();
}

void InputBuffer::Hold() {
  if (own_ == nullptr && !empty()) Reallocate(size());
}

void InputBuffer::Release() {
  std::free(own_);
  own_ = nullptr;
  capacity_ = 0;
  begin_ = end_ = nullptr;
  offered_ = {};
}

// Sees to `enough` free bytes behind the waiting ones; makes `grow` of them (at least) when memory
// is made anew.
void InputBuffer::MakeRoom(size_t enough, size_t grow) {
  Compact(grow);
  if (capacity_ - static_cast<size_t>(end_ - own_) >= enough) return;
  Reallocate(size() + std::max(grow, size() / 2));
}

// Closes the gap in front of the waiting bytes, but only when it is as large as they are: then the
// bytes that were used up since the last time pay for the move.
void InputBuffer::Compact(size_t grow) {
  const auto gap = static_cast<size_t>(begin_ - own_);
  if (gap == 0 || gap < size()) return;
  if (capacity_ > kShrinkAbove && capacity_ / 4 > size() + grow) return Reallocate(size() + grow);
  std::memmove(own_, begin_, size());
  moved_bytes_ += size();
  end_ = own_ + size();
  begin_ = own_;
}

void InputBuffer::Reallocate(size_t capacity) {
  const size_t live = size();
  char* memory = nullptr;
  if (own_ != nullptr && begin_ == own_) {
    memory = static_cast<char*>(std::realloc(own_, capacity));
    CAIRN_CHECK(memory != nullptr);
  } else {
    memory = static_cast<char*>(std::malloc(capacity));
    CAIRN_CHECK(memory != nullptr);
    std::memcpy(memory, begin_, live);
    std::free(own_);
  }
  moved_bytes_ += live;
  own_ = memory;
  capacity_ = capacity;
  begin_ = own_;
  end_ = own_ + live;
}

}  // namespace cairn::resp
