// Engine keys and expiry entries: FORMAT.md's examples, order, and the way back.
#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "engine/engine.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keyspace/key_codec.h"

namespace cairn::keyspace {
namespace {

using namespace std::string_literals;

const KeyCodec kCodec(0x5eed);

std::string Encode(KeyspaceId id, std::string_view user_key, const KeyCodec& codec = kCodec) {
  EngineKey key;
  codec.Encode(id, user_key, &key);
  EXPECT_EQ(key.is_long(), user_key.size() > kMaxPlainKey);
  EXPECT_EQ(KeyCodec::IsLong(key.view()), key.is_long());
  EXPECT_EQ(KeyCodec::IdOf(key.view()), id);
  return std::string(key.view());
}

// Keys whose bytes are few and near one another, so that prefixes and ties are common.
std::string RandomKey(base::Random& random, size_t max_size) {
  std::string key(random.Below(max_size + 1), '\0');
  for (char& c : key)
    c = "\0\x01"
        "a\xfe\xff"[random.Below(5)];
  return key;
}

TEST(KeyCodecTest, GoldenBytes) {
  EXPECT_EQ(Encode(1, "key"), "\0\0\0\x01key"s);
  EXPECT_EQ(Encode(0x01020304, ""), "\x01\x02\x03\x04"s);
  EXPECT_EQ(Encode(7, std::string(490, 'k')), "\0\0\0\x07"s + std::string(490, 'k'));
  const std::string long_key = Encode(7, std::string(491, 'k'));
  ASSERT_EQ(long_key.size(), 511U);
  EXPECT_EQ(long_key.substr(0, 495), "\0\0\0\x07"s + std::string(491, 'k'));
  EXPECT_EQ(long_key.substr(495),
            "\xe1\x97\xf5\xc7\x3b\xa9\x39\x5f\xe1\x9b\xde\xef\x5c\xfe\xb5\x94"s);
}

TEST(KeyCodecTest, Sizes) {
  EXPECT_EQ(kIdBytes, 4U);
  EXPECT_EQ(kMaxPlainKey, 490U);
  EXPECT_EQ(kLongPrefix, 491U);
  EXPECT_EQ(kLongHash, 16U);
  for (const size_t size : {491U, 492U, 511U, 512U, 100'000U}) {
    EXPECT_EQ(Encode(1, std::string(size, 'x')).size(), engine::kMaxEngineKey);
  }
}

TEST(KeyCodecTest, TheHashCoversTheWholeKeyAndTheSeed) {
  std::string key(5000, 'k');
  std::set<std::string> encoded = {Encode(1, key)};
  for (const size_t place : {0U, 490U, 491U, 2500U, 4999U}) {
    std::string other = key;
    other[place] = 'K';
    EXPECT_TRUE(encoded.insert(Encode(1, other)).second) << place;
  }
  EXPECT_TRUE(encoded.insert(Encode(1, key + "k")).second);
  EXPECT_TRUE(encoded.insert(Encode(1, key, KeyCodec(0x5eee))).second);
  EXPECT_TRUE(encoded.insert(Encode(2, key)).second);
}

TEST(KeyCodecTest, KeepsTheOrderOfPlainKeys) {
  base::Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const size_t max_size = i % 2 == 0 ? 4 : kMaxPlainKey;
    const std::string a = RandomKey(random, max_size);
    const std::string b = RandomKey(random, max_size);
    EXPECT_EQ(Encode(5, a) < Encode(5, b), a < b);
    EXPECT_EQ(Encode(5, a) == Encode(5, b), a == b);
    EXPECT_LT(Encode(5, a), Encode(6, b));
    EXPECT_LT(Encode(0x00ffffff, a), Encode(0x01000000, b));
  }
}

TEST(KeyCodecTest, KeepsTheOrderOfPlainAndLongKeys) {
  base::Random random(2);
  for (int i = 0; i < 5000; ++i) {
    const std::string long_key = std::string(random.Below(2) == 0 ? 0 : 485, '\xff') +
                                 RandomKey(random, 5) +
                                 std::string(491, "\0a\xff"[random.Below(3)]);
    std::string plain = random.Below(2) == 0 ? long_key.substr(0, random.Below(491))
                                             : RandomKey(random, kMaxPlainKey);
    if (!plain.empty() && random.Below(2) == 0) {
      plain.back() = static_cast<char>(plain.back() + 1);
    }
    EXPECT_EQ(Encode(5, plain) < Encode(5, long_key), plain < long_key);
  }
}

TEST(KeyCodecTest, LongKeysOfOnePrefixFormAGroup) {
  const std::string prefix(491, 'g');
  const std::string a = Encode(3, prefix);
  const std::string b = Encode(3, prefix + "b");
  EXPECT_EQ(KeyCodec::GroupOf(a), KeyCodec::GroupOf(b));
  EXPECT_EQ(KeyCodec::GroupOf(a), KeyCodec::SeekKey(3, prefix + "any"));
  EXPECT_NE(KeyCodec::GroupOf(a), KeyCodec::GroupOf(Encode(3, std::string(490, 'g') + "hh")));
  EXPECT_NE(KeyCodec::GroupOf(a), KeyCodec::GroupOf(Encode(4, prefix)));
  // Keys of other groups with different prefixes keep their order.
  EXPECT_LT(a, Encode(3, std::string(490, 'g') + "h"));
}

TEST(KeyCodecTest, SeekKeyIsAtOrBeforeTheKeyAndBehindEverythingLess) {
  base::Random random(3);
  for (int i = 0; i < 5000; ++i) {
    std::string a = RandomKey(random, 4);
    std::string b = RandomKey(random, 4);
    if (random.Below(2) == 0) a = std::string(488, 'a') + a;
    if (random.Below(2) == 0) b = std::string(488, 'a') + b;
    EXPECT_LE(KeyCodec::SeekKey(5, a), Encode(5, a));
    if (a < b && a.substr(0, kLongPrefix) != b.substr(0, kLongPrefix)) {
      EXPECT_LT(Encode(5, a), KeyCodec::SeekKey(5, b));
    }
  }
}

TEST(KeyCodecTest, PrefixEnd) {
  EXPECT_EQ(KeyCodec::PrefixEnd("a"), "b");
  EXPECT_EQ(KeyCodec::PrefixEnd("a\xff"), "b");
  EXPECT_EQ(KeyCodec::PrefixEnd("a\xff\xff"), "b");
  EXPECT_EQ(KeyCodec::PrefixEnd("a\xfe"), "a\xff");
  EXPECT_EQ(KeyCodec::PrefixEnd("\0"s), "\x01");
  EXPECT_EQ(KeyCodec::PrefixEnd("\x7f"), "\x80");
  EXPECT_EQ(KeyCodec::PrefixEnd("\xff\xff"), "");
  EXPECT_EQ(KeyCodec::PrefixEnd(""), "");
  base::Random random(4);
  for (int i = 0; i < 20'000; ++i) {
    const std::string prefix = RandomKey(random, 3);
    const std::string key = RandomKey(random, 4);
    const std::string end = KeyCodec::PrefixEnd(prefix);
    const bool below_end = end.empty() || key < end;
    EXPECT_EQ(key.starts_with(prefix), key >= prefix && below_end);
  }
}

TEST(KeyCodecTest, PartsOfAnEngineKey) {
  EXPECT_EQ(KeyCodec::UserPart(Encode(9, "user")), "user");
  EXPECT_EQ(KeyCodec::UserPart(Encode(9, "")), "");
  EXPECT_EQ(KeyCodec::UserPart(Encode(9, std::string(600, 'x'))).size(), 507U);
  EXPECT_EQ(KeyCodec::IdPrefix(0xfffefdfc), "\xff\xfe\xfd\xfc");
  EXPECT_EQ(KeyCodec::IdOf(Encode(0xfffefdfc, "x")), 0xfffefdfcU);
}

// ---- the expiry index

TEST(KeyCodecTest, ExpiryGoldenBytes) {
  const auto plain = kCodec.EncodeExpiry(Encode(1, "key"), 0x0102030405060708);
  EXPECT_EQ(plain.key, "\0\0\0\x01\x81\x02\x03\x04\x05\x06\x07\x08key"s);
  EXPECT_EQ(plain.value, "");
  const std::string engine_key = Encode(1, std::string(600, 'k'));
  const auto entry = kCodec.EncodeExpiry(engine_key, 0);
  ASSERT_EQ(entry.key.size(), 511U);
  EXPECT_EQ(entry.key.substr(0, 12), "\0\0\0\x01\x80\0\0\0\0\0\0\0"s);
  EXPECT_EQ(entry.key.substr(12, 483), std::string(483, 'k'));
  EXPECT_EQ(entry.value, engine_key.substr(4));
}

TEST(KeyCodecTest, ExpiryRoundTrips) {
  base::Random random(5);
  constexpr int64_t kTimes[] = {INT64_MIN + 1, -1, 0, 1, 1'700'000'000'000, INT64_MAX};
  for (const int64_t time : kTimes) {
    for (const size_t size : {0U, 1U, 483U, 489U, 490U, 491U, 492U, 499U, 500U, 10'000U}) {
      std::string user_key(size, 'e');
      if (size > 0) user_key.back() = static_cast<char>(random.Below(256));
      const std::string engine_key = Encode(0x80000001, user_key);
      const auto entry = kCodec.EncodeExpiry(engine_key, time);
      EXPECT_LE(entry.key.size(), engine::kMaxEngineKey);
      EXPECT_EQ(entry.value.empty(), size <= kMaxPlainKey);
      EXPECT_EQ(KeyCodec::ExpiryTime(entry.key), time);
      EXPECT_EQ(KeyCodec::ExpiryTarget(entry.key, entry.value), engine_key);
      EXPECT_TRUE(entry.key.starts_with(KeyCodec::IdPrefix(0x80000001)));
    }
  }
}

TEST(KeyCodecTest, ExpiryEntriesSortByTimeWithinADatabase) {
  constexpr int64_t kTimes[] = {INT64_MIN + 1, -256, -1, 0, 1, 255, 256, 1LL << 40, INT64_MAX};
  std::vector<std::string> keys;
  for (const int64_t time : kTimes) {
    keys.push_back(kCodec.EncodeExpiry(Encode(3, "a"), time).key);
    keys.push_back(kCodec.EncodeExpiry(Encode(3, std::string(600, 'b')), time).key);
  }
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_LT(keys.back(), kCodec.EncodeExpiry(Encode(4, ""), INT64_MIN + 1).key);
}

TEST(KeyCodecTest, ExpiryEntriesOfLongKeysDiffer) {
  std::set<std::string> entries;
  for (int i = 0; i < 1000; ++i) {
    const std::string engine_key = Encode(3, std::string(491, 'k') + std::to_string(i));
    EXPECT_TRUE(entries.insert(kCodec.EncodeExpiry(engine_key, 77).key).second);
  }
}

}  // namespace
}  // namespace cairn::keyspace
