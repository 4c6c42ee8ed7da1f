#include "server/clients.h"

#include <utility>

#include "resp/errors.h"
#include "server/log.h"
#include "server/server.h"

namespace cairn::server {
namespace {

// A client that sent nothing for so long keeps no buffers.
constexpr int64_t kIdleUs = 1'000'000;
// How long a client that is turned away may take to read why, and how many may do so at a time:
// each keeps a descriptor, of which there are 32 to spare.
constexpr uint64_t kTurnAwayMs = 1000;
constexpr size_t kMostTurnedAway = 16;

}  // namespace

void Clients::Accept(std::unique_ptr<net::Connection> connection) {
  Counters& counters = server_->counters();
  const bool full = size() >= static_cast<size_t>(server_->options().maxclients);
  ++(full ? counters.rejected_connections : counters.total_connections);
  const uint64_t id = next_id_++;
  LogVerbose("accepted client {} ({})", id, connection->remote_address());
  auto session = std::make_unique<Session>(*server_, id, std::move(connection));
  Session* added = session.get();
  sessions_.emplace(id, std::move(session));
  const bool may_connect = server_->MayConnect(added->connection());
  if (!full && may_connect) return;
  ++turned_away_;
  added->TurnAway(full ? resp::errors::kMaxClients : resp::errors::kProtectedMode,
                  turned_away_ <= kMostTurnedAway ? kTurnAwayMs : 0);
}

bool Clients::RunTasks() {
  bool more = false;
  const std::vector<Session*> now(runnable_.begin(), runnable_.end());
  runnable_.clear();
  for (Session* session : now) {
    if (session->doomed()) continue;
    session->RunSlice();
    if (!session->runnable()) continue;
    runnable_.insert(session);
    more = more || !server_->WritesMustWait();
  }
  return more;
}

void Clients::Resume() {
  const std::vector<Session*> now(resumable_.begin(), resumable_.end());
  resumable_.clear();
  for (Session* session : now) session->Resume();
}

void Clients::MarkReplies(uint64_t appended) {
  for (Session* session : output_) session->MarkReplies(appended);
}

void Clients::FailHeldWrites(uint64_t durable, std::string_view error) {
  for (Session* session : output_) session->FailHeldWrites(durable, error);
  for (Session* session : holding_) session->FailHeldWrites(durable, error);
}

void Clients::Release(uint64_t durable) {
  if (!holding_.empty()) {
    for (Session* session : holding_) NoteOutput(session);
    holding_.clear();
  }
  if (output_.empty()) return;
  const int64_t now_us = server_->executor().monotonic_us();
  const std::vector<Session*> now = std::exchange(output_, {});
  for (Session* session : now) {
    session->UnmarkNoted();
    session->Release(durable);
    CountOutput(*session);
    if (session->holds_replies()) holding_.insert(session);
    if (session->pending_output() != 0) CheckOutputLimit(*session, now_us);
  }
}

void Clients::CheckOutputLimit(Session& session, int64_t now_us) {
  const config::OutputBufferLimit& limit = server_->options().client_output_buffer_limit.normal;
  const auto pending = static_cast<int64_t>(session.pending_output());
  const bool over_hard = limit.hard_bytes > 0 && pending >= limit.hard_bytes;
  bool too_long = false;
  if (limit.soft_bytes > 0 && pending >= limit.soft_bytes) {
    const int64_t since_us = over_soft_limit_.try_emplace(session.id(), now_us).first->second;
    too_long = now_us - since_us > limit.soft_s * 1'000'000;
  } else {
    over_soft_limit_.erase(session.id());
  }
  if (!over_hard && !too_long) return;
  LogWarning(
      "client {} ({}) is closed: it has not read {} bytes of replies (client-output-buffer-limit)",
      session.id(), session.connection().remote_address(), pending);
  ++server_->counters().output_limit_disconnections;
  session.Doom();
}

void Clients::DestroyDoomed() {
  for (Session* session : doomed_) {
    std::erase(output_, session);
    holding_.erase(session);
    runnable_.erase(session);
    resumable_.erase(session);
    over_soft_limit_.erase(session->id());
    LogVerbose("closed client {}", session->id());
    total_output_ -= session->counted_output();
    if (session->turned_away()) --turned_away_;
    sessions_.erase(session->id());
  }
  doomed_.clear();
}

void Clients::Cron(int64_t now_us) {
  const int64_t timeout_us = server_->options().timeout_s * 1'000'000LL;
  for (const auto& [id, session] : sessions_) {
    CountOutput(*session);
    if (now_us - session->profile().last_request_us > kIdleUs) session->TrimIdle();
    if (session->pending_output() != 0) CheckOutputLimit(*session, now_us);
    if (timeout_us > 0 && now_us - session->profile().last_request_us > timeout_us &&
        !session->runnable()) {
      LogVerbose("client {} is closed: idle for {} s", id, server_->options().timeout_s);
      session->Doom();
    }
  }
}

void Clients::DestroyAll() {
  for (const auto& [id, session] : sessions_) session->Doom();
  DestroyDoomed();
}

}  // namespace cairn::server
