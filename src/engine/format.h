// Constants of the engine's files. FORMAT.md beside this file describes the bytes.
//
// Constants and pure functions; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <xxhash.h>

#include "engine/engine.h"

namespace cairn::engine::format {

// The store's layout: sub-databases, record checksums, entries of `meta`.
inline constexpr uint32_t kStoreVersion = 2;
inline constexpr std::string_view kKeysName = "keys";
inline constexpr std::string_view kExpiryName = "expiry";
inline constexpr std::string_view kMetaName = "meta";
inline constexpr std::string_view kVersionEntry = "version";
inline constexpr std::string_view kCheckpointEntry = "checkpoint";
inline constexpr std::string_view kApplyingEntry = "applying";

// `checkpoint`: sequence 8, log offset 8, blob, checksum 8.
inline constexpr size_t kCheckpointFixed = 16;
inline constexpr size_t kCheckpointChecksum = 8;

// Each record's value in `keys` and `expiry` ends with its checksum.
inline constexpr size_t kValueChecksum = 4;

inline uint32_t ValueChecksum(Table table, std::string_view key, const void* value, size_t size) {
  const uint64_t seed = XXH3_64bits(key.data(), key.size()) + static_cast<uint64_t>(table);
  return static_cast<uint32_t>(XXH3_64bits_withSeed(value, size, seed));
}

// The run file.
inline constexpr uint32_t kRunVersion = 1;
inline constexpr std::string_view kRunMagic = "CAIRNRUN";
inline constexpr std::string_view kRunSuffix = ".run";
inline constexpr std::string_view kRunTemporarySuffix = ".run.tmp";
// Header: magic 8, version 4, zero 4, sequence 8, log offset 8, checksum 8.
inline constexpr size_t kRunHeader = 40;
inline constexpr size_t kRunHeaderChecked = kRunHeader - 8;
// Block header: tag 4, payload size 4, records 4, zero 4, checksum 8 (of the 16 bytes before it and
// the payload).
inline constexpr uint32_t kBlockTag = 0x4b4f4c42;   // "BLOK"
inline constexpr uint32_t kFooterTag = 0x544f4f46;  // "FOOT"
inline constexpr size_t kBlockHeader = 24;
inline constexpr size_t kBlockHeaderChecked = kBlockHeader - 8;
// Record header: table 1, deleted 1, key size 2, value size 4.
inline constexpr size_t kRecordHeader = 8;
// Footer payload: total records 8, then the blob.
inline constexpr size_t kFooterFixed = 8;
// Blocks are closed when they reach this size; a larger record has a block of its own.
inline constexpr size_t kBlockTarget = 256U << 10;

static_assert(kRunMagic.size() == 8);
static_assert(kRunHeader == 8 + 4 + 4 + 8 + 8 + 8);
static_assert(kBlockHeader == 4 * 4 + 8);
static_assert(kRecordHeader == 1 + 1 + 2 + 4);
static_assert(kMaxEngineKey <= UINT16_MAX);

}  // namespace cairn::engine::format
