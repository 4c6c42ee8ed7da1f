// What the tests of the log share: a stream whose every byte follows from its offset, and reading
// it back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "support/memory_fs.h"
#include "wal/log.h"

namespace cairn::wal {

inline constexpr char kDir[] = "/log";
inline constexpr LogId kTestLogId = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// `size` bytes of the test stream from `offset` on: no two places look alike.
inline std::string Stream(uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    const uint64_t x = (offset + i) * 0x9e3779b97f4a7c15ULL;
    bytes[i] = static_cast<char>(x >> 56);
  }
  return bytes;
}

// Appends `size` bytes of the test stream.
inline void AppendStream(Log& log, size_t size) {
  log.Append(Stream(log.appended_offset(), size));
}

inline LogOptions TestOptions() {
  LogOptions options;
  options.dir = kDir;
  options.identity.id = kTestLogId;
  options.salt_seed = 7;
  return options;
}

inline std::unique_ptr<Log> OpenLog(base::FileSystem& fs, const LogOptions& options = TestOptions(),
                                    OpenReport* report = nullptr) {
  OpenReport local;
  auto log = Log::Open(fs, options, report != nullptr ? report : &local);
  EXPECT_TRUE(log.ok()) << log.status();
  return log.ok() ? std::move(*log) : nullptr;
}

// Bytes of all files in the log's folder.
inline uint64_t FileBytes(test::MemoryFs& fs) {
  uint64_t bytes = 0;
  const std::vector<std::string> names = fs.List(kDir).value();
  for (const std::string& name : names) {
    bytes += fs.Content(std::string(kDir) + "/" + name).size();
  }
  return bytes;
}

struct ReadBack {
  uint64_t begin = 0;           // offset of the first record
  std::string bytes;            // payloads, joined
  std::vector<size_t> records;  // their sizes
  absl::Status status;          // what ended the reading; kOutOfRange at the log's end
};

// Reads from `offset` to the end; checks that the records are contiguous.
inline ReadBack ReadFrom(Log& log, uint64_t offset) {
  ReadBack result;
  auto reader = log.NewReader(offset);
  if (!reader.ok()) {
    result.status = reader.status();
    return result;
  }
  while (true) {
    auto record = (*reader)->Next();
    if (!record.ok()) {
      result.status = record.status();
      return result;
    }
    if (result.records.empty()) {
      result.begin = record->offset;
    }
    EXPECT_EQ(record->offset, result.begin + result.bytes.size());
    result.bytes.append(record->payload);
    result.records.push_back(record->payload.size());
  }
}

// True when the log holds exactly the test stream from its first offset to `end`.
inline testing::AssertionResult HoldsStream(Log& log, uint64_t end) {
  const ReadBack read = ReadFrom(log, log.first_offset());
  if (!absl::IsOutOfRange(read.status)) {
    return testing::AssertionFailure() << read.status;
  }
  if (log.first_offset() + read.bytes.size() != end) {
    return testing::AssertionFailure()
           << "ends at " << log.first_offset() + read.bytes.size() << " instead of " << end;
  }
  if (read.bytes != Stream(log.first_offset(), read.bytes.size())) {
    return testing::AssertionFailure() << "wrong bytes";
  }
  return testing::AssertionSuccess();
}

}  // namespace cairn::wal
