#include "base/file.h"

#include <cerrno>
#include <system_error>

namespace cairn::base {
namespace {

absl::Status WriteNewFile(FileSystem& fs, const std::string& path, std::string_view content) {
  auto file = fs.Open(path, FileSystem::Mode::kCreate);
  if (!file.ok()) {
    return file.status();
  }
  if (absl::Status status = (*file)->WriteAt(0, content); !status.ok()) {
    return status;
  }
  return (*file)->Sync();
}

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::StatusCode::kResourceExhausted;
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kUnavailable;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status ErrnoStatus(int error, std::string_view what, std::string_view path) {
  std::string text(what);
  text.append(" `").append(path).append("`: ").append(std::generic_category().message(error));
  return {CodeOf(error), text};
}

std::string ParentDir(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool FileSystem::IsLocked(const std::string& /*path*/) {
  return false;
}

absl::StatusOr<std::string> FileSystem::ReadAll(const std::string& path) {
  auto file = Open(path, Mode::kRead);
  if (!file.ok()) {
    return file.status();
  }
  auto size = (*file)->Size();
  if (!size.ok()) {
    return size.status();
  }
  // One byte of room more than the size, so that the read that finds the end is the last one. Files
  // whose size reads as zero although they have content (those of /proc) grow the buffer instead.
  std::string content;
  size_t length = 0;
  content.resize(*size + 1);
  while (true) {
    auto got = (*file)->ReadAt(length, content.data() + length, content.size() - length);
    if (!got.ok()) {
      return got.status();
    }
    length += *got;
    if (length < content.size()) {
      content.resize(length);
      return content;
    }
    content.resize(content.size() * 2 + 4096);
  }
}

absl::Status FileSystem::ReplaceFile(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  absl::Status status = WriteNewFile(*this, temporary, content);
  if (status.ok()) {
    status = Rename(temporary, path);
  }
  if (!status.ok()) {
    Remove(temporary).IgnoreError();
    return status;
  }
  return SyncDir(ParentDir(path));
}

}  // namespace cairn::base
