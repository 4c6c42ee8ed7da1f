// Records byte by byte: FORMAT.md's examples, every header, and damage.
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "keyspace/record.h"

namespace cairn::keyspace {
namespace {

using namespace std::string_literals;

std::string Encode(const Record& record) {
  std::string bytes;
  AppendRecordHead(record, &bytes);
  EXPECT_LE(bytes.size(), kMaxRecordHeader + record.long_key.size());
  bytes += record.payload;
  return bytes;
}

void ExpectSame(const Record& a, const Record& b) {
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.hint, b.hint);
  EXPECT_EQ(a.expire_ms, b.expire_ms);
  EXPECT_EQ(a.long_key, b.long_key);
  EXPECT_EQ(a.payload, b.payload);
}

TEST(RecordTest, GoldenBytes) {
  EXPECT_EQ(Encode({.type = Type::kString, .long_key = {}, .payload = "v"}), "\x01v"s);
  EXPECT_EQ(Encode({.type = Type::kString, .long_key = {}, .payload = ""}), "\x01"s);
  EXPECT_EQ(
      Encode(
          {.type = Type::kString, .expire_ms = 0x0102030405060708, .long_key = {}, .payload = "v"}),
      "\x11\x08\x07\x06\x05\x04\x03\x02\x01v"s);
  EXPECT_EQ(Encode({.type = Type::kString, .long_key = "longkey", .payload = "v"}),
            "\x21\x07\0\0\0longkeyv"s);
  EXPECT_EQ(Encode({.type = Type::kString,
                    .hint = EncodingHint::kRaw,
                    .expire_ms = -1,
                    .long_key = "k",
                    .payload = "v"}),
            "\x71\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0kv"s);
  EXPECT_EQ(
      Encode(
          {.type = Type::kString, .hint = EncodingHint::kNotInt, .long_key = {}, .payload = "1.5"}),
      "\x81\x31.5"s);
}

TEST(RecordTest, RoundTrips) {
  const std::string binary = "\0\r\n\xff\x80"s;
  const std::string long_key(100'000, 'k');
  for (const EncodingHint hint :
       {EncodingHint::kNatural, EncodingHint::kRaw, EncodingHint::kNotInt}) {
    for (const int64_t expire_ms :
         {kNoExpiry, INT64_MIN + 1, int64_t{-1}, int64_t{0}, int64_t{1}, INT64_MAX}) {
      for (const std::string_view key : {std::string_view(), std::string_view(long_key)}) {
        for (const std::string_view payload : {std::string_view(), std::string_view(binary)}) {
          const Record record{.type = Type::kString,
                              .hint = hint,
                              .expire_ms = expire_ms,
                              .long_key = key,
                              .payload = payload};
          const std::string bytes = Encode(record);
          const auto decoded = DecodeRecord(bytes);
          ASSERT_TRUE(decoded.ok()) << decoded.status();
          ExpectSame(*decoded, record);
        }
      }
    }
  }
}

TEST(RecordTest, AppendsBehindWhatIsThere) {
  std::string bytes = "before";
  AppendRecordHead({.type = Type::kString, .long_key = {}, .payload = "not appended"}, &bytes);
  EXPECT_EQ(bytes, "before\x01");
}

TEST(RecordTest, DamageIsDataLoss) {
  const std::string_view damaged[] = {
      "",                                                  // nothing
      std::string_view("\0v", 2),                          // a type that is never stored
      "\x02v",                                             // types to come
      "\x0fv",                                             //
      "\xc1v",                                             // an encoding to come
      "\x11",                                              // no expiry where the tag says one
      "\x11\x01\x02\x03\x04\x05\x06\x07",                  // seven bytes of it
      "\x21",                                              // no length of a key
      std::string_view("\x21\x01\0\0", 4),                 // three bytes of it
      std::string_view("\x21\x05\0\0\0keys", 9),           // a key that is cut
      "\x21\xff\xff\xff\xff",                              // a length beyond everything
      "\x31\x01\x02\x03\x04\x05\x06\x07\x08\xff\xff\xff",  // expiry whole, length cut
  };
  for (const std::string_view bytes : damaged) {
    const auto record = DecodeRecord(bytes);
    EXPECT_EQ(record.status().code(), absl::StatusCode::kDataLoss) << bytes.size();
  }
}

// Whatever the bytes are: a record that ends within them, or an error.
TEST(RecordTest, EveryCutOfEveryTagIsJudged) {
  for (int tag = 0; tag < 256; ++tag) {
    const std::string whole = static_cast<char>(tag) + "\x02\0\0\0\0\0\0\0\x02\0\0\0kkpayload"s;
    for (size_t size = 0; size <= whole.size(); ++size) {
      const std::string bytes = whole.substr(0, size);
      const auto record = DecodeRecord(bytes);
      if (!record.ok()) continue;
      EXPECT_EQ(tag & 0x0f, 1);
      EXPECT_EQ(record->payload.data() + record->payload.size(), bytes.data() + bytes.size());
      EXPECT_GE(record->payload.data(), bytes.data() + 1);
    }
  }
}

TEST(RecordTest, TypeNames) {
  EXPECT_EQ(TypeName(Type::kNone), "none");
  EXPECT_EQ(TypeName(Type::kString), "string");
}

}  // namespace
}  // namespace cairn::keyspace
