// EXPIRE and its relatives: setting, reading and removing the time at which a key goes.
#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/numbers.h"
#include "commands/families.h"
#include "commands/options.h"
#include "exec/args.h"
#include "exec/context.h"
#include "resp/errors.h"

namespace cairn::commands {
namespace {

using exec::Args;
using exec::Context;
using exec::Effect;
using keyspace::kNoExpiry;
using keyspace::Slot;
using keyspace::Value;

struct Condition {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;

  // Whether an expiry may be changed from `current` to `wanted`. No expiry counts as one that never
  // comes.
  [[nodiscard]] bool Admits(int64_t current, int64_t wanted) const {
    const bool has = current != kNoExpiry;
    if (nx && has) return false;
    if (xx && !has) return false;
    if (gt && (!has || wanted <= current)) return false;
    return !(lt && has && wanted >= current);
  }
};

Condition ParseCondition(Args& args) {
  Condition condition;
  while (args.More()) {
    if (args.Take("NX")) {
      condition.nx = true;
    } else if (args.Take("XX")) {
      condition.xx = true;
    } else if (args.Take("GT")) {
      condition.gt = true;
    } else if (args.Take("LT")) {
      condition.lt = true;
    } else {
      args.Error(fmt::format("ERR Unsupported option {}", resp::errors::Printed(args.Next())));
    }
  }
  if (condition.nx && (condition.xx || condition.gt || condition.lt)) {
    args.Error("ERR NX and XX, GT or LT options at the same time are not compatible");
  } else if (condition.gt && condition.lt) {
    args.Error("ERR GT and LT options at the same time are not compatible");
  }
  return condition;
}

// The four setters: they differ in the unit of their number and in what it counts from.
Effect SetExpiry(Context& ctx, TimeUnit unit, TimeBase base) {
  Args options(ctx.argv, 3);
  const Condition condition = ParseCondition(options);
  if (!options.ok()) return options.Reply(ctx);
  Args args(ctx.argv, 2);
  const int64_t number = args.Int();
  if (!args.ok()) return args.Reply(ctx);
  const int64_t unit_ms = unit == TimeUnit::kSeconds ? 1000 : 1;
  const int64_t base_ms = base == TimeBase::kRelative ? ctx.now_ms() : 0;
  int64_t when_ms = 0;
  if (__builtin_mul_overflow(number, unit_ms, &when_ms) ||
      __builtin_add_overflow(when_ms, base_ms, &when_ms)) {
    return ctx.Fail(resp::errors::InvalidExpire(ctx.row.name));
  }
  const std::string_view key = ctx.argv[1];
  Slot& slot = ctx.WriteKey(key);
  if (!slot.exists() || !condition.Admits(slot.value().expire_ms, when_ms)) {
    ctx.reply.Integer(0);
    return Effect::kNone;
  }
  ctx.reply.Integer(1);
  // A time that has passed deletes at once. In the stream nothing is judged by the clock: there it
  // is a DEL already, and what stands there as an expiry was in the future when it was written.
  if (when_ms <= ctx.now_ms() && !ctx.caller.applies_stream()) {
    ctx.txn.Delete(slot);
    ctx.effects.Add(ctx.db(), {"DEL", key});
  } else {
    ctx.txn.SetExpiry(slot, when_ms);
    ctx.effects.Add(ctx.db(), {"PEXPIREAT", key, base::IntegerText(when_ms).view()});
  }
  return Effect::kWritten;
}

template <TimeUnit kUnit, TimeBase kBase>
Effect SetExpiryIn(Context& ctx) {
  return SetExpiry(ctx, kUnit, kBase);
}

// The four getters: -2 without a key, -1 without an expiry; seconds are rounded to the nearest.
Effect GetExpiry(Context& ctx, TimeUnit unit, TimeBase base) {
  const Value value = ctx.PeekKey(ctx.argv[1]);
  if (!value.exists() || value.expire_ms == kNoExpiry) {
    ctx.reply.Integer(value.exists() ? -1 : -2);
    return Effect::kNone;
  }
  int64_t time_ms = value.expire_ms;
  if (base == TimeBase::kRelative) time_ms = std::max<int64_t>(0, time_ms - ctx.now_ms());
  ctx.reply.Integer(unit == TimeUnit::kSeconds ? time_ms / 1000 + (time_ms % 1000 >= 500 ? 1 : 0)
                                               : time_ms);
  return Effect::kNone;
}

template <TimeUnit kUnit, TimeBase kBase>
Effect GetExpiryIn(Context& ctx) {
  return GetExpiry(ctx, kUnit, kBase);
}

Effect Persist(Context& ctx) {
  Slot& slot = ctx.WriteKey(ctx.argv[1]);
  const bool had_expiry = slot.exists() && slot.value().expire_ms != kNoExpiry;
  ctx.reply.Integer(had_expiry ? 1 : 0);
  if (!had_expiry) return Effect::kNone;
  ctx.txn.SetExpiry(slot, kNoExpiry);
  return Effect::kVerbatim;
}

constexpr uint32_t kSetFlags = exec::kWrite | exec::kFast;
constexpr uint32_t kGetFlags = exec::kReadonly | exec::kFast;
constexpr exec::Keys kUpdated = {1, 1, 1, "RW update"};
constexpr exec::Keys kRead = {1, 1, 1, "RO access"};
constexpr uint32_t kKeyspace = exec::kCatKeyspace;

constexpr exec::CommandRow kRows[] = {
    {.name = "expire",
     .arity = -3,
     .flags = kSetFlags,
     .keys = kUpdated,
     .handler = SetExpiryIn<TimeUnit::kSeconds, TimeBase::kRelative>,
     .categories = kKeyspace,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Sets a key's time to live in seconds",
     .history = "7.0.0 NX, XX, GT and LT",
     .syntax = "key seconds condition:[NX | XX | GT | LT]",
     .examples = "SET a 1\nEXPIRE a 1000\nEXPIRE a 2000 GT\nSET b 1\nEXPIRE b -1"},
    {.name = "pexpire",
     .arity = -3,
     .flags = kSetFlags,
     .keys = kUpdated,
     .handler = SetExpiryIn<TimeUnit::kMilliseconds, TimeBase::kRelative>,
     .categories = kKeyspace,
     .group = "generic",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Sets a key's time to live in milliseconds",
     .history = "7.0.0 NX, XX, GT and LT",
     .syntax = "key milliseconds condition:[NX | XX | GT | LT]",
     .examples = "SET a 1\nPEXPIRE a 1000000 NX"},
    {.name = "expireat",
     .arity = -3,
     .flags = kSetFlags,
     .keys = kUpdated,
     .handler = SetExpiryIn<TimeUnit::kSeconds, TimeBase::kAbsolute>,
     .categories = kKeyspace,
     .group = "generic",
     .since = "1.2.0",
     .complexity = "O(1)",
     .summary = "Sets a key's expiry as a Unix time in seconds",
     .history = "7.0.0 NX, XX, GT and LT",
     .syntax = "key unix-time-seconds condition:[NX | XX | GT | LT]",
     .examples = "SET a 1\nEXPIREAT a 99999999999"},
    {.name = "pexpireat",
     .arity = -3,
     .flags = kSetFlags,
     .keys = kUpdated,
     .handler = SetExpiryIn<TimeUnit::kMilliseconds, TimeBase::kAbsolute>,
     .categories = kKeyspace,
     .group = "generic",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Sets a key's expiry as a Unix time in milliseconds",
     .history = "7.0.0 NX, XX, GT and LT",
     .syntax = "key unix-time-milliseconds condition:[NX | XX | GT | LT]",
     .examples = "SET a 1\nPEXPIREAT a 99999999999999"},
    {.name = "ttl",
     .arity = 2,
     .flags = kGetFlags,
     .keys = kRead,
     .handler = GetExpiryIn<TimeUnit::kSeconds, TimeBase::kRelative>,
     .categories = kKeyspace,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns a key's remaining time to live in seconds",
     .history = "2.8.0 the reply -2",
     .syntax = "key",
     .tips = "nondeterministic_output",
     .examples = "SET a 1 EX 1000\nTTL a"},
    {.name = "pttl",
     .arity = 2,
     .flags = kGetFlags,
     .keys = kRead,
     .handler = GetExpiryIn<TimeUnit::kMilliseconds, TimeBase::kRelative>,
     .categories = kKeyspace,
     .group = "generic",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Returns a key's remaining time to live in milliseconds",
     .history = "2.8.0 the reply -2",
     .syntax = "key",
     .tips = "nondeterministic_output",
     .examples = "SET a 1 EX 1000\nPTTL a"},
    {.name = "expiretime",
     .arity = 2,
     .flags = kGetFlags,
     .keys = kRead,
     .handler = GetExpiryIn<TimeUnit::kSeconds, TimeBase::kAbsolute>,
     .categories = kKeyspace,
     .group = "generic",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Returns a key's expiry as a Unix time in seconds",
     .syntax = "key",
     .examples = "SET a 1 EXAT 99999999999\nEXPIRETIME a"},
    {.name = "pexpiretime",
     .arity = 2,
     .flags = kGetFlags,
     .keys = kRead,
     .handler = GetExpiryIn<TimeUnit::kMilliseconds, TimeBase::kAbsolute>,
     .categories = kKeyspace,
     .group = "generic",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Returns a key's expiry as a Unix time in milliseconds",
     .syntax = "key",
     .examples = "SET a 1 EXAT 99999999999\nPEXPIRETIME a"},
    {.name = "persist",
     .arity = 2,
     .flags = kSetFlags,
     .keys = kUpdated,
     .handler = Persist,
     .categories = kKeyspace,
     .group = "generic",
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Removes a key's expiry",
     .syntax = "key",
     .examples = "SET a 1 EX 1000\nPERSIST a\nPERSIST a"},
};

}  // namespace

exec::RowTable ExpiryCommands() {
  return kRows;
}

}  // namespace cairn::commands
