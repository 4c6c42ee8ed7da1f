#include "crash/recording.h"

#include <algorithm>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include "base/file.h"

namespace cairn::crash {
namespace {

// The recorder's mark of a connection stays outside of the numbers that lives are told apart by.
constexpr uint32_t kConnectionBit = 1U << 31;

absl::Status Judge(const EventHeader& header, std::string_view path) {
  if (header.kind == EventKind::kUnsupported) {
    return absl::UnimplementedError(
        fmt::format("the server made a call that the recorder does not follow: {}", path));
  }
  if (header.begin == 0 || header.end <= header.begin) {
    return absl::DataLossError("an event of the recording ends before it begins");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Recording::Parse(std::string_view bytes, uint32_t first_handle) {
  while (!bytes.empty()) {
    EventHeader header;
    if (bytes.size() < sizeof header) return absl::DataLossError("the recording is cut short");
    std::memcpy(&header, bytes.data(), sizeof header);
    bytes.remove_prefix(sizeof header);
    const uint64_t wanted = header.data_size + header.path_size + header.path2_size;
    if (bytes.size() < wanted) return absl::DataLossError("the recording is cut short");
    const std::string_view path = bytes.substr(0, header.path_size);
    const std::string_view path2 = bytes.substr(path.size(), header.path2_size);
    const std::string_view data = bytes.substr(path.size() + path2.size(), header.data_size);
    bytes.remove_prefix(wanted);
    if (absl::Status status = Judge(header, path); !status.ok()) return status;
    const uint32_t number = header.handle & ~kConnectionBit;
    next_handle_ = std::max(next_handle_, first_handle + number);
    events_.push_back({.kind = header.kind,
                       .handle = header.handle == 0
                                     ? 0
                                     : (first_handle + number) | (header.handle & kConnectionBit),
                       .begin = header.begin,
                       .end = header.end,
                       .wall_us = header.wall_us,
                       .offset = header.offset,
                       .flags = header.flags,
                       .path = path,
                       .path2 = path2,
                       .data = data});
  }
  return absl::OkStatus();
}

void Recording::NoteConnections(size_t first_event) {
  std::vector<const Event*> in_order;
  for (size_t i = first_event; i < events_.size(); ++i) in_order.push_back(&events_[i]);
  std::sort(in_order.begin(), in_order.end(),
            [](const Event* a, const Event* b) { return a->begin < b->begin; });
  std::vector<std::vector<Sent>>& connections = connections_.emplace_back();
  std::map<uint32_t, size_t> by_handle;
  for (const Event* event : in_order) {
    if (event->kind == EventKind::kAccept) {
      by_handle.emplace(event->handle, connections.size());
      connections.emplace_back();
    } else if (event->kind == EventKind::kSend) {
      std::vector<Sent>& sent = connections[by_handle.at(event->handle)];
      const uint64_t before = sent.empty() ? 0 : sent.back().bytes;
      sent.push_back({.begin = event->begin, .bytes = before + event->offset});
    }
  }
}

absl::Status Recording::Add(const std::string& file) {
  auto bytes = base::PosixFileSystem().ReadAll(file);
  if (!bytes.ok()) return bytes.status();
  files_.push_back(*std::move(bytes));
  const size_t first_event = events_.size();
  const size_t first_moment = moments_.size();
  if (absl::Status status = Parse(files_.back(), next_handle_ + 1); !status.ok()) return status;
  life_begins_.push_back(end_stamp_);
  std::vector<std::pair<uint64_t, int64_t>> wall;
  for (size_t i = first_event; i < events_.size(); ++i) {
    const Event& event = events_[i];
    if (event.begin < life_begins_.back()) {
      return absl::DataLossError("two lives of the recording share stamps");
    }
    moments_.push_back({.stamp = event.begin, .event = static_cast<uint32_t>(i), .is_end = false});
    moments_.push_back({.stamp = event.end, .event = static_cast<uint32_t>(i), .is_end = true});
    wall.emplace_back(event.end, event.wall_us);
    end_stamp_ = std::max(end_stamp_, event.end + 1);
  }
  std::sort(moments_.begin() + static_cast<std::ptrdiff_t>(first_moment), moments_.end(),
            [](const Moment& a, const Moment& b) { return a.stamp < b.stamp; });
  std::sort(wall.begin(), wall.end());
  for (const auto& [stamp, us] : wall) {
    wall_.emplace_back(stamp, wall_.empty() ? us : std::max(us, wall_.back().second));
  }
  NoteConnections(first_event);
  return absl::OkStatus();
}

int64_t Recording::WallUsAt(uint64_t stamp) const {
  const auto next = std::lower_bound(wall_.begin(), wall_.end(), std::pair(stamp, INT64_MIN));
  if (next != wall_.end()) return next->second;
  return wall_.empty() ? 0 : wall_.back().second;
}

}  // namespace cairn::crash
