// What one client did to its database, command by command, and the state that each number of
// commands leads to. A recovered database must be one of these states.
//
// The model knows the commands that the workload sends (workload.h), strings only, written without
// the server's code. States are compared by a 128-bit sum over the keys, so that looking one up
// costs nothing and thousands of states need no memory.
//
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "support/raw_client.h"

namespace cairn::crash {

using redis_tests::Command;

inline constexpr int64_t kNoExpiry = INT64_MIN;
// All clients count up one key in a database of its own; it shows the order across them.
inline constexpr std::string_view kSharedCounter = "shared";
// Keys with this prefix expire by themselves while the server runs.
inline constexpr std::string_view kVolatilePrefix = "v:";

struct KeyValue {
  std::string value;
  int64_t expire_ms = kNoExpiry;
  bool operator==(const KeyValue&) const = default;
};

// A sum over keys: the order in which they came does not matter.
struct StateHash {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const StateHash&) const = default;
  void Add(std::string_view key, const KeyValue& value);
  void Subtract(std::string_view key, const KeyValue& value);
};

// The keys of one database after some commands, the volatile ones left out.
class Model {
 public:
  // Executes a command; the reply that the server must give, or "" when any is right.
  std::string Apply(const Command& command);
  [[nodiscard]] const StateHash& hash() const { return hash_; }
  [[nodiscard]] const std::unordered_map<std::string, KeyValue>& keys() const { return keys_; }

 private:
  void Set(const std::string& key, KeyValue value);
  bool Erase(const std::string& key);
  std::string Expire(const std::string& key, int64_t at_ms);
  std::string Edit(const Command& command);
  std::string Move(const std::string& from, const std::string& to);

  std::unordered_map<std::string, KeyValue> keys_;
  StateHash hash_;
};

// What a recovered database holds, as the checker read it.
struct FoundDatabase {
  StateHash hash;                                 // without volatile keys
  std::map<std::string, int64_t> volatile_times;  // volatile keys and when they expire
};

class Journal {
 public:
  static constexpr uint64_t kNever = UINT64_MAX;
  struct Entry {
    Command command;
    std::string expected;     // reply; "" = any
    uint64_t acked = kNever;  // stamp of the call that handed over the reply's last byte
    int64_t shared = 0;       // what the shared counter came to, where this counted it up
  };

  // Adds a command that is about to be sent.
  void Append(Command command);
  // The reply to entry `index` has come; an error when it is not what it must be.
  absl::Status NoteReply(size_t index, std::string_view reply);
  void NoteAcked(size_t index, uint64_t stamp) { entries_[index].acked = stamp; }
  // All that is there is promised from the first moment on.
  void AcknowledgeAll();
  // After the last NoteAcked of a life: what was never acknowledged but is followed by something
  // that was is as good as acknowledged with it.
  void SettleAcks();

  [[nodiscard]] size_t size() const { return entries_.size(); }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  // The state after all commands.
  [[nodiscard]] const Model& model() const { return model_; }
  // The state after the first `count`.
  [[nodiscard]] Model StateAfter(size_t count) const;
  // How many commands had been acknowledged by calls that began before `stamp`: replies come in
  // order, so these are the first ones.
  [[nodiscard]] size_t AckedBefore(uint64_t stamp) const;

  // A number of commands, `least` or more, after which the database is what was found; the largest
  // one. `shared` is the shared counter's value there. Keys may have expired until `wall_ms`.
  // Otherwise an error that says what is wrong.
  [[nodiscard]] absl::StatusOr<size_t> Match(const FoundDatabase& found, size_t least,
                                             int64_t shared, int64_t wall_ms) const;

  // Forgets all but the first `count` commands.
  void Truncate(size_t count);

  // As text in a file, to be checked again later.
  absl::Status Save(const std::string& file) const;
  static absl::StatusOr<Journal> Load(const std::string& file);

 private:
  struct Volatile {
    size_t set_at = 0;          // the command that made it
    size_t gone_at = SIZE_MAX;  // the first FLUSHDB after that
    int64_t expire_ms = 0;
  };
  // "" when the volatile keys are right after `count` commands, or what is wrong.
  [[nodiscard]] std::string JudgeVolatile(const FoundDatabase& found, size_t count,
                                          int64_t wall_ms) const;

  std::vector<Entry> entries_;
  std::vector<StateHash> states_ = {StateHash()};  // after 0, 1, 2, ... commands
  std::map<std::string, Volatile> volatile_;
  Model model_;
};

}  // namespace cairn::crash
