// Which images are made of a trial: where the power is cut and what reaches the disk, by seed.
//
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crash/image.h"
#include "crash/recording.h"

namespace cairn::crash {

struct Cut {
  uint64_t number = 0;  // of the image; with the seed it says all the rest
  uint64_t stamp = 0;   // what has a smaller stamp has happened
  Plan plan;
  std::string edge;  // what happens there, or "anywhere"
};

// Moments that matter, by what happens there: syncs, commits, renames, creations, removals,
// replies.
class Edges {
 public:
  explicit Edges(const Recording& recording);

  // The cut with this number. Three of four are aimed: at an edge, each kind as often as any
  // other, right before, inside or right after one of its calls. The others are anywhere.
  [[nodiscard]] Cut Choose(uint64_t seed, uint64_t number) const;

  // How often each kind occurs.
  [[nodiscard]] const std::map<std::string, std::vector<uint32_t>>& kinds() const { return kinds_; }

 private:
  const Recording& recording_;
  std::map<std::string, std::vector<uint32_t>> kinds_;  // events
};

}  // namespace cairn::crash
