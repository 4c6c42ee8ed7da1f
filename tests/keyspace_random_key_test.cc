// RandomKey: always a key that is there, and any of them.
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/random.h"
#include "keyspace/random_key.h"
#include "keyspace_testing.h"

namespace cairn::keyspace {
namespace {

class RandomKeyTest : public KeyspaceTest {
 protected:
  std::optional<std::string> Draw(int db = 0) {
    txn_->Begin(now_ms_, true);
    const RandomKeyResult drawn = RandomKey(*txn_, db, random_.Next());
    EXPECT_TRUE(txn_->status().ok()) << txn_->status();
    EXPECT_EQ(drawn.searched_to, std::nullopt);
    return drawn.key;
  }
  // How often each key came up.
  std::map<std::string, int> DrawMany(int draws) {
    std::map<std::string, int> counts;
    for (int i = 0; i < draws; ++i) {
      const auto key = Draw();
      EXPECT_TRUE(key.has_value());
      if (key) ++counts[*key];
    }
    return counts;
  }

  base::Random random_{7};
};

TEST_F(RandomKeyTest, NothingFromNothing) {
  EXPECT_EQ(Draw(), std::nullopt);
  Put(1, "k", "");
  EXPECT_EQ(Draw(), std::nullopt);
  EXPECT_EQ(Draw(1), "k");
  Put(0, "gone", "", now_ms_ + 1);
  now_ms_ += 1;
  EXPECT_EQ(Draw(), std::nullopt);
}

TEST_F(RandomKeyTest, EveryKeyOfASmallDatabaseComesUpOftenEnough) {
  const std::string prefix(600, 'p');
  std::set<std::string> keys = {
      "",     "a",    std::string("a\0", 2), "b",         "user:1", "user:2",
      "\xff", prefix, prefix + "1",          prefix + "2"};
  for (const std::string& key : keys) Put(0, key, "");
  Put(0, "expired", "", now_ms_ - 1);
  const auto counts = DrawMany(3000);
  for (const std::string& key : keys) {
    const auto count = counts.find(key);
    ASSERT_NE(count, counts.end()) << "never drawn: " << key.substr(0, 10) << " " << key.size();
    EXPECT_GT(count->second, 60) << key.substr(0, 10) << " " << key.size();
  }
  EXPECT_EQ(counts.size(), keys.size());
}

TEST_F(RandomKeyTest, BothOfTwo) {
  Put(0, "a", "");
  Put(0, "b", "");
  const auto counts = DrawMany(400);
  EXPECT_GT(counts.at("a"), 100);
  EXPECT_GT(counts.at("b"), 100);
}

TEST_F(RandomKeyTest, AlwaysAMember) {
  std::set<std::string> keys;
  for (int i = 0; i < 2000; ++i) {
    std::string key(random_.Below(4) == 0 ? 495 : random_.Below(12), '\0');
    for (char& c : key) c = "\0a\xfe\xff"[random_.Below(4)];
    Put(0, key, "");
    keys.insert(std::move(key));
    if (i % 3 != 0) continue;
    const auto drawn = Draw();
    ASSERT_TRUE(drawn.has_value());
    ASSERT_TRUE(keys.contains(*drawn));
  }
  Checkpoint();
  const auto counts = DrawMany(1000);
  for (const auto& [key, count] : counts) EXPECT_TRUE(keys.contains(key));
  EXPECT_GT(counts.size(), 200U);
}

// Among many dead keys a draw gives what it knows, or says how far it has come.
TEST_F(RandomKeyTest, ManyDeadKeys) {
  const auto draw = [&] {
    txn_->Begin(now_ms_, true);
    return RandomKey(*txn_, 0, random_.Next());
  };
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "k" + std::to_string(1000 + i);
    Put(0, key, "", i % 2 == 0 ? now_ms_ + 1 : kNoExpiry);
  }
  Checkpoint();
  for (int i = 1; i < 1000; i += 2) Delete(0, "k" + std::to_string(1000 + i));
  now_ms_ += 1;  // the other half has expired
  RandomKeyResult drawn = draw();
  EXPECT_EQ(drawn.key, std::nullopt);
  ASSERT_NE(drawn.searched_to, std::nullopt);
  EXPECT_GT(*drawn.searched_to, "k1000");
  EXPECT_LT(*drawn.searched_to, "k1500");
  Put(0, "k1500", "alive in the middle");
  EXPECT_NE(draw().searched_to, std::nullopt);
  Put(0, "z", "alive at the end");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(draw().key, "z");
  Put(0, "a", "alive at the beginning");
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) seen.insert(draw().key.value_or("nothing"));
  EXPECT_TRUE(seen.contains("a"));
  EXPECT_FALSE(seen.contains("nothing"));
}

// Keys that differ only behind a long common part.
TEST_F(RandomKeyTest, KeysWithACommonBeginning) {
  for (int i = 0; i < 1000; ++i) Put(0, "session:user:" + std::to_string(100'000 + i), "");
  EXPECT_GT(DrawMany(2000).size(), 600U);
}

}  // namespace
}  // namespace cairn::keyspace
