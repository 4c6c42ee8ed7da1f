#include "crash/disk.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/file.h"

namespace cairn::crash {
namespace {

using Kind = PendingOp::Kind;

}  // namespace

bool IsLockFile(std::string_view path) {
  return path.ends_with("lock.mdb") || path.ends_with("-lock");
}

void Apply(const PendingOp& op, std::string* content) {
  switch (op.kind) {
    case Kind::kWrite:
      if (content->size() < op.offset + op.data.size()) {
        content->resize(op.offset + op.data.size());
      }
      op.data.copy(content->data() + op.offset, op.data.size());
      return;
    case Kind::kTruncate:
      content->resize(op.offset);
      return;
    case Kind::kAllocate:
      if (content->size() < op.offset) content->resize(op.offset);
      return;
    default:
      return;
  }
}

void Apply(const PendingOp& op, std::map<std::string, size_t>* entries) {
  // By inode, so that a removal does not take a newer file of that name, whatever else is kept.
  const auto forget = [&](const std::string& name) {
    const auto it = entries->find(name);
    if (it != entries->end() && it->second == op.inode) entries->erase(it);
  };
  switch (op.kind) {
    case Kind::kLink:
      entries->insert_or_assign(op.name, op.inode);
      return;
    case Kind::kUnlink:
      forget(op.name);
      return;
    case Kind::kRename:
      forget(op.name);
      entries->insert_or_assign(op.to, op.inode);
      return;
    default:
      return;
  }
}

Disk::Disk(const Recording& recording) : recording_(&recording) {
  inodes_.push_back({.is_folder = true, .content = {}, .entries = {}, .cached = {}, .pending = {}});
}

absl::StatusOr<Disk> Disk::FromFolder(const Recording& recording, const std::string& folder) {
  Disk disk(recording);
  if (absl::Status status = disk.Load(folder, kRoot); !status.ok()) return status;
  return disk;
}

absl::Status Disk::Load(const std::string& folder, size_t inode) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const size_t number = inodes_.size();
    const std::string name = entry.path().filename().string();
    inodes_.push_back({.is_folder = entry.is_directory(),
                       .content = {},
                       .entries = {},
                       .cached = {},
                       .pending = {}});
    inodes_[inode].entries.emplace(name, number);
    inodes_[inode].cached.emplace(name, number);
    if (entry.is_directory()) {
      if (absl::Status status = Load(entry.path().string(), number); !status.ok()) return status;
    } else if (entry.is_regular_file()) {
      auto bytes = base::PosixFileSystem().ReadAll(entry.path().string());
      if (!bytes.ok()) return bytes.status();
      inodes_[number].content = *std::move(bytes);
    }
  }
  return absl::OkStatus();
}

// ---- names

absl::StatusOr<size_t> Disk::Find(std::string_view path) const {
  size_t at = kRoot;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const auto next = inodes_[at].cached.find(std::string(path.substr(0, slash)));
    if (next == inodes_[at].cached.end()) {
      return absl::NotFoundError(fmt::format("`{}` is not there", path));
    }
    at = next->second;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return at;
}

absl::StatusOr<size_t> Disk::Parent(std::string_view path, std::string* name) const {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) {
    *name = std::string(path);
    return kRoot;
  }
  *name = std::string(path.substr(slash + 1));
  return Find(path.substr(0, slash));
}

absl::StatusOr<size_t> Disk::InodeOf(const Event& event) const {
  const auto open = open_.find(event.handle);
  if (open == open_.end()) return absl::DataLossError("an event of a file that is not open");
  return open->second.inode;
}

// ---- time

absl::Status Disk::Advance(uint64_t stamp) {
  const std::vector<Moment>& moments = recording_->moments();
  for (; next_moment_ < moments.size() && moments[next_moment_].stamp < stamp; ++next_moment_) {
    const Moment& moment = moments[next_moment_];
    const Event& event = recording_->events()[moment.event];
    if (absl::Status status = moment.is_end ? End(event) : Begin(event); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

void Disk::Push(size_t inode, PendingOp op, const Event& event) {
  op.begin = event.begin;
  op.end = event.end;
  inodes_[inode].pending.push_back(std::move(op));
  begun_.emplace(event.begin, inode);
}

absl::Status Disk::Begin(const Event& event) {
  switch (event.kind) {
    case EventKind::kOpen:
      return BeginOpen(event);
    case EventKind::kWrite:
    case EventKind::kTruncate:
    case EventKind::kAllocate:
    case EventKind::kSync:
      return BeginOnFile(event);
    case EventKind::kRename:
    case EventKind::kUnlink:
    case EventKind::kMkdir:
    case EventKind::kRmdir:
      return BeginOnFolder(event);
    default:
      return absl::OkStatus();
  }
}

absl::Status Disk::BeginOpen(const Event& event) {
  std::string name;
  const auto folder = Parent(event.path, &name);
  if (!folder.ok()) return folder.status();
  auto found = Find(event.path);
  if (!found.ok()) {
    if ((event.flags & O_CREAT) == 0) return found.status();
    found = inodes_.size();
    inodes_.emplace_back();
    inodes_[*folder].cached.insert_or_assign(name, *found);
    Push(*folder, {.kind = Kind::kLink, .data = {}, .name = name, .to = {}, .inode = *found},
         event);
  } else if ((event.flags & O_TRUNC) != 0 && !inodes_[*found].is_folder) {
    Push(*found, {.kind = Kind::kTruncate, .offset = 0, .data = {}, .name = {}, .to = {}}, event);
  }
  open_.insert_or_assign(
      event.handle,
      OpenFile{.inode = *found, .writes_sync = (event.flags & O_DSYNC) != 0, .path = event.path});
  return absl::OkStatus();
}

absl::Status Disk::BeginOnFile(const Event& event) {
  const auto inode = InodeOf(event);
  if (!inode.ok()) return inode.status();
  if (event.kind == EventKind::kSync) {
    Covered covered{.inode = *inode, .begins = {}};
    for (const PendingOp& op : inodes_[*inode].pending) {
      if (op.completed && !op.durable) covered.begins.push_back(op.begin);
    }
    syncs_.emplace(event.begin, std::move(covered));
    return absl::OkStatus();
  }
  const Kind kind = event.kind == EventKind::kWrite      ? Kind::kWrite
                    : event.kind == EventKind::kTruncate ? Kind::kTruncate
                                                         : Kind::kAllocate;
  Push(*inode, {.kind = kind, .offset = event.offset, .data = event.data, .name = {}, .to = {}},
       event);
  return absl::OkStatus();
}

absl::Status Disk::BeginOnFolder(const Event& event) {
  std::string name;
  const auto folder = Parent(event.path, &name);
  if (!folder.ok()) return folder.status();
  PendingOp op{.kind = Kind::kUnlink, .data = {}, .name = name, .to = {}};
  if (event.kind == EventKind::kMkdir) {
    op.kind = Kind::kLink;
    op.inode = inodes_.size();
    inodes_.emplace_back();
    inodes_.back().is_folder = true;
  } else {
    const auto found = Find(event.path);
    if (!found.ok()) return found.status();
    op.inode = *found;
  }
  if (event.kind == EventKind::kRename) {
    op.kind = Kind::kRename;
    const auto target = Parent(event.path2, &op.to);
    if (!target.ok()) return target.status();
    if (*target != *folder) {
      return absl::UnimplementedError("a rename from one folder to another is not modelled");
    }
  }
  Apply(op, &inodes_[*folder].cached);
  Push(*folder, std::move(op), event);
  return absl::OkStatus();
}

absl::Status Disk::End(const Event& event) {
  if (event.kind == EventKind::kSync) {
    const auto sync = syncs_.extract(event.begin);
    MakeDurable(sync.mapped());
    return absl::OkStatus();
  }
  if (event.kind == EventKind::kMapShared) {
    const auto mapped = open_.find(event.handle);
    if (mapped != open_.end() && IsLockFile(mapped->second.path)) return absl::OkStatus();
    return absl::UnimplementedError("a file is mapped shared and writable");
  }
  const auto begun = begun_.extract(event.begin);
  if (begun.empty()) return absl::OkStatus();
  Inode& inode = inodes_[begun.mapped()];
  const auto op = std::find_if(inode.pending.rbegin(), inode.pending.rend(),
                               [&](const PendingOp& p) { return p.begin == event.begin; });
  op->completed = true;
  const auto open = open_.find(event.handle);
  if (event.kind == EventKind::kWrite && open->second.writes_sync) {
    MakeDurable({.inode = begun.mapped(), .begins = {event.begin}});
  }
  return absl::OkStatus();
}

void Disk::MakeDurable(const Covered& covered) {
  Inode& inode = inodes_[covered.inode];
  const std::set<uint64_t> begins(covered.begins.begin(), covered.begins.end());
  for (PendingOp& op : inode.pending) {
    if (begins.contains(op.begin)) op.durable = true;
  }
  while (!inode.pending.empty() && inode.pending.front().durable) {
    if (inode.is_folder) {
      Apply(inode.pending.front(), &inode.entries);
    } else {
      Apply(inode.pending.front(), &inode.content);
    }
    inode.pending.pop_front();
  }
}

// ---- questions

std::string Disk::CachedContent(size_t inode) const {
  std::string content = inodes_[inode].content;
  for (const PendingOp& op : inodes_[inode].pending) Apply(op, &content);
  return content;
}

uint64_t Disk::FirstUnsynced(std::string_view folder) const {
  const auto found = Find(folder);
  if (!found.ok()) return 0;
  uint64_t first = UINT64_MAX;
  const Inode& inode = inodes_[*found];
  for (const PendingOp& op : inode.pending) {
    const std::string& name = op.kind == Kind::kRename ? op.to : op.name;
    const auto entry = inode.cached.find(name);
    const bool is_there = entry != inode.cached.end() && entry->second == op.inode;
    if (op.completed && !op.durable && is_there) first = std::min(first, op.end);
  }
  for (const auto& [name, file] : inode.cached) {
    for (const PendingOp& op : inodes_[file].pending) {
      if (op.completed && !op.durable) first = std::min(first, op.end);
    }
  }
  return first;
}

absl::Status Disk::CompareWithFolder(const std::string& folder) const {
  return Compare(kRoot, folder);
}

absl::Status Disk::Compare(size_t inode, const std::string& folder) const {
  std::set<std::string> seen;
  for (const auto& [name, number] : inodes_[inode].cached) {
    const std::string path = folder + "/" + name;
    seen.insert(name);
    if (inodes_[number].is_folder) {
      if (absl::Status status = Compare(number, path); !status.ok()) return status;
      continue;
    }
    if (IsLockFile(name)) continue;
    const auto bytes = base::PosixFileSystem().ReadAll(path);
    if (!bytes.ok()) return bytes.status();
    if (*bytes != CachedContent(number)) {
      return absl::DataLossError(
          fmt::format("`{}` is not what the recording leads to: the recorder misses calls", path));
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!seen.contains(name) && (entry.is_regular_file() || entry.is_directory())) {
      return absl::DataLossError(
          fmt::format("`{}` is not in the recording: the recorder misses calls", name));
    }
  }
  return absl::OkStatus();
}

}  // namespace cairn::crash
