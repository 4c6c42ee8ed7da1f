// An allocator that counts what a container holds, so that the memory budget is kept in true bytes.
//
// Thread: as the container. The counter must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace cairn::engine {

template <typename T>
class CountingAllocator {
 public:
  using value_type = T;

  explicit CountingAllocator(uint64_t* bytes) : bytes_(bytes) {}
  // Containers make the allocator of their nodes from the one they are given.
  template <typename U>
  CountingAllocator(const CountingAllocator<U>& other)  // NOLINT(google-explicit-constructor)
      : bytes_(other.counter()) {}

  T* allocate(size_t count) {
    *bytes_ += count * sizeof(T);
    return std::allocator<T>().allocate(count);
  }
  void deallocate(T* place, size_t count) {
    *bytes_ -= count * sizeof(T);
    std::allocator<T>().deallocate(place, count);
  }

  [[nodiscard]] uint64_t* counter() const { return bytes_; }
  friend bool operator==(const CountingAllocator& a, const CountingAllocator& b) {
    return a.bytes_ == b.bytes_;
  }

 private:
  uint64_t* bytes_;
};

}  // namespace cairn::engine
