// Commands on whole databases: SELECT, DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.
#include <limits>
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
using keyspace::Txn;

bool IsDatabase(const Context& ctx, int64_t db) {
  return db >= 0 && db < ctx.txn.keyspace().databases();
}

Effect Select(Context& ctx) {
  Args args(ctx.argv, 1);
  const int db = args.Int32();
  if (!args.ok()) return args.Reply(ctx);
  if (!IsDatabase(ctx, db)) return ctx.Fail(resp::errors::kDbIndexOutOfRange);
  ctx.caller.set_db(db);
  ctx.reply.Ok();
  return Effect::kNone;
}

Effect DbSize(Context& ctx) {
  ctx.reply.Integer(static_cast<int64_t>(ctx.txn.keyspace().stats(ctx.db()).keys));
  return Effect::kNone;
}

// ASYNC and SYNC are one here: the flush is O(1) and the space is reclaimed in the background.
bool ParseFlush(Context& ctx) {
  Args args(ctx.argv, 1);
  if (args.More() && !args.Take("ASYNC") && !args.Take("SYNC")) args.Syntax();
  if (args.More()) args.Syntax();
  if (args.ok()) return true;
  args.Reply(ctx);
  return false;
}

Effect FlushDb(Context& ctx) {
  if (!ParseFlush(ctx)) return Effect::kNone;
  ctx.reply.Ok();
  if (ctx.txn.keyspace().stats(ctx.db()).keys == 0) return Effect::kNone;
  ctx.txn.StageWholeDb(Txn::WholeDb::kFlush, ctx.db(), 0);
  return Effect::kVerbatim;
}

Effect FlushAll(Context& ctx) {
  if (!ParseFlush(ctx)) return Effect::kNone;
  ctx.reply.Ok();
  const keyspace::Keyspace& keyspace = ctx.txn.keyspace();
  bool any = false;
  for (int db = 0; db < keyspace.databases(); ++db) any = any || keyspace.stats(db).keys != 0;
  if (!any) return Effect::kNone;
  ctx.txn.StageWholeDb(Txn::WholeDb::kFlushAll, 0, 0);
  return Effect::kVerbatim;
}

Effect SwapDb(Context& ctx) {
  constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  Args args(ctx.argv, 1);
  const int64_t a = args.Int(kMin, kMax, resp::errors::kInvalidFirstDbIndex);
  const int64_t b = args.Int(kMin, kMax, resp::errors::kInvalidSecondDbIndex);
  if (!args.ok()) return args.Reply(ctx);
  if (!IsDatabase(ctx, a) || !IsDatabase(ctx, b)) return ctx.Fail(resp::errors::kDbIndexOutOfRange);
  ctx.reply.Ok();
  if (a == b) return Effect::kNone;
  ctx.txn.StageWholeDb(Txn::WholeDb::kSwap, static_cast<int>(a), static_cast<int>(b));
  return Effect::kVerbatim;
}

constexpr uint32_t kFlushCategories = exec::kCatKeyspace | exec::kCatDangerous;
constexpr std::string_view kFlushTips = "request_policy:all_shards response_policy:all_succeeded";

constexpr exec::CommandRow kRows[] = {
    {.name = "select",
     .arity = 2,
     .flags = exec::kLoading | exec::kStale | exec::kFast,
     .handler = Select,
     .categories = exec::kCatConnection,
     .group = "connection",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Chooses the database that the connection works on",
     .syntax = "index",
     .examples = "SELECT 3\nSET a 1"},
    {.name = "dbsize",
     .arity = 1,
     .flags = exec::kReadonly | exec::kFast,
     .handler = DbSize,
     .categories = exec::kCatKeyspace,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the number of keys in the database",
     .tips = "request_policy:all_shards response_policy:agg_sum",
     .examples = "SET a 1\nDBSIZE"},
    {.name = "flushdb",
     .arity = -1,
     .flags = exec::kWrite,
     .handler = FlushDb,
     .categories = kFlushCategories,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1); the space is reclaimed in the background",
     .summary = "Empties the database",
     .history = "4.0.0 ASYNC\n"
                "6.2.0 SYNC",
     .syntax = "async:[ASYNC | SYNC]",
     .tips = kFlushTips,
     .examples = "SET a 1\nFLUSHDB\nSET b 2"},
    {.name = "flushall",
     .arity = -1,
     .flags = exec::kWrite,
     .handler = FlushAll,
     .categories = kFlushCategories,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1); the space is reclaimed in the background",
     .summary = "Empties all databases",
     .history = "4.0.0 ASYNC\n"
                "6.2.0 SYNC",
     .syntax = "async:[ASYNC | SYNC]",
     .tips = kFlushTips,
     .examples = "SET a 1\nSELECT 2\nSET b 2\nFLUSHALL ASYNC\nSET c 3"},
    {.name = "swapdb",
     .arity = 3,
     .flags = exec::kWrite | exec::kFast,
     .handler = SwapDb,
     .categories = kFlushCategories,
     .group = "server",
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Exchanges two databases",
     .syntax = "index1 index2",
     .examples = "SET a 1\nSWAPDB 0 1\nSET b 2"},
};

}  // namespace

exec::RowTable DatabaseCommands() {
  return kRows;
}

}  // namespace cairn::commands
