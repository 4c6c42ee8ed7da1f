// Shared by the tests of config/: a read-only file system held in a map.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"

namespace cairn::config {

class TextFile final : public base::File {
 public:
  explicit TextFile(std::string text) : text_(std::move(text)) {}

  absl::Status WriteAt(uint64_t, std::span<const std::string_view>) override { return ReadOnly(); }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    if (offset >= text_.size()) return size_t{0};
    return text_.copy(out, size, offset);
  }
  absl::Status Sync() override { return ReadOnly(); }
  absl::Status Truncate(uint64_t) override { return ReadOnly(); }
  absl::StatusOr<uint64_t> Size() override { return text_.size(); }

 private:
  static absl::Status ReadOnly() { return absl::UnimplementedError("read only"); }
  std::string text_;
};

using Texts = std::map<std::string, std::string>;

// Paths are compared as they are written; the files named without a folder are in the current
// folder.
class TextFiles final : public base::FileSystem {
 public:
  explicit TextFiles(Texts files = {}) : files_(std::move(files)) {}

  absl::StatusOr<std::unique_ptr<base::File>> Open(const std::string& path, Mode) override {
    const auto found = files_.find(path);
    if (found == files_.end()) return absl::NotFoundError("open `" + path + "`: no such file");
    return std::make_unique<TextFile>(found->second);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override {
    const std::string prefix = dir == "." ? "" : dir.ends_with('/') ? dir : dir + "/";
    std::vector<std::string> names;
    for (const auto& [path, text] : files_) {
      if (path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos) {
        names.push_back(path.substr(prefix.size()));
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  bool Exists(const std::string& path) override { return files_.contains(path); }

  absl::Status Remove(const std::string&) override { return ReadOnly(); }
  absl::Status Rename(const std::string&, const std::string&) override { return ReadOnly(); }
  absl::Status SyncDir(const std::string&) override { return ReadOnly(); }
  absl::Status CreateDir(const std::string&) override { return ReadOnly(); }
  absl::StatusOr<std::unique_ptr<base::FileLock>> Lock(const std::string&) override {
    return ReadOnly();
  }

 private:
  static absl::Status ReadOnly() { return absl::UnimplementedError("read only"); }
  Texts files_;
};

}  // namespace cairn::config
