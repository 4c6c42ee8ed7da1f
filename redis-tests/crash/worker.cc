#include "crash/worker.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace cairn::redis_tests {
namespace {

constexpr uint64_t kKeys = 20'000;
constexpr uint64_t kCounters = 16;
constexpr uint64_t kGroups = 500;
constexpr int kGroupSize = 10;
constexpr uint64_t kDeepestPipeline = 64;
constexpr int kPage = 5000;
// Every so many keys one has a name that is longer than what LMDB takes.
constexpr uint64_t kLongNameEvery = 40;
// One in so many commands empties the database.
constexpr uint64_t kFlushEvery = 100'000;

int64_t ToInteger(const std::string& text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A key of the group `index` of `prefix`.
std::string GroupKey(const std::string& prefix, uint64_t index, int member) {
  return prefix + "m:" + std::to_string(index) + ':' + std::to_string(member);
}

}  // namespace

Worker::Worker(int db, uint64_t seed)
    : db_(db), prefix_("w" + std::to_string(db) + ":"), random_(seed) {}

void Worker::Fail(const std::string& what) {
  if (failure_.empty()) failure_ = prefix_ + " " + what;
}

std::string Worker::Key(uint64_t index) const {
  std::string key = prefix_ + "s:" + std::to_string(index);
  if (index % kLongNameEvery == 0) key.insert(prefix_.size(), 600, 'p');
  return key;
}

std::string Worker::CounterKey(uint64_t index) const {
  return prefix_ + "c:" + std::to_string(index);
}

std::string Worker::Value() {
  const uint64_t chance = random_() % 2000;
  const uint64_t length = chance == 0 ? 200'000 : chance < 20 ? 20'000 : random_() % 400;
  std::string value = std::to_string(++writes_) + ':';
  value.resize(value.size() + length, static_cast<char>('a' + writes_ % 26));
  return value;
}

Command Worker::NextCommand() {
  if (random_() % kFlushEvery == 0) return {"FLUSHDB", random_() % 2 == 0 ? "ASYNC" : "SYNC"};
  const uint64_t kind = random_() % 20;
  if (kind < 10) return {"SET", Key(random_() % kKeys), Value()};
  if (kind < 14) return {"INCR", CounterKey(random_() % kCounters)};
  if (kind < 16) return {"DEL", Key(random_() % kKeys), Key(random_() % kKeys)};
  if (kind < 17) return {"APPEND", Key(random_() % kKeys), "+" + std::to_string(++writes_)};
  Command words = {"MSET"};
  const uint64_t group = random_() % kGroups;
  const std::string value = "group " + std::to_string(++writes_);
  for (int member = 0; member < kGroupSize; ++member) {
    words.push_back(GroupKey(prefix_, group, member));
    words.push_back(value);
  }
  return words;
}

std::string Worker::Apply(const Command& command, Model* model) {
  const std::string& name = command[0];
  if (name == "SET" || name == "MSET") {
    for (size_t i = 1; i + 1 < command.size(); i += 2) (*model)[command[i]] = command[i + 1];
    return "+OK\r\n";
  }
  if (name == "INCR") {
    std::string& value = (*model)[command[1]];
    value = std::to_string(ToInteger(value) + 1);
    return ":" + value + "\r\n";
  }
  if (name == "APPEND") {
    std::string& value = (*model)[command[1]];
    value += command[2];
    return ":" + std::to_string(value.size()) + "\r\n";
  }
  if (name == "FLUSHDB") {
    model->clear();
    return "+OK\r\n";
  }
  size_t deleted = 0;
  for (size_t i = 1; i < command.size(); ++i) deleted += model->erase(command[i]);
  return ":" + std::to_string(deleted) + "\r\n";
}

void Worker::Acknowledge(const std::vector<std::string>& replies) {
  for (size_t i = 0; i < replies.size(); ++i) {
    const std::string expected = Apply(unacknowledged_[i], &model_);
    if (replies[i] != expected) {
      Fail("was answered " + Shown(std::string_view(replies[i])) + " instead of " +
           Shown(std::string_view(expected)) + " to " + Shown(unacknowledged_[i]));
    }
  }
  unacknowledged_.erase(unacknowledged_.begin(),
                        unacknowledged_.begin() + static_cast<int64_t>(replies.size()));
  acknowledged_ += replies.size();
}

void Worker::Load(int port, const std::atomic<bool>& stop) {
  RawClient client;
  if (!client.Connect(port)) return Fail("cannot connect");
  if (!Select(&client)) return;  // The crash came first.
  std::string requests;
  std::vector<std::string> replies;
  for (bool open = true; open && !stop.load() && failure_.empty();) {
    requests.clear();
    replies.clear();
    for (uint64_t depth = 1 + random_() % kDeepestPipeline; depth > 0; --depth) {
      unacknowledged_.push_back(NextCommand());
      AppendCommand(unacknowledged_.back(), &requests);
    }
    open = client.Exchange(requests, unacknowledged_.size(), &replies);
    Acknowledge(replies);
  }
}

std::set<std::string> Worker::TouchedKeys() const {
  std::set<std::string> touched;
  for (const Command& command : unacknowledged_) {
    if (command[0] == "FLUSHDB") {
      for (const auto& [key, value] : model_) touched.insert(key);
    } else if (command[0] == "SET" || command[0] == "MSET") {
      for (size_t i = 1; i < command.size(); i += 2) touched.insert(command[i]);
    } else {
      touched.insert(command.begin() + 1, command.begin() + (command[0] == "DEL" ? 3 : 2));
    }
  }
  return touched;
}

bool Worker::Select(RawClient* client) {
  std::vector<std::string> replies;
  return client->Exchange("SELECT " + std::to_string(db_) + "\r\n", 1, &replies) &&
         replies[0] == "+OK\r\n";
}

void Worker::Settle(RawClient* client) {
  in_flight_ = unacknowledged_.size();
  in_effect_ = 0;
  const std::set<std::string> touched = TouchedKeys();
  if (!Select(client)) return Fail("cannot select its database");
  if (touched.empty()) return unacknowledged_.clear();
  Command mget = {"MGET"};
  mget.insert(mget.end(), touched.begin(), touched.end());
  const std::string reply = client->Call(mget);
  const std::vector<Scalar> values = Scalars(reply);
  if (values.size() != touched.size())
    return Fail("MGET was answered " + Shown(std::string_view(reply)));
  Model found;
  size_t i = 0;
  for (const std::string& key : touched) {
    if (!values[i].null) found[key] = std::string(values[i].text);
    ++i;
  }
  const auto agrees = [&] {
    return std::all_of(touched.begin(), touched.end(), [&](const std::string& key) {
      const auto wanted = model_.find(key);
      const auto got = found.find(key);
      if (wanted == model_.end() || got == found.end())
        return wanted == model_.end() && got == found.end();
      return wanted->second == got->second;
    });
  };
  for (const Command& command : unacknowledged_) {
    if (agrees()) break;
    Apply(command, &model_);
    ++in_effect_;
  }
  if (!agrees()) {
    Fail("is in a state that no number of the " + std::to_string(in_flight_) +
         " unacknowledged commands leads to: something was lost or torn");
  }
  unacknowledged_.clear();
}

void Worker::Verify(RawClient* client, bool ordered) {
  if (!failure_.empty()) return;
  if (!Select(client)) return Fail("cannot select its database");
  const std::string size = client->Call({"DBSIZE"});
  if (size != ":" + std::to_string(model_.size()) + "\r\n") {
    Fail("has " + std::to_string(model_.size()) + " keys, but DBSIZE gives " +
         Shown(std::string_view(size)));
  }
  if (!ordered) return VerifyByMget(client);
  VerifyRange(client);
  VerifyCount(client);
}

void Worker::VerifyRange(RawClient* client) {
  auto expected = model_.begin();
  std::string from = "-";
  while (!from.empty()) {
    const std::string reply =
        client->Call({"SCANRANGE", from, "+", "LIMIT", std::to_string(kPage), "WITHVALUES"});
    const std::vector<Scalar> parts = Scalars(reply);
    if (parts.empty() || parts[0].type != '$' || parts.size() % 2 != 1) {
      return Fail("SCANRANGE was answered " + Shown(std::string_view(reply)));
    }
    for (size_t i = 1; i < parts.size(); i += 2, ++expected) {
      if (expected == model_.end() || parts[i].text != expected->first) {
        return Fail(
            "SCANRANGE gives " + Shown(parts[i].text) + " instead of " +
            (expected == model_.end() ? "the end" : Shown(std::string_view(expected->first))));
      }
      if (parts[i + 1].text != expected->second) {
        return Fail("key " + expected->first + " holds " + Shown(parts[i + 1].text) +
                    " instead of " + Shown(std::string_view(expected->second)));
      }
    }
    from = std::string(parts[0].text);
  }
  if (expected != model_.end()) Fail("SCANRANGE ends before " + expected->first);
}

void Worker::VerifyCount(RawClient* client) {
  for (int i = 0; i < 5 && !model_.empty(); ++i) {
    auto low = model_.begin();
    std::advance(low, static_cast<int64_t>(random_() % model_.size()));
    auto high = low;
    std::advance(high, static_cast<int64_t>(
                           random_() % static_cast<uint64_t>(std::distance(low, model_.end()))));
    const auto count = std::distance(low, high);
    const std::string reply = client->Call({"COUNTRANGE", "[" + low->first, "(" + high->first});
    if (reply != ":" + std::to_string(count) + "\r\n") {
      return Fail("COUNTRANGE gives " + Shown(std::string_view(reply)) + " instead of " +
                  std::to_string(count));
    }
    const std::string value = client->Call({"GET", low->first});
    if (Scalars(value)[0].text != low->second)
      return Fail("GET " + low->first + " disagrees with SCANRANGE");
  }
}

void Worker::VerifyByMget(RawClient* client) {
  for (auto at = model_.begin(); at != model_.end();) {
    Command mget = {"MGET"};
    const auto first = at;
    for (int i = 0; i < kPage && at != model_.end(); ++i, ++at) mget.push_back(at->first);
    const std::string reply = client->Call(mget);
    const std::vector<Scalar> values = Scalars(reply);
    auto expected = first;
    for (const Scalar& value : values) {
      if (value.null || value.text != expected->second) {
        return Fail("key " + expected->first + " holds " + Shown(value.text) + " instead of " +
                    Shown(std::string_view(expected->second)));
      }
      ++expected;
    }
  }
}

}  // namespace cairn::redis_tests
