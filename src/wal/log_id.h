// The name of a log: 128 random bits, given when the log begins and kept for its whole life.
//
// Offsets alone do not say which log they count in: two servers' logs have the same ones. Every
// segment carries the id of its log, and so does whoever goes on from an offset in it (the store's
// checkpoint), so that files which do not belong together are found out. It is not the replication
// id, which changes at a failover while the log goes on.
//
// Pure but for NewLogId, which asks the system; thread-safe.
#pragma once

#include <array>
#include <string>

namespace cairn::wal {

using LogId = std::array<char, 16>;

// No log has this id.
inline constexpr LogId kNoLogId{};

// An id that no log has had before.
LogId NewLogId();

// 32 hexadecimal digits, for messages.
std::string FormatLogId(const LogId& id);

// Which log a folder should hold.
struct LogIdentity {
  LogId id = kNoLogId;
  // A log that this one takes the place of: its segments may still be there and are deleted.
  // kNoLogId when there is none.
  LogId replaced = kNoLogId;
  // The log's first segment is known to have been lasting at some time: a folder that holds none of
  // it has lost it.
  bool begun = false;
};

}  // namespace cairn::wal
