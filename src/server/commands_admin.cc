// INFO, SAVE, BGSAVE, LASTSAVE, SHUTDOWN: the server as a whole.
#include <string>

#include <fmt/format.h>

#include "base/status.h"
#include "exec/args.h"
#include "exec/context.h"
#include "resp/errors.h"
#include "server/families.h"
#include "server/info.h"
#include "server/log.h"
#include "server/server.h"
#include "server/session.h"

namespace cairn::server {
namespace {

using exec::Args;
using exec::Context;
using exec::Effect;

Effect Info(Context& ctx) {
  ctx.reply.Verbatim("txt", BuildInfo(SessionOf(ctx).server(), ctx.argv.subspan(1)));
  return Effect::kNone;
}

// SAVE: a checkpoint, for which everybody waits, as Redis' clients expect of it.
Effect Save(Context& ctx) {
  const absl::Status status = SessionOf(ctx).server().storage().CheckpointNow();
  if (!status.ok()) return ctx.Fail(fmt::format("ERR {}", base::Message(status)));
  ctx.reply.Ok();
  return Effect::kNone;
}

Effect BgSave(Context& ctx) {
  Args args(ctx.argv, 1);
  if (args.More() && !args.Take("SCHEDULE")) args.Syntax();
  if (args.More()) args.Syntax();
  if (!args.ok()) return args.Reply(ctx);
  SessionOf(ctx).server().storage().RequestCheckpoint();
  ctx.reply.Simple("Background saving started");
  return Effect::kNone;
}

// An extension. INFO persistence tells how it goes.
Effect BackupTo(Context& ctx) {
  Backup& backup = SessionOf(ctx).server().storage().backup();
  const std::string_view dir = ctx.argv[1];
  if (exec::EqualsIgnoreCase(dir, "ABORT")) {
    if (!backup.Abort()) return ctx.Fail("ERR No backup in progress.");
    ctx.reply.Ok();
    return Effect::kNone;
  }
  if (auto status = backup.Start(std::string(dir)); !status.ok()) {
    return ctx.Fail(fmt::format("ERR {}", base::Message(status)));
  }
  LogNotice("client {} ({}) begins a backup into {}", SessionOf(ctx).id(),
            SessionOf(ctx).connection().remote_address(), dir);
  ctx.reply.Simple("Background backup started");
  return Effect::kNone;
}

Effect LastSave(Context& ctx) {
  ctx.reply.Integer(SessionOf(ctx).server().storage().last_checkpoint_ms() / 1000);
  return Effect::kNone;
}

Effect Shutdown(Context& ctx) {
  ShutdownRequest request;
  bool save = false;
  bool no_save = false;
  bool abort = false;
  bool now = false;
  Args args(ctx.argv, 1);
  while (args.More()) {
    if (args.Take("SAVE")) {
      save = true;
    } else if (args.Take("NOSAVE")) {
      no_save = true;
    } else if (args.Take("NOW")) {
      now = true;
    } else if (args.Take("FORCE")) {
      request.force = true;
    } else if (args.Take("ABORT")) {
      abort = true;
    } else {
      args.Syntax();
    }
  }
  if ((save && no_save) || (abort && (save || no_save || now || request.force))) args.Syntax();
  if (!args.ok()) return args.Reply(ctx);
  // A shutdown is over before another command can run, so there is never one to abort.
  if (abort) return ctx.Fail("ERR No shutdown in progress.");
  request.save = !no_save;
  LogNotice("client {} ({}) asks for a shutdown", SessionOf(ctx).id(),
            SessionOf(ctx).connection().remote_address());
  if (!SessionOf(ctx).server().Shutdown(request).ok()) {
    return ctx.Fail("ERR Errors trying to SHUTDOWN. Check logs.");
  }
  return Effect::kNone;
}

constexpr uint32_t kSaveFlags = exec::kAdmin | exec::kNoscript | exec::kNoAsyncLoading;

constexpr exec::CommandRow kRows[] = {
    {.name = "info",
     .arity = -1,
     .flags = exec::kLoading | exec::kStale,
     .handler = Info,
     .categories = exec::kCatDangerous,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(N), N = the number of connections",
     .summary = "Returns what the server says of itself",
     .history = "7.0.0 several sections",
     .syntax = "[section [section ...]]",
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
    {.name = "save",
     .arity = 1,
     .flags = kSaveFlags | exec::kNoMulti,
     .handler = Save,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(N), N = the keys written since the last checkpoint",
     .summary = "Makes a checkpoint and waits for it"},
    {.name = "bgsave",
     .arity = -1,
     .flags = kSaveFlags,
     .handler = BgSave,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Makes a checkpoint in the background",
     .history = "3.2.2 SCHEDULE",
     .syntax = "[SCHEDULE]"},
    {.name = "backup",
     .arity = 2,
     .flags = kSaveFlags | exec::kNoMulti,
     .handler = BackupTo,
     .group = "server",
     .since = "0.1.0",
     .complexity = "O(1); in the background O(N), N = the number of keys",
     .summary = "Makes a consistent copy of everything in a new folder, in the background",
     .syntax = "<dir | ABORT>"},
    {.name = "lastsave",
     .arity = 1,
     .flags = exec::kLoading | exec::kStale | exec::kFast,
     .handler = LastSave,
     .categories = exec::kCatAdmin | exec::kCatDangerous,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the Unix time of the last checkpoint",
     .tips = "nondeterministic_output"},
    {.name = "shutdown",
     .arity = -1,
     .flags = exec::kAdmin | exec::kNoscript | exec::kLoading | exec::kStale | exec::kNoMulti |
              exec::kAllowBusy,
     .handler = Shutdown,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(N), N = the keys written since the last checkpoint; O(1) with NOSAVE",
     .summary = "Makes everything lasting and stops the server",
     .history = "7.0.0 NOW, FORCE and ABORT",
     .syntax = "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]"},
};

}  // namespace

exec::RowTable AdminCommands() {
  return kRows;
}

}  // namespace cairn::server
