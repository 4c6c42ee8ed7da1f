#include "keyspace/random_key.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "base/random.h"
#include "keyspace/key_codec.h"
#include "keyspace/range.h"

namespace cairn::keyspace {
namespace {

// Bytes drawn one after another: enough for a number at the end of a name.
constexpr int kMaxLevels = 16;
// Attempts to hit a byte that some key goes on with: the letters of names lie close together, and
// the key behind a gap must not be drawn each time that the gap is hit.
constexpr int kMaxTries = 12;
constexpr uint64_t kMaxSteps = 64;
// Keys that one look passes, dead ones among them. The first look that finds no key alive among so
// many ends the drawing.
constexpr uint64_t kLookSteps = 128;
static_assert(kLookSteps > kMaxSteps);

class Draw {
 public:
  Draw(Txn& txn, int db, uint64_t seed) : txn_(&txn), db_(db), random_(seed) {}

  RandomKeyResult Run() {
    auto first = FirstIn(Lowest(), Highest(), /*reverse=*/false);
    std::optional<std::string> searched_to = std::exchange(paused_at_, std::nullopt);
    auto last = FirstIn(Lowest(), Highest(), /*reverse=*/true);
    if (!first && !last) return {.key = std::nullopt, .searched_to = std::move(searched_to)};
    if (!first || !last) return {.key = first ? first : last, .searched_to = std::nullopt};
    first_ = *std::move(first);
    last_ = *std::move(last);
    if (first_ > last_) {
      // Walks verify no record of more than about a kilobyte, so this can come of a damaged key.
      txn_->Fail(absl::DataLossError("keys are out of order in the store"));
      return {};
    }
    for (int level = 0; level < kMaxLevels && Narrow(); ++level) {
    }
    return {.key = StepOn(first_, random_.Below(kMaxSteps)), .searched_to = std::nullopt};
  }

 private:
  static Bound Lowest() { return {.kind = Bound::Kind::kMin, .key = {}}; }
  static Bound Highest() { return {.kind = Bound::Kind::kMax, .key = {}}; }

  std::optional<std::string> FirstIn(Bound min, Bound max, bool reverse) {
    const RangeWalk walk(*txn_, db_, std::move(min), std::move(max), reverse, kLookSteps);
    if (walk.paused()) paused_at_ = walk.paused_at();
    if (!walk.Valid()) return std::nullopt;
    return std::string(walk.user_key());
  }

  // Draws the byte behind what all keys from first_ to last_ share, and leaves the keys that have
  // it. False when there is nothing to draw any more.
  bool Narrow() {
    const auto shared = static_cast<size_t>(
        std::mismatch(first_.begin(), first_.end(), last_.begin(), last_.end()).first -
        first_.begin());
    // Within a group of long keys every look gathers the whole group.
    if (shared == last_.size() || shared >= kLongPrefix) return false;
    const bool ends_here = first_.size() == shared;
    const uint8_t low = ends_here ? 0 : static_cast<uint8_t>(first_[shared]);
    const auto high = static_cast<uint8_t>(last_[shared]);
    const uint64_t bytes = uint64_t{high} - low + 1;
    std::string target(last_, 0, shared + 1);
    std::optional<std::string> key;
    for (int tries = 0; tries < kMaxTries; ++tries) {
      const uint64_t drawn = random_.Below(bytes + (ends_here ? 1 : 0));
      if (drawn == bytes) return false;  // first_ itself
      target[shared] = static_cast<char>(low + drawn);
      key = FirstIn({.kind = Bound::Kind::kInclusive, .key = target},
                    {.kind = Bound::Kind::kInclusive, .key = last_}, /*reverse=*/false);
      if (!key || (*key)[shared] == target[shared]) break;
    }
    if (!key) return false;
    first_ = *std::move(key);
    if (first_[shared] == last_[shared]) return true;
    const std::string end = KeyCodec::PrefixEnd(std::string_view(first_).substr(0, shared + 1));
    auto last = FirstIn({.kind = Bound::Kind::kInclusive, .key = first_},
                        {.kind = Bound::Kind::kExclusive, .key = end}, /*reverse=*/true);
    if (!last) return false;
    last_ = *std::move(last);
    return true;
  }

  // The key `steps` places behind `from`, where the first one comes behind the last. `from` itself,
  // a key, when there is too much between that is dead.
  std::optional<std::string> StepOn(const std::string& from, uint64_t steps) {
    while (true) {
      uint64_t seen = 0;
      for (const bool wrapped : {false, true}) {
        RangeWalk walk(*txn_, db_,
                       wrapped ? Lowest() : Bound{.kind = Bound::Kind::kInclusive, .key = from},
                       wrapped ? Bound{.kind = Bound::Kind::kExclusive, .key = from} : Highest(),
                       /*reverse=*/false, kLookSteps);
        for (; walk.Valid(); walk.Next(), ++seen) {
          if (seen == steps) return std::string(walk.user_key());
        }
        if (walk.paused()) return from;
      }
      if (seen == 0) return std::nullopt;
      steps %= seen;
    }
  }

  Txn* txn_;
  int db_;
  base::Random random_;
  std::string first_;  // the range that is left
  std::string last_;
  std::optional<std::string> paused_at_;  // where a look has given up
};

}  // namespace

RandomKeyResult RandomKey(Txn& txn, int db, uint64_t seed) {
  return Draw(txn, db, seed).Run();
}

}  // namespace cairn::keyspace
