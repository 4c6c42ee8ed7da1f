#include "crash/cuts.h"

#include <algorithm>
#include <iterator>

#include <fcntl.h>

#include "base/random.h"

namespace cairn::crash {
namespace {

constexpr uint64_t kStartStamps = 100;

// "log folder", "log", "run", "store": what a path is a part of.
std::string PartOf(std::string_view path) {
  constexpr std::string_view kData = "data/";
  if (!path.starts_with(kData)) return path.empty() ? "outer folder" : "data folder";
  path.remove_prefix(kData.size());
  const size_t slash = path.find('/');
  const std::string part(path.substr(0, slash));
  if (part == "LOCK" || IsLockFile(path)) return "lock";
  return slash == std::string_view::npos ? part + " folder" : part;
}

// What happens at an event, or "" when no cut is aimed at it. `path` is that of its file.
std::string KindOf(const Event& event, std::string_view path, bool writes_sync) {
  const std::string part = PartOf(path);
  if (part == "lock") return {};
  switch (event.kind) {
    case EventKind::kSync:
      return "sync of " + part;
    case EventKind::kWrite:
      return writes_sync ? "commit of store" : "write of " + part;
    case EventKind::kOpen:
      return (event.flags & O_TRUNC) != 0 ? "creation of " + part : std::string();
    case EventKind::kRename:
      return "rename of " + part;
    case EventKind::kUnlink:
      return "removal of " + part;
    case EventKind::kMkdir:
      return "creation of " + part;
    case EventKind::kTruncate:
      return "truncation of " + part;
    case EventKind::kSend:
      return "reply";
    default:
      return {};
  }
}

}  // namespace

Edges::Edges(const Recording& recording) : recording_(recording) {
  std::map<uint32_t, const Event*> opened;
  for (uint32_t i = 0; i < recording.events().size(); ++i) {
    const Event& event = recording.events()[i];
    if (event.kind == EventKind::kOpen) opened[event.handle] = &event;
  }
  for (uint32_t i = 0; i < recording.events().size(); ++i) {
    const Event& event = recording.events()[i];
    const auto file = opened.find(event.handle);
    const bool has_file = file != opened.end();
    const std::string kind = KindOf(event, has_file ? file->second->path : event.path,
                                    has_file && (file->second->flags & O_DSYNC) != 0);
    if (kind.empty()) continue;
    kinds_[kind].push_back(i);
    // A life's first calls (creation, recovery) are few and matter: kinds of their own.
    const auto& begins = recording.life_begins();
    const uint64_t life = *std::prev(std::upper_bound(begins.begin(), begins.end(), event.begin));
    if (event.begin - life < kStartStamps) kinds_[kind + ", at the start"].push_back(i);
  }
}

Cut Edges::Choose(uint64_t seed, uint64_t number) const {
  base::Random random(seed * 0x9e3779b97f4a7c15U + number);
  Cut cut{.number = number, .plan = {}, .edge = "anywhere"};
  const uint64_t first = recording_.life_begins().front();
  cut.stamp = first + random.Below(recording_.end_stamp() - first + 1);
  if (random.Below(4) != 0 && !kinds_.empty()) {
    const auto kind =
        std::next(kinds_.begin(), static_cast<std::ptrdiff_t>(random.Below(kinds_.size())));
    const Event& event = recording_.events()[kind->second[random.Below(kind->second.size())]];
    const uint64_t moments[] = {event.begin, event.begin + 1, event.end, event.end + 1};
    cut.stamp = moments[random.Below(std::size(moments))];
    cut.edge = kind->first;
  }
  cut.plan = {.fate = static_cast<Fate>(random.Below(kFates)), .seed = random.Next()};
  return cut;
}

}  // namespace cairn::crash
