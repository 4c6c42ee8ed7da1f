#include "wal/segment.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace cairn::wal {
namespace {

constexpr std::string_view kSuffix = ".log";
constexpr size_t kDigits = 20;

}  // namespace

std::string SegmentPath(const std::string& dir, uint64_t first_offset) {
  return fmt::format("{}/{:020}{}", dir, first_offset, kSuffix);
}

std::optional<uint64_t> ParseSegmentName(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || name.substr(kDigits) != kSuffix) {
    return std::nullopt;
  }
  uint64_t offset = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, offset);
  if (error != std::errc() || end != name.data() + kDigits) {
    return std::nullopt;
  }
  return offset;
}

absl::StatusOr<std::shared_ptr<base::File>> CreateSegment(
    base::FileSystem& fs, const std::string& path, const SegmentHeader& header,
    std::span<const std::string_view> records) {
  auto file = fs.Open(path, base::FileSystem::Mode::kCreate);
  if (!file.ok()) {
    return file.status();
  }
  std::array<char, kSegmentHeaderSize> bytes;
  EncodeSegmentHeader(header, bytes.data());
  std::vector<std::string_view> parts = {{bytes.data(), bytes.size()}};
  parts.insert(parts.end(), records.begin(), records.end());
  if (absl::Status status = (*file)->WriteAt(0, parts); !status.ok()) {
    fs.Remove(path).IgnoreError();
    return status;
  }
  return std::shared_ptr<base::File>(std::move(*file));
}

absl::Status Damage(std::string_view path, uint64_t position, uint64_t offset,
                    std::string_view problem) {
  const std::string last_resort =
      position < kSegmentHeaderSize
          ? std::string("move this file and all later ones out of the folder")
          : fmt::format("cut the file to {} bytes and move all later ones out of the folder",
                        position);
  return absl::DataLossError(fmt::format(
      "log segment `{}` is damaged at byte {} (stream offset {}): {}. Restore the file from a "
      "copy, or "
      "rebuild this server from another one. To give up everything from this place on, {}.",
      path, position, offset, problem, last_resort));
}

void SegmentInfo::AddToIndex(IndexPoint point) {
  const uint64_t last = index.empty() ? 0 : index.back().position;
  if (point.position >= last + kIndexStep) {
    index.push_back(point);
  }
}

IndexPoint SegmentInfo::Nearest(uint64_t offset) const {
  const auto after = std::upper_bound(
      index.begin(), index.end(), offset,
      [](uint64_t value, const IndexPoint& point) { return value < point.offset; });
  return after == index.begin() ? IndexPoint{first_offset, kSegmentHeaderSize} : *std::prev(after);
}

const SegmentInfo* SegmentTable::Find(uint64_t offset) const {
  const auto after = segments_.upper_bound(offset);
  return after == segments_.begin() ? nullptr : &std::prev(after)->second;
}

uint64_t SegmentTable::EndOf(const SegmentInfo& segment) const {
  const auto after = segments_.upper_bound(segment.first_offset);
  return after == segments_.end() ? written_offset_ : after->first;
}

void SegmentTable::Add(SegmentInfo segment, uint64_t end_offset) {
  disk_bytes_ += segment.bytes;
  written_offset_ = end_offset;
  segments_.emplace(segment.first_offset, std::move(segment));
}

void SegmentTable::Extend(uint64_t bytes, uint64_t end_offset) {
  SegmentInfo& segment = segments_.rbegin()->second;
  segment.AddToIndex({written_offset_, segment.bytes});
  segment.bytes += bytes;
  disk_bytes_ += bytes;
  written_offset_ = end_offset;
}

void SegmentTable::ReplaceFrom(SegmentInfo segment, uint64_t end_offset) {
  for (auto it = segments_.lower_bound(segment.first_offset); it != segments_.end();) {
    disk_bytes_ -= it->second.bytes;
    it = segments_.erase(it);
  }
  Add(std::move(segment), end_offset);
}

std::string SegmentTable::PopFirst() {
  auto first = segments_.extract(segments_.begin());
  disk_bytes_ -= first.mapped().bytes;
  return std::move(first.mapped().path);
}

std::optional<uint64_t> SegmentTable::second_offset() const {
  if (segments_.size() < 2) {
    return std::nullopt;
  }
  return std::next(segments_.begin())->first;
}

}  // namespace cairn::wal
