// What an operator may decide when a part of a data folder is gone: to give up a log, or to make a
// new store for a log. The server never does either by itself.
//
// Both claim the folder as a server does, for as long as they run, so they fail with kAlreadyExists
// while one is running. Nothing is deleted: what is given up is renamed. A crash at any point
// leaves a folder that the server refuses as before, or one that it takes.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"

namespace cairn::check {

struct AcceptedLoss {
  uint64_t store_offset = 0;  // what the store has, and where its new log begins
  std::string moved_to;       // where the folder `log` is now; empty when there was none
};

// Gives the store in the data folder `dir` a new log, which begins where the store's last
// checkpoint ends; what was acknowledged after that is given up. The history gets a new replication
// id, because replicas may have seen what it lost. kFailedPrecondition when there is no store, or
// when its log is there and fits: then nothing needs to be lost. kDataLoss when its own log is
// damaged.
absl::StatusOr<AcceptedLoss> AcceptLogLoss(base::FileSystem& fs, const std::string& dir);

// Makes a store for the log in the data folder `dir`, which has none; the next start of the server
// fills it from the log. Returns the log's end. kFailedPrecondition when there is a store, or the
// log does not begin at offset 0: what stood before its beginning is not in it. kDataLoss when it
// is damaged.
absl::StatusOr<uint64_t> RebuildStore(base::FileSystem& fs, const std::string& dir);

}  // namespace cairn::check
