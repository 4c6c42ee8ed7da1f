// SET, GET and their relatives: whole values.
#include <optional>
#include <string>

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
using keyspace::EncodingHint;
using keyspace::kNoExpiry;
using keyspace::Slot;
using keyspace::Type;
using keyspace::Value;

void ReplyValue(Context& ctx, const Value& value) {
  if (value.exists()) {
    ctx.reply.Bulk(value.payload);
  } else {
    ctx.reply.Null();
  }
}

void PutString(Context& ctx, Slot& slot, std::string_view value, int64_t expire_ms = kNoExpiry) {
  ctx.txn.Put(slot, Type::kString, EncodingHint::kNatural, value, expire_ms);
}

// `SET key value PXAT ms`: how every SET with an expiry goes into the stream.
void StreamSetWithExpiry(Context& ctx, std::string_view key, std::string_view value,
                         int64_t expire_ms) {
  const base::IntegerText time(expire_ms);
  ctx.effects.Add(ctx.db(), {"SET", key, value, "PXAT", time.view()});
}

struct SetOptions {
  bool nx = false;
  bool xx = false;
  bool get = false;
  bool keep_ttl = false;
  std::optional<ExpiryOption> expiry;
};

SetOptions ParseSetOptions(Args& args) {
  SetOptions options;
  while (args.More()) {
    if (!options.xx && args.Take("NX")) {
      options.nx = true;
    } else if (!options.nx && args.Take("XX")) {
      options.xx = true;
    } else if (args.Take("GET")) {
      options.get = true;
    } else if (!options.expiry && args.Take("KEEPTTL")) {
      options.keep_ttl = true;
    } else if (!options.keep_ttl) {
      TakeExpiry(args, &options.expiry);
    } else {
      args.Syntax();
    }
  }
  return options;
}

Effect Set(Context& ctx) {
  Args args(ctx.argv, 3);
  const SetOptions options = ParseSetOptions(args);
  if (!args.ok()) return args.Reply(ctx);
  int64_t expire_ms = kNoExpiry;
  if (options.expiry) {
    std::string error;
    const auto resolved = ResolveExpiry(*options.expiry, "set", ctx.now_ms(), &error);
    if (!resolved) return ctx.Fail(error);
    expire_ms = *resolved;
  }
  const std::string_view key = ctx.argv[1];
  const std::string_view value = ctx.argv[2];
  Slot& slot = ctx.WriteKey(key);
  if (options.get) ReplyValue(ctx, slot.value());
  if ((options.nx && slot.exists()) || (options.xx && !slot.exists())) {
    if (!options.get) ctx.reply.Null();
    return Effect::kNone;
  }
  if (options.keep_ttl) expire_ms = slot.value().expire_ms;
  PutString(ctx, slot, value, expire_ms);
  if (!options.get) ctx.reply.Ok();
  if (!options.expiry) return Effect::kVerbatim;
  StreamSetWithExpiry(ctx, key, value, expire_ms);
  return Effect::kWritten;
}

Effect Get(Context& ctx) {
  ReplyValue(ctx, ctx.ReadKey(ctx.argv[1]));
  return Effect::kNone;
}

Effect GetSet(Context& ctx) {
  Slot& slot = ctx.WriteKey(ctx.argv[1]);
  ReplyValue(ctx, slot.value());
  PutString(ctx, slot, ctx.argv[2]);
  return Effect::kVerbatim;
}

Effect GetDel(Context& ctx) {
  Slot& slot = ctx.WriteKey(ctx.argv[1]);
  ReplyValue(ctx, slot.value());
  if (!slot.exists()) return Effect::kNone;
  ctx.txn.Delete(slot);
  ctx.effects.Add(ctx.db(), {"DEL", ctx.argv[1]});
  return Effect::kWritten;
}

Effect GetEx(Context& ctx) {
  Args args(ctx.argv, 2);
  std::optional<ExpiryOption> expiry;
  bool persist = false;
  while (args.More()) {
    if (!expiry && args.Take("PERSIST")) {
      persist = true;
    } else if (!persist) {
      TakeExpiry(args, &expiry);
    } else {
      args.Syntax();
    }
  }
  if (!args.ok()) return args.Reply(ctx);
  const std::string_view key = ctx.argv[1];
  Slot& slot = ctx.WriteKey(key);
  if (!slot.exists()) {
    ctx.reply.Null();
    return Effect::kNone;
  }
  if (expiry) {
    std::string error;
    const auto expire_ms = ResolveExpiry(*expiry, "getex", ctx.now_ms(), &error);
    if (!expire_ms) return ctx.Fail(error);
    ReplyValue(ctx, slot.value());
    if (expiry->base == TimeBase::kAbsolute && *expire_ms <= ctx.now_ms()) {
      ctx.txn.Delete(slot);
      ctx.effects.Add(ctx.db(), {"DEL", key});
      return Effect::kWritten;
    }
    ctx.txn.SetExpiry(slot, *expire_ms);
    ctx.effects.Add(ctx.db(), {"PEXPIREAT", key, base::IntegerText(*expire_ms).view()});
    return Effect::kWritten;
  }
  ReplyValue(ctx, slot.value());
  if (!persist || slot.value().expire_ms == kNoExpiry) return Effect::kNone;
  ctx.txn.SetExpiry(slot, kNoExpiry);
  ctx.effects.Add(ctx.db(), {"PERSIST", key});
  return Effect::kWritten;
}

Effect SetNx(Context& ctx) {
  Slot& slot = ctx.WriteKey(ctx.argv[1]);
  ctx.reply.Integer(slot.exists() ? 0 : 1);
  if (slot.exists()) return Effect::kNone;
  PutString(ctx, slot, ctx.argv[2]);
  return Effect::kVerbatim;
}

// SETEX and PSETEX.
Effect SetWithExpiry(Context& ctx, TimeUnit unit) {
  const ExpiryOption option{.text = ctx.argv[2], .unit = unit, .base = TimeBase::kRelative};
  std::string error;
  const auto expire_ms = ResolveExpiry(option, ctx.row.name, ctx.now_ms(), &error);
  if (!expire_ms) return ctx.Fail(error);
  PutString(ctx, ctx.WriteKey(ctx.argv[1]), ctx.argv[3], *expire_ms);
  ctx.reply.Ok();
  StreamSetWithExpiry(ctx, ctx.argv[1], ctx.argv[3], *expire_ms);
  return Effect::kWritten;
}
Effect SetEx(Context& ctx) {
  return SetWithExpiry(ctx, TimeUnit::kSeconds);
}
Effect PSetEx(Context& ctx) {
  return SetWithExpiry(ctx, TimeUnit::kMilliseconds);
}

Effect MGet(Context& ctx) {
  ctx.reply.Array(ctx.argv.size() - 1);
  for (size_t i = 1; i < ctx.argv.size(); ++i) ReplyValue(ctx, ctx.ReadKey(ctx.argv[i]));
  return Effect::kNone;
}

// Puts the pairs of MSET and MSETNX. A key that is named twice keeps its last value.
void PutPairs(Context& ctx) {
  for (size_t i = 1; i < ctx.argv.size(); i += 2) {
    PutString(ctx, ctx.WriteKey(ctx.argv[i]), ctx.argv[i + 1]);
  }
}

Effect MSet(Context& ctx) {
  if (ctx.argv.size() % 2 == 0) return ctx.Fail(resp::errors::WrongArity("mset"));
  PutPairs(ctx);
  ctx.reply.Ok();
  return Effect::kVerbatim;
}

Effect MSetNx(Context& ctx) {
  if (ctx.argv.size() % 2 == 0) return ctx.Fail(resp::errors::WrongArity("msetnx"));
  for (size_t i = 1; i < ctx.argv.size(); i += 2) {
    if (ctx.WriteKey(ctx.argv[i]).exists()) {
      ctx.reply.Integer(0);
      return Effect::kNone;
    }
  }
  PutPairs(ctx);
  ctx.reply.Integer(1);
  return Effect::kVerbatim;
}

// SET reads the key only when the old value is asked for.
std::string_view SetKeyFlags(std::span<const std::string_view> argv) {
  for (const std::string_view option : argv.subspan(3)) {
    if (exec::EqualsIgnoreCase(option, "GET")) return "RW access update";
  }
  return "OW update";
}

constexpr uint32_t kWriteFlags = exec::kWrite | exec::kDenyOom;
constexpr uint32_t kString = exec::kCatString;

constexpr exec::CommandRow kRows[] = {
    {.name = "set",
     .arity = -3,
     .flags = kWriteFlags,
     .keys = {1, 1, 1, "RW access update variable_flags",
              "RW and ACCESS due to the optional `GET` argument", SetKeyFlags},
     .handler = Set,
     .categories = kString,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Stores a string under a key, replacing what was there; options tie it to "
                "conditions and set an expiry",
     .history = "2.6.12 EX, PX, NX and XX\n"
                "6.0.0 KEEPTTL\n"
                "6.2.0 GET, EXAT and PXAT\n"
                "7.0.0 NX together with GET",
     .syntax = "key value condition:[NX | XX] [GET] expiration:[EX seconds | PX milliseconds | "
               "EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
     .examples =
         "SET a 1\nSET a 2 NX\nSET b x EX 100\nSET b y KEEPTTL\nSET c z PXAT 99999999999999 GET"},
    {.name = "get",
     .arity = 2,
     .flags = exec::kReadonly | exec::kFast,
     .keys = {1, 1, 1, "RO access"},
     .handler = Get,
     .categories = kString,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the string stored under a key",
     .syntax = "key",
     .examples = "SET a 1\nGET a\nGET b"},
    {.name = "getset",
     .arity = 3,
     .flags = kWriteFlags | exec::kFast,
     .keys = {1, 1, 1, "RW access update"},
     .handler = GetSet,
     .categories = kString,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Stores a string under a key and returns the one that was there before",
     .syntax = "key value",
     .replaced_by = "`SET` with the `!GET` argument",
     .deprecated_since = "6.2.0",
     .examples = "SET a 1 EX 1000\nGETSET a 2\nGETSET b 3"},
    {.name = "getdel",
     .arity = 2,
     .flags = exec::kWrite | exec::kFast,
     .keys = {1, 1, 1, "RW access delete"},
     .handler = GetDel,
     .categories = kString,
     .group = "string",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns the string stored under a key and deletes the key",
     .syntax = "key",
     .examples = "SET a 1\nSET b 1\nGETDEL a"},
    {.name = "getex",
     .arity = -2,
     .flags = exec::kWrite | exec::kFast,
     .keys = {1, 1, 1, "RW access update", "RW and UPDATE because it changes the TTL"},
     .handler = GetEx,
     .categories = kString,
     .group = "string",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns the string stored under a key and sets or removes the key's expiry",
     .syntax = "key expiration:[EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
               "unix-time-milliseconds | PERSIST]",
     .examples =
         "SET a 1\nGETEX a EX 1000\nSET b 1 EX 100\nGETEX b PERSIST\nSET c 1\nGETEX c PXAT 1"},
    {.name = "setnx",
     .arity = 3,
     .flags = kWriteFlags | exec::kFast,
     .keys = {1, 1, 1, "OW insert"},
     .handler = SetNx,
     .categories = kString,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Stores a string under a key that does not exist yet",
     .syntax = "key value",
     .replaced_by = "`SET` with the `NX` argument",
     .deprecated_since = "2.6.12",
     .examples = "SETNX a 1\nSETNX a 2"},
    {.name = "setex",
     .arity = 4,
     .flags = kWriteFlags,
     .keys = {1, 1, 1, "OW update"},
     .handler = SetEx,
     .categories = kString,
     .group = "string",
     .since = "2.0.0",
     .complexity = "O(1)",
     .summary = "Stores a string under a key with an expiry in seconds",
     .syntax = "key seconds value",
     .replaced_by = "`SET` with the `EX` argument",
     .deprecated_since = "2.6.12",
     .examples = "SETEX a 1000 1"},
    {.name = "psetex",
     .arity = 4,
     .flags = kWriteFlags,
     .keys = {1, 1, 1, "OW update"},
     .handler = PSetEx,
     .categories = kString,
     .group = "string",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Stores a string under a key with an expiry in milliseconds",
     .syntax = "key milliseconds value",
     .replaced_by = "`SET` with the `PX` argument",
     .deprecated_since = "2.6.12",
     .examples = "PSETEX a 1000000 1"},
    {.name = "mget",
     .arity = -2,
     .flags = exec::kReadonly | exec::kFast,
     .keys = {1, -1, 1, "RO access"},
     .handler = MGet,
     .categories = kString,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(N), N = the number of keys",
     .summary = "Returns the strings stored under several keys",
     .syntax = "key [key ...]",
     .tips = "request_policy:multi_shard",
     .examples = "MSET a 1 b 2\nMGET a b c"},
    {.name = "mset",
     .arity = -3,
     .flags = kWriteFlags,
     .keys = {1, -1, 2, "OW update"},
     .handler = MSet,
     .categories = kString,
     .group = "string",
     .since = "1.0.1",
     .complexity = "O(N), N = the number of keys",
     .summary = "Stores several strings under several keys, all at once",
     .syntax = "key value [key value ...]",
     .tips = "request_policy:multi_shard response_policy:all_succeeded",
     .examples = "MSET a 1 b 2 a 3"},
    {.name = "msetnx",
     .arity = -3,
     .flags = kWriteFlags,
     .keys = {1, -1, 2, "OW insert"},
     .handler = MSetNx,
     .categories = kString,
     .group = "string",
     .since = "1.0.1",
     .complexity = "O(N), N = the number of keys",
     .summary = "Stores several strings under several keys, unless one of the keys exists",
     .syntax = "key value [key value ...]",
     .tips = "request_policy:multi_shard response_policy:agg_min",
     .examples = "MSETNX a 1 b 2\nMSETNX b 3 c 4"},
};

}  // namespace

exec::RowTable StringCommands() {
  return kRows;
}

}  // namespace cairn::commands
