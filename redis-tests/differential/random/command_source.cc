#include "differential/random/command_source.h"

#include <cctype>

namespace cairn::redis_tests {
namespace {

constexpr int kShortKeys = 36;
// Relative times are multiples of kSlotSeconds, each given out once: a permutation of 2^20 slots.
constexpr int64_t kSlots = 1 << 20;
constexpr int64_t kSlotStep = 387'277;  // odd, so that multiplying by it permutes the slots

const std::vector<std::string>& EdgeIntegers() {
  static const std::vector<std::string> edges = {
      "9223372036854775807", "-9223372036854775808", "9223372036854775806",
      "9223372036854775808", "-9223372036854775809", "18446744073709551616",
      "4294967296",          "2147483648",           "-2147483649"};
  return edges;
}

const std::vector<std::string>& NoIntegers() {
  static const std::vector<std::string> words = {"abc", "",   "1.5", " 1",  "1 ",
                                                 "+1",  "01", "-0",  "1e3", "0x10"};
  return words;
}

std::vector<std::string> MakeKeys() {
  std::vector<std::string> keys;
  for (int i = 0; i < kShortKeys; ++i) keys.push_back("key:" + std::to_string(i));
  const std::string long_prefix(600, 'k');
  for (const char* suffix : {"a", "b", "c", ""}) keys.push_back(long_prefix + suffix);
  for (const size_t length : {510, 511, 512, 513}) keys.emplace_back(length, 'k');
  keys.emplace_back(2000, 'L');
  keys.push_back(std::string(2000, 'L') + "tail");
  keys.emplace_back("");
  keys.emplace_back("\0", 1);
  keys.emplace_back("a\0b\xff", 4);
  keys.emplace_back("\xff\xff");
  keys.emplace_back("with space");
  keys.emplace_back("line\r\nbreak");
  keys.emplace_back("[h*l?o]");
  return keys;
}

}  // namespace

CommandSource::CommandSource(uint64_t seed) : random_(seed), keys_(MakeKeys()) {}

const std::vector<CommandSource::Weighted>& CommandSource::Makers() {
  static const std::vector<Weighted> makers = {
      {&CommandSource::Set, 16},     {&CommandSource::SetVariants, 7},
      {&CommandSource::Get, 10},     {&CommandSource::GetEx, 6},
      {&CommandSource::Multi, 7},    {&CommandSource::Counter, 14},
      {&CommandSource::Append, 6},   {&CommandSource::Ranges, 8},
      {&CommandSource::Lcs, 1},      {&CommandSource::Delete, 8},
      {&CommandSource::Rename, 5},   {&CommandSource::CopyOrMove, 6},
      {&CommandSource::Expire, 12},  {&CommandSource::ReadTime, 8},
      {&CommandSource::ReadKey, 6},  {&CommandSource::Keys, 1},
      {&CommandSource::Database, 3}, {&CommandSource::Connection, 2},
      {&CommandSource::GetKeys, 1},
  };
  return makers;
}

RandomCommand CommandSource::Next() {
  // Rarer than any weight: it empties databases.
  if (OneIn(2000)) return Flush();
  int total = 0;
  for (const Weighted& entry : Makers()) total += entry.weight;
  auto at = static_cast<int>(Random(static_cast<uint64_t>(total)));
  for (const Weighted& entry : Makers()) {
    at -= entry.weight;
    if (at >= 0) continue;
    RandomCommand command = (this->*entry.maker)();
    command.words[0] = AnyCase(command.words[0]);
    if (OneIn(40) && entry.maker != &CommandSource::GetKeys) Mutilate(&command.words);
    return command;
  }
  return {{"PING"}};
}

std::string CommandSource::AnyCase(std::string_view word) {
  std::string out(word);
  if (OneIn(4)) {
    for (char& c : out) c = static_cast<char>(OneIn(2) ? std::tolower(c) : c);
  }
  return out;
}

void CommandSource::Mutilate(Command* words) {
  const size_t at = Random(words->size());
  switch (Random(4)) {
    case 0:
      if (words->size() > 1) words->erase(words->begin() + static_cast<int64_t>(at == 0 ? 1 : at));
      break;
    case 1:
      words->push_back(Pick({"NX", "GET", "EX", "FOO", "", "-7", "KEEPTTL", "SYNC"}));
      break;
    case 2:
      words->push_back(words->back());
      break;
    default:
      if (at > 0) (*words)[at] = Pick(NoIntegers());
  }
}

std::string CommandSource::Key() {
  // Half of all commands meet on a few keys, so that they act on each other.
  if (OneIn(2)) return keys_[Random(8)];
  if (OneIn(400)) return std::string(20'000, 'X');
  return Pick(keys_);
}

std::string CommandSource::Value() {
  switch (Random(14)) {
    case 0:
      return "";
    case 1:
      return std::to_string(static_cast<int64_t>(random_()));
    case 2:
      return Pick(EdgeIntegers());
    case 3:
      return Pick(NoIntegers());
    case 4:
      return Float();
    case 5:
      return std::string(43 + Random(3), 'e');
    case 6:
      return std::string("\0\r\n\xff binary", 11);
    case 7:
      return std::string(OneIn(20) ? 3000 + Random(3000) : Random(300),
                         static_cast<char>('a' + Random(26)));
    case 8:
    case 9:
      return "text" + std::to_string(Random(1000));
    default:
      return std::to_string(static_cast<int64_t>(Random(2000)) - 1000);
  }
}

std::string CommandSource::Increment() {
  if (OneIn(12)) return Pick(EdgeIntegers());
  if (OneIn(12)) return Pick(NoIntegers());
  return std::to_string(static_cast<int64_t>(Random(200)) - 100);
}

std::string CommandSource::Float() {
  static const std::vector<std::string> edges = {
      "inf",  "-inf", "nan",   "1e400", "1e4932", "-1e4932", "1e-400", "1e17", "0.1",   "-0", "3.0",
      "5e-3", "1e20", "0x1p4", "1e300", ".5",     "5.",      "1e",     "--1",  "1_000", "1,5"};
  if (OneIn(6)) return Pick(edges);
  std::string number = std::to_string(static_cast<int64_t>(Random(2000)) - 1000);
  if (!OneIn(3)) number += '.' + std::to_string(Random(100'000));
  return number;
}

std::string CommandSource::Index() {
  if (OneIn(15)) return Pick(EdgeIntegers());
  if (OneIn(25)) return Pick(NoIntegers());
  return std::to_string(static_cast<int64_t>(Random(60)) - 30);
}

std::string CommandSource::Pattern() {
  static const std::vector<std::string> patterns = {
      "*",      "key:*", "key:1*", "key:?",     "key:[0-4]", "key:[^0-4]", "*[ab]",        "k*",
      "L*",     "",      "key:1",  "?",         "\\[*",      "*\\]",       "[h*l?o]",      "key:[",
      "*\xff*", "[^k]*", "**1**",  "key:[5-1]", "nope*",     "with*",      "line\r\nbreak"};
  return Pick(patterns);
}

std::string CommandSource::Db() {
  if (OneIn(12)) return Pick({"16", "-1", "abc", "", "1.5", "99999999999999999999", "4294967296"});
  return Pick({"0", "1", "2", "15"});
}

std::string CommandSource::RelativeSeconds() {
  const int64_t slot = (++relative_times_ * kSlotStep) % kSlots;
  return std::to_string((slot + 100) * kSlotSeconds);
}

std::string CommandSource::AbsoluteSeconds(bool past) {
  if (past && OneIn(8)) return Pick({"1", "1000000000", "1600000000"});
  return std::to_string(kFarSeconds + static_cast<int64_t>(Random(kFarSpan)));
}

std::string CommandSource::BadTime() {
  return Pick({"0", "-1", "-100", "abc", "", "1.5", "9223372036854775807", "-9223372036854775808",
               "9223372036854775808", "9223372036854776", "-9223372036854776"});
}

void CommandSource::AddExpiry(bool past, Command* words) {
  const uint64_t kind = Random(4);
  const std::string option = AnyCase(std::vector<std::string>{"EX", "PX", "EXAT", "PXAT"}[kind]);
  words->push_back(option);
  if (OneIn(12)) {
    words->push_back(BadTime());
    return;
  }
  std::string seconds = kind < 2 ? RelativeSeconds() : AbsoluteSeconds(past);
  if (kind % 2 == 1) seconds += "000";
  words->push_back(seconds);
}

void CommandSource::AddExpireOptions(Command* words) {
  if (!OneIn(2)) return;
  words->push_back(AnyCase(Pick({"NX", "XX", "GT", "LT"})));
  if (OneIn(5)) words->push_back(AnyCase(Pick({"NX", "XX", "GT", "LT"})));
  if (OneIn(25)) words->push_back("FOO");
}

RandomCommand CommandSource::Set() {
  Command words = {"SET", Key(), Value()};
  if (OneIn(4)) words.push_back(AnyCase(Pick({"NX", "XX"})));
  if (OneIn(4)) AddExpiry(false, &words);
  if (OneIn(6)) words.push_back(AnyCase("KEEPTTL"));
  if (OneIn(5)) words.push_back(AnyCase("GET"));
  if (OneIn(30)) words.push_back(Pick({"FOO", "EX", "PERSIST", "NX", "GET"}));
  return {words};
}

RandomCommand CommandSource::SetVariants() {
  switch (Random(5)) {
    case 0:
      return {{"SETNX", Key(), Value()}};
    case 1:
      return {{"SETEX", Key(), OneIn(5) ? BadTime() : RelativeSeconds(), Value()}};
    case 2:
      return {{"PSETEX", Key(), OneIn(5) ? BadTime() : RelativeSeconds() + "000", Value()}};
    case 3:
      return {{"GETSET", Key(), Value()}};
    default:
      return {{"GETDEL", Key()}};
  }
}

RandomCommand CommandSource::Get() {
  return {{OneIn(5) ? "STRLEN" : "GET", Key()}};
}

RandomCommand CommandSource::GetEx() {
  Command words = {"GETEX", Key()};
  if (OneIn(3)) {
    words.push_back(AnyCase("PERSIST"));
  } else if (!OneIn(4)) {
    AddExpiry(true, &words);
  }
  if (OneIn(15)) words.push_back(Pick({"PERSIST", "EX", "FOO", "NX"}));
  return {words};
}

RandomCommand CommandSource::Multi() {
  const uint64_t kind = Random(3);
  Command words = {std::vector<std::string>{"MSET", "MGET", "MSETNX"}[kind]};
  for (uint64_t count = 1 + Random(5); count > 0; --count) {
    words.push_back(Key());
    if (kind != 1) words.push_back(Value());
  }
  return {words};
}

RandomCommand CommandSource::Counter() {
  switch (Random(5)) {
    case 0:
      return {{"INCR", Key()}};
    case 1:
      return {{"DECR", Key()}};
    case 2:
      return {{"INCRBY", Key(), Increment()}};
    case 3:
      return {{"DECRBY", Key(), Increment()}};
    default:
      return {{"INCRBYFLOAT", Key(), Float()}};
  }
}

RandomCommand CommandSource::Append() {
  return {{"APPEND", Key(), Value()}};
}

RandomCommand CommandSource::Ranges() {
  switch (Random(5)) {
    case 0: {
      std::string offset = std::to_string(Random(OneIn(30) ? 5000 : 60));
      if (OneIn(15))
        offset = Pick({"-1", "536870912", "abc", "", "9223372036854775807", "9223372036854775808"});
      return {{"SETRANGE", Key(), offset, Value()}};
    }
    case 1:
      return {{"SUBSTR", Key(), Index(), Index()}};
    default:
      return {{"GETRANGE", Key(), Index(), Index()}};
  }
}

RandomCommand CommandSource::Lcs() {
  Command words = {"LCS", Key(), Key()};
  if (OneIn(3)) words.push_back(AnyCase("LEN"));
  if (OneIn(2)) words.push_back(AnyCase("IDX"));
  if (OneIn(3)) words.push_back(AnyCase("WITHMATCHLEN"));
  if (OneIn(3)) {
    words.push_back(AnyCase("MINMATCHLEN"));
    words.push_back(Index());
  }
  return {words};
}

RandomCommand CommandSource::Delete() {
  Command words = {Pick({"DEL", "DEL", "UNLINK", "EXISTS", "TOUCH"})};
  for (uint64_t count = 1 + (OneIn(3) ? Random(4) : 0); count > 0; --count) words.push_back(Key());
  return {words};
}

RandomCommand CommandSource::Rename() {
  return {{Pick({"RENAME", "RENAMENX"}), Key(), Key()}};
}

RandomCommand CommandSource::CopyOrMove() {
  if (OneIn(3)) return {{"MOVE", Key(), Db()}};
  Command words = {"COPY", Key(), Key()};
  if (OneIn(2)) words.insert(words.end(), {AnyCase("DB"), Db()});
  if (OneIn(2)) words.push_back(AnyCase("REPLACE"));
  return {words};
}

RandomCommand CommandSource::Expire() {
  const uint64_t kind = Random(5);
  if (kind == 4) return {{"PERSIST", Key()}};
  Command words = {std::vector<std::string>{"EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"}[kind],
                   Key()};
  if (OneIn(10)) {
    words.push_back(BadTime());
  } else {
    std::string seconds = kind < 2 ? RelativeSeconds() : AbsoluteSeconds(true);
    words.push_back(kind % 2 == 1 ? seconds + "000" : seconds);
  }
  AddExpireOptions(&words);
  return {words};
}

RandomCommand CommandSource::ReadTime() {
  if (OneIn(2)) return {{Pick({"TTL", "EXPIRETIME"}), Key()}, Judgement::kSeconds};
  return {{Pick({"PTTL", "PEXPIRETIME"}), Key()}, Judgement::kMilliseconds};
}

RandomCommand CommandSource::ReadKey() {
  if (OneIn(2)) return {{"OBJECT", AnyCase("ENCODING"), Key()}};
  if (OneIn(3)) return {{"DBSIZE"}};
  return {{"TYPE", Key()}};
}

RandomCommand CommandSource::Keys() {
  return {{"KEYS", Pattern()}, Judgement::kSortedKeys};
}

RandomCommand CommandSource::Database() {
  if (OneIn(10)) return {{"SWAPDB", Db(), Db()}};
  return {{"SELECT", Db()}};
}

RandomCommand CommandSource::Flush() {
  Command words = {Pick({"FLUSHDB", "FLUSHDB", "FLUSHALL"})};
  if (OneIn(2)) words.push_back(AnyCase(Pick({"SYNC", "ASYNC", "ASYNC", "FOO"})));
  return {words};
}

RandomCommand CommandSource::Connection() {
  switch (Random(8)) {
    case 0:
      return {{"PING", Value()}};
    case 1:
      return {{"ECHO", Value()}};
    case 2:
      return {{"HELLO", Pick({"2", "3"})}, Judgement::kSameType};
    case 3:
      return {{"HELLO", Pick({"4", "abc", "3x", "0"})}, Judgement::kSameType};
    case 4:
      return {{"CLIENT", AnyCase("SETNAME"), Pick({"me", "", "a b", "x\ny", "other"})}};
    case 5:
      return {{"CLIENT", AnyCase("GETNAME")}};
    case 6:
      return {{OneIn(3) ? "RESET" : "PING"}};
    default:
      return {{"NOSUCH" + std::to_string(Random(10)), Value(), Value()}};
  }
}

RandomCommand CommandSource::GetKeys() {
  const std::vector<Weighted>& makers = Makers();
  RandomCommand inner = (this->*makers[Random(12)].maker)();
  Command words = {"COMMAND", AnyCase(Pick({"GETKEYS", "GETKEYSANDFLAGS"}))};
  words.insert(words.end(), inner.words.begin(), inner.words.end());
  // Redis 7.0 and 7.2 differ in what they answer to less (cases/redis72.txt).
  while (words.size() < 4) words.emplace_back("k");
  return {words};
}

}  // namespace cairn::redis_tests
