// The kernel's file system behind base/file.h.
#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/file.h"

namespace cairn::base {
namespace {

// Closes a descriptor that must not leak on an early return.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// open(2), again when a signal came.
int OpenRetrying(const std::string& path, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  absl::Status WriteAt(uint64_t offset, std::span<const std::string_view> parts) override;
  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) override;
  absl::Status Sync() override;
  absl::Status Truncate(uint64_t size) override;
  absl::StatusOr<uint64_t> Size() override;

 private:
  Descriptor fd_;
  std::string path_;
};

// The most parts that one pwritev takes from us; well under IOV_MAX (1024).
constexpr size_t kMaxParts = 64;

absl::Status PosixFile::WriteAt(uint64_t offset, std::span<const std::string_view> parts) {
  size_t next = 0;     // the first part that is not written whole
  size_t skipped = 0;  // bytes of that part which are
  while (true) {
    std::array<iovec, kMaxParts> vectors;
    size_t count = 0;
    for (size_t i = next; i < parts.size() && count < vectors.size(); ++i) {
      const std::string_view rest = parts[i].substr(i == next ? skipped : 0);
      if (!rest.empty()) {
        vectors[count++] = {const_cast<char*>(rest.data()), rest.size()};
      }
    }
    if (count == 0) {
      return absl::OkStatus();
    }
    const ssize_t written =
        pwritev(fd_.get(), vectors.data(), static_cast<int>(count), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return ErrnoStatus(errno, "cannot write", path_);
    }
    if (written == 0) {
      return ErrnoStatus(EIO, "cannot write", path_);
    }
    offset += static_cast<uint64_t>(written);
    for (auto left = static_cast<size_t>(written); next < parts.size();) {
      const size_t rest = parts[next].size() - skipped;
      if (left < rest) {
        skipped += left;
        break;
      }
      left -= rest;
      ++next;
      skipped = 0;
    }
  }
}

absl::StatusOr<size_t> PosixFile::ReadAt(uint64_t offset, char* out, size_t size) {
  size_t length = 0;
  while (length < size) {
    const ssize_t got =
        pread(fd_.get(), out + length, size - length, static_cast<off_t>(offset + length));
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      return ErrnoStatus(errno, "cannot read", path_);
    }
    if (got == 0) {
      break;
    }
    length += static_cast<size_t>(got);
  }
  return length;
}

absl::Status PosixFile::Sync() {
  int result = 0;
  do {
    result = fdatasync(fd_.get());
  } while (result != 0 && errno == EINTR);
  return result == 0 ? absl::OkStatus() : ErrnoStatus(errno, "cannot sync", path_);
}

absl::Status PosixFile::Truncate(uint64_t size) {
  int result = 0;
  do {
    result = ftruncate(fd_.get(), static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  return result == 0 ? absl::OkStatus() : ErrnoStatus(errno, "cannot truncate", path_);
}

absl::StatusOr<uint64_t> PosixFile::Size() {
  struct stat info {};
  if (fstat(fd_.get(), &info) != 0) {
    return ErrnoStatus(errno, "cannot stat", path_);
  }
  return static_cast<uint64_t>(info.st_size);
}

// Holds flock(2) on its descriptor: it belongs to the open file, so it also keeps out a second
// holder in this process.
class PosixLock final : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}

 private:
  Descriptor fd_;
};

class PosixFs final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, Mode mode) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status SyncDir(const std::string& dir) override;
  absl::Status CreateDir(const std::string& dir) override;
  bool Exists(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
  bool IsLocked(const std::string& path) override;
};

absl::StatusOr<std::unique_ptr<File>> PosixFs::Open(const std::string& path, Mode mode) {
  const int flags = mode == Mode::kRead        ? O_RDONLY
                    : mode == Mode::kReadWrite ? O_RDWR
                                               : O_RDWR | O_CREAT | O_TRUNC;
  const int fd = OpenRetrying(path, flags, 0600);
  if (fd < 0) {
    return ErrnoStatus(errno, mode == Mode::kCreate ? "cannot create" : "cannot open", path);
  }
  return std::make_unique<PosixFile>(fd, path);
}

absl::StatusOr<std::vector<std::string>> PosixFs::List(const std::string& dir) {
  DIR* handle = opendir(dir.c_str());
  if (handle == nullptr) {
    return ErrnoStatus(errno, "cannot list", dir);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(handle)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
    errno = 0;
  }
  const int error = errno;
  closedir(handle);
  if (error != 0) {
    return ErrnoStatus(error, "cannot list", dir);
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status PosixFs::Remove(const std::string& path) {
  return unlink(path.c_str()) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "cannot remove", path);
}

absl::Status PosixFs::Rename(const std::string& from, const std::string& to) {
  return rename(from.c_str(), to.c_str()) == 0 ? absl::OkStatus()
                                               : ErrnoStatus(errno, "cannot rename", from);
}

absl::Status PosixFs::SyncDir(const std::string& dir) {
  const Descriptor fd(OpenRetrying(dir, O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) {
    return ErrnoStatus(errno, "cannot open folder", dir);
  }
  int result = 0;
  do {
    result = fsync(fd.get());
  } while (result != 0 && errno == EINTR);
  return result == 0 ? absl::OkStatus() : ErrnoStatus(errno, "cannot sync folder", dir);
}

absl::Status PosixFs::CreateDir(const std::string& dir) {
  if (mkdir(dir.c_str(), 0700) == 0) {
    return absl::OkStatus();
  }
  const int error = errno;
  struct stat info {};
  if (error == EEXIST && stat(dir.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::OkStatus();
  }
  return ErrnoStatus(error, "cannot create folder", dir);
}

bool PosixFs::Exists(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

absl::StatusOr<std::unique_ptr<FileLock>> PosixFs::Lock(const std::string& path) {
  Descriptor fd(OpenRetrying(path, O_RDWR | O_CREAT, 0600));
  if (!fd.valid()) {
    return ErrnoStatus(errno, "cannot open", path);
  }
  int result = 0;
  do {
    result = flock(fd.get(), LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) {
    return std::make_unique<PosixLock>(fd.Release());
  }
  if (errno == EWOULDBLOCK) {
    return absl::AlreadyExistsError("`" + path + "` is locked: another process uses this folder");
  }
  return ErrnoStatus(errno, "cannot lock", path);
}

bool PosixFs::IsLocked(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return false;
  // The kernel's list of all locks has lines as `1: FLOCK  ADVISORY  WRITE 4711 fe:01:393220 0
  // EOF`: device, major and minor in hexadecimal digits, and inode.
  const auto locks = ReadAll("/proc/locks");
  if (!locks.ok()) return false;
  const std::string file =
      fmt::format(" {:02x}:{:02x}:{} ", major(info.st_dev), minor(info.st_dev), info.st_ino);
  std::string_view rest = *locks;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.find(" FLOCK ") != std::string_view::npos &&
        line.find(file) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

FileSystem& PosixFileSystem() {
  static PosixFs fs;
  return fs;
}

}  // namespace cairn::base
