#include "crash/image.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

namespace cairn::crash {
namespace {

using Kind = PendingOp::Kind;

// Marks of bytes.
constexpr char kHere = 1;
constexpr char kLost = 2;

absl::Status WriteFile(const std::string& path, std::string_view content) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return base::ErrnoStatus(errno, "cannot create", path);
  absl::Status status;
  while (!content.empty() && status.ok()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno != EINTR) status = base::ErrnoStatus(errno, "cannot write", path);
    if (written > 0) content.remove_prefix(static_cast<size_t>(written));
  }
  close(fd);
  return status;
}

}  // namespace

std::string_view FateName(Fate fate) {
  constexpr std::array<std::string_view, kFates> kNames = {
      "nothing", "everything", "ordered", "writes", "torn", "sectors", "all but one", "only one"};
  return kNames[static_cast<size_t>(fate)];
}

Image::Image(const Disk& disk, Plan plan) : disk_(disk), plan_(plan), random_(plan.seed) {
  constexpr std::array<uint64_t, 5> kChances = {10, 30, 50, 70, 90};
  chance_ = kChances[random_.Below(kChances.size())];
  old_blocks_ = random_.Below(3) == 0;
  ChooseOne();
}

void Image::ChooseOne() {
  // First a file or folder, then one of its operations: otherwise it would always be a log write.
  std::vector<const Inode*> with_pending;
  std::vector<uint64_t> begins;
  for (const Inode& inode : disk_.inodes()) {
    const size_t before = begins.size();
    for (const PendingOp& op : inode.pending) {
      if (!op.durable) begins.push_back(op.begin);
    }
    if (begins.size() != before) with_pending.push_back(&inode);
  }
  if (begins.empty()) return;
  threshold_ = begins[random_.Below(begins.size())] + random_.Below(2);
  const Inode& inode = *with_pending[random_.Below(with_pending.size())];
  begins.clear();
  for (const PendingOp& op : inode.pending) {
    if (!op.durable) begins.push_back(op.begin);
  }
  chosen_ = begins[random_.Below(begins.size())];
}

bool Image::Keeps(const PendingOp& op) {
  if (op.durable) return true;
  switch (plan_.fate) {
    case Fate::kNothing:
      return false;
    case Fate::kEverything:
      return op.completed || random_.Below(2) == 0;
    case Fate::kOrdered:
      return op.begin < threshold_;
    case Fate::kAllButOne:
      return op.begin != chosen_;
    case Fate::kOnlyOne:
      return op.begin == chosen_;
    default:
      return random_.Below(100) < chance_;
  }
}

std::map<std::string, size_t> Image::EntriesOf(const Inode& inode) {
  std::map<std::string, size_t> entries = inode.entries;
  for (const PendingOp& op : inode.pending) {
    pending_ += op.durable ? 0 : 1;
    if (!Keeps(op)) continue;
    kept_ += op.durable ? 0 : 1;
    Apply(op, &entries);
  }
  return entries;
}

void Image::KeepPieces(const PendingOp& op, size_t index, const Inode& inode, std::string* content,
                       std::string* lost) {
  for (uint64_t at = 0; at < op.data.size();) {
    const uint64_t sector = (op.offset + at) / kSector;
    const uint64_t size =
        std::min<uint64_t>((sector + 1) * kSector - op.offset - at, op.data.size() - at);
    bool keep = false;
    if (plan_.fate == Fate::kTorn) {
      keep = random_.Below(100) < chance_;
    } else {
      // The sector reached the disk at one moment: after that many of the file's operations.
      base::Random moment(plan_.seed + sector * 0x9e3779b97f4a7c15U);
      keep = index < moment.Below(inode.pending.size() + 1);
    }
    const size_t begin = op.offset + at;
    if (keep) {
      PendingOp piece = op;
      piece.offset = begin;
      piece.data = op.data.substr(at, size);
      Apply(piece, content);
    }
    if (lost->size() < begin + size) lost->resize(begin + size);
    for (size_t i = begin; i < begin + size; ++i) {
      // A byte that was lasting, or is kept, is not lost by another write to it.
      if (keep) (*lost)[i] = kHere;
      if ((*lost)[i] != kHere && i >= inode.content.size()) (*lost)[i] = kLost;
    }
    at += size;
  }
}

// A file's length is on disk or not apart from its bytes: it may be that of any moment since the
// last one that is lasting.
void Image::ChangeLength(const Inode& inode, std::string* content) {
  std::string as_cached = inode.content;
  std::vector<size_t> lengths = {as_cached.size()};
  for (const PendingOp& op : inode.pending) {
    Apply(op, &as_cached);
    if (op.durable) lengths.clear();
    lengths.push_back(as_cached.size());
  }
  content->resize(lengths[random_.Below(lengths.size())]);
}

// The disk gave the file blocks that others had before, and the bytes that were meant for them did
// not come: blocks of one other file as they stood there, or any.
void Image::ShowOldBlocks(const std::string& lost, std::string* content) {
  constexpr size_t kBlock = 4096;
  std::vector<const std::string*> files;
  for (const Inode& inode : disk_.inodes()) {
    if (inode.content.size() >= kBlock) files.push_back(&inode.content);
  }
  if (files.empty()) return;
  const bool as_it_stood = random_.Below(2) == 0;
  const std::string* file = files[random_.Below(files.size())];
  for (size_t at = 0; at < content->size(); at += kBlock) {
    if (!as_it_stood) file = files[random_.Below(files.size())];
    const size_t blocks = file->size() / kBlock;
    const size_t block = as_it_stood ? at / kBlock % blocks : random_.Below(blocks);
    for (size_t i = at; i < std::min({at + kBlock, content->size(), lost.size()}); ++i) {
      if (lost[i] == kLost) (*content)[i] = (*file)[block * kBlock + i - at];
    }
  }
}

std::string Image::ContentOf(const Inode& inode) {
  std::string content = inode.content;
  std::string lost;
  const bool in_pieces = plan_.fate == Fate::kTorn || plan_.fate == Fate::kSectors;
  size_t index = 0;
  for (const PendingOp& op : inode.pending) {
    pending_ += op.durable ? 0 : 1;
    if (in_pieces && !op.durable && op.kind == Kind::kWrite) {
      KeepPieces(op, index, inode, &content, &lost);
    } else if (Keeps(op)) {
      kept_ += op.durable ? 0 : 1;
      Apply(op, &content);
    }
    ++index;
  }
  if (in_pieces && random_.Below(2) == 0) ChangeLength(inode, &content);
  if (old_blocks_ && !lost.empty()) ShowOldBlocks(lost, &content);
  return content;
}

// Anything may lie under this name, or nothing.
void Image::BuildLockFile(ImageEntry entry, std::vector<ImageEntry>* out) {
  const uint64_t kind = random_.Below(4);
  if (kind == 0) return;  // not there at all
  if (kind > 1) {
    entry.is_own = true;
    entry.own.resize(kind == 2 ? random_.Below(3) * 8192 : random_.Below(40'000));
  }
  if (kind == 3) {
    for (char& byte : entry.own) byte = static_cast<char>(random_.Next());
  }
  out->push_back(std::move(entry));
}

void Image::BuildFolder(size_t inode, const std::string& path, std::vector<ImageEntry>* out) {
  for (const auto& [name, number] : EntriesOf(disk_.inodes()[inode])) {
    const Inode& found = disk_.inodes()[number];
    ImageEntry entry{.path = path.empty() ? name : path + "/" + name,
                     .is_folder = found.is_folder,
                     .own = {},
                     .lasting = found.content};
    if (found.is_folder) {
      out->push_back(entry);
      BuildFolder(number, entry.path, out);
    } else if (IsLockFile(name)) {
      BuildLockFile(std::move(entry), out);
    } else {
      entry.is_own = !found.pending.empty();
      if (entry.is_own) entry.own = ContentOf(found);
      out->push_back(std::move(entry));
    }
  }
}

std::vector<ImageEntry> Image::Build() {
  std::vector<ImageEntry> entries;
  BuildFolder(Disk::kRoot, "", &entries);
  return entries;
}

absl::Status Image::Write(const std::string& folder) {
  for (const ImageEntry& entry : Build()) {
    const std::string path = folder + "/" + entry.path;
    if (!entry.is_folder) {
      if (absl::Status status = WriteFile(path, entry.content()); !status.ok()) return status;
    } else if (mkdir(path.c_str(), 0700) != 0) {
      return base::ErrnoStatus(errno, "cannot create", path);
    }
  }
  return absl::OkStatus();
}

}  // namespace cairn::crash
