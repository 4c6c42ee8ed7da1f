// DEBUG: for tests and for finding faults. Only with enable-debug-command.
#include <chrono>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "base/glob.h"
#include "base/numbers.h"
#include "base/status.h"
#include "exec/args.h"
#include "exec/context.h"
#include "resp/errors.h"
#include "server/families.h"
#include "server/reply_help.h"
#include "server/server.h"
#include "server/session.h"
#include "types/string_value.h"

namespace cairn::server {
namespace {

using exec::Context;
using exec::Effect;

Effect ReplyStatus(Context& ctx, const absl::Status& status) {
  if (!status.ok()) return ctx.Fail(fmt::format("ERR {}", base::Message(status)));
  ctx.reply.Ok();
  return Effect::kNone;
}

Effect Sleep(Context& ctx) {
  constexpr double kLongestSeconds = 3600;
  const auto seconds = base::ParseDouble(ctx.argv[2]);
  if (seconds && *seconds > 0 && *seconds <= kLongestSeconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(*seconds));
  }
  ctx.reply.Ok();
  return Effect::kNone;
}

Effect Object(Context& ctx) {
  const keyspace::Value value = ctx.PeekKey(ctx.argv[2]);
  if (!value.exists()) return ctx.Fail(resp::errors::kNoSuchKey);
  const int64_t idle_s =
      ctx.env.access_clock->IdleSeconds(ctx.txn.last_hash(), ctx.now_ms(), ctx.env.start_ms);
  ctx.reply.Simple(fmt::format(
      "Value at:{} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
      static_cast<const void*>(value.payload.data()),
      types::StringEncoding(value.payload, value.hint), value.payload.size(),
      (ctx.now_ms() / 1000 - idle_s) & 0xffffff, idle_s));
  return Effect::kNone;
}

Effect Checkpoint(Context& ctx) {
  return ReplyStatus(ctx, SessionOf(ctx).server().storage().CheckpointNow());
}

// The executor that runs this very command is closed and built anew, so that is done when the turn
// is over.
Effect Reload(Context& ctx) {
  Server& server = SessionOf(ctx).server();
  const uint64_t id = SessionOf(ctx).id();
  SessionOf(ctx).BeginWait();
  server.AfterTurn([&server, id] {
    const absl::Status status = server.Reload();
    const auto it = server.clients().sessions().find(id);
    if (it == server.clients().sessions().end()) return;
    it->second->EndWait(status.ok() ? std::string("+OK\r\n")
                                    : fmt::format("-ERR {}\r\n", base::Message(status)));
  });
  return Effect::kNone;
}

Effect SetActiveExpire(Context& ctx) {
  const auto on = base::ParseInt64(ctx.argv[2]);
  SessionOf(ctx).server().executor().set_active_expire(on.value_or(0) != 0);
  ctx.reply.Ok();
  return Effect::kNone;
}

// Matches a pattern against so many letters `a`: shows that no pattern takes long.
Effect StringMatchLen(Context& ctx) {
  constexpr int64_t kLongest = 64LL << 20;
  const auto size = base::ParseInt64(ctx.argv[2]);
  if (!size || *size < 0 || *size > kLongest) return ctx.Fail(resp::errors::kNotInteger);
  const std::string text(static_cast<size_t>(*size), 'a');
  ctx.reply.Integer(base::GlobMatch(ctx.argv[3], text) ? 1 : 0);
  return Effect::kNone;
}

Effect ChangeReplicationId(Context& ctx) {
  SessionOf(ctx).server().storage().ChangeReplicationId();
  ctx.reply.Ok();
  return Effect::kNone;
}

Effect Help(Context& ctx) {
  return ReplyHelp(
      ctx, {"DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "CHANGE-REPL-ID",
            "    Give the history another replication id.", "CHECKPOINT",
            "    Make a checkpoint and wait for it.", "OBJECT <key>",
            "    Low-level facts about a key's value.", "RELOAD",
            "    Close the data folder and recover from it in place.", "SET-ACTIVE-EXPIRE <0|1>",
            "    Stop or start the deletion of expired keys.", "SLEEP <seconds>",
            "    Stop the server for so long.", "STRINGMATCH-LEN <length> <pattern>",
            "    Match a pattern against so many letters `a`.", "HELP", "    Print this help."});
}

struct Subcommand {
  std::string_view name;
  size_t argc;
  exec::Handler handler;
};

constexpr Subcommand kSubcommands[] = {
    {"CHANGE-REPL-ID", 2, ChangeReplicationId},
    {"CHECKPOINT", 2, Checkpoint},
    {"HELP", 2, Help},
    {"OBJECT", 3, Object},
    {"RELOAD", 2, Reload},
    {"SET-ACTIVE-EXPIRE", 3, SetActiveExpire},
    {"SLEEP", 3, Sleep},
    {"STRINGMATCH-LEN", 4, StringMatchLen},
};

// One row for all, as in Redis: its subcommands are not part of the command table.
Effect Debug(Context& ctx) {
  for (const Subcommand& sub : kSubcommands) {
    if (exec::EqualsIgnoreCase(sub.name, ctx.argv[1]) && ctx.argv.size() == sub.argc) {
      return sub.handler(ctx);
    }
  }
  return ctx.Fail(
      fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.",
                  ctx.argv[1].substr(0, 128)));
}

constexpr exec::CommandRow kRows[] = {
    {.name = "debug",
     .arity = -2,
     .flags = exec::kAdmin | exec::kNoscript | exec::kLoading | exec::kStale | exec::kProtected,
     .handler = Debug,
     .group = "server",
     .since = "1.0.0",
     .complexity = "depends on the subcommand",
     .summary = "Helps tests and the search for faults"},
};

}  // namespace

exec::RowTable DebugCommands() {
  return kRows;
}

}  // namespace cairn::server
