#include "support/memory_fs.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/random.h"

namespace cairn::test {
namespace {

using Op = MemoryFs::Op;
using Guard = std::unique_lock<std::mutex>;

constexpr size_t kOps = static_cast<size_t>(Op::kLock) + 1;
constexpr size_t kSector = 512;

// A change of a file that is not lasting.
struct Change {
  bool truncate = false;
  uint64_t offset = 0;  // of a write; the new length of a truncation
  std::string data;
};

struct Inode;
using InodePtr = std::shared_ptr<Inode>;
using Entries = std::map<std::string, InodePtr>;

// A change of folder entries that is not lasting: `removed` names go, then `added` points to
// `inode`.
struct EntryChange {
  std::string removed;
  std::string added;
  InodePtr inode;
};

// A file or a folder: as it is read now, as it is on the disk, and what lies between the two.
struct Inode {
  bool folder = false;
  std::string now;
  std::string durable;
  std::vector<Change> changes;
  uint64_t settled = 0;  // changes that went out of the list, ever
  Entries entries_now;
  Entries entries_durable;
  std::vector<EntryChange> entry_changes;
};

void WriteInto(std::string& content, uint64_t offset, std::string_view data) {
  if (content.size() < offset + data.size()) {
    content.resize(offset + data.size());
  }
  content.replace(offset, data.size(), data);
}

void Apply(std::string& content, const Change& change) {
  if (change.truncate) {
    content.resize(change.offset);
  } else {
    WriteInto(content, change.offset, change.data);
  }
}

void Apply(Entries& entries, const EntryChange& change) {
  if (!change.removed.empty()) {
    entries.erase(change.removed);
  }
  if (!change.added.empty()) {
    entries[change.added] = change.inode;
  }
}

// Makes what a power cut leaves, drawing from a seed.
class PowerCut {
 public:
  explicit PowerCut(uint64_t seed) : random_(seed) {}

  InodePtr Survivor(const Inode& inode) {
    auto survivor = std::make_shared<Inode>();
    survivor->folder = inode.folder;
    if (!inode.folder) {
      survivor->durable = SurvivingContent(inode);
      survivor->now = survivor->durable;
      return survivor;
    }
    Entries entries = inode.entries_durable;
    // A quarter of the folders keep everything and a quarter nothing: the extremes are the likely
    // cases on a real disk.
    const uint64_t chance = random_.Below(4);
    for (const EntryChange& change : inode.entry_changes) {
      if (chance == 0 || (chance > 1 && random_.Below(2) == 0)) {
        Apply(entries, change);
      }
    }
    for (const auto& [name, child] : entries) {
      survivor->entries_durable[name] = Survivor(*child);
    }
    survivor->entries_now = survivor->entries_durable;
    return survivor;
  }

 private:
  std::string SurvivingContent(const Inode& inode) {
    std::string content = inode.durable;
    for (const Change& change : inode.changes) {
      switch (random_.Below(3)) {
        case 0:
          Apply(content, change);
          break;
        case 1:
          break;
        default:
          ApplyTorn(content, change);
      }
    }
    if (!inode.changes.empty()) {
      SetLength(content, inode);
    }
    return content;
  }

  void ApplyTorn(std::string& content, const Change& change) {
    if (change.truncate) {
      return;
    }
    for (size_t at = 0; at < change.data.size();) {
      const size_t in_sector = static_cast<size_t>((change.offset + at) % kSector);
      const size_t size = std::min(kSector - in_sector, change.data.size() - at);
      if (random_.Below(2) == 0) {
        WriteInto(content, change.offset + at, std::string_view(change.data).substr(at, size));
      }
      at += size;
    }
  }

  // The length is written apart from the bytes: it may be what the kept bytes need, all that was
  // written, or between.
  void SetLength(std::string& content, const Inode& inode) {
    const size_t low = std::min(inode.durable.size(), content.size());
    const size_t high = std::max(inode.now.size(), content.size());
    switch (random_.Below(3)) {
      case 0:
        break;
      case 1:
        content.resize(high);
        break;
      default:
        content.resize(low + static_cast<size_t>(random_.Below(high - low + 1)));
    }
  }

  base::Random random_;
};

// Copies inodes with all their states; an inode with several names stays one.
class Copier {
 public:
  InodePtr Copy(const InodePtr& inode) {
    if (inode == nullptr) {
      return nullptr;
    }
    const auto [it, fresh] = copies_.emplace(inode.get(), nullptr);
    if (!fresh) {
      return it->second;
    }
    auto copy = std::make_shared<Inode>(*inode);
    copies_[inode.get()] = copy;
    for (Entries* entries : {&copy->entries_now, &copy->entries_durable}) {
      for (auto& [name, child] : *entries) {
        child = Copy(child);
      }
    }
    for (EntryChange& change : copy->entry_changes) {
      change.inode = Copy(change.inode);
    }
    return copy;
  }

 private:
  std::map<const Inode*, InodePtr> copies_;
};

uint64_t TotalBytes(const Inode& inode) {
  uint64_t total = inode.now.size();
  for (const auto& [name, child] : inode.entries_now) {
    total += TotalBytes(*child);
  }
  return total;
}

std::vector<std::string> SplitPath(const std::string& path) {
  std::vector<std::string> names;
  std::string name;
  for (const char c : path + "/") {
    if (c != '/') {
      name += c;
    } else if (!name.empty() && name != ".") {
      names.push_back(std::exchange(name, {}));
    } else {
      name.clear();
    }
  }
  return names;
}

}  // namespace

struct MemoryFs::State {
  mutable std::mutex mutex;
  std::condition_variable changed;
  InodePtr root;
  std::set<const Inode*> locked;
  std::vector<Fault> faults;
  std::array<uint64_t, kOps> counts{};
  uint64_t capacity = std::numeric_limits<uint64_t>::max();
  bool hold_syncs = false;
  uint64_t held_syncs = 0;

  // Counts the call; the fault that makes it fail, if any.
  std::optional<Fault> Count(Op op);
  // Count, as a status.
  absl::Status Enter(Op op, std::string_view what, const std::string& path);
  // The inode at `path`, or null.
  [[nodiscard]] InodePtr Find(const std::string& path) const;
  // The folder that holds `path`, or null; `name` gets the last part. Null for the root itself.
  [[nodiscard]] InodePtr FindParent(const std::string& path, std::string* name) const;
};

namespace {

using StatePtr = std::shared_ptr<MemoryFs::State>;

class MemoryFile final : public base::File {
 public:
  MemoryFile(StatePtr state, InodePtr inode, std::string path, bool writable)
      : state_(std::move(state)),
        inode_(std::move(inode)),
        path_(std::move(path)),
        writable_(writable) {}

  absl::Status WriteAt(uint64_t offset, std::span<const std::string_view> parts) override;
  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) override;
  absl::Status Sync() override;
  absl::Status Truncate(uint64_t size) override;
  absl::StatusOr<uint64_t> Size() override;

 private:
  // How many of `size` bytes at `offset` fit into the file system.
  [[nodiscard]] size_t Fitting(uint64_t offset, size_t size) const;

  StatePtr state_;
  InodePtr inode_;
  std::string path_;
  bool writable_;
};

size_t MemoryFile::Fitting(uint64_t offset, size_t size) const {
  if (state_->capacity == std::numeric_limits<uint64_t>::max()) {
    return size;
  }
  const uint64_t total = TotalBytes(*state_->root);
  const uint64_t free = state_->capacity > total ? state_->capacity - total : 0;
  const uint64_t room = inode_->now.size() + free;
  return room > offset ? static_cast<size_t>(std::min<uint64_t>(size, room - offset)) : 0;
}

absl::Status MemoryFile::WriteAt(uint64_t offset, std::span<const std::string_view> parts) {
  const Guard guard(state_->mutex);
  std::string data;
  for (const std::string_view part : parts) {
    data.append(part);
  }
  int error = 0;
  if (const auto fault = state_->Count(Op::kWrite)) {
    error = fault->error;
    data.resize(std::min(data.size(), fault->partial_bytes));
  } else if (!writable_) {
    return base::ErrnoStatus(EBADF, "cannot write", path_);
  } else if (const size_t fitting = Fitting(offset, data.size()); fitting < data.size()) {
    error = ENOSPC;
    data.resize(fitting);
  }
  if (!data.empty()) {
    WriteInto(inode_->now, offset, data);
    inode_->changes.push_back({.truncate = false, .offset = offset, .data = std::move(data)});
  }
  return error == 0 ? absl::OkStatus() : base::ErrnoStatus(error, "cannot write", path_);
}

absl::StatusOr<size_t> MemoryFile::ReadAt(uint64_t offset, char* out, size_t size) {
  const Guard guard(state_->mutex);
  if (absl::Status status = state_->Enter(Op::kRead, "cannot read", path_); !status.ok()) {
    return status;
  }
  if (offset >= inode_->now.size()) {
    return 0;
  }
  return inode_->now.copy(out, size, static_cast<size_t>(offset));
}

absl::Status MemoryFile::Sync() {
  Guard guard(state_->mutex);
  const absl::Status status = state_->Enter(Op::kSync, "cannot sync", path_);
  const uint64_t target = inode_->settled + inode_->changes.size();
  if (state_->hold_syncs) {
    ++state_->held_syncs;
    state_->changed.notify_all();
    state_->changed.wait(guard, [this] { return !state_->hold_syncs; });
    --state_->held_syncs;
  }
  // Another sync of the file may have settled some of them meanwhile.
  const uint64_t count = target > inode_->settled ? target - inode_->settled : 0;
  const auto end = inode_->changes.begin() + static_cast<std::ptrdiff_t>(count);
  if (status.ok()) {
    std::for_each(inode_->changes.begin(), end,
                  [this](const Change& change) { Apply(inode_->durable, change); });
  }
  inode_->changes.erase(inode_->changes.begin(), end);
  inode_->settled += count;
  return status;
}

absl::Status MemoryFile::Truncate(uint64_t size) {
  const Guard guard(state_->mutex);
  if (absl::Status status = state_->Enter(Op::kTruncate, "cannot truncate", path_); !status.ok()) {
    return status;
  }
  inode_->now.resize(size);
  inode_->changes.push_back({.truncate = true, .offset = size, .data = {}});
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> MemoryFile::Size() {
  const Guard guard(state_->mutex);
  if (absl::Status status = state_->Enter(Op::kSize, "cannot stat", path_); !status.ok()) {
    return status;
  }
  return inode_->now.size();
}

class MemoryLock final : public base::FileLock {
 public:
  MemoryLock(StatePtr state, InodePtr inode) : state_(std::move(state)), inode_(std::move(inode)) {}
  ~MemoryLock() override {
    const Guard guard(state_->mutex);
    state_->locked.erase(inode_.get());
  }

 private:
  StatePtr state_;
  InodePtr inode_;
};

// Adds a new inode to `parent` under `name`.
InodePtr AddInode(Inode& parent, const std::string& name, bool folder) {
  auto inode = std::make_shared<Inode>();
  inode->folder = folder;
  parent.entries_now[name] = inode;
  parent.entry_changes.push_back({.removed = {}, .added = name, .inode = inode});
  return inode;
}

}  // namespace

std::optional<MemoryFs::Fault> MemoryFs::State::Count(Op op) {
  ++counts[static_cast<size_t>(op)];
  std::optional<Fault> hit;
  for (Fault& fault : faults) {
    if (fault.times == 0 || (fault.op.has_value() && *fault.op != op)) {
      continue;
    }
    if (fault.nth > 1) {
      --fault.nth;
    } else if (!hit.has_value()) {
      --fault.times;
      hit = fault;
    }
  }
  return hit;
}

absl::Status MemoryFs::State::Enter(Op op, std::string_view what, const std::string& path) {
  const std::optional<Fault> fault = Count(op);
  return fault.has_value() ? base::ErrnoStatus(fault->error, what, path) : absl::OkStatus();
}

InodePtr MemoryFs::State::Find(const std::string& path) const {
  InodePtr inode = root;
  for (const std::string& name : SplitPath(path)) {
    const auto it = inode->entries_now.find(name);
    if (it == inode->entries_now.end()) {
      return nullptr;
    }
    inode = it->second;
  }
  return inode;
}

InodePtr MemoryFs::State::FindParent(const std::string& path, std::string* name) const {
  std::vector<std::string> names = SplitPath(path);
  if (names.empty()) {
    return nullptr;
  }
  *name = names.back();
  names.pop_back();
  std::string parent;
  for (const std::string& part : names) {
    parent += "/" + part;
  }
  InodePtr inode = Find(parent);
  return inode != nullptr && inode->folder ? inode : nullptr;
}

MemoryFs::MemoryFs() : state_(std::make_shared<State>()) {
  state_->root = std::make_shared<Inode>();
  state_->root->folder = true;
}

MemoryFs::MemoryFs(std::shared_ptr<State> state) : state_(std::move(state)) {}
MemoryFs::~MemoryFs() = default;

absl::StatusOr<std::unique_ptr<base::File>> MemoryFs::Open(const std::string& path, Mode mode) {
  const Guard guard(state_->mutex);
  if (absl::Status status = state_->Enter(Op::kOpen, "cannot open", path); !status.ok()) {
    return status;
  }
  std::string name;
  const InodePtr parent = state_->FindParent(path, &name);
  InodePtr inode = state_->Find(path);
  if (parent == nullptr || (inode == nullptr && mode != Mode::kCreate)) {
    return base::ErrnoStatus(ENOENT, "cannot open", path);
  }
  if (inode == nullptr) {
    inode = AddInode(*parent, name, false);
  } else if (inode->folder) {
    return base::ErrnoStatus(EISDIR, "cannot open", path);
  } else if (mode == Mode::kCreate && !inode->now.empty()) {
    inode->now.clear();
    inode->changes.push_back({.truncate = true, .offset = 0, .data = {}});
  }
  return std::make_unique<MemoryFile>(state_, inode, path, mode != Mode::kRead);
}

absl::StatusOr<std::vector<std::string>> MemoryFs::List(const std::string& dir) {
  const Guard guard(state_->mutex);
  if (absl::Status status = state_->Enter(Op::kList, "cannot list", dir); !status.ok()) {
    return status;
  }
  const InodePtr inode = state_->Find(dir);
  if (inode == nullptr || !inode->folder) {
    return base::ErrnoStatus(ENOENT, "cannot list", dir);
  }
  std::vector<std::string> names;
  for (const auto& [name, child] : inode->entries_now) {
    names.push_back(name);
  }
  return names;
}

absl::Status MemoryFs::Remove(const std::string& path) {
  const Guard guard(state_->mutex);
  if (absl::Status status = state_->Enter(Op::kRemove, "cannot remove", path); !status.ok()) {
    return status;
  }
  std::string name;
  const InodePtr parent = state_->FindParent(path, &name);
  if (parent == nullptr || parent->entries_now.erase(name) == 0) {
    return base::ErrnoStatus(ENOENT, "cannot remove", path);
  }
  parent->entry_changes.push_back({.removed = name, .added = {}, .inode = nullptr});
  return absl::OkStatus();
}

absl::Status MemoryFs::Rename(const std::string& from, const std::string& to) {
  const Guard guard(state_->mutex);
  if (absl::Status status = state_->Enter(Op::kRename, "cannot rename", from); !status.ok()) {
    return status;
  }
  std::string old_name;
  std::string new_name;
  const InodePtr parent = state_->FindParent(from, &old_name);
  const InodePtr inode = state_->Find(from);
  if (parent == nullptr || inode == nullptr) {
    return base::ErrnoStatus(ENOENT, "cannot rename", from);
  }
  if (parent != state_->FindParent(to, &new_name)) {
    return base::ErrnoStatus(EXDEV, "cannot rename", from);  // between folders: nobody needs it
  }
  if (old_name == new_name) {
    return absl::OkStatus();
  }
  parent->entries_now.erase(old_name);
  parent->entries_now[new_name] = inode;
  parent->entry_changes.push_back({.removed = old_name, .added = new_name, .inode = inode});
  return absl::OkStatus();
}

absl::Status MemoryFs::SyncDir(const std::string& dir) {
  const Guard guard(state_->mutex);
  if (absl::Status status = state_->Enter(Op::kSyncDir, "cannot sync folder", dir); !status.ok()) {
    return status;
  }
  const InodePtr inode = state_->Find(dir);
  if (inode == nullptr || !inode->folder) {
    return base::ErrnoStatus(ENOENT, "cannot open folder", dir);
  }
  inode->entries_durable = inode->entries_now;
  inode->entry_changes.clear();
  return absl::OkStatus();
}

absl::Status MemoryFs::CreateDir(const std::string& dir) {
  const Guard guard(state_->mutex);
  if (absl::Status status = state_->Enter(Op::kCreateDir, "cannot create folder", dir);
      !status.ok()) {
    return status;
  }
  if (const InodePtr inode = state_->Find(dir); inode != nullptr) {
    return inode->folder ? absl::OkStatus()
                         : base::ErrnoStatus(EEXIST, "cannot create folder", dir);
  }
  std::string name;
  const InodePtr parent = state_->FindParent(dir, &name);
  if (parent == nullptr) {
    return base::ErrnoStatus(ENOENT, "cannot create folder", dir);
  }
  AddInode(*parent, name, true);
  return absl::OkStatus();
}

bool MemoryFs::Exists(const std::string& path) {
  const Guard guard(state_->mutex);
  return state_->Find(path) != nullptr;
}

absl::StatusOr<std::unique_ptr<base::FileLock>> MemoryFs::Lock(const std::string& path) {
  const Guard guard(state_->mutex);
  if (absl::Status status = state_->Enter(Op::kLock, "cannot lock", path); !status.ok()) {
    return status;
  }
  std::string name;
  const InodePtr parent = state_->FindParent(path, &name);
  if (parent == nullptr) {
    return base::ErrnoStatus(ENOENT, "cannot open", path);
  }
  InodePtr inode = state_->Find(path);
  if (inode == nullptr) {
    inode = AddInode(*parent, name, false);
  }
  if (!state_->locked.insert(inode.get()).second) {
    return absl::AlreadyExistsError("`" + path + "` is locked: another process uses this folder");
  }
  return std::make_unique<MemoryLock>(state_, inode);
}

std::unique_ptr<MemoryFs> MemoryFs::Crash(uint64_t seed) const {
  const Guard guard(state_->mutex);
  auto state = std::make_shared<State>();
  state->root = PowerCut(seed).Survivor(*state_->root);
  return std::unique_ptr<MemoryFs>(new MemoryFs(std::move(state)));
}

std::unique_ptr<MemoryFs> MemoryFs::Kill() const {
  const Guard guard(state_->mutex);
  auto state = std::make_shared<State>();
  state->root = Copier().Copy(state_->root);
  return std::unique_ptr<MemoryFs>(new MemoryFs(std::move(state)));
}

void MemoryFs::Inject(const Fault& fault) {
  const Guard guard(state_->mutex);
  state_->faults.push_back(fault);
}

void MemoryFs::ClearFaults() {
  const Guard guard(state_->mutex);
  state_->faults.clear();
}

uint64_t MemoryFs::calls(Op op) const {
  const Guard guard(state_->mutex);
  return state_->counts[static_cast<size_t>(op)];
}

uint64_t MemoryFs::calls() const {
  const Guard guard(state_->mutex);
  uint64_t total = 0;
  for (const uint64_t count : state_->counts) {
    total += count;
  }
  return total;
}

void MemoryFs::set_capacity(uint64_t bytes) {
  const Guard guard(state_->mutex);
  state_->capacity = bytes;
}

void MemoryFs::HoldSyncs() {
  const Guard guard(state_->mutex);
  state_->hold_syncs = true;
}

void MemoryFs::ReleaseSyncs() {
  const Guard guard(state_->mutex);
  state_->hold_syncs = false;
  state_->changed.notify_all();
}

void MemoryFs::WaitForHeldSync() {
  Guard guard(state_->mutex);
  state_->changed.wait(guard, [this] { return state_->held_syncs > 0; });
}

std::string MemoryFs::Content(const std::string& path) const {
  const Guard guard(state_->mutex);
  const InodePtr inode = state_->Find(path);
  CAIRN_CHECK(inode != nullptr && !inode->folder);
  return inode->now;
}

void MemoryFs::SetContent(const std::string& path, std::string_view content) {
  const Guard guard(state_->mutex);
  InodePtr inode = state_->Find(path);
  if (inode == nullptr) {
    std::string name;
    const InodePtr parent = state_->FindParent(path, &name);
    CAIRN_CHECK(parent != nullptr);
    inode = std::make_shared<Inode>();
    parent->entries_now[name] = inode;
    parent->entries_durable[name] = inode;
  }
  CAIRN_CHECK(!inode->folder);
  inode->now = content;
  inode->durable = content;
  inode->changes.clear();
}

}  // namespace cairn::test
