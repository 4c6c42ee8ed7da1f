// Reads records out of one segment file and judges them.
//
// Not thread-safe; keeps its own descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "wal/format.h"

namespace cairn::wal {

class RecordFile {
 public:
  // `salt`: what the segment's header says; without it, records of any salt are taken.
  RecordFile(std::unique_ptr<base::File> file, std::optional<uint32_t> salt)
      : file_(std::move(file)), salt_(salt) {}

  enum class Result : uint8_t {
    kRecord,  // header() and payload() are those of a whole record
    kEnd,     // `position` is the end of the file
    kBad,     // problem() says why there is no record here
  };
  // Reads the record that begins at `position` of a file of which the first `limit` bytes count. A
  // status other than Ok is an error of the file system. The payload stays valid until the next
  // call.
  absl::StatusOr<Result> Read(uint64_t position, uint64_t limit);

  [[nodiscard]] const RecordHeader& header() const { return header_; }
  [[nodiscard]] std::string_view payload() const { return payload_; }
  [[nodiscard]] uint64_t record_size() const { return kRecordHeaderSize + header_.length; }
  [[nodiscard]] std::string_view problem() const { return problem_; }
  // Bytes of buffer held.
  [[nodiscard]] size_t memory() const { return capacity_; }

  // The bytes at `position`: at least `want` of them unless `limit` or the file ends before. Valid
  // until the next call.
  absl::StatusOr<std::string_view> Peek(uint64_t position, uint64_t want, uint64_t limit);

 private:
  // Sets problem_ and returns kBad.
  Result Bad(std::string_view problem);

  std::unique_ptr<base::File> file_;
  std::optional<uint32_t> salt_;
  RecordHeader header_;
  std::string_view payload_;
  std::string_view problem_;
  // Read ahead: `buffered_` bytes of the file from `buffer_position_` on.
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t buffered_ = 0;
  uint64_t buffer_position_ = 0;
};

}  // namespace cairn::wal
