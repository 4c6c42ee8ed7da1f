// The settings of a server as typed values, with their defaults: one field for each directive of
// table.h.
//
// A plain value: copy it to try a change, compare two with ==. No field is shared between threads;
// whoever needs a setting elsewhere is handed it. Names of fields follow the directives; a field
// that is a time says its unit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cairn::config {

enum class LogLevel : uint8_t { kDebug, kVerbose, kNotice, kWarning, kNothing };
enum class AppendFsync : uint8_t { kEverySecond, kAlways, kNo };
enum class Supervised : uint8_t {
  kNo,
  kUpstart,
  kSystemd,
  kAuto
};  // kUpstart is never stored: the table refuses it
enum class ProtectedAccess : uint8_t {
  kNo,
  kYes,
  kLocal
};                                      // kLocal: loopback and unix-socket clients only
enum class MaxmemoryPolicy : uint8_t {  // only kNoEviction is ever stored: the table refuses the
                                        // others
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kAllkeysLru,
  kAllkeysLfu,
  kAllkeysRandom,
  kNoEviction,
};

// When a client whose replies pile up is disconnected: at once past `hard_bytes`, or when it stayed
// past `soft_bytes` for `soft_s` seconds. 0 = no such limit.
struct OutputBufferLimit {
  int64_t hard_bytes = 0;
  int64_t soft_bytes = 0;
  int64_t soft_s = 0;
  bool operator==(const OutputBufferLimit&) const = default;
};

struct OutputBufferLimits {
  OutputBufferLimit normal;
  OutputBufferLimit replica = {256LL << 20, 64LL << 20, 60};
  OutputBufferLimit pubsub = {32LL << 20, 8LL << 20, 60};
  bool operator==(const OutputBufferLimits&) const = default;
};

struct SaveRule {
  int64_t seconds = 0;
  int64_t changes = 0;
  bool operator==(const SaveRule&) const = default;
};

struct RenamedCommand {
  std::string from;
  std::string to;  // "" = the command is taken away
  bool operator==(const RenamedCommand&) const = default;
};

struct ServerOptions {
  // Network. A bind address that begins with '-' may be missing on the machine.
  std::vector<std::string> bind = {"127.0.0.1", "-::1"};
  int port = 6379;  // 0 = no TCP
  bool protected_mode = true;
  std::string unixsocket;  // "" = none
  int unixsocketperm = 0;  // mode bits; 0 = as the umask leaves them
  int tcp_backlog = 511;
  int timeout_s = 0;          // idle clients are closed; 0 = never
  int tcp_keepalive_s = 300;  // 0 = off

  // Process.
  bool daemonize = false;
  Supervised supervised = Supervised::kNo;
  std::string pidfile;  // "" = none
  LogLevel loglevel = LogLevel::kNotice;
  std::string logfile;  // "" = standard output

  // Data.
  int databases = 16;
  std::string dir = "./";
  bool appendonly = true;  // never false: the table refuses it
  AppendFsync appendfsync = AppendFsync::kEverySecond;
  int64_t log_segment_size = 64LL << 20;
  int64_t repl_backlog_size = 1LL << 30;  // bytes of log kept on disk behind the last checkpoint
  int64_t log_retention_size = 0;         // the same, for point-in-time recovery; the larger counts
  int log_retention_time_s = 0;           // log younger than this is kept as well
  int64_t write_buffer_size = 256LL << 20;
  int64_t checkpoint_log_size = 256LL << 20;
  int checkpoint_interval_s = 300;  // 0 = by size only
  std::vector<SaveRule> save;       // kept for CONFIG GET; has no effect

  // Access.
  std::string requirepass;  // "" = no password
  std::vector<RenamedCommand> renamed_commands;
  ProtectedAccess enable_debug_command = ProtectedAccess::kNo;
  ProtectedAccess enable_protected_configs = ProtectedAccess::kNo;

  // Clients and memory.
  int64_t maxclients = 10000;
  OutputBufferLimits client_output_buffer_limit;
  int64_t client_query_buffer_limit = 1LL << 30;
  int64_t proto_max_bulk_len = 512LL << 20;
  int64_t maxmemory = 0;  // never anything else: the table refuses it
  MaxmemoryPolicy maxmemory_policy = MaxmemoryPolicy::kNoEviction;

  // Background work. The lazyfree settings are kept for CONFIG GET; every removal is O(1) here.
  int hz = 10;
  bool dynamic_hz = true;
  bool lazyfree_lazy_eviction = false;
  bool lazyfree_lazy_expire = false;
  bool lazyfree_lazy_server_del = false;
  bool lazyfree_lazy_user_del = false;
  bool lazyfree_lazy_user_flush = false;

  // Watching.
  int64_t slowlog_log_slower_than_us = 10000;  // 0 = everything, -1 = off
  int64_t slowlog_max_len = 128;               // entries
  bool latency_tracking = true;
  std::vector<double> latency_tracking_info_percentiles = {50, 99, 99.9};
  int64_t latency_monitor_threshold_ms = 0;  // 0 = off
  uint32_t notify_keyspace_events = 0;       // NotifyEvent bits (notify_events.h)

  bool operator==(const ServerOptions&) const = default;
};

}  // namespace cairn::config
