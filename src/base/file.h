// The file system, as an interface: everything that Cairn writes itself (log segments, run files,
// the configuration) goes through it, so that tests can hold files in memory, forget what was not
// synced, and make any call fail. LMDB's own file is the one exception; it does its own input and
// output.
//
// A FileSystem and each File may be used from several threads at once, as the kernel's calls may
// be; writes to one place at one time are the caller's to order. A File keeps its descriptor until
// it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cairn::base {

class File {
 public:
  virtual ~File() = default;

  // Writes all of `parts`, one after another, from byte `offset` on. On an error the bytes from
  // `offset` on are undefined: the caller may write the same place again. kResourceExhausted = the
  // disk (or quota) is full.
  virtual absl::Status WriteAt(uint64_t offset, std::span<const std::string_view> parts) = 0;
  // Reads up to `size` bytes at `offset` into `out`; returns how many, fewer only at the end of the
  // file.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) = 0;
  // Returns when the file's bytes and length are on stable storage (fdatasync).
  virtual absl::Status Sync() = 0;
  virtual absl::Status Truncate(uint64_t size) = 0;
  virtual absl::StatusOr<uint64_t> Size() = 0;

  absl::Status WriteAt(uint64_t offset, std::string_view data) {
    return WriteAt(offset, std::span<const std::string_view>(&data, 1));
  }
};

// An exclusive claim on a path, held until destruction; the kernel drops it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  enum class Mode : uint8_t {
    kRead,       // must exist; read only
    kReadWrite,  // must exist
    kCreate,     // created 0600, or emptied when it exists
  };
  // Errors: kNotFound, kPermissionDenied, kResourceExhausted, kUnavailable (out of descriptors),
  // kInternal; each text names the path and the system's reason.
  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, Mode mode) = 0;
  // Names (not paths) in a folder, without `.` and `..`, sorted.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& dir) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  // Replaces `to` atomically. Lasting only after SyncDir of the folder.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // Makes creations, renames and removals inside `dir` lasting.
  virtual absl::Status SyncDir(const std::string& dir) = 0;
  // Creates one folder, 0700; fine when it exists already.
  virtual absl::Status CreateDir(const std::string& dir) = 0;
  virtual bool Exists(const std::string& path) = 0;
  // Takes the exclusive lock on `path`, creating the file when missing. kAlreadyExists when another
  // process (or another holder in this one) has it.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
  // True when somebody, perhaps this process, is seen to hold the lock on `path`. Takes nothing,
  // and sees nothing of processes outside of this one's surroundings (another container): for
  // messages.
  virtual bool IsLocked(const std::string& path);

  // The whole content of a file.
  absl::StatusOr<std::string> ReadAll(const std::string& path);
  // Writes a file so that after a crash either the old or the new content is there: temporary file,
  // sync, rename, sync of the folder.
  absl::Status ReplaceFile(const std::string& path, std::string_view content);
};

// The kernel's file system. Lives as long as the process.
FileSystem& PosixFileSystem();

// An absl::Status for `error` (errno's value): "`what` `path`: <system's text>", with the codes
// listed at Open.
absl::Status ErrnoStatus(int error, std::string_view what, std::string_view path);

// The folder that holds `path`, as text: what stands before the last slash, "/" or "." when that is
// empty.
std::string ParentDir(const std::string& path);

}  // namespace cairn::base
