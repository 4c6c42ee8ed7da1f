// Walks over user keys against std::map: both directions, all kinds of bounds, long keys that share
// their whole prefix, layers of all kinds, expired keys.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "keyspace_testing.h"

namespace cairn::keyspace {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using namespace std::string_literals;

// ---- bounds

TEST(BoundTest, ParsesTheFourForms) {
  EXPECT_EQ(Bound::Parse("-")->kind, Bound::Kind::kMin);
  EXPECT_EQ(Bound::Parse("+")->kind, Bound::Kind::kMax);
  EXPECT_EQ(Bound::Parse("[key")->kind, Bound::Kind::kInclusive);
  EXPECT_EQ(Bound::Parse("[key")->key, "key");
  EXPECT_EQ(Bound::Parse("(key")->kind, Bound::Kind::kExclusive);
  EXPECT_EQ(Bound::Parse("(key")->key, "key");
  EXPECT_EQ(Bound::Parse("[")->key, "") << "the empty key is a key";
  EXPECT_EQ(Bound::Parse("(")->kind, Bound::Kind::kExclusive);
  EXPECT_EQ(Bound::Parse("[-")->key, "-");
  EXPECT_EQ(Bound::Parse("[[x")->key, "[x");
  EXPECT_EQ(Bound::Parse("[\0\xff"s)->key, "\0\xff"s);
  for (const std::string_view text : {"", "key", "--", "+inf", "-x", "++", " -", " [x"}) {
    EXPECT_FALSE(Bound::Parse(text).has_value()) << text;
  }
}

TEST(BoundTest, FormatsWhatParseReads) {
  for (const std::string& text : {"-"s, "+"s, "[key"s, "(key"s, "["s, "("s, "[\0"s, "([x"s}) {
    EXPECT_EQ(Bound::Parse(text)->Format(), text);
  }
}

TEST(BoundTest, Admits) {
  const auto below = [](std::string_view text, std::string_view key) {
    return Bound::Parse(text)->AdmitsFromBelow(key);
  };
  const auto above = [](std::string_view text, std::string_view key) {
    return Bound::Parse(text)->AdmitsFromAbove(key);
  };
  EXPECT_TRUE(below("-", ""));
  EXPECT_FALSE(below("+", "\xff"));
  EXPECT_TRUE(below("[b", "b"));
  EXPECT_FALSE(below("(b", "b"));
  EXPECT_TRUE(below("(b", "b\0"s));
  EXPECT_FALSE(below("[b", "a\xff"));
  EXPECT_FALSE(above("-", ""));
  EXPECT_TRUE(above("+", "\xff"));
  EXPECT_TRUE(above("[b", "b"));
  EXPECT_FALSE(above("(b", "b"));
  EXPECT_TRUE(above("(b", "a\xff"));
  EXPECT_FALSE(above("[b", "b\0"s));
  EXPECT_TRUE(above("[\xff", "\x7f")) << "bytes compare without sign";
}

// ---- walks

class RangeWalkTest : public KeyspaceTest {
 protected:
  std::vector<std::string> Keys(int db, std::string_view min, std::string_view max,
                                bool reverse = false) {
    txn_->Begin(now_ms_, true);
    std::vector<std::string> keys;
    {
      RangeWalk walk(*txn_, db, *Bound::Parse(min), *Bound::Parse(max), reverse);
      for (; walk.Valid(); walk.Next()) {
        keys.emplace_back(walk.user_key());
        values_[keys.back()] = walk.value().payload;
      }
    }
    EXPECT_TRUE(txn_->status().ok()) << txn_->status();
    return keys;
  }

  std::map<std::string, std::string> values_;
};

TEST_F(RangeWalkTest, AnEmptyDatabase) {
  for (const bool reverse : {false, true}) EXPECT_THAT(Keys(0, "-", "+", reverse), IsEmpty());
}

TEST_F(RangeWalkTest, StaysInItsDatabase) {
  for (int db = 0; db < 4; ++db) {
    if (db == 1) continue;
    Put(db, "", std::to_string(db));
    Put(db, "k" + std::to_string(db), "");
    Put(db, std::string(600, '\xff'), "");
  }
  EXPECT_THAT(Keys(1, "-", "+"), IsEmpty());
  EXPECT_THAT(Keys(1, "-", "+", true), IsEmpty());
  EXPECT_THAT(Keys(2, "-", "+"), ElementsAre("", "k2", std::string(600, '\xff')));
  EXPECT_EQ(values_[""], "2");
  EXPECT_THAT(Keys(2, "-", "+", true), ElementsAre(std::string(600, '\xff'), "k2", ""));
  EXPECT_THAT(Keys(2, "-", "[" + std::string(500, '\xff'), true), ElementsAre("k2", ""));
}

TEST_F(RangeWalkTest, BoundsWithoutKeysBetween) {
  for (const std::string_view key : {"a", "b", "c"}) Put(0, key, "");
  for (const bool reverse : {false, true}) {
    EXPECT_THAT(Keys(0, "+", "-", reverse), IsEmpty());
    EXPECT_THAT(Keys(0, "+", "+", reverse), IsEmpty());
    EXPECT_THAT(Keys(0, "-", "-", reverse), IsEmpty());
    EXPECT_THAT(Keys(0, "[c", "[a", reverse), IsEmpty());
    EXPECT_THAT(Keys(0, "(b", "[b", reverse), IsEmpty());
    EXPECT_THAT(Keys(0, "[b", "(b", reverse), IsEmpty());
    EXPECT_THAT(Keys(0, "(a", "(b", reverse), IsEmpty());
    EXPECT_THAT(Keys(0, "[b", "[b", reverse), ElementsAre("b"));
    EXPECT_THAT(Keys(0, "[aa", "[bb", reverse), ElementsAre("b"));
    EXPECT_THAT(Keys(0, "[d", "+", reverse), IsEmpty());
    EXPECT_THAT(Keys(0, "-", "(a", reverse), IsEmpty());
  }
}

TEST_F(RangeWalkTest, KeysOfOneGroupComeInTheirOwnOrder) {
  const std::string prefix(491, 'p');
  std::vector<std::string> keys = {std::string(490, 'p'), prefix};
  for (const std::string_view tail : {"", "\0", "a", "aa", "ab", "b", "\xff"}) {
    keys.push_back(prefix + "x" + std::string(tail));
  }
  keys.push_back(std::string(490, 'p') + "q");
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (const std::string& key : keys) Put(0, key, "value of " + key);
  const std::vector<std::string> backwards(keys.rbegin(), keys.rend());
  EXPECT_THAT(Keys(0, "-", "+"), ElementsAreArray(keys));
  EXPECT_THAT(Keys(0, "-", "+", true), ElementsAreArray(backwards));
  for (const auto& [key, value] : values_) EXPECT_EQ(value, "value of " + key);
  // Every bound in the group, present or not, cuts it at the right place.
  for (const std::string& bound : {prefix, prefix + "x", prefix + "xa", prefix + "xaz"}) {
    for (const std::string_view sign : {"[", "("}) {
      const std::string text = std::string(sign) + bound;
      for (const bool reverse : {false, true}) {
        std::vector<std::string> above;
        std::vector<std::string> below;
        for (const std::string& key : reverse ? backwards : keys) {
          if (key > bound || (key == bound && sign == "[")) above.push_back(key);
          if (key < bound || (key == bound && sign == "[")) below.push_back(key);
        }
        EXPECT_THAT(Keys(0, text, "+", reverse), ElementsAreArray(above));
        EXPECT_THAT(Keys(0, "-", text, reverse), ElementsAreArray(below));
      }
    }
  }
}

TEST_F(RangeWalkTest, ExpiredKeysAreLeftOut) {
  const std::string prefix(500, 'p');
  for (const std::string& start : {std::string("k"), prefix}) {
    Put(0, start + "1", "", now_ms_ + 10);
    Put(0, start + "2", "", now_ms_ + 11);
    Put(0, start + "3", "");
    Put(0, start + "4", "", now_ms_ + 10);
  }
  now_ms_ += 10;
  const std::vector<std::string> want = {"k2", "k3", prefix + "2", prefix + "3"};
  EXPECT_THAT(Keys(0, "-", "+"), ElementsAreArray(want));
  EXPECT_THAT(Keys(0, "-", "+", true), ElementsAreArray(want.rbegin(), want.rend()));
  // In the stream no clock decides.
  txn_->Begin(now_ms_, false);
  size_t seen = 0;
  for (RangeWalk walk(*txn_, 0, MinBound(), MaxBound(), false); walk.Valid(); walk.Next()) ++seen;
  EXPECT_EQ(seen, 8U);
}

TEST_F(RangeWalkTest, DamageEndsTheWalk) {
  const auto put_raw = [&](const std::string& user_key, std::string_view bytes) {
    EngineKey key;
    keyspace_->codec().Encode(keyspace_->id(0), user_key, &key);
    engine_->Put(key.view(), engine::Engine::Hash(key.view()), bytes, {});
  };
  Put(0, "a", "1");
  Put(0, "z", "1");
  const std::string long_key(600, 'm');
  std::string foreign;
  AppendRecordHead({.type = Type::kString, .long_key = std::string(600, 'x'), .payload = {}},
                   &foreign);
  const std::pair<std::string, std::string> damages[] = {
      {"m", "\x0f"},        // not a record
      {long_key, "\x0f"},   // the same in a group
      {long_key, "\x01v"},  // a long key's record without its key
      {long_key, foreign},  // or with one of another group
  };
  for (const auto& [key, bytes] : damages) {
    put_raw(key, bytes);
    for (const bool reverse : {false, true}) {
      txn_->Begin(now_ms_, true);
      {
        RangeWalk walk(*txn_, 0, MinBound(), MaxBound(), reverse);
        ASSERT_TRUE(walk.Valid());
        EXPECT_EQ(walk.user_key(), reverse ? "z" : "a");
        walk.Next();
        EXPECT_FALSE(walk.Valid()) << key.size() << " " << bytes.size();
      }
      EXPECT_EQ(txn_->status().code(), absl::StatusCode::kDataLoss);
    }
    EngineKey engine_key;
    keyspace_->codec().Encode(keyspace_->id(0), key, &engine_key);
    engine_->Delete(engine_key.view(), engine::Engine::Hash(engine_key.view()));
  }
}

// ---- against a model

class RangeModel : public RangeWalkTest {
 protected:
  struct Entry {
    std::string value;
    int64_t expire_ms;
  };
  using Model = std::map<std::string, Entry>;

  std::string RandomKey() {
    const auto pick = [&] { return static_cast<char>("\0ab\xff"[random_.Below(4)]); };
    std::string key;
    switch (random_.Below(6)) {
      case 0:
        break;
      case 1:  // around the border between plain and long
        key.assign(488, 'g');
        break;
      case 2:  // one group
        key.assign(491, 'g');
        break;
      case 3:  // another, at the upper end
        key.assign(491, '\xff');
        break;
      case 4:
        key.assign(1500, 'h');
        break;
      default:
        key.assign(random_.Below(4), 'g');
    }
    for (uint64_t n = random_.Below(5); n > 0; --n) key.push_back(pick());
    return key;
  }

  Bound RandomBound() {
    switch (random_.Below(8)) {
      case 0:
        return MinBound();
      case 1:
        return MaxBound();
      default:
        return {.kind = random_.Below(2) == 0 ? Bound::Kind::kInclusive : Bound::Kind::kExclusive,
                .key = RandomKey()};
    }
  }

  void Change() {
    const int db = static_cast<int>(random_.Below(2));
    std::string key = RandomKey();
    if (random_.Below(3) == 0) {
      Delete(db, key);
      models_[db].erase(key);
      return;
    }
    const int64_t expire_ms =
        random_.Below(3) == 0 ? now_ms_ + static_cast<int64_t>(random_.Below(500)) + 1 : kNoExpiry;
    std::string value = std::to_string(random_.Next());
    Put(db, key, value, expire_ms);
    models_[db].insert_or_assign(std::move(key), Entry{std::move(value), expire_ms});
  }

  void CompareRange(int db) {
    const Bound min = random_.Below(3) == 0 ? MinBound() : RandomBound();
    const Bound max = random_.Below(3) == 0 ? MaxBound() : RandomBound();
    const bool reverse = random_.Below(2) == 0;
    std::vector<std::pair<std::string, std::string>> want;
    for (const auto& [key, entry] : models_[db]) {
      if (entry.expire_ms != kNoExpiry && entry.expire_ms <= now_ms_) continue;
      if (min.AdmitsFromBelow(key) && max.AdmitsFromAbove(key)) want.emplace_back(key, entry.value);
    }
    if (reverse) std::reverse(want.begin(), want.end());
    std::vector<std::pair<std::string, std::string>> got;
    txn_->Begin(now_ms_, true);
    for (RangeWalk walk(*txn_, db, min, max, reverse); walk.Valid(); walk.Next()) {
      got.emplace_back(walk.user_key(), walk.value().payload);
    }
    ASSERT_TRUE(txn_->status().ok()) << txn_->status();
    ASSERT_TRUE(got == want) << got.size() << " keys for " << want.size() << " from "
                             << testing::PrintToString(min.Format()) << " to "
                             << testing::PrintToString(max.Format()) << " reverse " << reverse;
    ASSERT_TRUE(WalkInSlices(db, min, max, reverse) == want)
        << "in slices, from " << testing::PrintToString(min.Format()) << " to "
        << testing::PrintToString(max.Format()) << " reverse " << reverse;
  }

  // The same by walks that pause, each of which goes on where the one before has paused.
  std::vector<std::pair<std::string, std::string>> WalkInSlices(int db, Bound min, Bound max,
                                                                bool reverse) {
    std::vector<std::pair<std::string, std::string>> got;
    const uint64_t max_steps = 1 + random_.Below(6);
    for (int walks = 0; walks < 100'000; ++walks) {
      txn_->Begin(now_ms_, true);
      RangeWalk walk(*txn_, db, min, max, reverse, max_steps);
      for (; walk.Valid(); walk.Next()) got.emplace_back(walk.user_key(), walk.value().payload);
      if (!walk.paused()) return got;
      const Bound behind{.kind = Bound::Kind::kExclusive, .key = walk.paused_at()};
      // It always comes further.
      const Bound& former = reverse ? max : min;
      EXPECT_TRUE(former.kind == (reverse ? Bound::Kind::kMax : Bound::Kind::kMin) ||
                  former.key != behind.key || former.kind != behind.kind);
      (reverse ? max : min) = behind;
    }
    ADD_FAILURE() << "the walk does not end";
    return got;
  }

  base::Random random_{20};
  Model models_[2];
};

TEST_F(RangeModel, EqualsAMapWhereverTheKeysLie) {
  for (int step = 0; step < 6000; ++step) {
    Change();
    if (step % 400 == 399) {
      engine_->Renew();
      if (engine_->CanSeal()) Seal();
    }
    if (step % 1500 == 1499) Checkpoint();
    if (step % 2500 == 2499) {
      Checkpoint();
      Open(4);
    }
    if (step % 50 == 0) now_ms_ += 3;
    if (step % 4 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(CompareRange(step / 4 % 2)) << step;
  }
}

}  // namespace
}  // namespace cairn::keyspace
