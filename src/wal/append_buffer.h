// Payload on its way to the disk, kept in memory as the very bytes of its records until they are
// lasting.
//
// The buffer is a row of chunks. The last one takes what is appended, behind room for the header of
// the record being built; a chunk's closed records are written to the file as they lie there. They
// stay in memory after that until a sync has made them lasting, because after a failed sync the
// kernel may have dropped them and only we still have them.
//
//   chunk:  [ written, perhaps lasting | closed, to be written | open record: header room, payload
//   ) free ]
//           0                          written                 closed cursor
//
// Thread: the loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "wal/format.h"

namespace cairn::wal {

// A record whose payload has grown past this is closed.
inline constexpr size_t kRecordSplit = size_t{1} << 20;

// What a record's header says apart from its place in the stream.
struct Stamp {
  uint32_t salt = 0;
  uint64_t synced_offset = 0;
  int64_t time_ms = 0;
};

class AppendBuffer {
 public:
  // `offset`: stream offset of the first byte that will be appended.
  explicit AppendBuffer(uint64_t offset) : appended_(offset) {}
  AppendBuffer(const AppendBuffer&) = delete;
  AppendBuffer& operator=(const AppendBuffer&) = delete;

  // Adds payload to the open record; returns the stream offset after it.
  uint64_t Append(std::string_view payload) {
    // An empty payload wraps around and takes the slow way, so that memcpy never sees a null
    // pointer.
    if (payload.size() - 1 >= room_) {
      return AppendSlow(payload);
    }
    std::memcpy(cursor_, payload.data(), payload.size());
    cursor_ += payload.size();
    room_ -= payload.size();
    appended_ += payload.size();
    return appended_;
  }

  [[nodiscard]] uint64_t appended() const { return appended_; }

  // Ends the open record; nothing when it has no payload.
  void CloseRecord();

  // Closed records that are contiguous in memory and not written yet.
  struct Batch {
    std::string_view bytes;   // record headers and payloads; empty when nothing is left to write
    uint64_t end_offset = 0;  // stream offset after them
  };
  // The oldest batch, with its headers completed by `stamp`. It stays the oldest one until Wrote()
  // is called. The bytes stay where they are until Release().
  Batch NextBatch(const Stamp& stamp);
  // The batch of the last NextBatch is in the file.
  void Wrote();

  // Closed records from `offset` on (a record's start), written or not, their headers completed
  // anew: a record keeps the time at which it was written first. `offset` must not lie before what
  // was Released.
  std::vector<std::string_view> Restamp(uint64_t offset, const Stamp& stamp);
  // All closed records are in the file.
  void WroteAll();

  // Everything before `synced` is lasting: memory that held nothing else is reused or given back.
  void Release(uint64_t synced);

  // Memory held, bytes.
  [[nodiscard]] size_t memory() const;

 private:
  struct Chunk {
    std::unique_ptr<char[]> data;
    size_t capacity = 0;
    size_t closed = 0;        // bytes of closed records
    size_t written = 0;       // of these, bytes that are in the file
    uint64_t end_offset = 0;  // stream offset after the last closed record
  };

  uint64_t AppendSlow(std::string_view payload);
  // Makes the open record's chunk one that has room for `payload_size` payload bytes in it.
  void MakeRoom(size_t payload_size);
  Chunk NewChunk(size_t capacity);
  void Recycle(Chunk chunk);
  // Points cursor_ and room_ at the chunk in back, behind header room; no room when the chunk is
  // full.
  void OpenRecord();
  // Payload bytes of the open record.
  [[nodiscard]] size_t open_payload() const;

  uint64_t appended_;
  char* cursor_ = nullptr;  // where the next payload byte goes
  size_t room_ = 0;         // bytes free behind it
  std::deque<Chunk> chunks_;
  size_t next_unwritten_ =
      0;  // the first of chunks_ that may have closed bytes which are not written
  std::vector<Chunk> spare_;  // empty chunks of the usual size
};

}  // namespace cairn::wal
