// The engine: an ordered map from engine keys to records, larger than memory, that can be rebuilt
// from the log.
//
// Writes go to the active overlay, a hash table in memory. When it is full it is sealed and a
// second thread, the checkpointer, writes it as a sorted run file and then into LMDB in small
// synced transactions; the last of these also stores the log offset that the store has reached.
// Reads look at the overlays from new to old, then at LMDB.
//
//   Put/Delete -> active overlay -> Seal -> sealed overlay -> run file -> LMDB (chunks)
//   Get/Iterator: active, sealed overlays, kept (clean) overlays, LMDB
//
// After its checkpoint an overlay holds nothing that LMDB lacks; it is kept as a cache of recent
// writes for as long as its memory is not wanted.
//
// Nothing written here is lasting by itself: what makes a write lasting is the log (wal/). After a
// restart the engine is at recovered().log_offset and the caller replays the log from there.
//
// Thread: all functions on the loop thread; the engine's own threads are private. Views that are
// returned stay valid until the next Put/Delete of the same key, Renew() or WaitIdle(), whichever
// is first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"

namespace cairn::engine {

// The sub-databases. Their numbers are written to disk: never renumber.
enum class Table : uint8_t {
  kKeys = 1,    // one record a key; point operations, and order on demand
  kExpiry = 2,  // the expiry index; only ever walked in order
};

// LMDB's limit in Debian's build (mdb_env_get_maxkeysize). Engine keys are 1 to 511 bytes.
inline constexpr size_t kMaxEngineKey = 511;
// Get verifies the checksum of records up to this size, bytes: it is going to be used, and up to
// here the checksum costs less than finding it. What a larger one says may be damaged.
inline constexpr size_t kGetVerifies = 16U << 10;

// What the store holds: everything up to `log_offset`, and what the caller said at the Seal that
// led to it.
struct CheckpointMeta {
  uint64_t log_offset = 0;
  std::string blob;  // the caller's own: the engine stores it and gives it back
};

struct Options {
  // Data folder; the engine uses dir/store and dir/run.
  std::string dir{};
  // What checkpoint() is in a new store until the first Seal.
  CheckpointMeta first{};
  // Memory for overlays of all kinds, bytes. An overlay is sealed at a third of it.
  uint64_t write_buffer_size = 256ULL << 20;
  // The most keys and bytes in one LMDB transaction; one larger record goes alone.
  uint64_t chunk_keys = 20'000;
  uint64_t chunk_bytes = 32ULL << 20;
  // Address space for LMDB, bytes; 0 = what the build allows (16 TiB).
  uint64_t map_size = 0;
  // Called on the checkpointer's thread before a checkpoint may reach the store: returns once the
  // log is lasting up to `offset`. An error makes the checkpointer wait and try again.
  std::function<absl::Status(uint64_t offset)> sync_log{};
  // Called when a Renew is worth it: on the checkpointer's thread after progress (chunk, end,
  // failure), on the loop's when memory waits to be freed. It must only wake the loop. The last
  // call may come while ~Engine runs.
  std::function<void()> on_progress{};
};

// How far a copy is.
struct CopyProgress {
  uint64_t log_offset = 0;  // replay of the log begins here, at the latest
  uint64_t done_records = 0;
  uint64_t total_records = 0;
  uint64_t done_bytes = 0;  // keys and values
  bool done = false;
  absl::Status status;  // once it is done
};

struct OpenReport {
  // A complete run file was found: a checkpoint goes on where it was cut off.
  bool run_file_loaded = false;
  // One was found that is incomplete or damaged; the store had not been touched by it.
  bool run_file_dropped = false;
  uint64_t run_file_records = 0;
};

// Walks live records in byte order of their engine keys. Made for use within one loop turn: it must
// be destroyed before the next Put, Delete, Seal or Renew.
class Iterator {
 public:
  virtual ~Iterator() = default;
  [[nodiscard]] virtual bool Valid() const = 0;
  // Moves to the first key >= `key` / the last key <= `key`. Not Valid when there is none.
  virtual void SeekAtLeast(std::string_view key) = 0;
  virtual void SeekAtMost(std::string_view key) = 0;
  // REQUIRES: Valid(). Direction may change at any time.
  virtual void Next() = 0;
  virtual void Prev() = 0;
  // REQUIRES: Valid(); key() also when halted().
  [[nodiscard]] virtual std::string_view key() const = 0;
  [[nodiscard]] virtual std::string_view value() const = 0;

  // A mass deletion leaves as many keys to step over as it had, until the next checkpoint. Seeks
  // and steps go over at most so many deleted keys from now on, in all; no limit at first. At one
  // too many the iterator halts: it is not Valid, and key() is that deleted key.
  virtual void set_skip_limit(uint64_t deleted_keys) = 0;
  [[nodiscard]] virtual bool halted() const = 0;
  // Goes on in the direction of the call that halted, under a new limit. REQUIRES: halted().
  virtual void Resume(uint64_t deleted_keys) = 0;

  // The first read error met; the iterator is not Valid from then on.
  [[nodiscard]] virtual absl::Status status() const = 0;
};

// Figures for INFO.
struct Stats {
  uint64_t overlay_bytes = 0;  // the active overlay
  uint64_t overlay_keys = 0;
  uint64_t sealed_bytes = 0;  // overlays waiting for, or in, a checkpoint
  uint64_t clean_bytes = 0;   // overlays kept as a cache
  uint64_t checkpoints = 0;   // finished since Open
  uint64_t checkpoint_failures = 0;
  bool checkpoint_running = false;
  uint64_t checkpoint_done_records = 0;  // progress of the running one
  uint64_t checkpoint_total_records = 0;
  int64_t last_checkpoint_us = 0;  // duration of the last one
  uint64_t store_file_bytes = 0;   // LMDB's data file
  uint64_t store_used_bytes = 0;   // pages in use in it
  uint64_t order_builds = 0;       // times that an overlay's keys had to be sorted for a range read
};

class Engine {
 public:
  // True when there is a store in the data folder `dir`, sound or not.
  static bool Exists(base::FileSystem& fs, const std::string& dir);
  // Opens the store under options.dir or creates it, whole or not at all; takes up a checkpoint
  // whose run file is complete (it is a sealed overlay again, so nobody waits for it), drops an
  // incomplete run file. kFailedPrecondition: unknown format version (says which and what to do).
  // kDataLoss: damage, with file and position, also of a run file when the store holds only part of
  // it. kResourceExhausted: no disk space, or address space is limited. `report` may be null.
  static absl::StatusOr<std::unique_ptr<Engine>> Open(base::FileSystem& fs, Options options,
                                                      OpenReport* report);

  // Waits for the checkpointer to finish its current chunk and stops it; unsealed data is dropped
  // (the log has it).
  virtual ~Engine() = default;

  // Hash of an engine key, as Get, Put and Delete want it; computed once per command and key.
  static uint64_t Hash(std::string_view key);

  // The record of `key` in kKeys, or nullopt. `hash` = Hash(key).
  virtual absl::StatusOr<std::optional<std::string_view>> Get(std::string_view key,
                                                              uint64_t hash) = 0;
  // Asks the processor for the memory that a Get with this hash will look at first. Worth it a few
  // keys ahead, when a command has many.
  virtual void Prefetch(uint64_t hash) const = 0;
  // The second half, some time after Prefetch: asks for the record itself, where the newest overlay
  // that knows the key has it.
  virtual void PrefetchRecord(uint64_t hash) const = 0;
  // Sets a record of kKeys. The value is `head` and `tail` joined (a record's header and payload
  // come from two places), less than 4 GiB. Both may be views of values of the engine, this key's
  // own too. Appending costs no more than what is appended (amortised) when `head` is the whole
  // view that Get gave and the newest overlay has the key; otherwise everything is copied.
  virtual void Put(std::string_view key, uint64_t hash, std::string_view head,
                   std::string_view tail) = 0;
  virtual void Delete(std::string_view key, uint64_t hash) = 0;

  // The expiry index, kExpiry. The caller guarantees that PutOrdered is called only for a key that
  // is not there, and DeleteOrdered only for one that is: so an entry that came and went inside one
  // overlay leaves no trace.
  virtual void PutOrdered(std::string_view key, std::string_view value) = 0;
  virtual void DeleteOrdered(std::string_view key) = 0;

  // The first one over kKeys after a Seal sorts the active overlay's keys, about 80 ns each; later
  // ones add what has come since. REQUIRES while an iterator lives: no write, Seal or Renew.
  virtual std::unique_ptr<Iterator> NewIterator(Table table) = 0;

  // True when the active overlay has reached its share of the budget (or `log_bytes_since_seal` has
  // become so large that a restart would take long) and a Seal is possible without exceeding the
  // budget.
  [[nodiscard]] virtual bool WantsSeal(uint64_t log_bytes_since_seal) const = 0;
  // Closes the active overlay and hands it to the checkpointer, which will bring the store to
  // `meta`. Also done for an empty overlay, because meta may have changed. At most one overlay is
  // in a checkpoint and one waits: REQUIRES CanSeal().
  virtual void Seal(CheckpointMeta meta) = 0;
  [[nodiscard]] virtual bool CanSeal() const = 0;
  // True when every sealed overlay is in the store.
  [[nodiscard]] virtual bool Idle() const = 0;
  // The loop calls this at the end of each turn, or at least of those in which on_progress fired;
  // it costs a few nanoseconds when there is nothing to do. Renews the read transaction, so that
  // LMDB can reuse pages, retires overlays whose checkpoint is complete, frees those that were
  // dropped, reopens the store when an I/O error wants that. Invalidates all views.
  virtual void Renew() = 0;
  // Blocks until Idle() (for shutdown, tests and SAVE), or returns the error that keeps the
  // checkpointer from it. Invalidates all views, as Renew does.
  virtual absl::Status WaitIdle() = 0;
  // The last failure of the checkpointer; it tries again by itself, and this is Ok again when it
  // has worked.
  [[nodiscard]] virtual absl::Status checkpoint_error() const = 0;

  // Bytes that may still be written before the budget is full, and the rate at which the
  // checkpointer frees memory (bytes a second; 0 when unknown): the writer's back-pressure is
  // computed from these.
  [[nodiscard]] virtual uint64_t write_room_bytes() const = 0;
  // What write_room_bytes is when nothing has been written: write_buffer_size, or what the engine
  // can make use of when that is less.
  [[nodiscard]] virtual uint64_t write_budget_bytes() const = 0;
  [[nodiscard]] virtual uint64_t drain_rate() const = 0;
  // Changes the memory budget while running.
  virtual void set_write_buffer_size(uint64_t bytes) = 0;

  // What Open found: the newest checkpoint that was begun and can be finished, which the store may
  // not hold yet. Reads show this state until something is written.
  [[nodiscard]] virtual const CheckpointMeta& recovered() const = 0;
  // What the store holds: the last finished checkpoint that Renew or WaitIdle has seen.
  [[nodiscard]] virtual const CheckpointMeta& checkpoint() const = 0;
  // Starts to delete, in the background and in slices, all keys of both tables with this prefix
  // from the store. The caller guarantees that a checkpoint has finished since the last such key
  // was written (one that Open took up is finished before the deletion begins) and that none will
  // be written again. ReclaimDone says when it is over; a restart
  // forgets the request (the caller asks again).
  virtual void Reclaim(std::string prefix) = 0;
  [[nodiscard]] virtual bool ReclaimDone() const = 0;

  // Begins to copy the store's present state, on a thread of the engine's, to `dir`/store and
  // `dir`/run: an engine that is opened there stands where this one would after a crash now.
  // on_progress is called for its progress, too. `dir` must exist and have neither folder; one copy
  // at a time (kFailedPrecondition). An error that makes the store reopen ends the copy.
  virtual absl::Status StartCopy(std::string dir) = 0;
  // The running or last copy; nullopt when there was none.
  [[nodiscard]] virtual std::optional<CopyProgress> copy() const = 0;
  // Gives up a copy that runs, and waits for its end.
  virtual void CancelCopy() = 0;

  [[nodiscard]] virtual Stats stats() const = 0;
};

}  // namespace cairn::engine
