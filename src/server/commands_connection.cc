// AUTH, HELLO, QUIT, RESET: how a client introduces itself and leaves.
#include <string>

#include <fmt/format.h>

#include "base/numbers.h"
#include "exec/args.h"
#include "exec/context.h"
#include "resp/errors.h"
#include "server/auth.h"
#include "server/client_names.h"
#include "server/families.h"
#include "server/server.h"
#include "server/session.h"
#include "server/version.h"

namespace cairn::server {
namespace {

using exec::Args;
using exec::Context;
using exec::Effect;

// Logs the client in, or replies with the refusal.
bool LogIn(Context& ctx, std::string_view user, std::string_view password) {
  Session& session = SessionOf(ctx);
  if (!MayLogIn(user, password, session.server().options().requirepass)) {
    ctx.Fail(resp::errors::kWrongPass);
    return false;
  }
  session.Authenticate();
  return true;
}

Effect Auth(Context& ctx) {
  if (ctx.argv.size() > 3) return ctx.Fail(resp::errors::kSyntax);
  const bool named = ctx.argv.size() == 3;
  if (!named && !SessionOf(ctx).server().needs_password()) {
    return ctx.Fail(resp::errors::kAuthNotSet);
  }
  if (LogIn(ctx, named ? ctx.argv[1] : "default", ctx.argv.back())) ctx.reply.Ok();
  return Effect::kNone;
}

void ReplyHello(Context& ctx) {
  const Session& session = SessionOf(ctx);
  ctx.reply.Map(7);
  ctx.reply.Bulk("server");
  ctx.reply.Bulk("redis");
  ctx.reply.Bulk("version");
  ctx.reply.Bulk(kRedisVersion);
  ctx.reply.Bulk("proto");
  ctx.reply.Integer(ctx.reply.resp3() ? 3 : 2);
  ctx.reply.Bulk("id");
  ctx.reply.Integer(static_cast<int64_t>(session.id()));
  ctx.reply.Bulk("mode");
  ctx.reply.Bulk("standalone");
  ctx.reply.Bulk("role");
  ctx.reply.Bulk("master");
  ctx.reply.Bulk("modules");
  ctx.reply.Array(0);
}

struct HelloOptions {
  bool has_auth = false;
  std::string_view user;
  std::string_view password;
  bool has_name = false;
  std::string_view name;
};

HelloOptions ParseHello(const Context& ctx, Args& args) {
  HelloOptions options;
  while (args.More()) {
    if (args.TakeWith("AUTH", 2)) {
      options.has_auth = true;
      options.user = args.Next();
      options.password = args.Next();
    } else if (args.TakeWith("SETNAME", 1)) {
      options.has_name = true;
      options.name = args.Next();
      if (!IsPrintableWord(options.name)) args.Error(kBadClientName);
    } else {
      args.Error(fmt::format("ERR Syntax error in HELLO option '{}'",
                             resp::errors::Printed(ctx.argv[ctx.argv.size() - args.left()])));
    }
  }
  return options;
}

Effect Hello(Context& ctx) {
  Session& session = SessionOf(ctx);
  resp::Version version = ctx.reply.version();
  if (ctx.argv.size() > 1) {
    const auto number = base::ParseInt64(ctx.argv[1]);
    if (!number) return ctx.Fail(resp::errors::kProtoNotInteger);
    if (*number != 2 && *number != 3) return ctx.Fail(resp::errors::kNoProto);
    version = *number == 3 ? resp::Version::kResp3 : resp::Version::kResp2;
  }
  Args args(ctx.argv, 2);
  const HelloOptions options = ctx.argv.size() > 1 ? ParseHello(ctx, args) : HelloOptions{};
  if (!args.ok()) return args.Reply(ctx);
  if (options.has_auth && !LogIn(ctx, options.user, options.password)) return Effect::kNone;
  if (!session.authenticated()) return ctx.Fail(resp::errors::kHelloNoAuth);
  if (options.has_name) session.profile().name.assign(options.name);
  ctx.reply.set_version(version);
  ReplyHello(ctx);
  return Effect::kNone;
}

Effect Quit(Context& ctx) {
  ctx.reply.Ok();
  SessionOf(ctx).CloseAfterReplies();
  return Effect::kNone;
}

Effect Reset(Context& ctx) {
  SessionOf(ctx).Reset();
  ctx.reply.Simple("RESET");
  return Effect::kNone;
}

constexpr uint32_t kFlags = exec::kNoscript | exec::kLoading | exec::kStale | exec::kFast |
                            exec::kNoAuth | exec::kAllowBusy;

constexpr exec::CommandRow kRows[] = {
    {.name = "auth",
     .arity = -2,
     .flags = kFlags,
     .handler = Auth,
     .categories = exec::kCatConnection,
     .group = "connection",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Logs the connection in",
     .history = "6.0.0 with a user name",
     .syntax = "[username] password"},
    {.name = "hello",
     .arity = -1,
     .flags = kFlags,
     .handler = Hello,
     .categories = exec::kCatConnection,
     .group = "connection",
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Chooses the protocol version, logs in and names the connection, and tells about "
                "the server",
     .history = "6.2.0 without a version: only tells about the connection",
     .syntax = "arguments:[protover [AUTH username password] [SETNAME clientname]]"},
    {.name = "quit",
     .arity = -1,
     .flags = kFlags,
     .handler = Quit,
     .categories = exec::kCatConnection,
     .group = "connection",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Closes the connection",
     .replaced_by = "just closing the connection",
     .deprecated_since = "7.2.0"},
    {.name = "reset",
     .arity = 1,
     .flags = kFlags,
     .handler = Reset,
     .categories = exec::kCatConnection,
     .group = "connection",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Puts the connection back to how it was when it was opened"},
};

}  // namespace

exec::RowTable ConnectionCommands() {
  return kRows;
}

}  // namespace cairn::server
