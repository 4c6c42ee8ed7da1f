#include "server/info.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/numbers.h"
#include "base/status.h"
#include "exec/args.h"
#include "server/memory.h"
#include "server/server.h"
#include "server/version.h"

namespace cairn::server {
namespace {

// Collects `name:value` lines.
class Fields {
 public:
  explicit Fields(std::string& out) : out_(&out) {}
  template <typename T>
  void Add(std::string_view name, const T& value) {
    fmt::format_to(std::back_inserter(*out_), "{}:{}\r\n", name, value);
  }
  void Flag(std::string_view name, bool value) { Add(name, value ? 1 : 0); }

 private:
  std::string* out_;
};

// 1536 -> "1.50K", as Redis prints sizes for people.
std::string HumanBytes(uint64_t bytes) {
  constexpr std::string_view kUnits = "BKMGTPE";
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{}B", bytes) : fmt::format("{:.2f}{}", value, kUnits[unit]);
}

double Ratio(uint64_t a, uint64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

std::string_view SupervisedName(config::Supervised supervised) {
  return supervised == config::Supervised::kSystemd || supervised == config::Supervised::kAuto
             ? "systemd"
             : "no";
}

void ServerSection(Server& s, Fields& f) {
  utsname system{};
  uname(&system);
  const int64_t uptime_s = (s.clock().MonotonicUs() - s.start_us()) / 1'000'000;
  f.Add("redis_version", kRedisVersion);
  f.Add("cairn_version", kCairnVersion);
  f.Add("redis_git_sha1", "00000000");
  f.Add("redis_git_dirty", 0);
  f.Add("redis_mode", "standalone");
  f.Add("os", fmt::format("{} {} {}", system.sysname, system.release, system.machine));
  f.Add("arch_bits", sizeof(void*) * 8);
  f.Add("monotonic_clock", "POSIX clock_gettime");
  f.Add("multiplexing_api", "epoll");
  f.Add("gcc_version", __VERSION__);
  f.Add("process_id", getpid());
  f.Add("process_supervised", SupervisedName(s.options().supervised));
  f.Add("run_id", s.run_id());
  f.Add("tcp_port", s.options().port);
  f.Add("server_time_usec", s.clock().WallUs());
  f.Add("uptime_in_seconds", uptime_s);
  f.Add("uptime_in_days", uptime_s / 86'400);
  f.Add("hz", s.options().hz);
  f.Add("configured_hz", s.options().hz);
  f.Add("lru_clock", (s.clock().WallMs() / 1000) & 0xffffff);
  f.Add("executable", s.setup().executable);
  f.Add("config_file", s.setup().config_file);
  f.Add("io_threads_active", 0);
}

void ClientsSection(Server& s, Fields& f) {
  size_t longest_input = 0;
  size_t longest_output = 0;
  for (const auto& [id, session] : s.clients().sessions()) {
    longest_input = std::max(longest_input, session->pending_input());
    longest_output = std::max(longest_output, session->pending_output());
  }
  f.Add("connected_clients", s.clients().size());
  f.Add("cluster_connections", 0);
  f.Add("maxclients", s.options().maxclients);
  f.Add("client_recent_max_input_buffer", longest_input);
  f.Add("client_recent_max_output_buffer", longest_output);
  f.Add("blocked_clients", 0);
  f.Add("tracking_clients", 0);
  f.Add("clients_in_timeout_table", 0);
  f.Add("total_blocking_keys", 0);
  f.Add("total_blocking_keys_on_nokey", 0);
}

void MemorySection(Server& s, Fields& f) {
  const AllocatorMemory allocator = ReadAllocatorMemory();
  const ResidentMemory resident = ReadResidentMemory();
  const engine::Stats engine = s.storage().engine().stats();
  const uint64_t peak = std::max(s.peak_memory(), allocator.allocated);
  const uint64_t dataset = engine.overlay_bytes + engine.sealed_bytes + engine.clean_bytes;
  const uint64_t overhead = allocator.allocated - std::min(allocator.allocated, dataset);
  const uint64_t total = SystemMemory();
  f.Add("used_memory", allocator.allocated);
  f.Add("used_memory_human", HumanBytes(allocator.allocated));
  // The store is mapped into memory; its cached pages belong to the kernel and are not counted as
  // the server's.
  f.Add("used_memory_rss", resident.anonymous);
  f.Add("used_memory_rss_human", HumanBytes(resident.anonymous));
  f.Add("used_memory_peak", peak);
  f.Add("used_memory_peak_human", HumanBytes(peak));
  f.Add("used_memory_peak_perc", fmt::format("{:.2f}%", 100 * Ratio(allocator.allocated, peak)));
  f.Add("used_memory_overhead", overhead);
  f.Add("used_memory_startup", 0);
  f.Add("used_memory_dataset", dataset);
  f.Add("used_memory_dataset_perc",
        fmt::format("{:.2f}%", 100 * Ratio(dataset, allocator.allocated)));
  f.Add("allocator_allocated", allocator.allocated);
  f.Add("allocator_active", allocator.active);
  f.Add("allocator_resident", allocator.resident);
  f.Add("total_system_memory", total);
  f.Add("total_system_memory_human", HumanBytes(total));
  f.Add("used_memory_lua", 0);
  f.Add("used_memory_vm_total", 0);
  f.Add("used_memory_functions", 0);
  f.Add("used_memory_scripts", 0);
  f.Add("number_of_cached_scripts", 0);
  f.Add("maxmemory", 0);
  f.Add("maxmemory_human", "0B");
  f.Add("maxmemory_policy", "noeviction");
  f.Add("allocator_frag_ratio",
        fmt::format("{:.2f}", Ratio(allocator.active, allocator.allocated)));
  f.Add("mem_fragmentation_ratio",
        fmt::format("{:.2f}", Ratio(resident.anonymous, allocator.allocated)));
  f.Add("mem_fragmentation_bytes",
        static_cast<int64_t>(resident.anonymous) - static_cast<int64_t>(allocator.allocated));
  f.Add("mem_not_counted_for_evict", 0);
  f.Add("mem_replication_backlog", 0);
  f.Add("mem_clients_slaves", 0);
  size_t clients = 0;
  for (const auto& [id, session] : s.clients().sessions()) {
    clients += sizeof(Session) + session->input_buffer_bytes() + session->pending_output();
  }
  f.Add("mem_clients_normal", clients);
  f.Add("mem_cluster_links", 0);
  f.Add("mem_aof_buffer", s.storage().log().appended_offset() - s.storage().log().written_offset());
  f.Add("mem_allocator", "jemalloc");
  f.Add("active_defrag_running", 0);
  f.Add("lazyfree_pending_objects", s.storage().keyspace().ids_to_reclaim());
  f.Add("lazyfreed_objects", 0);
}

void PersistenceSection(Server& s, Fields& f) {
  Storage& storage = s.storage();
  const engine::Stats engine = storage.engine().stats();
  const wal::Log& log = storage.log();
  const bool log_ok = log.error().ok();
  f.Add("loading", 0);
  f.Add("async_loading", 0);
  // A checkpoint takes the place of an RDB save: it is what makes a restart short.
  f.Add("rdb_changes_since_last_save", storage.changes_since_checkpoint());
  f.Flag("rdb_bgsave_in_progress", engine.checkpoint_running);
  f.Add("rdb_last_save_time", storage.last_checkpoint_ms() / 1000);
  f.Add("rdb_last_bgsave_status", storage.engine().checkpoint_error().ok() ? "ok" : "err");
  f.Add("rdb_last_bgsave_time_sec",
        engine.checkpoints == 0 ? -1 : engine.last_checkpoint_us / 1'000'000);
  f.Add("rdb_current_bgsave_time_sec", -1);
  f.Add("rdb_saves", engine.checkpoints);
  f.Add("rdb_last_cow_size", 0);
  f.Add("rdb_last_load_keys_expired", 0);
  f.Add("rdb_last_load_keys_loaded", 0);
  // The log of writes takes the place of the append-only file.
  f.Add("aof_enabled", 1);
  f.Add("aof_rewrite_in_progress", 0);
  f.Add("aof_rewrite_scheduled", 0);
  f.Add("aof_last_rewrite_time_sec", -1);
  f.Add("aof_current_rewrite_time_sec", -1);
  f.Add("aof_last_bgrewrite_status", "ok");
  f.Add("aof_rewrites", 0);
  f.Add("aof_last_write_status", log_ok ? "ok" : "err");
  f.Add("aof_last_cow_size", 0);
  f.Add("module_fork_in_progress", 0);
  f.Add("aof_current_size", log.disk_bytes());
  f.Add("aof_base_size", 0);
  f.Add("aof_pending_rewrite", 0);
  f.Add("aof_buffer_length", log.appended_offset() - log.written_offset());
  f.Add("aof_pending_bio_fsync", log.written_offset() > log.synced_offset() ? 1 : 0);
  f.Add("aof_delayed_fsync", 0);
  const BackupProgress backup = storage.backup().progress();
  f.Flag("backup_in_progress", backup.running);
  if (backup.started_ms == 0) return;
  f.Add("backup_dir", backup.dir);
  f.Add("backup_done_records", backup.done_records);
  f.Add("backup_total_records", backup.total_records);
  f.Add("backup_log_offset", backup.log_offset);
  f.Add("backup_last_good_time", backup.last_good_ms / 1000);
  if (backup.running) return;
  f.Add("backup_last_status", backup.status.ok() ? "ok" : "err");
  f.Add("backup_last_error", backup.status.ok() ? "" : base::Message(backup.status));
  f.Add("backup_last_msec", backup.took_ms);
}

void StatsSection(Server& s, Fields& f) {
  const Counters& c = s.counters();
  const exec::Statistics& stats = s.executor().statistics();
  const exec::Environment& env = s.storage().environment();
  f.Add("total_connections_received", c.total_connections);
  f.Add("total_commands_processed", stats.total_calls());
  f.Add("instantaneous_ops_per_sec", s.rates().PerSecond(Rates::kCommands));
  f.Add("total_net_input_bytes", c.net_input_bytes);
  f.Add("total_net_output_bytes", c.net_output_bytes);
  f.Add("total_net_repl_input_bytes", 0);
  f.Add("total_net_repl_output_bytes", 0);
  f.Add("instantaneous_input_kbps",
        fmt::format("{:.2f}", static_cast<double>(s.rates().PerSecond(Rates::kNetInput)) / 1024));
  f.Add("instantaneous_output_kbps",
        fmt::format("{:.2f}", static_cast<double>(s.rates().PerSecond(Rates::kNetOutput)) / 1024));
  f.Add("instantaneous_input_repl_kbps", "0.00");
  f.Add("instantaneous_output_repl_kbps", "0.00");
  f.Add("rejected_connections", c.rejected_connections);
  f.Add("sync_full", 0);
  f.Add("sync_partial_ok", 0);
  f.Add("sync_partial_err", 0);
  f.Add("expired_keys", env.expired_keys);
  f.Add("expired_stale_perc", "0.00");
  f.Add("expired_time_cap_reached_count", 0);
  f.Add("expire_cycle_cpu_milliseconds", 0);
  f.Add("evicted_keys", 0);
  f.Add("evicted_clients", 0);
  f.Add("total_eviction_exceeded_time", 0);
  f.Add("current_eviction_exceeded_time", 0);
  f.Add("keyspace_hits", env.keyspace_hits);
  f.Add("keyspace_misses", env.keyspace_misses);
  f.Add("pubsub_channels", 0);
  f.Add("pubsub_patterns", 0);
  f.Add("pubsubshard_channels", 0);
  f.Add("latest_fork_usec", 0);
  f.Add("total_forks", 0);
  f.Add("migrate_cached_sockets", 0);
  f.Add("slave_expires_tracked_keys", 0);
  f.Add("active_defrag_hits", 0);
  f.Add("active_defrag_misses", 0);
  f.Add("active_defrag_key_hits", 0);
  f.Add("active_defrag_key_misses", 0);
  f.Add("tracking_total_keys", 0);
  f.Add("tracking_total_items", 0);
  f.Add("tracking_total_prefixes", 0);
  f.Add("unexpected_error_replies", 0);
  f.Add("total_error_replies", stats.total_errors());
  f.Add("dump_payload_sanitizations", 0);
  f.Add("total_reads_processed", c.reads);
  f.Add("total_writes_processed", c.writes);
  f.Add("io_threaded_reads_processed", 0);
  f.Add("io_threaded_writes_processed", 0);
  f.Add("client_output_buffer_limit_disconnections", c.output_limit_disconnections);
}

void ReplicationSection(Server& s, Fields& f) {
  const wal::Log& log = s.storage().log();
  f.Add("role", "master");
  f.Add("connected_slaves", 0);
  f.Add("master_failover_state", "no-failover");
  f.Add("master_replid", s.storage().replication_id());
  f.Add("master_replid2", std::string(40, '0'));
  f.Add("master_repl_offset", log.appended_offset());
  f.Add("second_repl_offset", -1);
  // The log on disk is the backlog.
  f.Add("repl_backlog_active", 1);
  f.Add("repl_backlog_size", s.options().repl_backlog_size);
  f.Add("repl_backlog_first_byte_offset", log.first_offset() + 1);
  f.Add("repl_backlog_histlen", log.appended_offset() - log.first_offset());
}

void CpuSection(Server&, Fields& f) {
  const auto add = [&f](std::string_view suffix, int who) {
    rusage usage{};
    getrusage(who, &usage);
    f.Add(fmt::format("used_cpu_sys{}", suffix),
          fmt::format("{}.{:06}", usage.ru_stime.tv_sec, usage.ru_stime.tv_usec));
    f.Add(fmt::format("used_cpu_user{}", suffix),
          fmt::format("{}.{:06}", usage.ru_utime.tv_sec, usage.ru_utime.tv_usec));
  };
  add("", RUSAGE_SELF);
  add("_children", RUSAGE_CHILDREN);
  add("_main_thread", RUSAGE_THREAD);
}

void ModulesSection(Server&, Fields&) {}

void CommandStatsSection(Server& s, Fields& f) {
  for (const exec::CommandTable::Entry& entry : s.table().entries()) {
    const exec::CommandStats& stats = s.executor().statistics().command(entry.index);
    if (stats.calls == 0 && stats.rejected == 0 && stats.failed == 0) continue;
    f.Add(fmt::format("cmdstat_{}", entry.row->name),
          fmt::format("calls={},usec={},usec_per_call={:.2f},rejected_calls={},failed_calls={}",
                      stats.calls, stats.us, Ratio(stats.us, stats.calls), stats.rejected,
                      stats.failed));
  }
}

void ErrorStatsSection(Server& s, Fields& f) {
  for (const auto& [code, count] : s.executor().statistics().errors()) {
    f.Add(fmt::format("errorstat_{}", code), fmt::format("count={}", count));
  }
}

void LatencyStatsSection(Server& s, Fields& f) {
  if (!s.options().latency_tracking) return;
  for (const exec::CommandTable::Entry& entry : s.table().entries()) {
    const exec::CommandStats& stats = s.executor().statistics().command(entry.index);
    if (stats.latency == nullptr) continue;
    std::string line;
    for (const double percentile : s.options().latency_tracking_info_percentiles) {
      if (!line.empty()) line += ',';
      line += fmt::format("p{}={:.3f}", base::FormatDouble(percentile),
                          stats.latency->Percentile(percentile));
    }
    f.Add(fmt::format("latency_percentiles_usec_{}", entry.row->name), line);
  }
}

void ClusterSection(Server&, Fields& f) {
  f.Add("cluster_enabled", 0);
}

void KeyspaceSection(Server& s, Fields& f) {
  const keyspace::Keyspace& keyspace = s.storage().keyspace();
  for (int db = 0; db < keyspace.databases(); ++db) {
    const keyspace::DbStats& stats = keyspace.stats(db);
    if (stats.keys == 0) continue;
    f.Add(fmt::format("db{}", db),
          fmt::format("keys={},expires={},avg_ttl={}", stats.keys, stats.expires,
                      keyspace.AverageTtlMs(db, s.clock().WallMs())));
  }
}

// What Redis has no names for.
void CairnSection(Server& s, Fields& f) {
  Storage& storage = s.storage();
  const engine::Stats e = storage.engine().stats();
  const wal::Log::SyncStats syncs = storage.log().sync_stats();
  f.Add("log_appended_offset", storage.log().appended_offset());
  f.Add("log_written_offset", storage.log().written_offset());
  f.Add("log_synced_offset", storage.log().synced_offset());
  f.Add("log_first_offset", storage.log().first_offset());
  f.Add("log_disk_bytes", storage.log().disk_bytes());
  f.Add("log_syncs", syncs.syncs);
  f.Add("log_last_sync_usec", syncs.last_us);
  f.Add("log_max_sync_usec", syncs.max_us);
  f.Add("overlay_bytes", e.overlay_bytes);
  f.Add("overlay_keys", e.overlay_keys);
  f.Add("overlay_sealed_bytes", e.sealed_bytes);
  f.Add("overlay_clean_bytes", e.clean_bytes);
  f.Add("write_room_bytes", storage.engine().write_room_bytes());
  f.Add("write_drain_bytes_per_sec", storage.engine().drain_rate());
  f.Flag("writes_throttled", s.throttle().limited());
  f.Add("throttled_turns", s.counters().throttled_turns);
  f.Add("store_offset", storage.engine().checkpoint().log_offset);
  f.Add("store_file_bytes", e.store_file_bytes);
  f.Add("store_used_bytes", e.store_used_bytes);
  f.Add("checkpoints", e.checkpoints);
  f.Add("checkpoint_failures", e.checkpoint_failures);
  f.Add("checkpoint_last_usec", e.last_checkpoint_us);
  f.Add("checkpoint_done_records", e.checkpoint_done_records);
  f.Add("checkpoint_total_records", e.checkpoint_total_records);
  f.Add("order_builds", e.order_builds);
  f.Add("flushed_keyspaces_to_reclaim", storage.keyspace().ids_to_reclaim());
  f.Add("recovery_usec", s.recovery().duration_us);
  f.Add("recovery_replayed_commands", s.recovery().replayed_commands);
}

struct Section {
  std::string_view name;  // as printed after "# "
  void (*build)(Server&, Fields&);
  bool by_default;
};

constexpr std::array<Section, 14> kSections = {{
    {"Server", ServerSection, true},
    {"Clients", ClientsSection, true},
    {"Memory", MemorySection, true},
    {"Persistence", PersistenceSection, true},
    {"Stats", StatsSection, true},
    {"Replication", ReplicationSection, true},
    {"CPU", CpuSection, true},
    {"Modules", ModulesSection, true},
    {"Commandstats", CommandStatsSection, false},
    {"Errorstats", ErrorStatsSection, true},
    {"Latencystats", LatencyStatsSection, false},
    {"Cluster", ClusterSection, true},
    {"Keyspace", KeyspaceSection, true},
    {"Cairn", CairnSection, true},
}};

bool Wanted(const Section& section, std::span<const std::string_view> names) {
  if (names.empty()) return section.by_default;
  return std::any_of(names.begin(), names.end(), [&section](std::string_view name) {
    if (exec::EqualsIgnoreCase(name, "all") || exec::EqualsIgnoreCase(name, "everything")) {
      return true;
    }
    if (exec::EqualsIgnoreCase(name, "default")) return section.by_default;
    return exec::EqualsIgnoreCase(name, section.name);
  });
}

}  // namespace

std::string BuildInfo(Server& server, std::span<const std::string_view> sections) {
  std::string text;
  for (const Section& section : kSections) {
    if (!Wanted(section, sections)) continue;
    if (!text.empty()) text += "\r\n";
    text += fmt::format("# {}\r\n", section.name);
    Fields fields(text);
    section.build(server, fields);
  }
  return text;
}

}  // namespace cairn::server
