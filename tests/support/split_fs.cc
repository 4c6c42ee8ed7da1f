#include "support/split_fs.h"

#include "base/check.h"

namespace cairn::test {

base::FileSystem& SplitFs::For(const std::string& path) const {
  const bool inside = path == folder_ || path.starts_with(folder_ + "/");
  return inside ? *inner_ : *outer_;
}

absl::StatusOr<std::unique_ptr<base::File>> SplitFs::Open(const std::string& path, Mode mode) {
  return For(path).Open(path, mode);
}

absl::StatusOr<std::vector<std::string>> SplitFs::List(const std::string& dir) {
  return For(dir).List(dir);
}

absl::Status SplitFs::Remove(const std::string& path) {
  return For(path).Remove(path);
}

absl::Status SplitFs::Rename(const std::string& from, const std::string& to) {
  CAIRN_CHECK(&For(from) == &For(to));
  return For(from).Rename(from, to);
}

absl::Status SplitFs::SyncDir(const std::string& dir) {
  return For(dir).SyncDir(dir);
}

absl::Status SplitFs::CreateDir(const std::string& dir) {
  return For(dir).CreateDir(dir);
}

bool SplitFs::Exists(const std::string& path) {
  return For(path).Exists(path);
}

absl::StatusOr<std::unique_ptr<base::FileLock>> SplitFs::Lock(const std::string& path) {
  return For(path).Lock(path);
}

bool SplitFs::IsLocked(const std::string& path) {
  return For(path).IsLocked(path);
}

void CreateFolders(base::FileSystem& fs, const std::string& dir) {
  for (size_t end = 0; end != std::string::npos;) {
    end = dir.find('/', end + 1);
    const std::string folder = dir.substr(0, end);
    CAIRN_CHECK(fs.CreateDir(folder).ok());
    CAIRN_CHECK(fs.SyncDir(base::ParentDir(folder)).ok());
  }
}

}  // namespace cairn::test
