// Two file systems as one: everything below one folder is in the second, the rest in the first.
//
// For tests of a whole server: its store must be on a real disk (LMDB), while its log may be in a
// MemoryFs, whose calls fail on demand and which knows what a power cut takes.
//
// Thread-safe when both parts are. They must outlive it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"

namespace cairn::test {

class SplitFs final : public base::FileSystem {
 public:
  // `folder` as its users write it; itself and everything below it is in `inner`. Nothing is ever
  // renamed between the two (CHECK).
  SplitFs(base::FileSystem& outer, std::string folder, base::FileSystem& inner)
      : outer_(&outer), folder_(std::move(folder)), inner_(&inner) {}

  absl::StatusOr<std::unique_ptr<base::File>> Open(const std::string& path, Mode mode) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status SyncDir(const std::string& dir) override;
  absl::Status CreateDir(const std::string& dir) override;
  bool Exists(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<base::FileLock>> Lock(const std::string& path) override;
  bool IsLocked(const std::string& path) override;

 private:
  [[nodiscard]] base::FileSystem& For(const std::string& path) const;

  base::FileSystem* outer_;
  std::string folder_;
  base::FileSystem* inner_;
};

// Creates `dir`, an absolute path, and all folders above it, and makes them lasting.
void CreateFolders(base::FileSystem& fs, const std::string& dir);

}  // namespace cairn::test
