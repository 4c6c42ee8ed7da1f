// Random commands over several databases against std::map, with checkpoints, restarts and passing
// time in between: every reply, every key, every count.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr int kSteps = 5000;
#else
constexpr int kSteps = 20'000;
#endif
constexpr int kDatabases = 3;

std::string ShowInt(int64_t n) {
  return ":" + std::to_string(n);
}

// So small that the overlay is sealed again and again by itself.
server::StorageOptions SmallOptions() {
  server::StorageOptions options;
  options.databases = kDatabases;
  options.write_buffer_size = 3U << 20;
  options.log_segment_size = 256U << 10;
  options.log_history_size = 1U << 20;
  options.checkpoint_log_size = 4U << 20;
  return options;
}

class CommandModel {
 public:
  explicit CommandModel(uint64_t seed) : random_(seed), dbs_(kDatabases) {}

  void Run() {
    for (int step = 0; step < kSteps; ++step) {
      Step();
      ASSERT_FALSE(testing::Test::HasFailure()) << "step " << step;
    }
    Compare();
  }

 private:
  struct Entry {
    std::string value;
    std::optional<int64_t> expire_ms;
  };
  using Db = std::map<std::string, Entry>;

  // ---- choices

  uint64_t Below(uint64_t bound) { return random_.Below(bound); }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  std::string Key() {
    const std::string number = std::to_string(Below(30));
    switch (Below(4)) {
      case 0:
        return std::string(491, 'l') + number;
      case 1:
        return std::string(Below(4), '\xff');
      default:
        return "k" + number;
    }
  }
  std::string Value() {
    if (OneIn(3)) return std::to_string(Below(1000));
    if (OneIn(20)) return std::string(Below(50'000), 'v');
    return std::string(Below(60), static_cast<char>('a' + Below(26)));
  }
  int64_t FutureMs() { return Now() + 1 + static_cast<int64_t>(Below(5000)); }

  // ---- the model's view

  [[nodiscard]] int64_t Now() { return server_.clock().WallMs(); }
  Db& db() { return dbs_[static_cast<size_t>(db_)]; }
  bool Expired(const Entry& entry) { return entry.expire_ms && *entry.expire_ms <= Now(); }
  // nullptr when the key is not there; an expired one goes.
  Entry* Find(Db& in, const std::string& key) {
    const auto it = in.find(key);
    if (it == in.end()) return nullptr;
    if (Expired(it->second)) {
      in.erase(it);
      return nullptr;
    }
    return &it->second;
  }
  Entry* Find(const std::string& key) { return Find(db(), key); }
  std::string ShowValue(const std::string& key) {
    const Entry* entry = Find(key);
    return entry == nullptr ? "nil" : "\"" + entry->value + "\"";
  }
  void DropExpired() {
    for (Db& in : dbs_) {
      std::erase_if(in, [&](const auto& item) { return Expired(item.second); });
    }
  }

  void Expect(const std::vector<std::string>& argv, std::string_view want) {
    const TestReply reply = server_.Run(argv);
    // Values of the model hold no byte that Show would escape, but keys do.
    const std::string got = argv[0] == "SCANRANGE" ? reply.raw() : reply.Show();
    EXPECT_TRUE(got == want) << testing::PrintToString(argv) << "\n got " << got.substr(0, 300)
                             << "\nwant " << want.substr(0, 300);
  }

  // ---- commands

  void Set() {
    const std::string key = Key();
    const std::string value = Value();
    std::vector<std::string> argv = {"SET", key, value};
    const bool nx = OneIn(6);
    const bool xx = !nx && OneIn(6);
    const bool get = OneIn(5);
    if (nx) argv.emplace_back("NX");
    if (xx) argv.emplace_back("XX");
    if (get) argv.emplace_back("GET");
    Entry* old = Find(key);
    std::optional<int64_t> expire_ms;
    switch (Below(8)) {
      case 0:
        expire_ms = OneIn(8) ? Now() - static_cast<int64_t>(Below(100)) : FutureMs();
        argv.insert(argv.end(), {"PXAT", std::to_string(*expire_ms)});
        break;
      case 1:
        expire_ms = FutureMs();
        argv.insert(argv.end(), {"PX", std::to_string(*expire_ms - Now())});
        break;
      case 2:
        if (old != nullptr) expire_ms = old->expire_ms;
        argv.emplace_back("KEEPTTL");
        break;
      default:
        break;
    }
    const bool sets = !(nx && old != nullptr) && !(xx && old == nullptr);
    const std::string before = ShowValue(key);
    Expect(argv, get ? before : (sets ? "+OK" : "nil"));
    if (sets) db()[key] = {value, expire_ms};
  }

  void MSet() {
    const bool nx = OneIn(2);
    std::vector<std::string> argv = {nx ? "MSETNX" : "MSET"};
    bool any = false;
    Db pairs;
    for (uint64_t n = 1 + Below(12); n > 0; --n) {
      const std::string key = Key();
      const std::string value = Value();
      any = any || Find(key) != nullptr;
      argv.push_back(key);
      argv.push_back(value);
      pairs[key] = {value, std::nullopt};
    }
    Expect(argv, !nx ? "+OK" : (any ? ":0" : ":1"));
    if (nx && any) return;
    for (auto& [key, entry] : pairs) db()[key] = std::move(entry);
  }

  void Read() {
    const std::string key = Key();
    const Entry* entry = Find(key);
    switch (Below(5)) {
      case 0:
        Expect({"STRLEN", key}, ShowInt(entry == nullptr ? 0 : std::ssize(entry->value)));
        return;
      case 1:
        Expect({"EXISTS", key, key}, entry == nullptr ? ":0" : ":2");
        return;
      case 2: {
        const int64_t none = entry == nullptr ? -2 : -1;
        Expect({"PTTL", key},
               ShowInt(entry != nullptr && entry->expire_ms ? *entry->expire_ms - Now() : none));
        return;
      }
      case 3: {
        const std::string other = Key();
        Expect({"MGET", key, other}, "[" + ShowValue(key) + ", " + ShowValue(other) + "]");
        return;
      }
      default:
        Expect({"GET", key}, ShowValue(key));
    }
  }

  void Take() {
    const std::string key = Key();
    const std::string value = ShowValue(key);
    Entry* entry = Find(key);
    switch (Below(4)) {
      case 0:
        Expect({"GETDEL", key}, value);
        db().erase(key);
        return;
      case 1:
        Expect({"GETSET", key, "new"}, value);
        db()[key] = {"new", std::nullopt};
        return;
      case 2: {
        const int64_t expire_ms = FutureMs();
        Expect({"GETEX", key, "PXAT", std::to_string(expire_ms)}, value);
        if (entry != nullptr) entry->expire_ms = expire_ms;
        return;
      }
      default:
        Expect({"GETEX", key, "PERSIST"}, value);
        if (entry != nullptr) entry->expire_ms.reset();
    }
  }

  void Edit() {
    const std::string key = Key();
    Entry* entry = Find(key);
    std::string value = entry == nullptr ? "" : entry->value;
    if (OneIn(2)) {
      const std::string more = Value();
      value += more;
      Expect({"APPEND", key, more}, ShowInt(std::ssize(value)));
    } else {
      const uint64_t offset = Below(value.size() + 1);
      const std::string patch = "patch" + Value();
      value.resize(std::max(value.size(), offset + patch.size()));
      value.replace(offset, patch.size(), patch);
      Expect({"SETRANGE", key, std::to_string(offset), patch}, ShowInt(std::ssize(value)));
    }
    db()[key].value = value;
  }

  void Count() {
    const std::string key = Key();
    Entry* entry = Find(key);
    const bool number =
        entry == nullptr || (!entry->value.empty() && entry->value.size() < 10 &&
                             entry->value.find_first_not_of("0123456789") == std::string::npos &&
                             (entry->value == "0" || entry->value[0] != '0'));
    const auto delta = static_cast<int64_t>(Below(100));
    if (!number) {
      // It may be a negative number, or one that a string of digits is not; the reply says it.
      const TestReply reply = server_.Run({"INCRBY", key, std::to_string(delta)});
      if (!reply.is_error()) entry->value = std::to_string(reply.integer());
      return;
    }
    const int64_t sum = (entry == nullptr ? 0 : base::ParseInt64(entry->value).value()) + delta;
    Expect({"INCRBY", key, std::to_string(delta)}, ShowInt(sum));
    db()[key].value = std::to_string(sum);
  }

  void Delete() {
    std::vector<std::string> argv = {OneIn(2) ? "DEL" : "UNLINK"};
    int64_t deleted = 0;
    for (uint64_t n = 1 + Below(10); n > 0; --n) {
      const std::string key = Key();
      argv.push_back(key);
      if (Find(key) != nullptr) ++deleted;
      db().erase(key);
    }
    Expect(argv, ShowInt(deleted));
  }

  void ChangeExpiry() {
    const std::string key = Key();
    Entry* entry = Find(key);
    if (OneIn(3)) {
      Expect({"PERSIST", key}, entry != nullptr && entry->expire_ms ? ":1" : ":0");
      if (entry != nullptr) entry->expire_ms.reset();
      return;
    }
    const int64_t expire_ms = OneIn(10) ? Now() - 5 : FutureMs();
    static constexpr std::string_view kConditions[] = {"", "NX", "XX", "GT", "LT"};
    const std::string_view condition = kConditions[Below(5)];
    std::vector<std::string> argv = {"PEXPIREAT", key, std::to_string(expire_ms)};
    if (!condition.empty()) argv.emplace_back(condition);
    bool sets = entry != nullptr;
    if (sets) {
      const bool has = entry->expire_ms.has_value();
      // No expiry is one that never comes.
      const int64_t current = has ? *entry->expire_ms : INT64_MAX;
      if (condition == "NX") sets = !has;
      if (condition == "XX") sets = has;
      if (condition == "GT") sets = expire_ms > current;
      if (condition == "LT") sets = expire_ms < current;
    }
    Expect(argv, sets ? ":1" : ":0");
    if (!sets) return;
    if (expire_ms <= Now()) {
      db().erase(key);
    } else {
      entry->expire_ms = expire_ms;
    }
  }

  void Transfer() {
    const std::string from = Key();
    const std::string to = Key();
    const int other = static_cast<int>(Below(kDatabases));
    Db& other_db = dbs_[static_cast<size_t>(other)];
    const Entry* entry = Find(from);
    const std::optional<Entry> copy = entry == nullptr ? std::nullopt : std::optional(*entry);
    switch (Below(4)) {
      case 0:
        Expect({"RENAME", from, to}, copy ? "+OK" : "-ERR no such key");
        if (!copy) return;
        db().erase(from);
        db()[to] = *copy;
        return;
      case 1: {
        const bool taken = Find(to) != nullptr;
        Expect({"RENAMENX", from, to}, !copy ? "-ERR no such key" : (taken ? ":0" : ":1"));
        if (!copy || taken) return;
        db().erase(from);
        db()[to] = *copy;
        return;
      }
      case 2: {
        if (other == db_ && from == to) return;
        const bool replace = OneIn(2);
        const bool copies = copy && (replace || Find(other_db, to) == nullptr);
        std::vector<std::string> argv = {"COPY", from, to, "DB", std::to_string(other)};
        if (replace) argv.emplace_back("REPLACE");
        Expect(argv, copies ? ":1" : ":0");
        if (copies) other_db[to] = *copy;
        return;
      }
      default: {
        if (other == db_) return;
        const bool moves = copy && Find(other_db, from) == nullptr;
        Expect({"MOVE", from, std::to_string(other)}, moves ? ":1" : ":0");
        if (!moves) return;
        other_db[from] = *copy;
        db().erase(from);
      }
    }
  }

  void WholeDatabases() {
    if (OneIn(4)) {
      Expect({"FLUSHDB"}, "+OK");
      db().clear();
    } else if (OneIn(10)) {
      Expect({"FLUSHALL", "ASYNC"}, "+OK");
      for (Db& in : dbs_) in.clear();
    } else {
      const auto a = Below(kDatabases);
      const auto b = Below(kDatabases);
      Expect({"SWAPDB", std::to_string(a), std::to_string(b)}, "+OK");
      std::swap(dbs_[a], dbs_[b]);
    }
  }

  void Select() {
    db_ = static_cast<int>(Below(kDatabases));
    Expect({"SELECT", std::to_string(db_)}, "+OK");
  }

  // ---- ranges

  std::vector<std::string> KeysBetween(const std::string& min, const std::string& max) {
    DropExpired();
    std::vector<std::string> keys;
    for (const auto& [key, entry] : db()) {
      const bool above =
          min[0] == '-' || key > min.substr(1) || (min[0] == '[' && key == min.substr(1));
      const bool below =
          max[0] == '+' || key < max.substr(1) || (max[0] == '[' && key == max.substr(1));
      if (above && below) keys.push_back(key);
    }
    return keys;
  }

  void Range() {
    const std::string min = OneIn(2) ? "-" : (OneIn(2) ? "[" : "(") + Key();
    const std::string max = OneIn(2) ? "+" : (OneIn(2) ? "[" : "(") + Key();
    std::vector<std::string> keys = KeysBetween(min, max);
    if (OneIn(3)) {
      Expect({"COUNTRANGE", min, max}, ShowInt(std::ssize(keys)));
      return;
    }
    const size_t limit = 1 + Below(20);
    if (OneIn(8)) {
      if (keys.size() > limit) keys.resize(limit);
      Expect({"DELRANGE", min, max, "LIMIT", std::to_string(limit)}, ShowInt(std::ssize(keys)));
      for (const std::string& key : keys) db().erase(key);
      return;
    }
    const bool reverse = OneIn(2);
    if (reverse) std::reverse(keys.begin(), keys.end());
    std::vector<std::string> argv = {"SCANRANGE",  min,     max,
                                     "WITHVALUES", "LIMIT", std::to_string(limit)};
    if (reverse) argv.emplace_back("REV");
    std::string next;
    if (keys.size() > limit) {
      keys.resize(limit);
      next = "(" + keys.back();
    }
    std::string want;
    resp::ReplyWriter writer(want);
    writer.Array(2);
    writer.Bulk(next);
    writer.Array(keys.size() * 2);
    for (const std::string& key : keys) {
      writer.Bulk(key);
      writer.Bulk(db()[key].value);
    }
    Expect(argv, want);
  }

  // ---- events

  void Compare() {
    server_.ExpireDue();
    DropExpired();
    const ServerState state = server_.Dump();
    for (int n = 0; n < kDatabases; ++n) {
      const Db& want = dbs_[static_cast<size_t>(n)];
      const auto got = state.find(n);
      ASSERT_EQ(got == state.end() ? 0 : got->second.size(), want.size()) << "database " << n;
      for (const auto& [key, entry] : want) {
        const auto it = got->second.find(key);
        ASSERT_NE(it, got->second.end());
        ASSERT_TRUE(it->second.value == entry.value);
        ASSERT_EQ(it->second.expire_ms, entry.expire_ms.value_or(keyspace::kNoExpiry));
      }
    }
    Expect({"DBSIZE"}, ShowInt(std::ssize(db())));
  }

  void Event() {
    switch (Below(8)) {
      case 0:
        Compare();
        return;
      case 1:
        server_.Seal();
        return;
      case 2:
        if (OneIn(3)) server_.Checkpoint();
        return;
      case 3:
        if (OneIn(4)) server_.Reopen();
        return;
      case 4:
        if (OneIn(8)) server_.CloseAndReopen(OneIn(2));
        return;
      case 5:
        server_.ExpireDue(1 + Below(5));
        return;
      default:
        server_.EndTurn();
    }
  }

  void Step() {
    if (OneIn(3)) server_.clock().AdvanceMs(static_cast<int64_t>(Below(60)));
    if (OneIn(40)) Event();
    if (OneIn(200)) WholeDatabases();
    using Command = void (CommandModel::*)();
    static constexpr Command kCommands[] = {
        &CommandModel::Set,    &CommandModel::Set,      &CommandModel::MSet,
        &CommandModel::Read,   &CommandModel::Read,     &CommandModel::Take,
        &CommandModel::Edit,   &CommandModel::Count,    &CommandModel::Delete,
        &CommandModel::Range,  &CommandModel::Transfer, &CommandModel::ChangeExpiry,
        &CommandModel::Select,
    };
    (this->*kCommands[Below(std::size(kCommands))])();
  }

  base::Random random_;
  CommandHarness server_{SmallOptions()};
  std::vector<Db> dbs_;
  int db_ = 0;
};

class CommandModelTest : public testing::TestWithParam<uint64_t> {};

TEST_P(CommandModelTest, EqualsMaps) {
  CommandModel(GetParam()).Run();
}

INSTANTIATE_TEST_SUITE_P(Seeds, CommandModelTest, testing::Range<uint64_t>(1, 5));

}  // namespace
}  // namespace cairn::test
