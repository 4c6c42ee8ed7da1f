// The bytes of a segment, pinned: a change of the format must raise its version.
#include <cstring>
#include <string>

#include <xxhash.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wal/format.h"
#include "wal/segment.h"
#include "wal_testing.h"

namespace cairn::wal {
namespace {

using ::testing::HasSubstr;

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[(c >> 4) & 15];
    text += kDigits[c & 15];
  }
  return text;
}

// The worked example of src/wal/FORMAT.md.
TEST(WalFormatTest, GoldenSegment) {
  test::MemoryFs fs;
  LogOptions options = TestOptions();
  options.start_offset = 1000;
  auto log = OpenLog(fs, options);
  log->Append("*1\r\n$4\r\nPING\r\n");
  ASSERT_TRUE(log->Flush(1'700'000'000'001).ok());
  ASSERT_TRUE(log->SyncNow().ok());
  const std::string bytes = fs.Content("/log/00000000000000001000.log");
  ASSERT_EQ(bytes.size(), 64U + 48 + 14 + 48);
  EXPECT_EQ(Hex(bytes.substr(0, 64)),
            "434149524e4c4f47020000005a76f94e"
            "e8030000000000000100000000000000"
            "e8030000000000000001020304050607"
            "08090a0b0c0d0e0f82a86a80ff48d3f6");
  EXPECT_EQ(Hex(bytes.substr(64, 62)),
            "c095c614a292ff105a76f94e0e000000"
            "e803000000000000e803000000000000"
            "0168e5cf8b0100000100000000000000"
            "2a310d0a24340d0a50494e470d0a");
  EXPECT_EQ(Hex(bytes.substr(126)),
            "db448e21cebbdc155a76f94e00000000"
            "f603000000000000f603000000000000"
            "0168e5cf8b0100000200000000000000");
}

TEST(WalFormatTest, SegmentHeaderRoundTrip) {
  const SegmentHeader header{.salt = 0x01020304,
                             .first_offset = 5,
                             .sequence = 6,
                             .synced_offset = 4,
                             .log_id = kTestLogId};
  char bytes[kSegmentHeaderSize];
  EncodeSegmentHeader(header, bytes);
  SegmentHeader got;
  uint32_t version = 0;
  ASSERT_EQ(DecodeSegmentHeader(bytes, &got, &version), SegmentCheck::kOk);
  EXPECT_EQ(version, kFormatVersion);
  EXPECT_EQ(got.salt, header.salt);
  EXPECT_EQ(got.first_offset, header.first_offset);
  EXPECT_EQ(got.sequence, header.sequence);
  EXPECT_EQ(got.synced_offset, header.synced_offset);
  EXPECT_EQ(got.log_id, header.log_id);
  for (char& byte : bytes) {
    byte = static_cast<char>(byte ^ 0x10);
    EXPECT_EQ(DecodeSegmentHeader(bytes, &got, &version), SegmentCheck::kDamaged);
    byte = static_cast<char>(byte ^ 0x10);
  }
}

TEST(WalFormatTest, RecordHeaderRoundTrip) {
  std::string record = std::string(kRecordHeaderSize, '\0') + "payload";
  const RecordHeader header{.salt = 0x01020304,
                            .length = 7,
                            .offset = 1ULL << 60,
                            .synced_offset = 1ULL << 59,
                            .time_ms = 1'700'000'000'000,
                            .type = RecordType::kData};
  EncodeRecordHeader(header, record.data());
  EXPECT_TRUE(PlausibleRecordHeader(record.data()));
  const RecordHeader got = DecodeRecordHeader(record.data());
  EXPECT_EQ(got.salt, header.salt);
  EXPECT_EQ(got.length, header.length);
  EXPECT_EQ(got.offset, header.offset);
  EXPECT_EQ(got.synced_offset, header.synced_offset);
  EXPECT_EQ(got.time_ms, header.time_ms);
  EXPECT_EQ(got.type, header.type);
  EXPECT_TRUE(RecordChecksumOk(record.data(), 7));
  for (char& byte : record) {
    byte = static_cast<char>(byte ^ 1);
    EXPECT_FALSE(RecordChecksumOk(record.data(), 7));
    byte = static_cast<char>(byte ^ 1);
  }
}

TEST(WalFormatTest, SaltsHaveNoZeroByte) {
  for (const uint64_t random : {0ULL, 0x1200ULL, 0xff00ff00ULL, ~0ULL}) {
    const uint32_t salt = SaltFrom(random);
    for (int i = 0; i < 4; ++i) {
      EXPECT_NE((salt >> (8 * i)) & 0xff, 0U);
    }
  }
}

TEST(WalFormatTest, SegmentNames) {
  EXPECT_EQ(SegmentPath("/d", 42), "/d/00000000000000000042.log");
  EXPECT_EQ(SegmentPath("/d", UINT64_MAX), "/d/18446744073709551615.log");
  EXPECT_EQ(ParseSegmentName("00000000000000000042.log"), 42U);
  EXPECT_EQ(ParseSegmentName("18446744073709551615.log"), UINT64_MAX);
  EXPECT_EQ(ParseSegmentName("18446744073709551616.log"), std::nullopt);
  EXPECT_EQ(ParseSegmentName("0000000000000000004x.log"), std::nullopt);
  EXPECT_EQ(ParseSegmentName("42.log"), std::nullopt);
  EXPECT_EQ(ParseSegmentName("00000000000000000042.log.tmp"), std::nullopt);
}

TEST(WalFormatTest, AnUnknownVersionIsRefused) {
  test::MemoryFs fs;
  OpenLog(fs);
  const std::string path = "/log/00000000000000000000.log";
  std::string bytes = fs.Content(path);
  for (const int version : {1, 3}) {
    bytes[kSegmentVersionAt] = static_cast<char>(version);
    fs.SetContent(path, bytes);
    OpenReport report;
    EXPECT_TRUE(absl::IsDataLoss(Log::Open(fs, TestOptions(), &report).status()));
    const uint64_t checksum = XXH3_64bits(bytes.data(), kSegmentChecksumAt);
    std::memcpy(bytes.data() + kSegmentChecksumAt, &checksum, sizeof(checksum));
    fs.SetContent(path, bytes);
    const absl::Status status = Log::Open(fs, TestOptions(), &report).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status));
    EXPECT_EQ(report.mismatch, Mismatch::kNone);
    EXPECT_THAT(status.ToString(), HasSubstr("format version " + std::to_string(version)));
    EXPECT_THAT(status.ToString(), HasSubstr(path));
  }
}

}  // namespace
}  // namespace cairn::wal
