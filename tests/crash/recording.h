// What happened below a server's data folder, read back from the recorder's files
// (recording_format.h), of one or several lives of the process on the same disk.
//
// Immutable once loaded; views of its data are valid as long as it lives. One thread may load, any
// number may read.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "crash/recording_format.h"

namespace cairn::crash {

struct Event {
  EventKind kind{};
  uint32_t handle = 0;  // unique over all lives
  uint64_t begin = 0;
  uint64_t end = 0;
  int64_t wall_us = 0;
  uint64_t offset = 0;
  uint32_t flags = 0;
  std::string_view path;
  std::string_view path2;
  std::string_view data;
};

// A moment at which a call began or ended.
struct Moment {
  uint64_t stamp = 0;
  uint32_t event = 0;  // index
  bool is_end = false;
};

// Bytes that one connection had been handed, by the stamp at which the call began.
struct Sent {
  uint64_t begin = 0;
  uint64_t bytes = 0;  // all of the connection, this call's included
};

class Recording {
 public:
  // Adds the file of the next life, whose stamps are all above those of the lives before. An error
  // when the file is damaged or holds a call that the recorder does not follow.
  absl::Status Add(const std::string& file);

  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  // All begins and ends, in the order of their stamps.
  [[nodiscard]] const std::vector<Moment>& moments() const { return moments_; }
  // The first stamp that no event of the lives so far has.
  [[nodiscard]] uint64_t end_stamp() const { return end_stamp_; }
  // Where each life's stamps begin; one entry a life.
  [[nodiscard]] const std::vector<uint64_t>& life_begins() const { return life_begins_; }
  // What the connections of life `life` were handed, in the order in which they were accepted.
  [[nodiscard]] const std::vector<std::vector<Sent>>& connections(size_t life) const {
    return connections_[life];
  }
  // Unix time in microseconds by which all that had happened before `stamp` had happened.
  [[nodiscard]] int64_t WallUsAt(uint64_t stamp) const;

 private:
  absl::Status Parse(std::string_view bytes, uint32_t first_handle);
  void NoteConnections(size_t first_event);

  std::deque<std::string> files_;  // the events' views point here
  std::vector<Event> events_;
  std::vector<Moment> moments_;
  std::vector<uint64_t> life_begins_;
  std::vector<std::vector<std::vector<Sent>>> connections_;
  std::vector<std::pair<uint64_t, int64_t>> wall_;  // end stamps and times, both ascending
  uint64_t end_stamp_ = 1;
  uint32_t next_handle_ = 0;
};

}  // namespace cairn::crash
