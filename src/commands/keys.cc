// Commands on keys, whatever they hold: DEL, RENAME, COPY and the like.
#include <optional>
#include <string>

#include "commands/families.h"
#include "exec/args.h"
#include "exec/context.h"
#include "resp/errors.h"

namespace cairn::commands {
namespace {

using exec::Args;
using exec::Context;
using exec::Effect;
using keyspace::Slot;
using keyspace::Value;

// DEL and UNLINK: the same here, since removing a key costs its caller O(1) whatever it holds.
Effect Delete(Context& ctx) {
  int64_t deleted = 0;
  for (size_t i = 1; i < ctx.argv.size(); ++i) {
    Slot& slot = ctx.WriteKey(ctx.argv[i]);
    if (!slot.exists()) continue;
    ctx.txn.Delete(slot);
    ++deleted;
  }
  ctx.reply.Integer(deleted);
  return deleted == 0 ? Effect::kNone : Effect::kVerbatim;
}

// EXISTS and TOUCH: a key that is named twice counts twice. Only TOUCH counts as a use of the key.
Effect CountExisting(Context& ctx, keyspace::Value (Context::*lookup)(std::string_view)) {
  int64_t existing = 0;
  for (size_t i = 1; i < ctx.argv.size(); ++i) {
    existing += (ctx.*lookup)(ctx.argv[i]).exists() ? 1 : 0;
  }
  ctx.reply.Integer(existing);
  return Effect::kNone;
}
Effect Exists(Context& ctx) {
  return CountExisting(ctx, &Context::PeekKey);
}
Effect Touch(Context& ctx) {
  return CountExisting(ctx, &Context::ReadKey);
}

Effect TypeOf(Context& ctx) {
  ctx.reply.Simple(keyspace::TypeName(ctx.PeekKey(ctx.argv[1]).type));
  return Effect::kNone;
}

// Puts a slot's value, expiry included, under another key.
void CopyValue(Context& ctx, const Slot& from, Slot& to) {
  const Value value = from.value();
  ctx.txn.Put(to, value.type, value.hint, ctx.txn.Own(std::string(value.payload)), value.expire_ms);
}

Effect RenameTo(Context& ctx, bool only_if_new) {
  Slot& source = ctx.WriteKey(ctx.argv[1]);
  if (!source.exists()) return ctx.Fail(resp::errors::kNoSuchKey);
  const auto reply = [&](bool renamed) {
    if (only_if_new) {
      ctx.reply.Integer(renamed ? 1 : 0);
    } else {
      ctx.reply.Ok();
    }
  };
  if (ctx.argv[1] == ctx.argv[2]) {
    reply(false);
    return Effect::kNone;
  }
  Slot& destination = ctx.WriteKey(ctx.argv[2]);
  if (only_if_new && destination.exists()) {
    reply(false);
    return Effect::kNone;
  }
  CopyValue(ctx, source, destination);
  ctx.txn.Delete(source);
  reply(true);
  return Effect::kVerbatim;
}
Effect Rename(Context& ctx) {
  return RenameTo(ctx, false);
}
Effect RenameNx(Context& ctx) {
  return RenameTo(ctx, true);
}

// A database's number as an argument; an error is latched in `args`.
int TakeDb(const Context& ctx, Args& args) {
  const int db = args.Int32();
  if (args.ok() && (db < 0 || db >= ctx.txn.keyspace().databases())) {
    args.Error(resp::errors::kDbIndexOutOfRange);
  }
  return args.ok() ? db : 0;
}

Effect Copy(Context& ctx) {
  Args args(ctx.argv, 3);
  int db = ctx.db();
  bool replace = false;
  while (args.More()) {
    if (args.Take("REPLACE")) {
      replace = true;
    } else if (args.TakeWith("DB", 1)) {
      db = TakeDb(ctx, args);
    } else {
      args.Syntax();
    }
  }
  if (!args.ok()) return args.Reply(ctx);
  if (db == ctx.db() && ctx.argv[1] == ctx.argv[2]) return ctx.Fail(resp::errors::kSameObject);
  Slot& source = ctx.WriteKey(ctx.argv[1]);
  if (!source.exists()) {
    ctx.reply.Integer(0);
    return Effect::kNone;
  }
  Slot& destination = ctx.txn.Write(db, ctx.argv[2]);
  if (destination.exists() && !replace) {
    ctx.reply.Integer(0);
    return Effect::kNone;
  }
  CopyValue(ctx, source, destination);
  ctx.reply.Integer(1);
  return Effect::kVerbatim;
}

Effect Move(Context& ctx) {
  Args args(ctx.argv, 2);
  const int db = TakeDb(ctx, args);
  if (!args.ok()) return args.Reply(ctx);
  if (db == ctx.db()) return ctx.Fail(resp::errors::kSameObject);
  Slot& source = ctx.WriteKey(ctx.argv[1]);
  if (!source.exists()) {
    ctx.reply.Integer(0);
    return Effect::kNone;
  }
  Slot& destination = ctx.txn.Write(db, ctx.argv[1]);
  if (destination.exists()) {
    ctx.reply.Integer(0);
    return Effect::kNone;
  }
  CopyValue(ctx, source, destination);
  ctx.txn.Delete(source);
  ctx.reply.Integer(1);
  return Effect::kVerbatim;
}

constexpr uint32_t kKeyspace = exec::kCatKeyspace;
constexpr std::string_view kSumTips = "request_policy:multi_shard response_policy:agg_sum";
constexpr exec::Keys kDeleted = {1, -1, 1, "RM delete"};
constexpr exec::Keys kSource = {1, 1, 1, "RW access delete"};

constexpr exec::CommandRow kRows[] = {
    {.name = "del",
     .arity = -2,
     .flags = exec::kWrite,
     .keys = kDeleted,
     .handler = Delete,
     .categories = kKeyspace,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(N), N = the number of keys",
     .summary = "Deletes keys",
     .syntax = "key [key ...]",
     .tips = kSumTips,
     .examples = "MSET a 1 b 2 c 3\nDEL a c x"},
    {.name = "unlink",
     .arity = -2,
     .flags = exec::kWrite | exec::kFast,
     .keys = kDeleted,
     .handler = Delete,
     .categories = kKeyspace,
     .group = "generic",
     .since = "4.0.0",
     .complexity = "O(N), N = the number of keys",
     .summary =
         "Deletes keys; the same as DEL, which never makes its caller wait for a big value either",
     .syntax = "key [key ...]",
     .tips = kSumTips,
     .examples = "MSET a 1 b 2 c 3\nUNLINK a c x"},
    {.name = "exists",
     .arity = -2,
     .flags = exec::kReadonly | exec::kFast,
     .keys = {1, -1, 1, "RO"},
     .handler = Exists,
     .categories = kKeyspace,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(N), N = the number of keys",
     .summary = "Counts which of the named keys exist",
     .history = "3.0.3 several keys",
     .syntax = "key [key ...]",
     .tips = kSumTips,
     .examples = "SET a 1\nEXISTS a a b"},
    {.name = "touch",
     .arity = -2,
     .flags = exec::kReadonly | exec::kFast,
     .keys = {1, -1, 1, "RO"},
     .handler = Touch,
     .categories = kKeyspace,
     .group = "generic",
     .since = "3.2.1",
     .complexity = "O(N), N = the number of keys",
     .summary = "Marks keys as used now and counts those that exist",
     .syntax = "key [key ...]",
     .tips = kSumTips,
     .examples = "SET a 1\nTOUCH a b"},
    {.name = "type",
     .arity = 2,
     .flags = exec::kReadonly | exec::kFast,
     .keys = {1, 1, 1, "RO"},
     .handler = TypeOf,
     .categories = kKeyspace,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the type of the value under a key",
     .syntax = "key",
     .examples = "SET a 1\nTYPE a\nTYPE b"},
    {.name = "rename",
     .arity = 3,
     .flags = exec::kWrite,
     .keys = kSource,
     .keys2 = {2, 2, 1, "OW update"},
     .handler = Rename,
     .categories = kKeyspace,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1) for its caller; the value is written again",
     .summary = "Gives a key another name, replacing what has that name",
     .syntax = "key newkey",
     .examples = "SET a 1 EX 1000\nSET b 2\nRENAME a b"},
    {.name = "renamenx",
     .arity = 3,
     .flags = exec::kWrite | exec::kFast,
     .keys = kSource,
     .keys2 = {2, 2, 1, "OW insert"},
     .handler = RenameNx,
     .categories = kKeyspace,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1) for its caller; the value is written again",
     .summary = "Gives a key another name, unless something has that name",
     .history = "3.2.0 no error any more when both names are the same",
     .syntax = "key newkey",
     .examples = "SET a 1\nSET b 2\nRENAMENX a b\nRENAMENX a c"},
    {.name = "copy",
     .arity = -3,
     .flags = exec::kWrite | exec::kDenyOom,
     .keys = {1, 1, 1, "RO access"},
     .keys2 = {2, 2, 1, "OW update"},
     .handler = Copy,
     .categories = kKeyspace,
     .group = "generic",
     .since = "6.2.0",
     .complexity = "O(N), N = the size of the value",
     .summary = "Copies a key's value and expiry to another key",
     .syntax = "source destination [DB destination-db] [REPLACE]",
     .examples = "SET a 1 EX 1000\nCOPY a b\nCOPY a a DB 1\nSET c 2\nCOPY c b REPLACE"},
    {.name = "move",
     .arity = 3,
     .flags = exec::kWrite | exec::kFast,
     .keys = {1, 1, 1, "RW access update"},
     .handler = Move,
     .categories = kKeyspace,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1) for its caller; the value is written again",
     .summary = "Moves a key to another database",
     .syntax = "key db",
     .examples = "SET a 1\nMOVE a 3"},
};

}  // namespace

exec::RowTable KeyCommands() {
  return kRows;
}

}  // namespace cairn::commands
