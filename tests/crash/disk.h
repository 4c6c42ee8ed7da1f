// The disk under a recording: what is lasting on it at a moment, and what is on its way. README.md
// states the model; this file keeps its books.
//
// Made for one pass: Advance goes forward only. One thread. The recording must outlive the disk.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crash/recording.h"

namespace cairn::crash {

// A change of a file or of a folder that a power cut may take back.
struct PendingOp {
  enum class Kind : uint8_t {
    kWrite,     // `data` at `offset`
    kTruncate,  // to `offset` bytes
    kAllocate,  // at least `offset` bytes
    kLink,      // the folder's `name` is `inode` from now on
    kUnlink,    // the folder's `name` is gone
    kRename,    // what `name` was is `to` from now on, and that is `inode`
  };
  Kind kind{};
  uint64_t begin = 0;  // stamps of the call
  uint64_t end = 0;
  bool completed = false;  // the call has returned
  bool durable = false;    // it is on disk, whatever else is
  uint64_t offset = 0;
  std::string_view data;
  std::string name;
  std::string to;
  size_t inode = 0;
};

// A file or a folder, whatever its names.
struct Inode {
  bool is_folder = false;
  std::string content;                    // lasting
  std::map<std::string, size_t> entries;  // lasting; of a folder
  std::map<std::string, size_t> cached;   // as the processes see them
  std::deque<PendingOp> pending;          // in the order in which they began
};

// True for LMDB's memory of running processes, which is mapped and means nothing after a crash.
bool IsLockFile(std::string_view path);

// Carries out one pending operation on what a file or a folder has.
void Apply(const PendingOp& op, std::string* content);
void Apply(const PendingOp& op, std::map<std::string, size_t>* entries);

class Disk {
 public:
  static constexpr size_t kRoot = 0;

  // An empty disk; or what lies in `folder`, all of it lasting.
  explicit Disk(const Recording& recording);
  static absl::StatusOr<Disk> FromFolder(const Recording& recording, const std::string& folder);

  // Goes on to the moment before `stamp`: everything with a smaller stamp has happened.
  absl::Status Advance(uint64_t stamp);

  [[nodiscard]] const std::vector<Inode>& inodes() const { return inodes_; }
  // What the processes see at `path` (relative to the watched folder): the inode's number.
  [[nodiscard]] absl::StatusOr<size_t> Find(std::string_view path) const;
  // A file's content as the processes see it.
  [[nodiscard]] std::string CachedContent(size_t inode) const;

  // The first moment at which something was done to the files of `folder` that is not lasting yet:
  // the smallest end stamp of a write, a creation or a renaming. Removed files do not count.
  // UINT64_MAX when all is lasting, 0 when the folder is not there.
  [[nodiscard]] uint64_t FirstUnsynced(std::string_view folder) const;

  // Ok when the files below `folder`, but for lock files, are what the processes saw at the end: so
  // the recorder has missed nothing.
  [[nodiscard]] absl::Status CompareWithFolder(const std::string& folder) const;

 private:
  struct OpenFile {
    size_t inode = 0;
    bool writes_sync = false;  // O_DSYNC or O_SYNC
    std::string_view path;
  };
  // Operations that a sync under way will make lasting.
  struct Covered {
    size_t inode = 0;
    std::vector<uint64_t> begins;  // which ones, by their stamps
  };

  absl::Status Begin(const Event& event);
  absl::Status End(const Event& event);
  absl::Status BeginOpen(const Event& event);
  absl::Status BeginOnFile(const Event& event);
  absl::Status BeginOnFolder(const Event& event);
  // The folder of `path`, and the name in it.
  absl::StatusOr<size_t> Parent(std::string_view path, std::string* name) const;
  absl::StatusOr<size_t> InodeOf(const Event& event) const;
  void Push(size_t inode, PendingOp op, const Event& event);
  void MakeDurable(const Covered& covered);
  absl::Status Load(const std::string& folder, size_t inode);
  absl::Status Compare(size_t inode, const std::string& folder) const;

  const Recording* recording_;
  size_t next_moment_ = 0;
  std::vector<Inode> inodes_;
  std::map<uint32_t, OpenFile> open_;  // by handle
  std::map<uint64_t, Covered> syncs_;  // under way, by their begin stamps
  std::map<uint64_t, size_t> begun_;   // operations under way: begin stamp to inode
};

}  // namespace cairn::crash
