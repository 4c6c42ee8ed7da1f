#include "bench/workload.h"

#include <array>
#include <numeric>

#include "fmt/format.h"

namespace cairn::bench {
namespace {

constexpr size_t kDigits = 12;

// SplitMix64 (Steele, Lea, Flood 2014): enough randomness for keys, a few cycles a number.
uint64_t NextRandom(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

constexpr std::array<char, 200> DigitPairs() {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}

void WriteDigits(char* out, uint64_t number) {
  static constexpr std::array<char, 200> kPairs = DigitPairs();
  for (size_t at = kDigits; at > 0; at -= 2) {
    const uint64_t pair = number % 100;
    number /= 100;
    out[at - 2] = kPairs[2 * pair];
    out[at - 1] = kPairs[2 * pair + 1];
  }
}

std::string OneRequest(Command command, size_t value_bytes, uint64_t seed) {
  const std::string key = KeyName(command == Command::kIncr ? "cnt:" : "key:", 0);
  std::vector<std::string> args;
  switch (command) {
    case Command::kSet:
      args = {"SET", key, RandomValue(value_bytes, seed)};
      break;
    case Command::kGet:
      args = {"GET", key};
      break;
    case Command::kIncr:
      args = {"INCR", key};
      break;
    case Command::kMset10:
      args = {"MSET"};
      for (size_t i = 0; i < KeysPerRequest(command); ++i) {
        args.push_back(key);
        args.push_back(RandomValue(value_bytes, seed * 31 + i));
      }
      break;
  }
  return FormatRequest({args.begin(), args.end()});
}

}  // namespace

std::string_view CommandName(Command command) {
  switch (command) {
    case Command::kSet:
      return "SET";
    case Command::kGet:
      return "GET";
    case Command::kIncr:
      return "INCR";
    case Command::kMset10:
      return "MSET10";
  }
  return "";
}

size_t KeysPerRequest(Command command) {
  return command == Command::kMset10 ? 10 : 1;
}

std::string KeyName(std::string_view prefix, uint64_t number) {
  std::string name(prefix);
  name.resize(prefix.size() + kDigits);
  WriteDigits(name.data() + prefix.size(), number);
  return name;
}

std::string RandomValue(size_t size, uint64_t seed) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static_assert(kAlphabet.size() == 64);
  std::string value(size, ' ');
  for (char& c : value) c = kAlphabet[NextRandom(seed) % kAlphabet.size()];
  return value;
}

std::string FormatRequest(const std::vector<std::string_view>& args) {
  std::string out = fmt::format("*{}\r\n", args.size());
  for (std::string_view arg : args) out += fmt::format("${}\r\n{}\r\n", arg.size(), arg);
  return out;
}

KeySource::KeySource(uint64_t keys, bool each_once, uint64_t seed) : keys_(keys), state_(seed) {
  if (!each_once) return;
  state_ %= keys;
  // The golden ratio of the range, made coprime: neighbours in time are far apart in key order.
  step_ = static_cast<uint64_t>(static_cast<double>(keys) * 0.6180339887498949) | 1;
  while (std::gcd(step_, keys_) != 1) step_ += 2;
}

uint64_t KeySource::Next() {
  if (step_ != 0) {
    state_ = (state_ + step_) % keys_;
    return state_;
  }
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((Wide{NextRandom(state_)} * keys_) >> 64);
}

Batch::Batch(Command command, size_t depth, size_t value_bytes, uint64_t seed)
    : keys_per_request_(KeysPerRequest(command)) {
  const std::string_view prefix = command == Command::kIncr ? "\r\ncnt:" : "\r\nkey:";
  for (size_t i = 0; i < depth; ++i) {
    const std::string request = OneRequest(command, value_bytes, seed * 1'000'003 + i);
    request_bytes_ = request.size();
    // Values hold no line ends, so the prefix occurs where a key starts and nowhere else.
    for (size_t at = request.find(prefix); at != std::string::npos;
         at = request.find(prefix, at + 1)) {
      key_digits_.push_back(bytes_.size() + at + prefix.size());
    }
    bytes_ += request;
  }
}

std::string_view Batch::Fill(size_t requests, KeySource& keys) {
  const size_t count = requests * keys_per_request_;
  for (size_t i = 0; i < count; ++i) WriteDigits(&bytes_[key_digits_[i]], keys.Next());
  return std::string_view(bytes_).substr(0, requests * request_bytes_);
}

}  // namespace cairn::bench
