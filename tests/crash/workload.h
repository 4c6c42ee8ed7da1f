// The writes that a recorded server gets: seeded, mixed, from several clients at once, each in a
// database of its own, with small and large values, long keys, expiry, flushes and checkpoints.
//
// Run uses one thread a client and joins them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "crash/journal.h"
#include "crash/recording.h"

namespace cairn::crash {

inline constexpr int kClients = 3;     // their databases are 0, 1, 2
inline constexpr int kSharedDb = 9;    // of the shared counter
inline constexpr int kDatabases = 16;  // what the server has

struct WorkloadOptions {
  uint64_t seed = 1;
  uint64_t commands = 4000;  // of each client
  int pause_ms = 0;          // the longest pause of a client between two pipelines
  bool shut_down = true;     // with SHUTDOWN at the end; otherwise the server is left running
};

class Workload {
 public:
  Workload() : journals_(kClients) {}

  // Connects, sends, notes the replies; ends early when the connections break. An error is a wrong
  // reply. Every client goes on from its journal's state.
  absl::Status Run(const std::string& socket_path, const WorkloadOptions& options);
  // Finds in the recording of the last Run's life when each reply was handed over; so many
  // connections were there before those of Run.
  absl::Status NoteAcks(const Recording& recording, size_t connections_before);

  // The same where there is no recording: what was answered counts from the first moment on.
  void AcknowledgeAnswered();

  std::vector<Journal>& journals() { return journals_; }
  [[nodiscard]] const std::vector<Journal>& journals() const { return journals_; }
  // Replies that came in the last Run.
  [[nodiscard]] uint64_t acknowledged() const { return acknowledged_; }

 private:
  // Where a reply ends among the bytes of its connection.
  struct ReplyEnd {
    size_t entry = 0;
    uint64_t bytes = 0;
  };
  struct Client;

  std::vector<Journal> journals_;
  std::vector<std::vector<ReplyEnd>> reply_ends_;
  uint64_t acknowledged_ = 0;
};

// Ok when the server shows exactly the state that the journals lead to: keys, values, expiries,
// read by ranges and one by one. Makes one connection.
absl::Status CompareOverSocket(const std::string& socket_path,
                               const std::vector<Journal>& journals);

}  // namespace cairn::crash
