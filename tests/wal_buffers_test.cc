// Memory that the log and its readers hold: bounded, and given back after a large record.
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "support/memory_fs.h"
#include "wal/append_buffer.h"
#include "wal/record_file.h"

namespace cairn::wal {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kUsual = 8 * kMiB;

// Takes all batches, as a log does.
size_t WriteAll(AppendBuffer& buffer) {
  size_t batches = 0;
  buffer.CloseRecord();
  while (!buffer.NextBatch({}).bytes.empty()) {
    buffer.Wrote();
    ++batches;
  }
  return batches;
}

TEST(WalAppendBufferTest, MemoryIsHeldUntilItsBytesAreLasting) {
  AppendBuffer buffer(0);
  for (int i = 0; i < 300; ++i) {
    buffer.Append(std::string(100'000, 'x'));
    EXPECT_EQ(WriteAll(buffer), 1U);
    buffer.Release(0);
  }
  EXPECT_GE(buffer.memory(), 30'000'000U);
  buffer.Release(15'000'000);
  EXPECT_GE(buffer.memory(), 15'000'000U);
  EXPECT_LT(buffer.memory(), 15'000'000U + kUsual);
  buffer.Release(30'000'000);
  EXPECT_LT(buffer.memory(), kUsual);
}

TEST(WalAppendBufferTest, ALargeAppendGivesItsMemoryBack) {
  AppendBuffer buffer(0);
  buffer.Append("small");
  buffer.Append(std::string(100 * kMiB, 'x'));
  EXPECT_LT(buffer.memory(), 100 * kMiB + kUsual);  // held once
  WriteAll(buffer);
  buffer.Release(buffer.appended());
  EXPECT_LT(buffer.memory(), kUsual);
  buffer.Append("more");
  EXPECT_EQ(WriteAll(buffer), 1U);
}

TEST(WalAppendBufferTest, AQuietBufferReusesItsMemory) {
  AppendBuffer buffer(0);
  for (int i = 0; i < 100'000; ++i) {
    buffer.Append(std::string(130, 'x'));
    WriteAll(buffer);
    buffer.Release(buffer.appended());
  }
  EXPECT_LT(buffer.memory(), 2 * kMiB);
}

TEST(WalRecordFileTest, ALargeRecordGivesItsMemoryBack) {
  AppendBuffer buffer(0);
  test::MemoryFs fs;
  auto file = fs.Open("/f", base::FileSystem::Mode::kCreate);
  uint64_t size = 0;
  uint64_t second = 0;
  for (const size_t payload : {20 * kMiB, size_t{10}}) {
    buffer.Append(std::string(payload, 'x'));
    buffer.CloseRecord();
    const std::string_view bytes = buffer.NextBatch({}).bytes;
    ASSERT_TRUE((*file)->WriteAt(size, bytes).ok());
    buffer.Wrote();
    second = size;
    size += bytes.size();
  }
  RecordFile reader(std::move(*file), std::nullopt);
  ASSERT_EQ(reader.Read(0, size).value(), RecordFile::Result::kRecord);
  EXPECT_EQ(reader.payload().size(), 20 * kMiB);
  ASSERT_EQ(reader.Read(second, size).value(), RecordFile::Result::kRecord);
  EXPECT_EQ(reader.payload(), "xxxxxxxxxx");
  EXPECT_LT(reader.memory(), kMiB);
  EXPECT_EQ(reader.Read(size, size).value(), RecordFile::Result::kEnd);
}

}  // namespace
}  // namespace cairn::wal
