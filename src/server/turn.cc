#include "server/turn.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/status.h"
#include "resp/errors.h"
#include "server/log.h"
#include "server/server.h"

namespace cairn::server {
namespace {

// Keys that expire in one turn: about a millisecond's work.
constexpr size_t kExpirySlice = 512;
// How soon writers that wait for room are tried again.
constexpr uint64_t kThrottleRetryMs = 1;

}  // namespace

const std::array<Turn::Phase, 8>& Turn::Phases() {
  static constexpr std::array<Phase, 8> kPhases = {{
      {"tasks", &Turn::Tasks},
      {"expiry", &Turn::Expiry},
      {"log", &Turn::Log},
      {"mark", &Turn::Mark},
      {"release", &Turn::Release},
      {"engine", &Turn::Engine},
      {"seal", &Turn::Seal},
      {"clients", &Turn::ClientLists},
  }};
  return kPhases;
}

bool Turn::Run() {
  more_ = false;
  for (const Phase& phase : Phases()) {
    if (server_->shut_down_) return false;
    (this->*phase.run)();
  }
  return more_;
}

void Turn::Tasks() {
  Server& s = *server_;
  s.executor().RefreshTime();
  s.throttle_.Update(s.executor().monotonic_us(), s.storage_->engine().write_room_bytes(),
                     s.storage_->engine().write_budget_bytes(), s.storage_->engine().drain_rate());
  // Nobody would ever make room again: an error is better than a wait without end.
  absl::Status store_error;
  if (!s.throttle_.MayWrite()) store_error = s.storage_->engine().checkpoint_error();
  s.gates_.store_error = store_error;
  s.gates_debug_.store_error = store_error;
  if (!s.clients_.HasParked()) return;
  more_ = s.clients_.RunTasks() || more_;
  if (s.clients_.HasParked() && s.WritesMustWait()) {
    ++s.counters_.throttled_turns;
    s.throttle_timer_->Start(kThrottleRetryMs, 0);
  }
}

void Turn::Expiry() {
  Server& s = *server_;
  if (!s.gates_.log_error.ok() || s.throttle_.limited()) return;
  const auto expired = s.executor().ExpireDue(kExpirySlice);
  if (!expired.ok()) {
    LogWarning("expiry stops: {}", base::Message(expired.status()));
    s.executor().set_active_expire(false);
    return;
  }
  more_ = more_ || *expired == kExpirySlice;
}

void Turn::Log() {
  Server& s = *server_;
  Storage& storage = *s.storage_;
  const absl::Status flushed = storage.FlushLog();
  const absl::Status error = flushed.ok() ? storage.log().error() : flushed;
  if (!error.ok() && !s.log_failed_) {
    LogWarning("the log cannot be written, so writes are refused until it can: {}",
               base::Message(error));
    s.log_failed_ = true;
  }
  s.gates_.log_error = error;
  s.gates_debug_.log_error = error;
  if (!error.ok()) return;
  if (s.options().appendfsync == config::AppendFsync::kAlways &&
      storage.log().synced_offset() < storage.log().written_offset()) {
    storage.log().RequestSync();
  }
}

void Turn::Mark() {
  server_->clients_.MarkReplies(server_->storage_->log().appended_offset());
}

uint64_t Turn::DurableOffset() const {
  const wal::Log& log = server_->storage_->log();
  return server_->options().appendfsync == config::AppendFsync::kAlways ? log.synced_offset()
                                                                        : log.written_offset();
}

void Turn::Release() {
  Server& s = *server_;
  if (!s.gates_.log_error.ok()) {
    const std::string error =
        fmt::format("-{}\r\n", resp::errors::LogFailed(base::Message(s.gates_.log_error)));
    s.clients_.FailHeldWrites(DurableOffset(), error);
  }
  s.clients_.Release(DurableOffset());
}

void Turn::Engine() {
  server_->storage_->TakeEngineProgress();
  more_ = server_->storage_->backup().Continue() || more_;
}

void Turn::Seal() {
  if (server_->gates_.log_error.ok()) server_->storage_->MaybeSeal();
}

void Turn::ClientLists() {
  Server& s = *server_;
  const auto actions = std::exchange(s.after_turn_, {});
  for (const auto& action : actions) action();
  s.clients_.DestroyDoomed();
  s.clients_.Resume();
  more_ = more_ || s.clients_.HasUrgent();
}

}  // namespace cairn::server
