#include "base/random.h"

#include <bit>
#include <cerrno>

#include <sys/random.h>

#include "base/check.h"

namespace cairn::base {

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
}

uint64_t Random::Next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Random::Below(uint64_t bound) {
  CAIRN_CHECK(bound > 0);
  // The numbers below `excess` are one too many of 2^64 modulo `bound`: dropped, so that none is
  // more likely.
  const uint64_t excess = -bound % bound;
  while (true) {
    const uint64_t value = Next();
    if (value >= excess) return value % bound;
  }
}

void FillRandomBytes(std::span<char> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    CAIRN_CHECK(got > 0 || errno == EINTR);
    if (got > 0) out = out.subspan(static_cast<size_t>(got));
  }
}

void FillRandomHex(std::span<char> out) {
  FillRandomBytes(out);
  for (char& c : out) c = "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
}

std::string RandomHex(size_t digits) {
  std::string text(digits, '\0');
  FillRandomHex(text);
  return text;
}

}  // namespace cairn::base
