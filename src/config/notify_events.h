// The event classes of `notify-keyspace-events`: bits in memory, letters in the configuration.
//
// Pure functions; thread-safe. Letters and their order as
// redis.io/docs/manual/keyspace-notifications gives them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::config {

enum NotifyEvent : uint32_t {
  kNotifyKeyspace = 1u << 0,  // K: published to __keyspace@<db>__:<key>
  kNotifyKeyevent = 1u << 1,  // E: published to __keyevent@<db>__:<event>
  kNotifyGeneric = 1u << 2,   // g
  kNotifyString = 1u << 3,    // $
  kNotifyList = 1u << 4,      // l
  kNotifySet = 1u << 5,       // s
  kNotifyHash = 1u << 6,      // h
  kNotifyZset = 1u << 7,      // z
  kNotifyExpired = 1u << 8,   // x
  kNotifyEvicted = 1u << 9,   // e
  kNotifyStream = 1u << 10,   // t
  kNotifyModule = 1u << 11,   // d
  kNotifyKeyMiss = 1u << 12,  // m, not in A
  kNotifyNew = 1u << 13,      // n, not in A
  kNotifyAll = kNotifyGeneric | kNotifyString | kNotifyList | kNotifySet | kNotifyHash |
               kNotifyZset | kNotifyExpired | kNotifyEvicted | kNotifyStream | kNotifyModule,  // A
};

// NotifyEvent bits for `letters` ("" = none); nullopt when a letter is no event class.
std::optional<uint32_t> ParseNotifyEvents(std::string_view letters);

// The letters in Redis' order: "A" or the classes, then n, K, E, m. Unlike Redis 7.0, which drops
// it, `n` is shown beside `A`, so that nothing is lost when the configuration is rewritten.
std::string FormatNotifyEvents(uint32_t events);

}  // namespace cairn::config
