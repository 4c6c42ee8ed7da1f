// The commands that the benchmark sends, as ready-made bytes: one batch is formatted once, and each
// time it is sent only the digits of its keys are written anew. Not thread-safe; one Batch per
// connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::bench {

enum class Command : uint8_t { kSet, kGet, kIncr, kMset10 };

// "SET", "GET", "INCR", "MSET10".
std::string_view CommandName(Command command);
// 10 for MSET10, 1 for the others.
size_t KeysPerRequest(Command command);

// `prefix` is "key:" or, for the counters of INCR, "cnt:"; the name is the prefix and twelve
// decimal digits.
std::string KeyName(std::string_view prefix, uint64_t number);
// `size` printable bytes that do not compress well; the same for the same seed.
std::string RandomValue(size_t size, uint64_t seed);
// `args` as a RESP array of bulk strings.
std::string FormatRequest(const std::vector<std::string_view>& args);

// The order in which keys are visited: at random with repetition, or each of them once.
class KeySource {
 public:
  // Keys 0..keys-1, keys > 0. `each_once`: the first `keys` numbers are a permutation that jumps
  // all over the range.
  KeySource(uint64_t keys, bool each_once, uint64_t seed);
  uint64_t Next();

 private:
  uint64_t keys_;
  uint64_t step_ = 0;  // coprime to keys_; 0 = at random
  uint64_t state_;
};

class Batch {
 public:
  // `depth` requests of one command. All requests have the same length.
  Batch(Command command, size_t depth, size_t value_bytes, uint64_t seed);

  // Gives the first `requests` (<= depth) requests new keys and returns their bytes, valid until
  // the next call.
  std::string_view Fill(size_t requests, KeySource& keys);

 private:
  size_t keys_per_request_;
  size_t request_bytes_ = 0;
  std::string bytes_;
  std::vector<size_t> key_digits_;  // where in bytes_ the twelve digits of each key start
};

}  // namespace cairn::bench
