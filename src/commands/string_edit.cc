// Commands that change a part of a value or count with it: APPEND, SETRANGE, INCR; and those that
// read a part.
#include <limits>
#include <string>

#include "base/numbers.h"
#include "base/status.h"
#include "commands/families.h"
#include "exec/args.h"
#include "exec/context.h"
#include "resp/errors.h"
#include "types/lcs.h"
#include "types/string_value.h"

namespace cairn::commands {
namespace {

using exec::Args;
using exec::Context;
using exec::Effect;
using keyspace::EncodingHint;
using keyspace::Slot;
using keyspace::Type;

// What was accepted once is in the stream and must be accepted again, whatever the limit is by now.
bool FitsString(const Context& ctx, uint64_t size) {
  return size <= ctx.env.max_string_bytes || ctx.caller.applies_stream();
}

Effect Append(Context& ctx) {
  Slot& slot = ctx.WriteKey(ctx.argv[1]);
  const std::string_view old = slot.value().payload;
  const std::string_view suffix = ctx.argv[2];
  if (!slot.exists()) {
    ctx.txn.Put(slot, Type::kString, EncodingHint::kNatural, suffix, keyspace::kNoExpiry);
    ctx.reply.Integer(static_cast<int64_t>(suffix.size()));
    return Effect::kVerbatim;
  }
  if (!FitsString(ctx, old.size() + suffix.size())) return ctx.Fail(resp::errors::kStringTooLong);
  std::string joined;
  joined.reserve(old.size() + suffix.size());
  joined.append(old).append(suffix);
  ctx.reply.Integer(static_cast<int64_t>(joined.size()));
  ctx.txn.Put(slot, Type::kString, EncodingHint::kRaw, ctx.txn.Own(std::move(joined)),
              slot.value().expire_ms);
  return Effect::kVerbatim;
}

Effect StrLen(Context& ctx) {
  ctx.reply.Integer(static_cast<int64_t>(ctx.ReadKey(ctx.argv[1]).payload.size()));
  return Effect::kNone;
}

Effect SetRange(Context& ctx) {
  Args args(ctx.argv, 2);
  const int64_t offset = args.Int();
  if (!args.ok()) return args.Reply(ctx);
  if (offset < 0) return ctx.Fail(resp::errors::kOffsetOutOfRange);
  const std::string_view patch = ctx.argv[3];
  Slot& slot = ctx.WriteKey(ctx.argv[1]);
  const std::string_view old = slot.value().payload;
  if (patch.empty()) {
    ctx.reply.Integer(static_cast<int64_t>(old.size()));
    return Effect::kNone;
  }
  const auto start = static_cast<uint64_t>(offset);
  if (!FitsString(ctx, start) || !FitsString(ctx, start + patch.size())) {
    return ctx.Fail(resp::errors::kStringTooLong);
  }
  std::string changed = types::Overwrite(old, start, patch);
  ctx.reply.Integer(static_cast<int64_t>(changed.size()));
  ctx.txn.Put(slot, Type::kString, EncodingHint::kRaw, ctx.txn.Own(std::move(changed)),
              slot.value().expire_ms);
  return Effect::kVerbatim;
}

Effect GetRange(Context& ctx) {
  Args args(ctx.argv, 2);
  const int64_t start = args.Int();
  const int64_t end = args.Int();
  if (!args.ok()) return args.Reply(ctx);
  ctx.reply.Bulk(types::Substring(ctx.ReadKey(ctx.argv[1]).payload, start, end));
  return Effect::kNone;
}

Effect IncrementBy(Context& ctx, int64_t delta) {
  Slot& slot = ctx.WriteKey(ctx.argv[1]);
  const auto sum = types::Increment(slot.value().payload, slot.exists(), delta);
  if (!sum.ok()) return ctx.Fail(base::Message(sum.status()));
  const int64_t expire_ms = slot.value().expire_ms;
  ctx.txn.Put(slot, Type::kString, EncodingHint::kNatural,
              ctx.txn.Own(std::string(base::IntegerText(*sum).view())), expire_ms);
  ctx.reply.Integer(*sum);
  return Effect::kVerbatim;
}

Effect Incr(Context& ctx) {
  return IncrementBy(ctx, 1);
}
Effect Decr(Context& ctx) {
  return IncrementBy(ctx, -1);
}

Effect IncrBy(Context& ctx) {
  Args args(ctx.argv, 2);
  const int64_t delta = args.Int();
  return args.ok() ? IncrementBy(ctx, delta) : args.Reply(ctx);
}

Effect DecrBy(Context& ctx) {
  Args args(ctx.argv, 2);
  const int64_t delta = args.Int();
  if (!args.ok()) return args.Reply(ctx);
  if (delta == std::numeric_limits<int64_t>::min()) return ctx.Fail(resp::errors::kDecrOverflow);
  return IncrementBy(ctx, -delta);
}

// The sum goes into the stream, not the increment: another machine's floating point might differ in
// the last digit.
Effect IncrByFloat(Context& ctx) {
  const std::string_view key = ctx.argv[1];
  Slot& slot = ctx.WriteKey(key);
  auto sum = types::IncrementFloat(slot.value().payload, slot.exists(), ctx.argv[2]);
  if (!sum.ok()) return ctx.Fail(base::Message(sum.status()));
  const std::string_view text = ctx.txn.Own(*std::move(sum));
  ctx.txn.Put(slot, Type::kString, EncodingHint::kNotInt, text, slot.value().expire_ms);
  ctx.reply.Bulk(text);
  ctx.effects.Add(ctx.db(), {"SET", key, text, "KEEPTTL"});
  return Effect::kWritten;
}

struct LcsOptions {
  bool len = false;
  bool idx = false;
  bool with_match_len = false;
  int64_t min_match_len = 0;
};

LcsOptions ParseLcsOptions(Args& args) {
  LcsOptions options;
  while (args.More()) {
    if (args.Take("IDX")) {
      options.idx = true;
    } else if (args.Take("LEN")) {
      options.len = true;
    } else if (args.Take("WITHMATCHLEN")) {
      options.with_match_len = true;
    } else if (args.TakeWith("MINMATCHLEN", 1)) {
      options.min_match_len = args.Int();
    } else {
      args.Syntax();
    }
  }
  return options;
}

void ReplyLcsIndexes(Context& ctx, const types::LcsResult& lcs, const LcsOptions& options) {
  ctx.reply.Map(2);
  ctx.reply.Bulk("matches");
  const size_t start = ctx.reply.BeginArray();
  size_t shown = 0;
  for (const types::LcsMatch& match : lcs.matches) {
    if (match.size() < options.min_match_len) continue;
    ++shown;
    ctx.reply.Array(options.with_match_len ? 3 : 2);
    ctx.reply.Array(2);
    ctx.reply.Integer(match.a_first);
    ctx.reply.Integer(match.a_last);
    ctx.reply.Array(2);
    ctx.reply.Integer(match.b_first);
    ctx.reply.Integer(match.b_last);
    if (options.with_match_len) ctx.reply.Integer(match.size());
  }
  ctx.reply.EndArray(start, shown);
  ctx.reply.Bulk("len");
  ctx.reply.Integer(lcs.length);
}

Effect Lcs(Context& ctx) {
  const std::string_view a = ctx.ReadKey(ctx.argv[1]).payload;
  const std::string_view b = ctx.ReadKey(ctx.argv[2]).payload;
  Args args(ctx.argv, 3);
  const LcsOptions options = ParseLcsOptions(args);
  if (!args.ok()) return args.Reply(ctx);
  if (options.idx && options.len) {
    return ctx.Fail("ERR If you want both the length and indexes, please just use IDX.");
  }
  const auto lcs =
      types::LongestCommonSubsequence(a, b, options.idx || !options.len, ctx.env.max_string_bytes);
  if (!lcs.ok()) return ctx.Fail(base::Message(lcs.status()));
  if (options.idx) {
    ReplyLcsIndexes(ctx, *lcs, options);
  } else if (options.len) {
    ctx.reply.Integer(lcs->length);
  } else {
    ctx.reply.Bulk(lcs->text);
  }
  return Effect::kNone;
}

constexpr uint32_t kCountFlags = exec::kWrite | exec::kDenyOom | exec::kFast;
constexpr uint32_t kString = exec::kCatString;
constexpr exec::Keys kUpdated = {1, 1, 1, "RW access update"};
constexpr exec::Keys kRead = {1, 1, 1, "RO access"};

constexpr exec::CommandRow kRows[] = {
    {.name = "append",
     .arity = 3,
     .flags = kCountFlags,
     .keys = {1, 1, 1, "RW insert"},
     .handler = Append,
     .categories = kString,
     .group = "string",
     .since = "2.0.0",
     .complexity = "O(N), N = the length of the whole value",
     .summary = "Adds to the end of a string, which is created when it does not exist",
     .syntax = "key value",
     .examples = "APPEND a hello\nAPPEND a world"},
    {.name = "strlen",
     .arity = 2,
     .flags = exec::kReadonly | exec::kFast,
     .keys = {1, 1, 1, "RO"},
     .handler = StrLen,
     .categories = kString,
     .group = "string",
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Returns the length of a string in bytes",
     .syntax = "key",
     .examples = "SET a hello\nSTRLEN a"},
    {.name = "setrange",
     .arity = 4,
     .flags = exec::kWrite | exec::kDenyOom,
     .keys = {1, 1, 1, "RW update"},
     .handler = SetRange,
     .categories = kString,
     .group = "string",
     .since = "2.2.0",
     .complexity = "O(N), N = the length of the whole value",
     .summary = "Overwrites a part of a string from an offset on",
     .syntax = "key offset value",
     .examples = "SETRANGE a 5 hello\nSETRANGE a 0 x"},
    {.name = "getrange",
     .arity = 4,
     .flags = exec::kReadonly,
     .keys = kRead,
     .handler = GetRange,
     .categories = kString,
     .group = "string",
     .since = "2.4.0",
     .complexity = "O(N), N = the length of the part",
     .summary = "Returns a part of a string",
     .syntax = "key start end",
     .examples = "SET a hello\nGETRANGE a 1 -2"},
    {.name = "substr",
     .arity = 4,
     .flags = exec::kReadonly,
     .keys = kRead,
     .handler = GetRange,
     .categories = kString,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(N), N = the length of the part",
     .summary = "Returns a part of a string",
     .syntax = "key start end",
     .replaced_by = "`GETRANGE`",
     .deprecated_since = "2.0.0",
     .examples = "SET a hello\nSUBSTR a 1 -2"},
    {.name = "incr",
     .arity = 2,
     .flags = kCountFlags,
     .keys = kUpdated,
     .handler = Incr,
     .categories = kString,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Adds one to the integer stored under a key; a missing one counts as 0",
     .syntax = "key",
     .examples = "INCR a\nINCR a"},
    {.name = "decr",
     .arity = 2,
     .flags = kCountFlags,
     .keys = kUpdated,
     .handler = Decr,
     .categories = kString,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Takes one from the integer stored under a key; a missing one counts as 0",
     .syntax = "key",
     .examples = "DECR a\nDECR a"},
    {.name = "incrby",
     .arity = 3,
     .flags = kCountFlags,
     .keys = kUpdated,
     .handler = IncrBy,
     .categories = kString,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Adds a number to the integer stored under a key; a missing one counts as 0",
     .syntax = "key increment",
     .examples = "INCRBY a 5\nINCRBY a -7"},
    {.name = "decrby",
     .arity = 3,
     .flags = kCountFlags,
     .keys = kUpdated,
     .handler = DecrBy,
     .categories = kString,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Takes a number from the integer stored under a key; a missing one counts as 0",
     .syntax = "key decrement",
     .examples = "DECRBY a 5"},
    {.name = "incrbyfloat",
     .arity = 3,
     .flags = kCountFlags,
     .keys = kUpdated,
     .handler = IncrByFloat,
     .categories = kString,
     .group = "string",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary =
         "Adds a number with a fraction to the one stored under a key; a missing one counts as 0",
     .syntax = "key increment(double)",
     .examples = "SET a 1.5 EX 1000\nINCRBYFLOAT a 0.1"},
    {.name = "lcs",
     .arity = -3,
     .flags = exec::kReadonly,
     .keys = {1, 2, 1, "RO access"},
     .handler = Lcs,
     .categories = kString,
     .group = "string",
     .since = "7.0.0",
     .complexity = "O(N*M), N and M = the lengths of the strings",
     .summary = "Finds the longest common subsequence of two strings",
     .syntax = "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
     .examples = "MSET a ohmytext b mynewtext\nLCS a b"},
};

}  // namespace

exec::RowTable StringEditCommands() {
  return kRows;
}

}  // namespace cairn::commands
