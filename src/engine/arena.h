// Memory for an overlay's entries: blocks that are filled from front to back and freed all at once.
//
// A piece is named by a 32-bit reference, so that a hash index slot has room for 32 bits of hash
// beside it. A reference is (block number << 17 | position in the block / 8); 0 is never given out.
//
// Thread: one at a time. Pieces stay where they are until the arena is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace cairn::engine {

class Arena {
 public:
  using Ref = uint32_t;

  static constexpr size_t kUnit = 8;
  static constexpr size_t kMaxBlock = 1U << 20;
  static constexpr size_t kMaxAllocation = 48U << 10;
  static constexpr uint64_t kMaxBytes = 32ULL << 30;  // what 32 bits of units can name

  // A piece of `size` bytes (1 to kMaxAllocation), aligned to 8 bytes, not initialised.
  Ref Allocate(size_t size) {
    const size_t rounded = (size + kUnit - 1) / kUnit * kUnit;
    if (rounded > block_size_ - used_) AddBlock(rounded);
    const size_t at = used_;
    used_ += rounded;
    return static_cast<Ref>((blocks_.size() - 1) << kBlockBits | at / kUnit);
  }

  [[nodiscard]] char* At(Ref ref) const {
    return blocks_[ref >> kBlockBits].get() + size_t{ref & kPositionMask} * kUnit;
  }

  // Bytes taken from the system.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  static constexpr int kBlockBits = 17;
  static constexpr Ref kPositionMask = (1U << kBlockBits) - 1;
  static_assert(kMaxBlock / kUnit == size_t{1} << kBlockBits);
  static constexpr size_t kFirstBlock = 64U << 10;
  static_assert(kFirstBlock >= kMaxAllocation + kUnit);

  void AddBlock(size_t at_least);

  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_size_ = 0;  // of the last block
  size_t used_ = 0;        // in the last block
  uint64_t bytes_ = 0;
};

}  // namespace cairn::engine
