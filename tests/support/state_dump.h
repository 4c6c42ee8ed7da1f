// Everything that a storage knows of its keys, read in every way there is.
//
// Thread: that of the storage.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "keyspace/record.h"
#include "server/storage.h"

namespace cairn::test {

// Everything that a server knows of a key.
struct KeyState {
  keyspace::Type type = keyspace::Type::kNone;
  int64_t expire_ms = keyspace::kNoExpiry;
  std::string value;

  bool operator==(const KeyState&) const = default;
};
using DbState = std::map<std::string, KeyState>;
using ServerState = std::map<int, DbState>;  // databases with keys only

// Every key, read by walking; those that have expired and are still there too. kDataLoss when point
// reads, the databases' counts, or the expiry index do not agree with the walk; read errors as they
// are. `now_ms` = Unix time.
absl::StatusOr<ServerState> DumpState(server::Storage& storage, int64_t now_ms);

}  // namespace cairn::test
