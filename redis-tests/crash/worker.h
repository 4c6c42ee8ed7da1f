// One client of the crash test: sends writes to a database of its own, remembers what was
// acknowledged, and judges what it finds after a crash.
//
// Its commands go out on one connection, so they take effect in the order they were sent. After a
// crash the server must hold the state after all acknowledged commands and some number (maybe none)
// of the unacknowledged ones, in order: an MSET in part, a lost write before a kept one, or a
// counter that is off all fail that.
//
// Load() runs on a thread of its own; everything else is called when Load() is not running.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/raw_client.h"

namespace cairn::redis_tests {

class Worker {
 public:
  // The worker writes to database `db` only, and is the only one to do so.
  Worker(int db, uint64_t seed);

  // Connects to `port` and pipelines random writes until *stop is set or the connection breaks.
  // What the server answers wrongly (an error, a counter's value) is kept as failure().
  void Load(int port, const std::atomic<bool>& stop);

  // After a restart: finds how many of the unacknowledged commands took effect and makes the model
  // follow. Sets failure() when the state is not one of those that are allowed.
  void Settle(RawClient* client);

  // Compares every key of the worker with the model. `ordered`: by SCANRANGE (keys, values and
  // their order) and COUNTRANGE; else by MGET.
  void Verify(RawClient* client, bool ordered);

  [[nodiscard]] size_t keys() const { return model_.size(); }
  [[nodiscard]] uint64_t acknowledged() const { return acknowledged_; }
  // Of the commands that were in flight at the crash that Settle() looked at: how many there were
  // and took effect.
  [[nodiscard]] size_t in_flight() const { return in_flight_; }
  [[nodiscard]] size_t in_effect() const { return in_effect_; }
  // Empty when all is well.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  using Model = std::map<std::string, std::string>;

  Command NextCommand();
  std::string Key(uint64_t index) const;
  std::string CounterKey(uint64_t index) const;
  std::string Value();
  // Executes a command on `model`; the reply that Redis gives to it.
  static std::string Apply(const Command& command, Model* model);
  [[nodiscard]] std::set<std::string> TouchedKeys() const;
  bool Select(RawClient* client);
  void Acknowledge(const std::vector<std::string>& replies);
  void VerifyRange(RawClient* client);
  void VerifyCount(RawClient* client);
  void VerifyByMget(RawClient* client);
  void Fail(const std::string& what);

  int db_;
  std::string prefix_;  // of all its keys
  std::mt19937_64 random_;
  uint64_t writes_ = 0;  // makes values unique
  Model model_;          // the state after all acknowledged commands
  std::vector<Command> unacknowledged_;
  uint64_t acknowledged_ = 0;
  size_t in_flight_ = 0;
  size_t in_effect_ = 0;
  std::string failure_;
};

}  // namespace cairn::redis_tests
