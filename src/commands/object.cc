// OBJECT and MEMORY USAGE: what is known about a value besides its content.
#include <array>
#include <limits>
#include <string>

#include "base/numbers.h"
#include "commands/families.h"
#include "exec/args.h"
#include "exec/context.h"
#include "keyspace/key_codec.h"
#include "resp/errors.h"
#include "types/string_value.h"

namespace cairn::commands {
namespace {

using exec::Args;
using exec::Context;
using exec::Effect;
using keyspace::Value;

// The value under OBJECT's key argument, looked at without using it; replies null when there is
// none.
Value Inspect(Context& ctx) {
  const Value value = ctx.PeekKey(ctx.argv[2]);
  if (!value.exists()) ctx.reply.Null();
  return value;
}

Effect ObjectEncoding(Context& ctx) {
  const Value value = Inspect(ctx);
  if (value.exists()) ctx.reply.Bulk(types::StringEncoding(value.payload, value.hint));
  return Effect::kNone;
}

// Redis shares its objects for the integers below 10,000 and reports INT_MAX references to each;
// every other value has one owner. Clients see the same numbers here.
Effect ObjectRefCount(Context& ctx) {
  const Value value = Inspect(ctx);
  if (!value.exists()) return Effect::kNone;
  constexpr int64_t kSharedIntegers = 10'000;
  const auto number = base::ParseInt64(value.payload);
  const bool shared = types::StringEncoding(value.payload, value.hint) == "int" &&
                      number.has_value() && *number >= 0 && *number < kSharedIntegers;
  ctx.reply.Integer(shared ? std::numeric_limits<int32_t>::max() : 1);
  return Effect::kNone;
}

Effect ObjectIdleTime(Context& ctx) {
  if (Inspect(ctx).exists()) {
    ctx.reply.Integer(
        ctx.env.access_clock->IdleSeconds(ctx.txn.last_hash(), ctx.now_ms(), ctx.env.start_ms));
  }
  return Effect::kNone;
}

Effect ObjectFreq(Context& ctx) {
  if (!Inspect(ctx).exists()) return Effect::kNone;
  return ctx.Fail(resp::errors::kNoLfu);
}

// A help text as Redis sends it: an array of simple strings.
template <size_t N>
Effect ReplyHelp(Context& ctx, const std::array<std::string_view, N>& lines) {
  ctx.reply.Array(N);
  for (const std::string_view line : lines) ctx.reply.Simple(line);
  return Effect::kNone;
}

Effect ObjectHelp(Context& ctx) {
  return ReplyHelp(
      ctx, std::array<std::string_view, 13>{
               "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "ENCODING <key>",
               "    The name of the encoding that Redis would use for the value.", "FREQ <key>",
               "    Always an error: nothing is evicted here, so nothing is counted.",
               "IDLETIME <key>", "    Seconds since the key was last used, about.",
               "REFCOUNT <key>", "    The number of references, as Redis counts them.", "HELP",
               "    Print this help.", "See also:", "    DEBUG OBJECT"});
}

// What the value takes: record and key as stored, and the slot that finds them.
Effect MemoryUsage(Context& ctx) {
  Args args(ctx.argv, 3);
  while (args.More()) {
    if (args.TakeWith("SAMPLES", 1)) {
      if (args.Int() < 0) args.Syntax();
    } else {
      args.Syntax();
    }
  }
  if (!args.ok()) return args.Reply(ctx);
  const Value value = Inspect(ctx);
  if (!value.exists()) return Effect::kNone;
  constexpr size_t kRecordOverhead = 32;
  ctx.reply.Integer(static_cast<int64_t>(kRecordOverhead + keyspace::kIdBytes + ctx.argv[2].size() +
                                         keyspace::kMaxRecordHeader + value.payload.size()));
  return Effect::kNone;
}

Effect MemoryHelp(Context& ctx) {
  return ReplyHelp(ctx, std::array<std::string_view, 5>{
                            "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                            "USAGE <key> [SAMPLES <count>]",
                            "    Bytes that a key and its value take, wherever they are.", "HELP",
                            "    Print this help."});
}

constexpr exec::Keys kKey = {2, 2, 1, "RO"};
constexpr uint32_t kKeyspace = exec::kCatKeyspace;

constexpr exec::CommandRow kRows[] = {
    {.name = "object",
     .arity = -2,
     .flags = exec::kContainer,
     .group = "generic",
     .since = "2.2.3",
     .complexity = "see the subcommands",
     .summary = "What is known about a value besides its content"},
    {.name = "object|encoding",
     .arity = 3,
     .flags = exec::kReadonly,
     .keys = kKey,
     .handler = ObjectEncoding,
     .categories = kKeyspace,
     .group = "generic",
     .since = "2.2.3",
     .complexity = "O(1)",
     .summary = "Returns the name of the encoding that Redis would use for a value",
     .syntax = "key",
     .tips = "nondeterministic_output",
     .examples = "SET a 1\nOBJECT ENCODING a"},
    {.name = "object|freq",
     .arity = 3,
     .flags = exec::kReadonly,
     .keys = kKey,
     .handler = ObjectFreq,
     .categories = kKeyspace,
     .group = "generic",
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "An error for every key: uses are not counted, because nothing is evicted",
     .syntax = "key",
     .tips = "nondeterministic_output",
     .examples = "OBJECT FREQ a"},
    {.name = "object|help",
     .arity = 2,
     .flags = exec::kLoading | exec::kStale,
     .handler = ObjectHelp,
     .categories = kKeyspace,
     .group = "generic",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Describes the subcommands",
     .examples = "OBJECT HELP"},
    {.name = "object|idletime",
     .arity = 3,
     .flags = exec::kReadonly,
     .keys = kKey,
     .handler = ObjectIdleTime,
     .categories = kKeyspace,
     .group = "generic",
     .since = "2.2.3",
     .complexity = "O(1)",
     .summary = "Returns the seconds since a key was last used, about",
     .syntax = "key",
     .tips = "nondeterministic_output",
     .examples = "SET a 1\nOBJECT IDLETIME a"},
    {.name = "object|refcount",
     .arity = 3,
     .flags = exec::kReadonly,
     .keys = kKey,
     .handler = ObjectRefCount,
     .categories = kKeyspace,
     .group = "generic",
     .since = "2.2.3",
     .complexity = "O(1)",
     .summary = "Returns the number of references to a value, as Redis counts them",
     .syntax = "key",
     .tips = "nondeterministic_output",
     .examples = "SET a 1\nOBJECT REFCOUNT a"},
    {.name = "memory",
     .arity = -2,
     .flags = exec::kContainer,
     .group = "server",
     .since = "4.0.0",
     .complexity = "see the subcommands",
     .summary = "What keys take"},
    {.name = "memory|help",
     .arity = 2,
     .flags = exec::kLoading | exec::kStale,
     .handler = MemoryHelp,
     .group = "server",
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Describes the subcommands",
     .examples = "MEMORY HELP"},
    {.name = "memory|usage",
     .arity = -3,
     .flags = exec::kReadonly,
     .keys = kKey,
     .handler = MemoryUsage,
     .group = "server",
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Returns the bytes that a key and its value take",
     .syntax = "key [SAMPLES count]",
     .examples = "SET a 1\nMEMORY USAGE a"},
};

}  // namespace

exec::RowTable ObjectCommands() {
  return kRows;
}

}  // namespace cairn::commands
