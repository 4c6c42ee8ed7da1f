// Replies of one client that wait until what they say is durable enough.
//
// Each loop turn ends with a mark: everything written so far may go once the log is durable up to
// an offset. Replies go strictly in order. When the log fails, those that answer writes and are
// still held become errors, because nobody may be told that a write is safe when it is not; replies
// to reads stay as they are.
//
// Pure: bytes and offsets, no socket. Loop thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::server {

class ReplyBuffer {
 public:
  // Where replies are appended. Only the end may change from outside.
  std::string& bytes() { return bytes_; }
  [[nodiscard]] size_t size() const { return bytes_.size(); }

  // The reply from `begin` to the end of the buffer answers a write.
  void NoteWrite(size_t begin) { writes_.push_back({.begin = begin, .end = bytes_.size()}); }

  // Everything written up to now may go when the log is durable up to `offset`. Offsets never
  // decrease.
  void Mark(uint64_t offset);
  // The bytes that may go when the log is durable up to `durable`; valid until the next change.
  [[nodiscard]] std::string_view Releasable(uint64_t durable);
  // Takes the first `size` bytes away; they were Releasable.
  void Consume(size_t size);
  // Replaces held replies to writes by `error` (a whole RESP error), those that `durable` does not
  // cover, and lets all go.
  void FailHeld(uint64_t durable, std::string_view error);

  // True while marked replies wait for the log.
  [[nodiscard]] bool holds() const { return !marks_.empty(); }
  // Gives memory back that nothing is in, but for `keep` bytes.
  void Trim(size_t keep);

 private:
  struct MarkPoint {
    size_t end;
    uint64_t offset;
  };
  struct Span {
    size_t begin;
    size_t end;
  };

  std::string bytes_;
  size_t free_until_ = 0;        // bytes in front that may go whatever the log does
  std::deque<MarkPoint> marks_;  // ends and offsets ascend
  std::vector<Span> writes_;     // replies to writes that are still in bytes_, in order
};

}  // namespace cairn::server
