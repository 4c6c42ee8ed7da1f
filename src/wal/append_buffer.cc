#include "wal/append_buffer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace cairn::wal {
namespace {

// The usual chunk holds one record that is just not split.
constexpr size_t kChunkSize = kRecordHeaderSize + kRecordSplit;
// Empty chunks kept for reuse; what is above is given back to the allocator.
constexpr size_t kSpareChunks = 4;

// Completes the header of the record at `record`, whose length and offset are set.
size_t CompleteRecord(char* record, const Stamp& stamp) {
  RecordHeader header = DecodeRecordHeader(record);
  header.salt = stamp.salt;
  header.synced_offset = stamp.synced_offset;
  header.time_ms = stamp.time_ms;
  header.type = RecordType::kData;
  EncodeRecordHeader(header, record);
  return kRecordHeaderSize + header.length;
}

}  // namespace

size_t AppendBuffer::open_payload() const {
  if (cursor_ == nullptr) {
    return 0;
  }
  const Chunk& chunk = chunks_.back();
  return static_cast<size_t>(cursor_ - chunk.data.get()) - chunk.closed - kRecordHeaderSize;
}

void AppendBuffer::OpenRecord() {
  const Chunk& chunk = chunks_.back();
  const size_t used = chunk.closed + kRecordHeaderSize;
  cursor_ = used < chunk.capacity ? chunk.data.get() + used : nullptr;
  room_ = used < chunk.capacity ? chunk.capacity - used : 0;
}

AppendBuffer::Chunk AppendBuffer::NewChunk(size_t capacity) {
  if (capacity <= kChunkSize && !spare_.empty()) {
    Chunk chunk = std::move(spare_.back());
    spare_.pop_back();
    return chunk;
  }
  Chunk chunk;
  chunk.capacity = std::max(capacity, kChunkSize);
  chunk.data = std::make_unique_for_overwrite<char[]>(chunk.capacity);
  return chunk;
}

void AppendBuffer::Recycle(Chunk chunk) {
  if (chunk.capacity == kChunkSize && spare_.size() < kSpareChunks) {
    chunk.closed = 0;
    chunk.written = 0;
    spare_.push_back(std::move(chunk));
  }
}

void AppendBuffer::MakeRoom(size_t payload_size) {
  const size_t kept = open_payload();
  Chunk chunk = NewChunk(kRecordHeaderSize + payload_size);
  if (kept > 0) {
    std::memcpy(chunk.data.get() + kRecordHeaderSize, cursor_ - kept, kept);
  }
  if (!chunks_.empty() && chunks_.back().closed == 0) {
    Recycle(std::exchange(chunks_.back(), std::move(chunk)));
  } else {
    chunks_.push_back(std::move(chunk));
  }
  OpenRecord();
  cursor_ += kept;
  room_ -= kept;
}

uint64_t AppendBuffer::AppendSlow(std::string_view payload) {
  if (payload.empty()) {
    return appended_;
  }
  CAIRN_CHECK(payload.size() <= kMaxPayload - kRecordSplit);
  if (payload.size() > room_) {
    MakeRoom(open_payload() + payload.size());
  }
  std::memcpy(cursor_, payload.data(), payload.size());
  cursor_ += payload.size();
  room_ -= payload.size();
  appended_ += payload.size();
  if (open_payload() > kRecordSplit) {
    CloseRecord();
  }
  return appended_;
}

void AppendBuffer::CloseRecord() {
  const size_t payload = open_payload();
  if (payload == 0) {
    return;
  }
  Chunk& chunk = chunks_.back();
  EncodeRecordPlace(static_cast<uint32_t>(payload), appended_ - payload,
                    chunk.data.get() + chunk.closed);
  chunk.closed += kRecordHeaderSize + payload;
  chunk.end_offset = appended_;
  OpenRecord();
}

AppendBuffer::Batch AppendBuffer::NextBatch(const Stamp& stamp) {
  while (next_unwritten_ < chunks_.size()) {
    Chunk& chunk = chunks_[next_unwritten_];
    if (chunk.written < chunk.closed) {
      for (size_t at = chunk.written; at < chunk.closed;) {
        at += CompleteRecord(chunk.data.get() + at, stamp);
      }
      return {{chunk.data.get() + chunk.written, chunk.closed - chunk.written}, chunk.end_offset};
    }
    if (next_unwritten_ + 1 == chunks_.size()) {
      break;
    }
    ++next_unwritten_;
  }
  return {};
}

void AppendBuffer::Wrote() {
  Chunk& chunk = chunks_[next_unwritten_];
  chunk.written = chunk.closed;
}

std::vector<std::string_view> AppendBuffer::Restamp(uint64_t offset, const Stamp& stamp) {
  std::vector<std::string_view> parts;
  for (Chunk& chunk : chunks_) {
    size_t begin = 0;
    for (size_t at = 0; at < chunk.closed;) {
      char* record = chunk.data.get() + at;
      const RecordHeader header = DecodeRecordHeader(record);
      Stamp own = stamp;
      if (at < chunk.written) {
        own.time_ms = header.time_ms;
      }
      at += CompleteRecord(record, own);
      if (header.offset < offset) {
        begin = at;
      }
    }
    if (begin < chunk.closed) {
      parts.emplace_back(chunk.data.get() + begin, chunk.closed - begin);
    }
  }
  return parts;
}

void AppendBuffer::WroteAll() {
  for (Chunk& chunk : chunks_) {
    chunk.written = chunk.closed;
  }
}

void AppendBuffer::Release(uint64_t synced) {
  while (chunks_.size() > 1) {
    Chunk& front = chunks_.front();
    if (front.written < front.closed || front.end_offset > synced) {
      return;
    }
    Recycle(std::move(front));
    chunks_.pop_front();
    next_unwritten_ -= next_unwritten_ > 0 ? 1 : 0;
  }
  if (chunks_.empty() || open_payload() > 0) {
    return;
  }
  Chunk& last = chunks_.front();
  if (last.closed == 0 || last.written < last.closed || last.end_offset > synced) {
    return;
  }
  if (last.capacity == kChunkSize) {
    last.closed = 0;
    last.written = 0;
    OpenRecord();
  } else {
    chunks_.clear();
    cursor_ = nullptr;
    room_ = 0;
  }
  next_unwritten_ = 0;
}

size_t AppendBuffer::memory() const {
  size_t total = 0;
  for (const Chunk& chunk : chunks_) {
    total += chunk.capacity;
  }
  for (const Chunk& chunk : spare_) {
    total += chunk.capacity;
  }
  return total;
}

}  // namespace cairn::wal
