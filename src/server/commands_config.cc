// CONFIG: settings while the server runs.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/status.h"
#include "config/assign.h"
#include "config/query.h"
#include "config/rewrite.h"
#include "exec/context.h"
#include "resp/errors.h"
#include "server/families.h"
#include "server/log.h"
#include "server/reply_help.h"
#include "server/server.h"
#include "server/session.h"

namespace cairn::server {
namespace {

using exec::Context;
using exec::Effect;

Server& ServerOf(Context& ctx) {
  return static_cast<Session&>(ctx.caller).server();
}

Effect ConfigGet(Context& ctx) {
  const auto found = config::GetMatching(ServerOf(ctx).options(), ctx.argv.subspan(2));
  ctx.reply.Map(found.size());
  for (const auto& [name, value] : found) {
    ctx.reply.Bulk(name);
    ctx.reply.Bulk(value);
  }
  return Effect::kNone;
}

Effect ConfigSet(Context& ctx) {
  if (ctx.argv.size() % 2 != 0) return ctx.Fail(resp::errors::kSyntax);
  std::vector<config::Assignment> assignments;
  for (size_t i = 2; i < ctx.argv.size(); i += 2) {
    assignments.push_back(
        {.name = std::string(ctx.argv[i]), .value = std::string(ctx.argv[i + 1])});
  }
  Server& server = ServerOf(ctx);
  const auto candidate = config::Assign(server.options(), assignments);
  if (!candidate.ok()) return ctx.Fail(fmt::format("ERR {}", base::Message(candidate.status())));
  if (const absl::Status status = server.ApplyOptions(candidate->options); !status.ok()) {
    return ctx.Fail(fmt::format(
        "ERR {}", config::AssignFailed(candidate->changed.front()->name, base::Message(status))));
  }
  ctx.reply.Ok();
  return Effect::kNone;
}

absl::Status Rewrite(Server& server) {
  const std::string& path = server.setup().config_file;
  const auto old_text = server.fs().ReadAll(path);
  if (!old_text.ok()) return old_text.status();
  const auto text = config::Rewrite(server.fs(), *old_text, path, server.options());
  if (!text.ok()) return text.status();
  return server.fs().ReplaceFile(path, *text);
}

Effect ConfigRewrite(Context& ctx) {
  Server& server = ServerOf(ctx);
  if (server.setup().config_file.empty()) {
    return ctx.Fail("ERR The server is running without a config file");
  }
  if (const absl::Status status = Rewrite(server); !status.ok()) {
    LogWarning("CONFIG REWRITE failed: {}", base::Message(status));
    return ctx.Fail(fmt::format("ERR Rewriting config file: {}", base::Message(status)));
  }
  LogNotice("CONFIG REWRITE has written {}", server.setup().config_file);
  ctx.reply.Ok();
  return Effect::kNone;
}

Effect ConfigResetStat(Context& ctx) {
  Server& server = ServerOf(ctx);
  server.executor().statistics().Reset();
  server.counters() = {};
  ctx.env.keyspace_hits = 0;
  ctx.env.keyspace_misses = 0;
  ctx.env.expired_keys = 0;
  ctx.reply.Ok();
  return Effect::kNone;
}

Effect ConfigHelp(Context& ctx) {
  return ReplyHelp(ctx, {"CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                         "GET <pattern>", "    Settings whose names match.",
                         "SET <directive> <value>", "    Change settings, all of them or none.",
                         "RESETSTAT", "    Set the statistics of INFO to zero.", "REWRITE",
                         "    Write the present settings into the configuration file.", "HELP",
                         "    Print this help."});
}

constexpr uint32_t kFlags = exec::kAdmin | exec::kNoscript | exec::kLoading | exec::kStale;

constexpr std::string_view kOfSettings = "O(N), N = the number of settings";

constexpr exec::CommandRow Row(std::string_view name, int arity, uint32_t flags,
                               exec::Handler handler, std::string_view since,
                               std::string_view complexity, std::string_view summary,
                               std::string_view syntax, std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .handler = handler,
          .group = "server",
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .tips = tips};
}

constexpr exec::CommandRow kRows[] = {
    {.name = "config",
     .arity = -2,
     .flags = exec::kContainer,
     .group = "server",
     .since = "2.0.0",
     .complexity = "see the subcommands",
     .summary = "Settings while the server runs"},
    exec::WithHistory(Row("config|get", -3, kFlags, ConfigGet, "2.0.0", kOfSettings,
                          "Returns settings", "parameter:<parameter> ..."),
                      "7.0.0 several patterns"),
    Row("config|help", 2, exec::kLoading | exec::kStale, ConfigHelp, "5.0.0", "O(1)",
        "Describes the subcommands", ""),
    Row("config|resetstat", 2, kFlags, ConfigResetStat, "2.0.0", "O(N), N = the number of commands",
        "Sets the statistics to zero", "",
        "request_policy:all_nodes response_policy:all_succeeded"),
    Row("config|rewrite", 2, kFlags, ConfigRewrite, "2.8.0", kOfSettings,
        "Writes the present settings into the configuration file", "",
        "request_policy:all_nodes response_policy:all_succeeded"),
    exec::WithHistory(Row("config|set", -4, kFlags, ConfigSet, "2.0.0", kOfSettings,
                          "Changes settings", "parameter value [parameter value ...]",
                          "request_policy:all_nodes response_policy:all_succeeded"),
                      "7.0.0 several directives"),
};

}  // namespace

exec::RowTable ConfigCommands() {
  return kRows;
}

}  // namespace cairn::server
