#include "server/server.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>

#include "base/canary.h"
#include "base/check.h"
#include "base/random.h"
#include "base/status.h"
#include "server/families.h"
#include "server/log.h"
#include "server/memory.h"
#include "server/turn.h"

namespace cairn::server {
namespace {

// Descriptors for everything but clients: files, the store, listeners, the loop.
constexpr uint64_t kReservedDescriptors = 32;
constexpr int64_t kSecondUs = 1'000'000;
// How often a log that failed is tried again.
constexpr int64_t kLogRecoveryUs = kSecondUs;

bool IsLoopback(const net::Connection& connection) {
  const std::string& address = connection.remote_address();
  return connection.is_unix() || address.starts_with("127.") || address.starts_with("[::1]");
}

// Replicas and point-in-time recovery want the same log.
uint64_t LogHistory(const config::ServerOptions& options) {
  return static_cast<uint64_t>(std::max(options.repl_backlog_size, options.log_retention_size));
}

StorageOptions MakeStorageOptions(const config::ServerOptions& options) {
  StorageOptions storage;
  storage.dir = options.dir;
  storage.databases = options.databases;
  storage.write_buffer_size = static_cast<uint64_t>(options.write_buffer_size);
  storage.log_segment_size = static_cast<uint64_t>(options.log_segment_size);
  storage.log_history_size = LogHistory(options);
  storage.log_retention_ms = options.log_retention_time_s * 1000LL;
  storage.checkpoint_log_size = static_cast<uint64_t>(options.checkpoint_log_size);
  storage.checkpoint_interval_ms = options.checkpoint_interval_s * 1000LL;
  return storage;
}

// What everybody may write, everybody may replace: the store's file, or the log's.
absl::Status CheckDataFolder(const std::string& dir) {
  std::error_code error;
  const auto status = std::filesystem::status(dir.empty() ? "." : dir, error);
  constexpr auto kOthersWrite = std::filesystem::perms::others_write;
  if (error || (status.permissions() & kOthersWrite) == std::filesystem::perms::none) {
    return absl::OkStatus();  // what else is wrong with it is found when it is opened
  }
  return base::FailedPrecondition(fmt::format(
      "every user of this machine may write to the data folder {}: take that right away "
      "(chmod o-w), or choose another `dir`",
      dir));
}

void LogRecoveryReport(const RecoveryReport& report) {
  if (report.log.cut_bytes != 0) {
    LogWarning("the log's tail was torn and {} bytes of it were cut off: {}", report.log.cut_bytes,
               report.log.cut_reason);
  }
  if (report.engine.run_file_loaded) {
    LogNotice("an unfinished checkpoint of {} records goes on", report.engine.run_file_records);
  }
  if (report.engine.run_file_dropped) LogNotice("a checkpoint that had hardly begun was dropped");
  LogNotice(
      "recovered in {:.3f} s: the store reaches offset {}, {} commands ({} bytes) were replayed "
      "from the log",
      static_cast<double>(report.duration_us) / 1e6, report.store_offset, report.replayed_commands,
      report.replayed_bytes);
}

}  // namespace

Server::Server(base::FileSystem& fs, Setup setup)
    : fs_(&fs),
      setup_(std::move(setup)),
      table_(AllFamilies()),
      run_id_(base::RandomHex(40)),
      start_us_(clock_.MonotonicUs()),
      read_buffer_(resp::RequestParser::kReadSize),
      clients_(*this) {}

Server::~Server() {
  clients_.DestroyAll();
}

absl::StatusOr<std::unique_ptr<Server>> Server::Create(base::FileSystem& fs, Setup setup) {
  std::unique_ptr<Server> server(new Server(fs, std::move(setup)));
  for (const config::RenamedCommand& renamed : server->options().renamed_commands) {
    if (auto status = server->table_.Rename(renamed.from, renamed.to); !status.ok()) return status;
  }
  server->RaiseDescriptorLimit();
  server->UpdateLimits();
  server->wakeup_ = std::make_unique<net::Wakeup>(server->loop_, [] {});
  if (auto status = server->OpenStorage(); !status.ok()) return status;
  if (auto status = server->Listen(); !status.ok()) return status;
  // Before anybody is told that the server is ready: from then on a signal must not simply end it.
  server->WatchSignals();
  return server;
}

void Server::WatchSignals() {
  for (const int signal : {SIGTERM, SIGINT}) {
    signals_.push_back(std::make_unique<net::SignalWatcher>(loop_, signal, [this] { OnSignal(); }));
  }
  signals_.push_back(std::make_unique<net::SignalWatcher>(loop_, SIGHUP, [] { ReopenLog(); }));
}

absl::Status Server::OpenStorage() {
  if (auto status = CheckDataFolder(this->options().dir); !status.ok()) return status;
  StorageOptions options = MakeStorageOptions(this->options());
  // The turn that follows the wakeup looks at everything that may have changed.
  options.on_synced = [this] { wakeup_->Signal(); };
  options.on_progress = [this] { wakeup_->Signal(); };
  recovery_ = {};
  auto storage = Storage::Open(*fs_, clock_, table_, std::move(options), &recovery_);
  if (!storage.ok()) return storage.status();
  storage_ = *std::move(storage);
  storage_->environment().max_string_bytes = limits_.max_bulk_bytes;
  LogRecoveryReport(recovery_);
  return absl::OkStatus();
}

absl::Status Server::Reload() {
  if (auto status = storage_->Close(/*checkpoint=*/false); !status.ok()) return status;
  storage_.reset();
  absl::Status status = OpenStorage();
  if (status.ok()) return status;
  // Without its data a server is nothing: it ends, as it does when it cannot open them at start.
  LogWarning("cannot go on: {}", base::Message(status));
  cron_timer_->Stop();
  clients_.DestroyAll();
  Stop(/*exit_code=*/1);
  return status;
}

absl::Status Server::Listen() {
  net::ListenOptions listen{.backlog = options().tcp_backlog,
                            .keepalive_seconds = options().tcp_keepalive_s,
                            .unix_mode = static_cast<uint32_t>(options().unixsocketperm),
                            .on_error = [](const absl::Status& status) {
                              LogWarning("a connection could not be accepted: {}",
                                         base::Message(status));
                            }};
  const auto accept = [this](std::unique_ptr<net::Connection> connection) {
    clients_.Accept(std::move(connection));
  };
  if (options().port != 0) {
    for (std::string address : options().bind) {
      const bool optional = address.starts_with('-');
      if (optional) address.erase(0, 1);
      auto listener = net::Listener::ListenTcp(
          loop_, address, static_cast<uint16_t>(options().port), listen, accept);
      if (listener.ok()) {
        listeners_.push_back(*std::move(listener));
      } else if (optional && listener.status().code() != absl::StatusCode::kAlreadyExists) {
        LogNotice("not listening on {}: {}", address, base::Message(listener.status()));
      } else {
        return listener.status();
      }
    }
  }
  if (!options().unixsocket.empty()) {
    auto listener = net::Listener::ListenUnix(loop_, options().unixsocket, listen, accept);
    if (!listener.ok()) return listener.status();
    listeners_.push_back(*std::move(listener));
  }
  if (listeners_.empty()) {
    return base::InvalidArgument("nothing to listen on: set `port` and `bind`, or `unixsocket`");
  }
  return absl::OkStatus();
}

std::vector<std::string> Server::ListeningOn() const {
  std::vector<std::string> addresses;
  for (const auto& listener : listeners_) addresses.push_back(listener->address());
  return addresses;
}

void Server::RaiseDescriptorLimit() {
  const uint64_t wanted = static_cast<uint64_t>(options().maxclients) + kReservedDescriptors;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  rlimit raised = limit;
  raised.rlim_cur = wanted;
  raised.rlim_max = std::max<rlim_t>(limit.rlim_max, wanted);
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return;
  raised = limit;
  raised.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &raised);
  const uint64_t have = std::min<uint64_t>(wanted, raised.rlim_cur);
  const auto clients =
      static_cast<int64_t>(have > kReservedDescriptors + 1 ? have - kReservedDescriptors : 1);
  LogWarning(
      "the system allows {} open files, so maxclients is {} instead of {}: raise `ulimit -n`",
      raised.rlim_cur, clients, options().maxclients);
  setup_.options.maxclients = clients;
}

void Server::UpdateLimits() {
  limits_.max_bulk_bytes = static_cast<uint64_t>(options().proto_max_bulk_len);
  limits_.max_query_bytes = static_cast<uint64_t>(options().client_query_buffer_limit);
  limits_.authenticated = true;
  limits_before_auth_ = limits_;
  limits_before_auth_.authenticated = false;
  gates_debug_.debug_allowed = true;
  if (storage_ != nullptr) storage_->environment().max_string_bytes = limits_.max_bulk_bytes;
}

const exec::GateState& Server::gates_for(const Session& session) const {
  switch (options().enable_debug_command) {
    case config::ProtectedAccess::kYes:
      return gates_debug_;
    case config::ProtectedAccess::kLocal:
      return IsLoopback(session.connection()) ? gates_debug_ : gates_;
    case config::ProtectedAccess::kNo:
      break;
  }
  return gates_;
}

bool Server::MayConnect(const net::Connection& connection) const {
  return !options().protected_mode || needs_password() || IsLoopback(connection);
}

absl::Status Server::ApplyOptions(const config::ServerOptions& changed) {
  const config::ServerOptions old = std::exchange(setup_.options, changed);
  if (changed.port != old.port || changed.bind != old.bind) {
    std::vector<std::unique_ptr<net::Listener>> before = std::move(listeners_);
    listeners_.clear();
    // The same port again: the old ones must go first.
    if (changed.port == old.port) before.clear();
    if (auto status = Listen(); !status.ok()) {
      setup_.options = old;
      listeners_ = std::move(before);
      if (listeners_.empty()) {
        // What was bound a moment ago can be bound again, but for a race with another process.
        if (auto again = Listen(); !again.ok()) LogWarning("{}", base::Message(again));
      }
      return status;
    }
  }
  UpdateLimits();
  if (!needs_password()) {
    for (const auto& [id, session] : clients_.sessions()) session->Authenticate();
  }
  if (changed.maxclients != old.maxclients) RaiseDescriptorLimit();
  SetLogLevel(static_cast<LogLevel>(changed.loglevel));
  for (const auto& listener : listeners_) listener->set_keepalive_seconds(changed.tcp_keepalive_s);
  if (changed.write_buffer_size != old.write_buffer_size) {
    storage_->SetWriteBufferSize(static_cast<uint64_t>(changed.write_buffer_size));
  }
  StorageOptions& storage = storage_->options();
  storage.log_history_size = LogHistory(changed);
  storage.log_retention_ms = changed.log_retention_time_s * 1000LL;
  storage.checkpoint_log_size = static_cast<uint64_t>(changed.checkpoint_log_size);
  storage.checkpoint_interval_ms = changed.checkpoint_interval_s * 1000LL;
  if (changed.hz != old.hz) StartTimers();
  return absl::OkStatus();
}

void Server::StartTimers() {
  const auto period_ms = static_cast<uint64_t>(std::max(1, 1000 / std::max(1, options().hz)));
  cron_timer_->Start(period_ms, period_ms);
}

int Server::Run() {
  Turn turn(*this);
  loop_.set_end_of_turn([&turn] { return turn.Run(); });
  cron_timer_ = std::make_unique<net::Timer>(loop_, [this] { Cron(); });
  throttle_timer_ = std::make_unique<net::Timer>(loop_, [] {});
  StartTimers();
  loop_.Run();
  return exit_code_;
}

void Server::OnSignal() {
  if (shut_down_) return;
  LogNotice("asked by a signal to shut down");
  const absl::Status status = Shutdown({});
  if (!status.ok()) LogWarning("not shutting down: {}", base::Message(status));
}

absl::Status Server::Shutdown(const ShutdownRequest& request) {
  const absl::Status status = storage_->Close(request.save);
  if (!status.ok()) {
    LogWarning("the data could not be made lasting: {}", base::Message(status));
    // Whoever says NOSAVE wants the end; what was not written was not acknowledged either.
    if (!request.force && request.save) return status;
  } else {
    LogNotice("the data is lasting on disk; bye");
  }
  Stop(/*exit_code=*/0);
  return absl::OkStatus();
}

void Server::Stop(int exit_code) {
  shut_down_ = true;
  exit_code_ = exit_code;
  listeners_.clear();
  loop_.Stop();
}

void Server::TryLogRecovery() {
  if (!log_failed_ || clock_.MonotonicUs() - last_recovery_us_ < kLogRecoveryUs) return;
  last_recovery_us_ = clock_.MonotonicUs();
  if (!storage_->log().Recover(clock_.WallMs()).ok()) return;
  log_failed_ = false;
  LogNotice("the log can be written again: writes are accepted");
}

void Server::Cron() {
  const int64_t now_us = clock_.MonotonicUs();
  rates_.Sample(Rates::kCommands, now_us, executor().statistics().total_calls());
  rates_.Sample(Rates::kNetInput, now_us, counters_.net_input_bytes);
  rates_.Sample(Rates::kNetOutput, now_us, counters_.net_output_bytes);
  peak_memory_ = std::max(peak_memory_, UsedMemory());
  if (options().appendfsync == config::AppendFsync::kEverySecond &&
      !base::LeavesOut("sync every second") && now_us - last_sync_us_ >= kSecondUs) {
    last_sync_us_ = now_us;
    storage_->log().RequestSync();
  }
  TryLogRecovery();
  ReportStore();
  clients_.Cron(now_us);
}

void Server::ReportStore() {
  const absl::Status error = storage_->engine().checkpoint_error();
  if (error.ok() == !store_failed_) return;
  store_failed_ = !error.ok();
  if (store_failed_) {
    LogWarning("a checkpoint fails, and is tried again: {}", base::Message(error));
  } else {
    LogNotice("checkpoints work again");
  }
}

}  // namespace cairn::server
