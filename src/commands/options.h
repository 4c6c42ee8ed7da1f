// Clauses that several commands share: expiry options and their arithmetic.
//
// Pure but for the error text left with the caller. Loop thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exec/args.h"
#include "exec/context.h"

namespace cairn::commands {

enum class TimeUnit : uint8_t { kSeconds, kMilliseconds };
enum class TimeBase : uint8_t { kRelative, kAbsolute };

// An expiry as a client wrote it: EX 10, PXAT 1700000000000.
struct ExpiryOption {
  std::string_view text;
  TimeUnit unit = TimeUnit::kSeconds;
  TimeBase base = TimeBase::kRelative;

  // The same word (EX and EX): a client may repeat it, and the last one counts. Two different ones
  // are a syntax error.
  [[nodiscard]] bool SameKind(const ExpiryOption& other) const {
    return unit == other.unit && base == other.base;
  }
};

// The absolute time in Unix ms. Must be positive and must not overflow: otherwise nullopt, and
// `*error` is Redis' text with `command`'s name. Source: SET, GETEX pages.
std::optional<int64_t> ResolveExpiry(const ExpiryOption& option, std::string_view command,
                                     int64_t now_ms, std::string* error);

// Takes one of EX, PX, EXAT, PXAT with its value into `*expiry`. Anything else, or a second one of
// another kind, is a syntax error.
void TakeExpiry(exec::Args& args, std::optional<ExpiryOption>* expiry);

}  // namespace cairn::commands
