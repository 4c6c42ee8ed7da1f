// All sessions, and the lists of those that the turn's end has to look at.
//
// Thread: loop thread. Lifetime: owned by the server; sessions are destroyed here only, in
// DestroyDoomed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "net/connection.h"
#include "server/session.h"

namespace cairn::server {

class Server;

class Clients {
 public:
  // With more than this in all clients' replies, each may pile up only a little.
  static constexpr size_t kCrowdedOutput = 256ULL << 20;

  explicit Clients(Server& server) : server_(&server) {}

  // A new connection: a session, or Redis' refusal when there are too many.
  void Accept(std::unique_ptr<net::Connection> connection);

  // ---- lists; a session may be noted more than once
  void NoteOutput(Session* session) {
    if (session->MarkNoted()) output_.push_back(session);
  }
  void NoteRunnable(Session* session) { runnable_.insert(session); }
  void NoteResumable(Session* session) { resumable_.insert(session); }
  void NoteDoomed(Session* session) { doomed_.push_back(session); }

  // Takes a session's replies, as they are now, into the sum of all.
  void CountOutput(Session& session) { total_output_ += session.RecountOutput(); }

  // ---- the turn
  // Runs one slice of every task and tries parked requests again. True when tasks have more to do
  // at once.
  bool RunTasks();
  // Lets sessions go on whose replies have drained.
  void Resume();
  // Marks the replies of this turn: they wait for the log to reach `appended`.
  void MarkReplies(uint64_t appended);
  // Turns held replies to writes into `error`.
  void FailHeldWrites(uint64_t durable, std::string_view error);
  // Sends what `durable` allows.
  void Release(uint64_t durable);
  void DestroyDoomed();
  // True when something was noted that the next turn must look at without waiting.
  [[nodiscard]] bool HasUrgent() const { return !resumable_.empty(); }
  // True while requests wait for room in memory.
  [[nodiscard]] bool HasParked() const { return !runnable_.empty(); }

  // Once a second: idle clients, soft output limits.
  void Cron(int64_t now_us);
  // Ends all sessions at once.
  void DestroyAll();

  // Clients that are served: those that were turned away and have not gone yet do not count.
  [[nodiscard]] size_t size() const { return sessions_.size() - turned_away_; }
  // By id, ascending.
  [[nodiscard]] const std::map<uint64_t, std::unique_ptr<Session>>& sessions() const {
    return sessions_;
  }
  [[nodiscard]] bool crowded() const { return total_output_ > kCrowdedOutput; }

 private:
  // Closes the client when its replies exceed client-output-buffer-limit.
  void CheckOutputLimit(Session& session, int64_t now_us);

  Server* server_;
  std::map<uint64_t, std::unique_ptr<Session>> sessions_;
  uint64_t next_id_ = 1;
  std::vector<Session*> output_;           // replied in this turn, or has something to close
  absl::flat_hash_set<Session*> holding_;  // replies wait for the log
  absl::flat_hash_set<Session*> runnable_;
  absl::flat_hash_set<Session*> resumable_;
  std::vector<Session*> doomed_;
  std::map<uint64_t, int64_t> over_soft_limit_;  // id -> since when (monotonic us)
  size_t total_output_ = 0;  // bytes of replies that sessions hold, as far as counted
  size_t turned_away_ = 0;   // of sessions_
};

}  // namespace cairn::server
