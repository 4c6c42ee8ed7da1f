// Recordings made up by tests: a line of calls with the stamps that the test gives them.
//
// One thread.
#pragma once

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <fcntl.h>

#include "crash/disk.h"
#include "crash/recording.h"
#include "crash/recording_format.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"

namespace cairn::crash {

// Of one call; 0: the next one.
struct Stamps {
  uint64_t begin = 0;
  uint64_t end = 0;
};

class Script {
 public:
  // Calls get stamps one after another, unless they are given.
  Script& Mkdir(std::string_view path, Stamps at = {}) {
    return Add({.kind = EventKind::kMkdir}, at, path);
  }
  Script& Open(uint32_t handle, std::string_view path, int flags, Stamps at = {}) {
    return Add({.kind = EventKind::kOpen, .handle = handle, .flags = static_cast<uint32_t>(flags)},
               at, path);
  }
  Script& Write(uint32_t handle, uint64_t offset, std::string_view data, Stamps at = {}) {
    return Add({.kind = EventKind::kWrite, .handle = handle, .offset = offset}, at, {}, {}, data);
  }
  Script& Sync(uint32_t handle, Stamps at = {}) {
    return Add({.kind = EventKind::kSync, .handle = handle}, at);
  }
  Script& Truncate(uint32_t handle, uint64_t size, Stamps at = {}) {
    return Add({.kind = EventKind::kTruncate, .handle = handle, .offset = size}, at);
  }
  Script& Rename(std::string_view from, std::string_view to, Stamps at = {}) {
    return Add({.kind = EventKind::kRename}, at, from, to);
  }
  Script& Unlink(std::string_view path, Stamps at = {}) {
    return Add({.kind = EventKind::kUnlink}, at, path);
  }
  Script& Unsupported(std::string_view what) {
    return Add({.kind = EventKind::kUnsupported}, {}, what);
  }

  // Reads it as a recording. REQUIRES: `*recording` is new.
  absl::Status Load(Recording* recording) const {
    const test::TempDir dir;
    const std::string file = dir.path() + "/events";
    std::ofstream(file, std::ios::binary) << bytes_;
    return recording->Add(file);
  }
  // The stamp behind the last call.
  [[nodiscard]] uint64_t end() const { return next_; }

 private:
  Script& Add(EventHeader event, Stamps at, std::string_view path = {}, std::string_view path2 = {},
              std::string_view data = {}) {
    event.begin = at.begin != 0 ? at.begin : next_;
    event.end = at.end != 0 ? at.end : event.begin + 1;
    next_ = std::max(next_, event.end + 1);
    event.path_size = static_cast<uint32_t>(path.size());
    event.path2_size = static_cast<uint32_t>(path2.size());
    event.data_size = data.size();
    bytes_.append(reinterpret_cast<const char*>(&event), sizeof event);
    bytes_.append(path).append(path2).append(data);
    return *this;
  }

  std::string bytes_;
  uint64_t next_ = 1;
};

}  // namespace cairn::crash
