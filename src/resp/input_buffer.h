// The bytes that have come in and are not used up yet: the memory that both parsers of this room
// stand on.
//
// The bytes lie in one piece: in the caller's memory as long as they can be used up at once, in a
// buffer of this object's own as soon as some of them have to wait for more. Own memory grows by
// half at least, is given back when it is empty, and shrinks when it is far too large, so that
// every byte is moved a bounded number of times on average. One owner, one thread. Pointers into
// the buffer last until the next call of anything but the accessors and Consume.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cairn::resp {

class InputBuffer {
 public:
  InputBuffer() = default;
  ~InputBuffer() { Release(); }
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;

  [[nodiscard]] const char* begin() const { return begin_; }
  [[nodiscard]] const char* end() const { return end_; }
  [[nodiscard]] size_t size() const { return static_cast<size_t>(end_ - begin_); }
  [[nodiscard]] bool empty() const { return begin_ == end_; }

  // The place for the next bytes: `shared` when nothing waits, else room of this object's own.
  // `missing`, when not 0, is how many bytes are wanted, and no more than so many are asked for.
  std::span<char> ReadBuffer(std::span<char> shared, size_t missing);
  // `size` bytes have been put at the place that ReadBuffer gave.
  void Filled(size_t size);
  // Adds `data`, which is used where it lies when nothing else waits.
  void Feed(std::string_view data);
  // The first `size` bytes are used up.
  void Consume(size_t size) { begin_ += size; }
  // Bytes from `place` on, used up since the last call of another function, are there again.
  void PutBack(const char* place) { begin_ = place; }
  // Moves what is left into own memory, so that the caller's memory is free again.
  void Hold();
  // Forgets everything and frees all memory.
  void Release();

  // Bytes of own memory: allocated, and in use.
  [[nodiscard]] size_t capacity() const { return capacity_; }
  [[nodiscard]] size_t held() const { return own_ != nullptr ? size() : 0; }
  // Bytes copied by this object since it was made.
  [[nodiscard]] uint64_t moved_bytes() const { return moved_bytes_; }

 private:
  // What own memory offers to a read: this much where it is made anew, never less than the second
  // figure.
  static constexpr size_t kReadRoom = 64 * 1024;
  static constexpr size_t kLeastRoom = 4 * 1024;
  // Never allocated at once beyond this (and twice of what is there) on the word of a client.
  static constexpr size_t kTrustedBytes = 1 << 20;
  static constexpr size_t kShrinkAbove = 256 * 1024;

  void MakeRoom(size_t enough, size_t grow);
  void Compact(size_t grow);
  void Reallocate(size_t capacity);

  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  char* own_ = nullptr;  // from malloc; when set, begin_ and end_ point into it
  size_t capacity_ = 0;
  std::span<char> offered_;  // what ReadBuffer gave last
  uint64_t moved_bytes_ = 0;
};

}  // namespace cairn::resp
