// One of the many ways in which a power cut may leave the disk, written out as files.
//
// Thread: one an image; the disk may be shared by several that only read it. The disk must outlive
// the image and stand still meanwhile.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/random.h"
#include "crash/disk.h"

namespace cairn::crash {

// Which of the operations that are not lasting reach the disk. What is lasting always does.
enum class Fate : uint8_t {
  kNothing,     // none
  kEverything,  // all that have returned: what a process crash leaves
  kOrdered,     // all that began before some moment: a disk that keeps the order
  kWrites,      // each one or not, by chance
  kTorn,        // each 512 bytes of each write or not; file lengths behind or ahead
  kSectors,     // each sector as it was after some of the writes that touched it; lengths likewise
  kAllButOne,   // all but one
  kOnlyOne,     // one
};
inline constexpr int kFates = 8;
std::string_view FateName(Fate fate);

struct Plan {
  Fate fate{};
  uint64_t seed = 0;
};

// A file or a folder of an image.
struct ImageEntry {
  std::string path;  // relative; a folder comes before what is in it
  bool is_folder = false;
  std::string_view content() const { return is_own ? std::string_view(own) : lasting; }

  bool is_own = false;
  std::string own;           // made for the image
  std::string_view lasting;  // the disk's own
};

class Image {
 public:
  Image(const Disk& disk, Plan plan);

  // Call once.
  std::vector<ImageEntry> Build();
  // Builds it as files in `folder`, which exists and is empty.
  absl::Status Write(const std::string& folder);
  // Operations that were not lasting: how many there were, and how many the image has in whole.
  [[nodiscard]] uint64_t pending() const { return pending_; }
  [[nodiscard]] uint64_t kept() const { return kept_; }

 private:
  static constexpr uint64_t kSector = 512;

  void ChooseOne();
  [[nodiscard]] bool Keeps(const PendingOp& op);
  [[nodiscard]] std::map<std::string, size_t> EntriesOf(const Inode& inode);
  [[nodiscard]] std::string ContentOf(const Inode& inode);
  // `*lost` gets a mark for each byte that was written behind the lasting length and is not kept.
  void KeepPieces(const PendingOp& op, size_t index, const Inode& inode, std::string* content,
                  std::string* lost);
  void ChangeLength(const Inode& inode, std::string* content);
  void ShowOldBlocks(const std::string& lost, std::string* content);
  void BuildFolder(size_t inode, const std::string& path, std::vector<ImageEntry>* out);
  void BuildLockFile(ImageEntry entry, std::vector<ImageEntry>* out);

  const Disk& disk_;
  const Plan plan_;
  base::Random random_;
  uint64_t chance_ = 0;      // of 100, for one operation or piece to be kept
  bool old_blocks_ = false;  // what was not kept shows what the place held before, not zeros
  uint64_t threshold_ = 0;   // kOrdered: what began before this stamp is kept
  uint64_t chosen_ = 0;      // kAllButOne, kOnlyOne: the begin stamp of the one
  uint64_t pending_ = 0;
  uint64_t kept_ = 0;
};

}  // namespace cairn::crash
