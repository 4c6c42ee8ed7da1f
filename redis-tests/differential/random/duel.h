// Two servers that get the same commands, and the comparison of what they answer.
//
// Used by one thread.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "differential/random/command_source.h"
#include "support/raw_client.h"

namespace cairn::redis_tests {

// True when the two replies agree as `judgement` asks.
bool Agree(Judgement judgement, std::string_view reference, std::string_view cairn);

// The first command that the two servers answered differently.
struct Difference {
  size_t index;
  std::string reference;
  std::string cairn;
};

class Duel {
 public:
  Duel(int reference_port, int cairn_port) : ports_{reference_port, cairn_port} {}

  // Called after every batch of Run(), with the number of batches so far: for what disturbs a
  // server without changing data.
  void set_between_batches(std::function<void(size_t)> hook) { between_batches_ = std::move(hook); }

  // New connections on both sides. Throws std::runtime_error when a server is gone.
  void Connect();
  // New connections to emptied databases.
  void Reset();

  // Sends the commands to both, `batch` at a time, and compares every reply; stops at the first
  // difference. Commands that a server did not answer count as answered with nothing.
  std::optional<Difference> Run(std::span<const RandomCommand> commands, size_t batch);

  // DBSIZE of each of the 16 databases, and every key with type, value, expiry time and, if wanted,
  // encoding; a difference as text, or nullopt. *keys: the number of keys compared.
  std::optional<std::string> CompareDumps(bool encodings, size_t* keys);

 private:
  std::optional<std::string> CompareDatabase(int db, bool encodings, size_t* keys);

  std::function<void(size_t)> between_batches_;
  int ports_[2];
  RawClient clients_[2];  // reference, Cairn
};

}  // namespace cairn::redis_tests
