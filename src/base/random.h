// Random numbers: a small seeded generator, and the system's own randomness for ids.
//
// Random is not thread-safe; one belongs to one owner, and the same seed always gives the same
// numbers (tests, simulators). The functions that ask the system are thread-safe.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>

namespace cairn::base {

// xoshiro256** of Blackman and Vigna, seeded by splitmix64. Not for secrets. Fits the C++ library's
// UniformRandomBitGenerator.
class Random {
 public:
  using result_type = uint64_t;

  explicit Random(uint64_t seed);

  // Any 64-bit number, all equally likely.
  uint64_t Next();
  // A number in [0, bound), all equally likely; `bound` is at least 1.
  uint64_t Below(uint64_t bound);

  uint64_t operator()() { return Next(); }
  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return std::numeric_limits<uint64_t>::max(); }

 private:
  uint64_t state_[4];
};

// Fills `out` with bytes from the system (getrandom), fit for secrets. Waits until the system has
// gathered enough after boot; any other failure is a CHECK.
void FillRandomBytes(std::span<char> out);
// Fills `out` with lower-case hexadecimal digits made from such bytes (40 of them are a run id or
// replication id).
void FillRandomHex(std::span<char> out);
std::string RandomHex(size_t digits);

}  // namespace cairn::base
