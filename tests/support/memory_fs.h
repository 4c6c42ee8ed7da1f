// A file system in memory that knows what a power cut takes, and that fails on demand.
//
// What is written can be read at once, but it is lasting only after a sync: a file's bytes and
// length after File::Sync, a folder's creations, renames and removals after SyncDir. Crash(seed)
// gives the disk as a power cut may leave it.
//
// A failed File::Sync behaves as Linux does: what was not lasting is still read back, but it never
// reaches the disk, and the next Sync reports success for it.
//
// Thread-safe, as base::FileSystem asks. Open files may outlive the MemoryFs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace cairn::test {

class MemoryFs final : public base::FileSystem {
 public:
  // Kinds of calls, for faults and counts.
  enum class Op : uint8_t {
    kOpen,
    kRead,
    kWrite,
    kSync,
    kTruncate,
    kSize,
    kList,
    kRemove,
    kRename,
    kSyncDir,
    kCreateDir,
    kLock,
  };

  // An empty file system: only the root folder is there. "/a/b", "a/b" and "./a/b" are the same
  // path.
  MemoryFs();
  ~MemoryFs() override;

  absl::StatusOr<std::unique_ptr<base::File>> Open(const std::string& path, Mode mode) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status SyncDir(const std::string& dir) override;
  absl::Status CreateDir(const std::string& dir) override;
  bool Exists(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<base::FileLock>> Lock(const std::string& path) override;

  // The disk after a power cut now. Each write since a file's last sync is kept, dropped, or torn
  // into pieces of 512 bytes which are kept or dropped one by one; the file's length may have run
  // ahead of its bytes (zeros) or lag behind; each folder operation since the last SyncDir is kept
  // or undone. The same seed gives the same disk. Everything in the result is lasting, and it has
  // no faults and no locks.
  [[nodiscard]] std::unique_ptr<MemoryFs> Crash(uint64_t seed) const;
  // What another process sees when this one dies: everything that was written, as little lasting as
  // it was.
  [[nodiscard]] std::unique_ptr<MemoryFs> Kill() const;

  struct Fault {
    std::optional<Op> op;      // which calls count; none = all of them
    uint64_t nth = 1;          // the first call that fails, counted from now, from 1
    uint64_t times = 1;        // how many calls fail from there on
    int error = 5;             // errno's value; 5 = EIO
    size_t partial_bytes = 0;  // so many bytes of a failing write get into the file
  };
  // Adds a fault. Faults are looked at in the order in which they came.
  void Inject(const Fault& fault);
  void ClearFaults();
  // Calls so far of one kind, and of all kinds.
  [[nodiscard]] uint64_t calls(Op op) const;
  [[nodiscard]] uint64_t calls() const;

  // The most bytes that all files may hold together: a write past it is made as far as it fits and
  // then fails with ENOSPC.
  void set_capacity(uint64_t bytes);

  // From HoldSyncs until ReleaseSyncs a File::Sync does not return; what it makes lasting is what
  // was written when it began. WaitForHeldSync returns when one is held.
  void HoldSyncs();
  void ReleaseSyncs();
  void WaitForHeldSync();

  // A file's bytes as they are read now. REQUIRES: the file exists.
  [[nodiscard]] std::string Content(const std::string& path) const;
  // Creates or changes a file so that it has these bytes and is lasting; no fault, no count.
  void SetContent(const std::string& path, std::string_view content);

  // What MemoryFs and its files share; the definition is private to memory_fs.cc.
  struct State;

 private:
  explicit MemoryFs(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace cairn::test
