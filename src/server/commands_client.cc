// CLIENT: connections as clients and operators see them.
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "absl/container/flat_hash_set.h"
#include "base/numbers.h"
#include "exec/args.h"
#include "exec/context.h"
#include "resp/errors.h"
#include "server/client_names.h"
#include "server/families.h"
#include "server/reply_help.h"
#include "server/server.h"
#include "server/session.h"

namespace cairn::server {
namespace {

using exec::Args;
using exec::Context;
using exec::Effect;

// One line of CLIENT LIST, without its end. The fields are Redis' and in its order; what is not
// there yet (subscriptions, transactions, tracking) has the value of a client that does not use it.
std::string Describe(const Session& session, int64_t now_us) {
  const Session::Profile& p = session.profile();
  const size_t omem = session.pending_output();
  const std::string flags =
      fmt::format("{}{}", p.no_evict ? "e" : "", session.no_touch() ? "T" : "");
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 "
      "multi=-1 "
      "qbuf={} qbuf-free={} argv-mem=0 multi-mem=0 rbs={} rbp={} obl={} oll=0 omem={} tot-mem={} "
      "events=r "
      "cmd={} user={} redir=-1 resp={} lib-name={} lib-ver={}",
      session.id(), session.connection().remote_address(), session.connection().local_address(),
      session.connection().fd(), p.name, (now_us - p.created_us) / 1'000'000,
      (now_us - p.last_request_us) / 1'000'000, flags.empty() ? "N" : flags, session.db(),
      session.pending_input(), session.input_buffer_bytes() - session.pending_input(), omem, omem,
      omem, omem, sizeof(Session) + omem + session.input_buffer_bytes(),
      session.last_row() == nullptr ? "NULL" : session.last_row()->name, p.user,
      session.resp_version(), p.lib_name, p.lib_version);
}

// ---- LIST, INFO

bool IsClientType(std::string_view type) {
  for (const std::string_view known : {"normal", "master", "replica", "slave", "pubsub"}) {
    if (exec::EqualsIgnoreCase(type, known)) return true;
  }
  return false;
}

Effect ClientList(Context& ctx) {
  bool wanted_type = true;
  bool by_id = false;
  absl::flat_hash_set<uint64_t> ids;
  Args args(ctx.argv, 2);
  if (args.TakeWith("TYPE", 1)) {
    const std::string_view type = args.Next();
    if (!IsClientType(type)) {
      return ctx.Fail(fmt::format("ERR Unknown client type '{}'", resp::errors::Printed(type)));
    }
    wanted_type = exec::EqualsIgnoreCase(type, "normal");
    if (args.More()) args.Syntax();
  } else if (args.TakeWith("ID", 1)) {
    by_id = true;
    while (args.More()) {
      ids.insert(static_cast<uint64_t>(args.Int(INT64_MIN, INT64_MAX, "ERR Invalid client ID")));
    }
  } else if (args.More()) {
    args.Syntax();
  }
  if (!args.ok()) return args.Reply(ctx);
  std::string list;
  const int64_t now_us = SessionOf(ctx).server().clock().MonotonicUs();
  for (const auto& [id, session] : SessionOf(ctx).server().clients().sessions()) {
    if (!wanted_type || (by_id && !ids.contains(id))) continue;
    list += Describe(*session, now_us);
    list += '\n';
  }
  ctx.reply.Verbatim("txt", list);
  return Effect::kNone;
}

Effect ClientInfo(Context& ctx) {
  const int64_t now_us = SessionOf(ctx).server().clock().MonotonicUs();
  ctx.reply.Verbatim("txt", Describe(SessionOf(ctx), now_us) + "\n");
  return Effect::kNone;
}

// ---- KILL

struct KillFilter {
  std::optional<uint64_t> id;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  bool normal_type = true;
  bool skip_me = true;

  [[nodiscard]] bool Matches(const Session& session, const Session& killer) const {
    if (id && *id != session.id()) return false;
    if (address && *address != session.connection().remote_address()) return false;
    if (local_address && *local_address != session.connection().local_address()) return false;
    return normal_type && !(skip_me && &session == &killer);
  }
};

void TakeSkipMe(Args& args, KillFilter& filter) {
  const std::string_view word = args.Next();
  if (exec::EqualsIgnoreCase(word, "yes")) {
    filter.skip_me = true;
  } else if (exec::EqualsIgnoreCase(word, "no")) {
    filter.skip_me = false;
  } else {
    args.Syntax();
  }
}

KillFilter ParseKill(Args& args) {
  KillFilter filter;
  while (args.More()) {
    if (args.TakeWith("ID", 1)) {
      filter.id =
          static_cast<uint64_t>(args.Int(1, INT64_MAX, "ERR client-id should be greater than 0"));
    } else if (args.TakeWith("TYPE", 1)) {
      const std::string_view type = args.Next();
      if (!IsClientType(type)) {
        args.Error(fmt::format("ERR Unknown client type '{}'", resp::errors::Printed(type)));
      }
      filter.normal_type = exec::EqualsIgnoreCase(type, "normal");
    } else if (args.TakeWith("ADDR", 1)) {
      filter.address = args.Next();
    } else if (args.TakeWith("LADDR", 1)) {
      filter.local_address = args.Next();
    } else if (args.TakeWith("USER", 1)) {
      const std::string_view user = args.Next();
      if (user != "default") {
        args.Error(fmt::format("ERR No such user '{}'", resp::errors::Printed(user)));
      }
    } else if (args.TakeWith("SKIPME", 1)) {
      TakeSkipMe(args, filter);
    } else {
      args.Syntax();
    }
  }
  return filter;
}

Effect ClientKill(Context& ctx) {
  Session& killer = SessionOf(ctx);
  KillFilter filter;
  const bool old_form = ctx.argv.size() == 3;
  if (old_form) {
    filter.address = ctx.argv[2];
    filter.skip_me = false;
  } else {
    Args args(ctx.argv, 2);
    filter = ParseKill(args);
    if (!args.ok()) return args.Reply(ctx);
  }
  int64_t killed = 0;
  for (const auto& [id, session] : killer.server().clients().sessions()) {
    if (session->doomed() || !filter.Matches(*session, killer)) continue;
    ++killed;
    if (session.get() == &killer) {
      session->CloseAfterReplies();
    } else {
      session->Doom();
    }
    if (old_form) break;
  }
  if (!old_form) {
    ctx.reply.Integer(killed);
  } else if (killed == 0) {
    return ctx.Fail("ERR No such client");
  } else {
    ctx.reply.Ok();
  }
  return Effect::kNone;
}

// ---- what a client says of itself

Effect ClientId(Context& ctx) {
  ctx.reply.Integer(static_cast<int64_t>(SessionOf(ctx).id()));
  return Effect::kNone;
}

Effect ClientGetName(Context& ctx) {
  const std::string& name = SessionOf(ctx).profile().name;
  if (name.empty()) {
    ctx.reply.Null();
  } else {
    ctx.reply.Bulk(name);
  }
  return Effect::kNone;
}

Effect ClientSetName(Context& ctx) {
  if (!IsPrintableWord(ctx.argv[2])) return ctx.Fail(kBadClientName);
  SessionOf(ctx).profile().name.assign(ctx.argv[2]);
  ctx.reply.Ok();
  return Effect::kNone;
}

Effect ClientSetInfo(Context& ctx) {
  Session::Profile& profile = SessionOf(ctx).profile();
  std::string* field = nullptr;
  if (exec::EqualsIgnoreCase(ctx.argv[2], "lib-name")) field = &profile.lib_name;
  if (exec::EqualsIgnoreCase(ctx.argv[2], "lib-ver")) field = &profile.lib_version;
  if (field == nullptr) {
    return ctx.Fail(
        fmt::format("ERR Unrecognized option '{}'", resp::errors::Printed(ctx.argv[2])));
  }
  if (!IsPrintableWord(ctx.argv[3])) {
    return ctx.Fail(fmt::format("ERR {} cannot contain spaces, newlines or special characters.",
                                field == &profile.lib_name ? "lib-name" : "lib-ver"));
  }
  field->assign(ctx.argv[3]);
  ctx.reply.Ok();
  return Effect::kNone;
}

// "on" or "off" as third argument.
std::optional<bool> ParseSwitch(Context& ctx) {
  if (exec::EqualsIgnoreCase(ctx.argv[2], "on")) return true;
  if (exec::EqualsIgnoreCase(ctx.argv[2], "off")) return false;
  ctx.Fail(resp::errors::kSyntax);
  return std::nullopt;
}

Effect ClientNoEvict(Context& ctx) {
  if (const auto on = ParseSwitch(ctx)) {
    SessionOf(ctx).profile().no_evict = *on;
    ctx.reply.Ok();
  }
  return Effect::kNone;
}

Effect ClientNoTouch(Context& ctx) {
  if (const auto on = ParseSwitch(ctx)) {
    SessionOf(ctx).set_no_touch(*on);
    ctx.reply.Ok();
  }
  return Effect::kNone;
}

Effect ClientReply(Context& ctx) {
  Session& session = SessionOf(ctx);
  if (exec::EqualsIgnoreCase(ctx.argv[2], "on")) {
    session.set_reply_mode(Session::ReplyMode::kOn);
    ctx.reply.Ok();
  } else if (exec::EqualsIgnoreCase(ctx.argv[2], "off")) {
    session.set_reply_mode(Session::ReplyMode::kOff);
  } else if (exec::EqualsIgnoreCase(ctx.argv[2], "skip")) {
    if (session.reply_mode() != Session::ReplyMode::kOff) {
      session.set_reply_mode(Session::ReplyMode::kSkipNext);
    }
  } else {
    return ctx.Fail(resp::errors::kSyntax);
  }
  return Effect::kNone;
}

Effect ClientHelp(Context& ctx) {
  return ReplyHelp(
      ctx, {"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            "GETNAME",
            "    The name of this connection.",
            "ID",
            "    The number of this connection.",
            "INFO",
            "    This connection's line of CLIENT LIST.",
            "KILL <ip:port>",
            "    Close the connection from that address.",
            "KILL <option> <value> [<option> <value> [...]]",
            "    Close connections: ADDR, LADDR <ip:port>; TYPE <type>; USER <name>; ID <id>;",
            "    SKIPME (YES|NO).",
            "LIST [TYPE <type> | ID <id> [<id> ...]]",
            "    Connections, a line each.",
            "NO-EVICT (ON|OFF)",
            "    Accepted; clients are never evicted here.",
            "NO-TOUCH (ON|OFF)",
            "    Whether commands leave the last use of keys alone.",
            "REPLY (ON|OFF|SKIP)",
            "    Whether replies are sent.",
            "SETINFO (LIB-NAME|LIB-VER) <value>",
            "    Name the client library.",
            "SETNAME <name>",
            "    Name this connection.",
            "HELP",
            "    Print this help."});
}

constexpr uint32_t kOwnFlags = exec::kNoscript | exec::kLoading | exec::kStale;
constexpr uint32_t kAdminFlags = kOwnFlags | exec::kAdmin;
constexpr uint32_t kConnection = exec::kCatConnection;

constexpr exec::CommandRow Row(std::string_view name, int arity, uint32_t flags,
                               exec::Handler handler, std::string_view since,
                               std::string_view complexity, std::string_view summary,
                               std::string_view syntax, std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .handler = handler,
          .categories = kConnection,
          .group = "connection",
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .tips = tips};
}

constexpr exec::CommandRow kRows[] = {
    {.name = "client",
     .arity = -2,
     .flags = exec::kContainer,
     .group = "connection",
     .since = "2.4.0",
     .complexity = "see the subcommands",
     .summary = "Connections as clients and operators see them"},
    Row("client|getname", 2, kOwnFlags, ClientGetName, "2.6.9", "O(1)",
        "Returns the connection's name", ""),
    Row("client|help", 2, exec::kLoading | exec::kStale, ClientHelp, "5.0.0", "O(1)",
        "Describes the subcommands", ""),
    Row("client|id", 2, kOwnFlags, ClientId, "5.0.0", "O(1)", "Returns the connection's number",
        ""),
    Row("client|info", 2, kOwnFlags, ClientInfo, "6.2.0", "O(1)", "Describes this connection", "",
        "nondeterministic_output"),
    exec::WithHistory(
        Row("client|kill", -3, kAdminFlags, ClientKill, "2.4.0",
            "O(N), N = the number of connections", "Closes connections",
            "filter:<ip:port | new-format:<[ID client-id] | [TYPE "
            "normal_master_slave_pubsub:<NORMAL "
            "| MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | "
            "[LADDR ip:port] | [SKIPME yes/no]> ...>"),
        "2.8.12 filters\n"
        "2.8.12 the filter ID\n"
        "3.2.0 TYPE master\n"
        "5.0.0 TYPE replica; slave means the same\n"
        "6.2.0 the filter LADDR"),
    exec::WithHistory(
        Row("client|list", -2, kAdminFlags, ClientList, "2.4.0",
            "O(N), N = the number of connections", "Describes all connections",
            "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] id:[ID client-id [client-id ...]]",
            "nondeterministic_output"),
        "2.8.12 the field id\n"
        "5.0.0 the filter TYPE\n"
        "6.0.0 the field user\n"
        "6.2.0 the fields argv-mem, tot-mem, laddr and redir, the filter ID\n"
        "7.0.0 the fields resp, multi-mem, rbs and rbp\n"
        "7.0.3 the field ssub"),
    Row("client|no-evict", 3, kAdminFlags, ClientNoEvict, "7.0.0", "O(1)",
        "Accepted for compatibility: connections are not evicted", "enabled:<ON | OFF>"),
    Row("client|no-touch", 3, kOwnFlags, ClientNoTouch, "7.2.0", "O(1)",
        "Chooses whether this connection's commands leave the last use of keys alone",
        "enabled:<ON | OFF>"),
    Row("client|reply", 3, kOwnFlags, ClientReply, "3.2.0", "O(1)",
        "Chooses whether this connection gets replies", "<ON | OFF | SKIP>"),
    Row("client|setinfo", 4, kOwnFlags, ClientSetInfo, "7.2.0", "O(1)",
        "Tells the client library's name or version", "attr:<LIB-NAME libname | LIB-VER libver>",
        "request_policy:all_nodes response_policy:all_succeeded"),
    Row("client|setname", 3, kOwnFlags, ClientSetName, "2.6.9", "O(1)", "Names the connection",
        "connection-name", "request_policy:all_nodes response_policy:all_succeeded"),
};

}  // namespace

exec::RowTable ClientCommands() {
  return kRows;
}

}  // namespace cairn::server
