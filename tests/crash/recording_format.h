// What the recorder (recorder.cc, inside the server's process) writes and recording.h reads: one
// event for each call that changed something below the watched folder, or that sent bytes to a
// client.
//
// An event carries two stamps of one counter, taken before the call and after it. So "A had ended
// before B began" can be told exactly across threads, and nothing else is claimed. Events lie in
// the file in any order. Native byte order: writer and reader are of one build.
//
// Plain data; no thread, no lifetime.
#pragma once

#include <cstdint>

namespace cairn::crash {

enum class EventKind : uint32_t {
  kOpen = 1,    // `handle` from now on is the file or folder `path`; `flags` = open(2)'s
  kWrite,       // `data` at `offset` of `handle`
  kSync,        // fsync, fdatasync, or a ranged sync that is not counted (kSyncRange)
  kSyncRange,   // sync_file_range, msync: promises nothing about a power cut
  kTruncate,    // to `offset` bytes
  kAllocate,    // at least `offset` bytes from now on
  kRename,      // `path` to `path2`
  kUnlink,      // `path`
  kMkdir,       // `path`
  kRmdir,       // `path`
  kMapShared,   // `handle` was mapped shared and writable: its changes are not seen
  kAccept,      // `handle` from now on is a client's connection
  kSend,        // `offset` bytes went to the client
  kUnsupported  // a call that the recorder does not follow; `path` says which
};

struct EventHeader {
  EventKind kind{};
  uint32_t handle = 0;
  uint64_t begin = 0;   // stamp taken before the call
  uint64_t end = 0;     // and after it; always greater
  int64_t wall_us = 0;  // Unix time after the call, microseconds
  uint64_t offset = 0;
  uint32_t flags = 0;
  uint32_t path_size = 0;   // then come `path_size` bytes, `path2_size` bytes, `data_size` bytes;
  uint32_t path2_size = 0;  // paths are relative to the watched folder, which itself is ""
  uint32_t reserved = 0;
  uint64_t data_size = 0;
};

// How the recorder is told what to do: environment variables of the server's process.
inline constexpr char kEnvRoot[] = "CAIRN_RECORD_ROOT";    // the watched folder, absolute
inline constexpr char kEnvOutput[] = "CAIRN_RECORD_FILE";  // events are appended to it
// The first stamp to use (default 1).
inline constexpr char kEnvFirstStamp[] = "CAIRN_RECORD_FIRST_STAMP";
// The process is killed when this stamp comes: between two calls, with none under way (0: never).
inline constexpr char kEnvKillAt[] = "CAIRN_RECORD_KILL_AT";
// Syncs take up to so many microseconds longer than the disk takes, by chance (default 0).
inline constexpr char kEnvSyncDelayUs[] = "CAIRN_RECORD_SYNC_DELAY_US";

}  // namespace cairn::crash
