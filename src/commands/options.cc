#include "commands/options.h"

#include <limits>

#include "base/numbers.h"
#include "resp/errors.h"

namespace cairn::commands {

std::optional<int64_t> ResolveExpiry(const ExpiryOption& option, std::string_view command,
                                     int64_t now_ms, std::string* error) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const auto parsed = base::ParseInt64(option.text);
  if (!parsed.has_value()) {
    error->assign(resp::errors::kNotInteger);
    return std::nullopt;
  }
  int64_t time_ms = *parsed;
  const int64_t unit_ms = option.unit == TimeUnit::kSeconds ? 1000 : 1;
  const int64_t base_ms = option.base == TimeBase::kRelative ? now_ms : 0;
  if (time_ms <= 0 || time_ms > kMax / unit_ms || time_ms * unit_ms > kMax - base_ms) {
    *error = resp::errors::InvalidExpire(command);
    return std::nullopt;
  }
  return time_ms * unit_ms + base_ms;
}

void TakeExpiry(exec::Args& args, std::optional<ExpiryOption>* expiry) {
  struct Word {
    std::string_view name;
    TimeUnit unit;
    TimeBase base;
  };
  static constexpr Word kWords[] = {
      {"EX", TimeUnit::kSeconds, TimeBase::kRelative},
      {"PX", TimeUnit::kMilliseconds, TimeBase::kRelative},
      {"EXAT", TimeUnit::kSeconds, TimeBase::kAbsolute},
      {"PXAT", TimeUnit::kMilliseconds, TimeBase::kAbsolute},
  };
  for (const Word& word : kWords) {
    if (!args.TakeWith(word.name, 1)) continue;
    const ExpiryOption option{.text = args.Next(), .unit = word.unit, .base = word.base};
    if (expiry->has_value() && !(*expiry)->SameKind(option)) args.Syntax();
    *expiry = option;
    return;
  }
  args.Syntax();
}

}  // namespace cairn::commands
