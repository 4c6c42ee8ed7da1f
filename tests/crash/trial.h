// A trial: one data folder, the recording of what one or several lives of a server did to it, and
// what the clients know. It lies in a folder of its own, so that it can be looked at again:
//
//   root/                    the watched folder; the server's data is root/data
//   initial/                 what root was at first, when that was not empty
//   life-1.events            the recording of the first life
//   life-1.journal-0 ...     the clients' journals as of its end
//   trial                    appendfsync, number of lives
//
// One thread (the main one: it starts servers).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crash/disk.h"
#include "crash/image.h"
#include "crash/journal.h"
#include "crash/recording.h"
#include "crash/workload.h"

namespace cairn::crash {

struct LifeOptions {
  std::string server;
  std::string recorder;
  uint64_t kill_after = 0;  // so many stamps after the life's first one it is killed; 0: never
  uint64_t sync_delay_us = 0;
  WorkloadOptions workload;
};

// How long answered writes were at risk.
struct Exposure {
  int64_t longest_ms = 0;       // from a reply until a sync had covered its write
  int64_t longest_sync_ms = 0;  // of those of the log
};

class Trial {
 public:
  // A trial on an empty disk, in `folder`, which is made.
  static absl::StatusOr<Trial> Create(const std::string& folder, const std::string& appendfsync);
  // A trial that begins with what `image` holds; `journals` = what the clients know of that.
  static absl::StatusOr<Trial> CreateFromImage(const std::string& folder,
                                               const std::string& appendfsync,
                                               const std::string& image,
                                               std::vector<Journal> journals);
  static absl::StatusOr<Trial> Load(const std::string& folder);

  // Lets a server live on the folder. Afterwards the folder is compared with the recording, and a
  // copy of it is checked: a process crash loses nothing that was acknowledged.
  absl::Status Live(const LifeOptions& options);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const std::string& appendfsync() const { return appendfsync_; }
  [[nodiscard]] const Recording& recording() const { return recording_; }
  // The disk before the first life.
  [[nodiscard]] absl::StatusOr<Disk> NewDisk() const;
  // The journals that hold for a cut at `stamp`.
  [[nodiscard]] const std::vector<Journal>& JournalsAt(uint64_t stamp) const;
  // What must have survived a cut of `disk`, which stands at `stamp`, with this fate.
  [[nodiscard]] std::vector<size_t> LeastAt(uint64_t stamp, Fate fate, const Disk& disk) const;
  [[nodiscard]] absl::StatusOr<Exposure> LongestExposure() const;
  // A time behind every expiry that comes soon.
  [[nodiscard]] int64_t LateMs() const;

 private:
  Trial(std::string folder, std::string appendfsync)
      : folder_(std::move(folder)), appendfsync_(std::move(appendfsync)) {}

  absl::Status RunServer(const LifeOptions& options, const std::string& events);
  absl::Status CheckAfterLife();
  absl::Status Save() const;
  [[nodiscard]] std::string LifeFile(size_t life, std::string_view suffix) const;

  std::string folder_;
  std::string appendfsync_;
  bool has_initial_ = false;
  Recording recording_;
  Workload workload_;                        // with the journals that the next life goes on from
  std::vector<std::vector<Journal>> lives_;  // journals as of the end of each life
};

// Where much is written that need not last: memory, when it has room, or the folder for temporary
// files.
std::string RoomyFolder();

// A folder's files and folders, below `to`, which is made.
absl::Status CopyFolder(const std::string& from, const std::string& to);

}  // namespace cairn::crash
