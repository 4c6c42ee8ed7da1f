// The composition root: builds everything, owns it, and decides the order of a turn. No other room
// includes it.
//
// Thread: the main thread, which is the loop's. One Server per process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/file.h"
#include "config/options.h"
#include "exec/command_table.h"
#include "exec/executor.h"
#include "exec/gates.h"
#include "exec/request_batch.h"
#include "net/connection.h"
#include "net/loop.h"
#include "resp/request_parser.h"
#include "server/clients.h"
#include "server/rates.h"
#include "server/storage.h"
#include "server/write_throttle.h"

namespace cairn::server {

// Cumulative figures for INFO; CONFIG RESETSTAT clears them.
struct Counters {
  uint64_t total_connections = 0;
  uint64_t rejected_connections = 0;
  uint64_t net_input_bytes = 0;
  uint64_t net_output_bytes = 0;
  uint64_t output_limit_disconnections = 0;
  uint64_t throttled_turns = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
};

// How a shutdown was asked for (SHUTDOWN's options).
struct ShutdownRequest {
  bool save = true;
  bool force = false;  // go even when the data cannot be made lasting
};

class Server {
 public:
  struct Setup {
    config::ServerOptions options;
    std::string config_file;  // as given, made absolute; empty when there was none
    std::string executable;
  };
  // Opens the data, recovers, and listens. Errors say what is wrong and what to do.
  static absl::StatusOr<std::unique_ptr<Server>> Create(base::FileSystem& fs, Setup setup);
  ~Server();

  // Serves until it is shut down; returns the process' exit code.
  int Run();

  // Flushes, syncs, and unless told otherwise makes a checkpoint, then stops the loop. An error
  // leaves the server running.
  absl::Status Shutdown(const ShutdownRequest& request);
  // DEBUG RELOAD: closes the data folder and recovers from it in place. When it cannot be closed,
  // nothing has changed; when it cannot be opened again, the server ends, and all sessions are gone
  // already. Only between turns (AfterTurn).
  absl::Status Reload();

  // Runs `action` when the turn is over: for what a command may not do while the executor is
  // running it.
  void AfterTurn(std::function<void()> action) { after_turn_.push_back(std::move(action)); }

  // Applies changed settings to the running parts; the text of an error is for CONFIG SET's reply,
  // and nothing was changed.
  absl::Status ApplyOptions(const config::ServerOptions& changed);

  [[nodiscard]] const config::ServerOptions& options() const { return setup_.options; }
  [[nodiscard]] const Setup& setup() const { return setup_; }
  [[nodiscard]] base::FileSystem& fs() { return *fs_; }
  [[nodiscard]] const base::Clock& clock() const { return clock_; }
  [[nodiscard]] Storage& storage() { return *storage_; }
  [[nodiscard]] exec::Executor& executor() { return storage_->executor(); }
  [[nodiscard]] const exec::CommandTable& table() const { return table_; }
  [[nodiscard]] Clients& clients() { return clients_; }
  [[nodiscard]] WriteThrottle& throttle() { return throttle_; }
  [[nodiscard]] Counters& counters() { return counters_; }
  [[nodiscard]] Rates& rates() { return rates_; }
  [[nodiscard]] const RecoveryReport& recovery() const { return recovery_; }
  [[nodiscard]] const std::string& run_id() const { return run_id_; }
  [[nodiscard]] int64_t start_us() const { return start_us_; }  // monotonic
  [[nodiscard]] uint64_t peak_memory() const { return peak_memory_; }
  // Addresses and paths where clients are accepted.
  [[nodiscard]] std::vector<std::string> ListeningOn() const;

  [[nodiscard]] exec::RequestBatch& request_batch() { return request_batch_; }
  [[nodiscard]] std::span<char> read_buffer() { return read_buffer_; }
  [[nodiscard]] bool needs_password() const { return !options().requirepass.empty(); }
  [[nodiscard]] const resp::RequestLimits& request_limits(bool authenticated) const {
    return authenticated ? limits_ : limits_before_auth_;
  }
  [[nodiscard]] const exec::GateState& gates_for(const Session& session) const;
  // protected-mode: without a password only loopback and Unix sockets are served.
  // True when there is no room for a write now, but will be.
  [[nodiscard]] bool WritesMustWait() const {
    return !throttle_.MayWrite() && gates_.store_error.ok();
  }
  [[nodiscard]] bool MayConnect(const net::Connection& connection) const;

 private:
  friend class Turn;

  Server(base::FileSystem& fs, Setup setup);

  absl::Status OpenStorage();
  absl::Status Listen();
  void WatchSignals();
  void RaiseDescriptorLimit();
  void StartTimers();
  void UpdateLimits();
  void Cron();
  void OnSignal();
  void Stop(int exit_code);
  void TryLogRecovery();
  // Says in the log when checkpoints begin to fail, and when they work again.
  void ReportStore();

  base::FileSystem* fs_;
  Setup setup_;
  base::SystemClock clock_;
  exec::CommandTable table_;
  net::Loop loop_;
  RecoveryReport recovery_;
  std::string run_id_;
  int64_t start_us_ = 0;
  uint64_t peak_memory_ = 0;
  Counters counters_;
  Rates rates_;
  resp::RequestLimits limits_;
  resp::RequestLimits limits_before_auth_;
  exec::GateState gates_;        // for everybody
  exec::GateState gates_debug_;  // for those who may use DEBUG
  WriteThrottle throttle_;
  std::vector<char> read_buffer_;
  exec::RequestBatch request_batch_;
  // Set from helper threads through the wakeup, looked at by the turn.
  std::unique_ptr<net::Wakeup> wakeup_;
  std::unique_ptr<Storage> storage_;
  Clients clients_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unique_ptr<net::Timer> cron_timer_;
  std::unique_ptr<net::Timer> throttle_timer_;
  std::vector<std::unique_ptr<net::SignalWatcher>> signals_;
  std::vector<std::function<void()>> after_turn_;
  int64_t last_sync_us_ = 0;
  int64_t last_recovery_us_ = 0;
  bool store_failed_ = false;  // as ReportStore has said
  bool log_failed_ = false;
  bool shut_down_ = false;
  int exit_code_ = 1;
};

}  // namespace cairn::server
