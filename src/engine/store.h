// The lasting part of the engine, as an interface: two sorted tables and what a checkpoint says
// about itself. lmdb_store.cc implements it, and is the only file that knows LMDB; tests put faults
// in between.
//
// Threads: NewReader and Reopen on the loop thread; a reader on one thread at a time; Begin and a
// batch likewise (the checkpointer's, or the loop's before there is a checkpointer). ReadState and
// the figures on any. Readers and batches must be gone before the store is, and
// before Reopen.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/engine.h"
#include "engine/layer_cursor.h"
#include "engine/record_view.h"

namespace cairn::engine {

// Where the store stands.
struct StoreState {
  uint64_t sequence = 0;  // number of the last finished checkpoint, from 1; 0 = none yet
  CheckpointMeta meta;    // what it was given
  uint64_t applying =
      0;  // number of a checkpoint of which some chunks are in the store and others not; 0 = none
};

// A consistent view of the tables. Views that it gives stay valid until Renew.
class StoreReader {
 public:
  virtual ~StoreReader() = default;
  // The record of `key` in kKeys. kDataLoss when its checksum is wrong.
  virtual absl::StatusOr<std::optional<std::string_view>> Get(std::string_view key) = 0;
  virtual std::unique_ptr<LayerCursor> NewCursor(Table table) = 0;
  // The same, but the checksum of every value is verified, however large it is (kDataLoss).
  virtual std::unique_ptr<LayerCursor> NewVerifyingCursor(Table table) = 0;
  // Where the store stood at this reader's state.
  virtual absl::StatusOr<StoreState> ReadState() = 0;
  // Records of both tables.
  [[nodiscard]] virtual uint64_t Records() const = 0;
  // Moves on to the newest state and lets the store reuse what only this reader could still see. No
  // cursor may exist. After an error the reader must be destroyed.
  virtual absl::Status Renew() = 0;
  // Bytes of pages in use by the tables.
  [[nodiscard]] virtual uint64_t UsedBytes() const = 0;
};

// One transaction. Everything or nothing: destroying it without a successful Commit leaves no
// trace. After any error it can only be destroyed.
class StoreBatch {
 public:
  virtual ~StoreBatch() = default;
  // Sets the record or, when it is a tombstone, deletes the key; one that is not there is fine.
  // Fastest in key order.
  virtual absl::Status Apply(const RecordView& record) = 0;
  // Notes that checkpoint `sequence` has begun and is not finished.
  virtual absl::Status MarkApplying(uint64_t sequence) = 0;
  // Notes that checkpoint `sequence` is complete, and drops the mark.
  virtual absl::Status FinishCheckpoint(uint64_t sequence, const CheckpointMeta& meta) = 0;
  // Deletes keys of `table` that begin with `prefix`, at most `max_keys` of them, and stops when
  // `max_bytes` bytes of values are gone. Returns how many; `*finished` says that none are left.
  virtual absl::StatusOr<uint64_t> DeletePrefix(Table table, std::string_view prefix,
                                                uint64_t max_keys, uint64_t max_bytes,
                                                bool* finished) = 0;
  // Returns when the batch is on stable storage.
  virtual absl::Status Commit() = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  virtual absl::StatusOr<std::unique_ptr<StoreReader>> NewReader() = 0;
  virtual absl::StatusOr<std::unique_ptr<StoreBatch>> Begin() = 0;
  virtual absl::StatusOr<StoreState> ReadState() = 0;
  // True when an I/O error has left the store in a state in which it refuses everything until
  // Reopen.
  [[nodiscard]] virtual bool needs_reopen() const = 0;
  virtual absl::Status Reopen() = 0;
  // Size of the data file.
  [[nodiscard]] virtual uint64_t FileBytes() const = 0;
};

struct LmdbOptions {
  std::string dir;  // must exist; 0700
  uint64_t map_size =
      0;  // address space to reserve, bytes; 0 = what this build allows (16 TiB, less under TSan)
  CheckpointMeta first{};  // what ReadState gives of a new store
};

// The file in the store's folder that holds the data.
inline constexpr std::string_view kLmdbDataFile = "data.mdb";

// Opens the store. When its data file is missing it is created, whole or not at all: a crash or
// power cut leaves a store or none. kFailedPrecondition: not a store of this program, or of an
// unknown version. kDataLoss: damaged. kResourceExhausted: no disk space, or address space is
// limited.
absl::StatusOr<std::unique_ptr<Store>> OpenLmdbStore(const LmdbOptions& options);

}  // namespace cairn::engine
