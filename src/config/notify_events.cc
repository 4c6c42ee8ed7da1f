#include "config/notify_events.h"

namespace cairn::config {
namespace {

struct Letter {
  char letter;
  uint32_t bits;
};

// In the order in which they are printed; A comes first and stands for its members.
constexpr Letter kLetters[] = {
    {'A', kNotifyAll},      {'g', kNotifyGeneric},  {'$', kNotifyString},  {'l', kNotifyList},
    {'s', kNotifySet},      {'h', kNotifyHash},     {'z', kNotifyZset},    {'x', kNotifyExpired},
    {'e', kNotifyEvicted},  {'t', kNotifyStream},   {'d', kNotifyModule},  {'n', kNotifyNew},
    {'K', kNotifyKeyspace}, {'E', kNotifyKeyevent}, {'m', kNotifyKeyMiss},
};

}  // namespace

std::optional<uint32_t> ParseNotifyEvents(std::string_view letters) {
  uint32_t events = 0;
  for (char c : letters) {
    uint32_t bits = 0;
    for (const Letter& known : kLetters) {
      if (known.letter == c) bits = known.bits;
    }
    if (bits == 0) return std::nullopt;
    events |= bits;
  }
  return events;
}

std::string FormatNotifyEvents(uint32_t events) {
  std::string out;
  uint32_t left = events;
  for (const Letter& known : kLetters) {
    if ((left & known.bits) != known.bits) continue;
    out += known.letter;
    left &= ~known.bits;
  }
  return out;
}

}  // namespace cairn::config
