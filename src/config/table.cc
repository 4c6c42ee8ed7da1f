#include "config/table.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/status.h"
#include "config/list_values.h"
#include "config/suggest.h"
#include "config/text.h"

namespace cairn::config {
namespace {

using O = ServerOptions;

constexpr int64_t kMaxInt = std::numeric_limits<int32_t>::max();
constexpr int64_t kMaxUint = std::numeric_limits<uint32_t>::max();
constexpr int64_t kMaxInt64 = std::numeric_limits<int64_t>::max();
constexpr int64_t kMiB = 1LL << 20;

template <typename T>
constexpr EnumName Name(std::string_view name, T value) {
  return {name, static_cast<int>(value)};
}

// The orders are those of Redis' error texts.
constexpr EnumName kSupervisedNames[] = {
    Name("upstart", Supervised::kUpstart), Name("systemd", Supervised::kSystemd),
    Name("auto", Supervised::kAuto), Name("no", Supervised::kNo)};
constexpr EnumName kLogLevelNames[] = {
    Name("debug", LogLevel::kDebug), Name("verbose", LogLevel::kVerbose),
    Name("notice", LogLevel::kNotice), Name("warning", LogLevel::kWarning),
    Name("nothing", LogLevel::kNothing)};
constexpr EnumName kAppendFsyncNames[] = {Name("everysec", AppendFsync::kEverySecond),
                                          Name("always", AppendFsync::kAlways),
                                          Name("no", AppendFsync::kNo)};
constexpr EnumName kProtectedAccessNames[] = {Name("no", ProtectedAccess::kNo),
                                              Name("yes", ProtectedAccess::kYes),
                                              Name("local", ProtectedAccess::kLocal)};
constexpr EnumName kMaxmemoryPolicyNames[] = {
    Name("volatile-lru", MaxmemoryPolicy::kVolatileLru),
    Name("volatile-lfu", MaxmemoryPolicy::kVolatileLfu),
    Name("volatile-random", MaxmemoryPolicy::kVolatileRandom),
    Name("volatile-ttl", MaxmemoryPolicy::kVolatileTtl),
    Name("allkeys-lru", MaxmemoryPolicy::kAllkeysLru),
    Name("allkeys-lfu", MaxmemoryPolicy::kAllkeysLfu),
    Name("allkeys-random", MaxmemoryPolicy::kAllkeysRandom),
    Name("noeviction", MaxmemoryPolicy::kNoEviction)};

// ---- checks

absl::Status RefuseIf(bool wrong, std::string_view reason) {
  return wrong ? base::InvalidArgument(reason) : absl::OkStatus();
}

absl::Status CheckSocketPath(O& o) {
  constexpr size_t kLongest = 107;  // sun_path without its final zero byte
  return RefuseIf(o.unixsocket.size() > kLongest,
                  "the path of a unix socket has at most 107 bytes");
}

absl::Status CheckSupervised(O& o) {
  return RefuseIf(o.supervised == Supervised::kUpstart,
                  "upstart is not supported: give systemd, auto or no");
}

absl::Status CheckDir(O& o) {
  return RefuseIf(o.dir.empty(), "a folder is needed, for example ./data");
}

absl::Status CheckAppendOnly(O& o) {
  return RefuseIf(
      !o.appendonly,
      "Cairn always keeps its log, so only 'yes' is possible; 'appendfsync no' is the policy that "
      "waits least for the disk");
}

absl::Status ClampBacklog(O& o) {
  o.repl_backlog_size = std::max<int64_t>(o.repl_backlog_size, 16 * 1024);  // Redis' least backlog
  return absl::OkStatus();
}

absl::Status CheckMaxmemory(O& o) {
  return RefuseIf(
      o.maxmemory != 0,
      "only 0 is possible: data is on disk and nothing is evicted; write-buffer-size bounds the "
      "memory for writes");
}

absl::Status CheckMaxmemoryPolicy(O& o) {
  return RefuseIf(o.maxmemory_policy != MaxmemoryPolicy::kNoEviction,
                  "only 'noeviction' is possible: data is on disk and nothing is evicted");
}

absl::Status ClampHz(O& o) {
  o.hz = std::clamp(o.hz, 1, 500);  // as Redis does, silently
  return absl::OkStatus();
}

// ---- rows

constexpr Row kRows[] = {
    // Network
    {"bind", "", &kBindKind, kPlain, "addresses to listen on"},
    {"port", "", Number<&O::port>(0, 65535), kPlain, "TCP port, 0 = no TCP"},
    {"protected-mode", "", BoolKind{&O::protected_mode}, kPlain,
     "without a password, refuse clients from other machines"},
    {"unixsocket", "", StringKind{&O::unixsocket}, kImmutable, "path of a unix socket to listen on",
     &CheckSocketPath},
    {"unixsocketperm", "", Number<&O::unixsocketperm>(0, 0777, NumberForm::kOctal), kImmutable,
     "mode of the unix socket, octal"},
    {"tcp-backlog", "", Number<&O::tcp_backlog>(0, kMaxInt), kImmutable,
     "connections that may wait to be accepted"},
    {"timeout", "", Number<&O::timeout_s>(0, kMaxInt), kPlain,
     "seconds after which an idle client is closed, 0 = never"},
    {"tcp-keepalive", "", Number<&O::tcp_keepalive_s>(0, kMaxInt), kPlain,
     "seconds between TCP keep-alive probes, 0 = off"},

    // Process
    {"daemonize", "", BoolKind{&O::daemonize}, kImmutable, "go to the background"},
    {"supervised", "", OneOf<&O::supervised>(kSupervisedNames), kImmutable,
     "report readiness to a service manager", &CheckSupervised},
    {"pidfile", "", StringKind{&O::pidfile}, kImmutable, "file that holds the process id"},
    {"loglevel", "", OneOf<&O::loglevel>(kLogLevelNames), kPlain, "how much is logged"},
    {"logfile", "", StringKind{&O::logfile}, kImmutable, "log file, \"\" = standard output"},

    // Data
    {"databases", "", Number<&O::databases>(1, kMaxInt), kImmutable, "number of databases"},
    {"dir", "", StringKind{&O::dir}, kImmutable, "the data folder", &CheckDir},
    {"appendonly", "", BoolKind{&O::appendonly}, kPlain, "always yes: every write is logged",
     &CheckAppendOnly},
    {"appendfsync", "", OneOf<&O::appendfsync>(kAppendFsyncNames), kPlain,
     "when a write is on stable storage"},
    {"log-segment-size", "", Number<&O::log_segment_size>(kMiB, kMaxInt64, NumberForm::kMemory),
     kImmutable, "size at which a new log file is begun"},
    {"repl-backlog-size", "", Number<&O::repl_backlog_size>(1, kMaxInt64, NumberForm::kMemory),
     kPlain, "bytes of log kept on disk for replicas", &ClampBacklog},
    {"log-retention-size", "",
     Number<&O::log_retention_size>(0, kMaxInt64, NumberForm::kMemory), kPlain,
     "bytes of log kept on disk for point-in-time recovery"},
    {"log-retention-time", "", Number<&O::log_retention_time_s>(0, kMaxInt), kPlain,
     "seconds for which log is kept on disk for point-in-time recovery"},
    {"write-buffer-size", "",
     Number<&O::write_buffer_size>(8 * kMiB, kMaxInt64, NumberForm::kMemory), kPlain,
     "memory for writes that are not in the store yet"},
    {"checkpoint-log-size", "",
     Number<&O::checkpoint_log_size>(kMiB, kMaxInt64, NumberForm::kMemory), kPlain,
     "bytes of log after which a checkpoint begins"},
    {"checkpoint-interval", "", Number<&O::checkpoint_interval_s>(0, kMaxInt), kPlain,
     "seconds after which a checkpoint begins, 0 = by size only"},
    {"save", "", &kSaveKind, kPlain, "kept for tools that read it; has no effect"},

    // Access
    {"requirepass", "", StringKind{&O::requirepass}, kSensitive, "password of the default user"},
    {"rename-command", "", &kRenameKind, kSensitive | kFileOnly,
     "another name for a command, \"\" = none"},
    {"enable-debug-command", "", OneOf<&O::enable_debug_command>(kProtectedAccessNames), kImmutable,
     "who may use DEBUG"},
    {"enable-protected-configs", "", OneOf<&O::enable_protected_configs>(kProtectedAccessNames),
     kImmutable, "who may change protected directives; there are none yet"},

    // Clients and memory
    {"maxclients", "", Number<&O::maxclients>(1, kMaxUint), kPlain, "clients at one time"},
    {"client-output-buffer-limit", "", &kOutputBufferKind, kPlain,
     "replies that may wait for a client that does not read"},
    {"client-query-buffer-limit", "",
     Number<&O::client_query_buffer_limit>(kMiB, kMaxInt64, NumberForm::kMemory), kPlain,
     "unread input that a client may pile up"},
    {"proto-max-bulk-len", "", Number<&O::proto_max_bulk_len>(kMiB, kMaxInt64, NumberForm::kMemory),
     kPlain, "largest argument and value"},
    {"maxmemory", "", Number<&O::maxmemory>(0, kMaxInt64, NumberForm::kMemory), kPlain,
     "always 0: nothing is evicted", &CheckMaxmemory},
    {"maxmemory-policy", "", OneOf<&O::maxmemory_policy>(kMaxmemoryPolicyNames), kPlain,
     "always noeviction", &CheckMaxmemoryPolicy},

    // Background work
    {"hz", "", Number<&O::hz>(0, kMaxInt), kPlain,
     "rounds of background work in a second, 1 to 500", &ClampHz},
    {"dynamic-hz", "", BoolKind{&O::dynamic_hz}, kPlain, "has no effect"},
    {"lazyfree-lazy-eviction", "", BoolKind{&O::lazyfree_lazy_eviction}, kPlain, "has no effect"},
    {"lazyfree-lazy-expire", "", BoolKind{&O::lazyfree_lazy_expire}, kPlain, "has no effect"},
    {"lazyfree-lazy-server-del", "", BoolKind{&O::lazyfree_lazy_server_del}, kPlain,
     "has no effect"},
    {"lazyfree-lazy-user-del", "", BoolKind{&O::lazyfree_lazy_user_del}, kPlain, "has no effect"},
    {"lazyfree-lazy-user-flush", "", BoolKind{&O::lazyfree_lazy_user_flush}, kPlain,
     "has no effect"},

    // Watching
    {"slowlog-log-slower-than", "", Number<&O::slowlog_log_slower_than_us>(-1, kMaxInt64), kPlain,
     "microseconds from which a command is slow, -1 = off"},
    {"slowlog-max-len", "", Number<&O::slowlog_max_len>(0, kMaxInt64), kPlain,
     "entries of the slow log"},
    {"latency-tracking", "", BoolKind{&O::latency_tracking}, kPlain,
     "keep a latency histogram of each command"},
    {"latency-tracking-info-percentiles", "", &kPercentilesKind, kPlain,
     "percentiles that INFO latencystats prints"},
    {"latency-monitor-threshold", "", Number<&O::latency_monitor_threshold_ms>(0, kMaxInt64),
     kPlain, "milliseconds from which an event is recorded, 0 = off"},
    {"notify-keyspace-events", "", &kNotifyKind, kPlain, "events that are published"},
};

}  // namespace

std::span<const Row> Rows() {
  return kRows;
}

const Row* FindRow(std::span<const Row> rows, std::string_view name) {
  if (name.empty()) return nullptr;
  for (const Row& row : rows) {
    if (EqualsIgnoreCase(name, row.name) || EqualsIgnoreCase(name, row.alias)) {
      return &row;
    }
  }
  return nullptr;
}

const Row* FindRow(std::string_view name) {
  return FindRow(Rows(), name);
}

absl::Status Set(std::string_view name, std::span<const std::string> args, ServerOptions& options) {
  const Row* row = FindRow(name);
  if (row == nullptr) return base::MakeStatus(absl::StatusCode::kNotFound, UnknownDirective(name));
  return SetFromFile(*row, args, options);
}

}  // namespace cairn::config
