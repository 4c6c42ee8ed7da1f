// A seeded source of random commands over everything that redis-server and Cairn share.
//
// Deterministic: the same seed gives the same commands. Times are chosen so that no reply depends
// on how long a run takes: absolute expiry times are centuries away or long past, and relative ones
// differ from each other by at least 1000 s, so that GT and LT always decide the same way. Used by
// one thread.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/raw_client.h"

namespace cairn::redis_tests {

// How the replies of two servers to one command are compared.
enum class Judgement {
  kExact,       // byte for byte
  kSortedKeys,  // arrays with the same elements in any order
  // Integers that may differ by the time between the two servers' executions of relative expiry
  // times.
  kSeconds,
  kMilliseconds,
  kSameType,  // only the type of the reply, but errors byte for byte
};

struct RandomCommand {
  Command words;
  Judgement judgement = Judgement::kExact;
};

// Absolute expiry times given out lie in [kFarSeconds, kFarSeconds + kFarSpan), far from every
// relative one.
inline constexpr int64_t kFarSeconds = 20'000'000'000;
inline constexpr int64_t kFarSpan = 6;
// Relative expiry times differ by at least this much.
inline constexpr int64_t kSlotSeconds = 1000;

class CommandSource {
 public:
  explicit CommandSource(uint64_t seed);

  RandomCommand Next();

 private:
  using Maker = RandomCommand (CommandSource::*)();
  struct Weighted {
    Maker maker;
    int weight;
  };
  static const std::vector<Weighted>& Makers();

  // The families, one command each time they are asked.
  RandomCommand Set();
  RandomCommand SetVariants();
  RandomCommand Get();
  RandomCommand GetEx();
  RandomCommand Multi();
  RandomCommand Counter();
  RandomCommand Append();
  RandomCommand Ranges();
  RandomCommand Lcs();
  RandomCommand Delete();
  RandomCommand Rename();
  RandomCommand CopyOrMove();
  RandomCommand Expire();
  RandomCommand ReadTime();
  RandomCommand ReadKey();
  RandomCommand Keys();
  RandomCommand Database();
  RandomCommand Flush();
  RandomCommand Connection();
  RandomCommand GetKeys();

  // Words of commands.
  std::string Key();
  std::string Value();
  std::string Increment();
  std::string Float();
  std::string Index();
  std::string Pattern();
  std::string Db();
  // Adds an expiry option (EX, PX, EXAT, PXAT) and its value; now and then a wrong one. `past`: the
  // time may be past, which not every command takes the same way: SET keeps such a key until
  // somebody looks, and DBSIZE may count it.
  void AddExpiry(bool past, Command* words);
  std::string RelativeSeconds();
  std::string AbsoluteSeconds(bool past);
  std::string BadTime();
  // Adds NX, XX, GT, LT or nonsense.
  void AddExpireOptions(Command* words);
  // Drops, doubles or replaces a word now and then, so that every command sees wrong arity and
  // wrong options.
  void Mutilate(Command* words);
  std::string AnyCase(std::string_view word);

  uint64_t Random(uint64_t below) { return random_() % below; }
  bool OneIn(uint64_t n) { return Random(n) == 0; }
  const std::string& Pick(const std::vector<std::string>& words) {
    return words[Random(words.size())];
  }

  std::mt19937_64 random_;
  int64_t relative_times_ = 0;  // how many relative expiry times were given out
  std::vector<std::string> keys_;
};

}  // namespace cairn::redis_tests
