// Brings sorted records into the store in transactions of bounded size.
//
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/generation.h"
#include "engine/record_view.h"
#include "engine/run_file.h"
#include "engine/store.h"

namespace cairn::engine {

// The most that one transaction takes. One record that is larger goes alone.
struct ChunkLimits {
  uint64_t keys = 0;
  uint64_t bytes = 0;
};

// Records sorted by table, then key.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  [[nodiscard]] virtual bool Valid() const = 0;
  // REQUIRES: Valid(). The views are valid until the next call of Next.
  [[nodiscard]] virtual RecordView record() const = 0;
  virtual absl::Status Next() = 0;
};

// A frozen generation, whose order it makes when nobody has yet. Copies are independent positions.
class GenerationSource final : public RecordSource {
 public:
  explicit GenerationSource(const Generation* generation);
  [[nodiscard]] bool Valid() const override;
  [[nodiscard]] RecordView record() const override;
  absl::Status Next() override;

 private:
  const Generation* generation_;
  const std::vector<const Entry*>* keys_;
  size_t next_key_ = 0;
  OrderedOverlay::Set::const_iterator next_expiry_;
};

// A run file that has been verified.
class RunFileSource final : public RecordSource {
 public:
  // Reads the first record.
  static absl::StatusOr<std::unique_ptr<RunFileSource>> Open(base::FileSystem& fs,
                                                             const std::string& path);
  [[nodiscard]] bool Valid() const override { return valid_; }
  [[nodiscard]] RecordView record() const override { return record_; }
  absl::Status Next() override;

 private:
  explicit RunFileSource(std::unique_ptr<RunFileReader> reader) : reader_(std::move(reader)) {}

  std::unique_ptr<RunFileReader> reader_;
  RecordView record_;
  bool valid_ = false;
};

// Applies the source's next records in one transaction. When that leaves the source empty, the same
// transaction notes that the checkpoint is finished; until then, that it has begun. Returns how
// many records were applied. After an error the store is unchanged and the source stands anywhere.
absl::StatusOr<uint64_t> ApplyChunk(Store& store, RecordSource& source, const ChunkLimits& limits,
                                    const RunTarget& target);

// True when all records of the generation fit one transaction, which needs no run file to be
// all-or-nothing.
bool FitsOneChunk(const Generation& generation, const ChunkLimits& limits);

}  // namespace cairn::engine
