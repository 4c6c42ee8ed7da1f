// COMMAND: the commands as data, from their rows.
#include "exec/command_docs.h"
#include "exec/context.h"
#include "server/families.h"
#include "server/reply_help.h"

namespace cairn::server {
namespace {

using exec::Context;
using exec::Effect;

Effect Command(Context& ctx) {
  exec::ReplyAllCommandInfo(*ctx.env.table, ctx.reply);
  return Effect::kNone;
}

Effect CommandInfo(Context& ctx) {
  if (ctx.argv.size() == 2) return Command(ctx);
  exec::ReplyCommandInfo(*ctx.env.table, ctx.argv.subspan(2), ctx.reply);
  return Effect::kNone;
}

Effect CommandDocs(Context& ctx) {
  exec::ReplyCommandDocs(*ctx.env.table, ctx.argv.subspan(2), ctx.reply);
  return Effect::kNone;
}

Effect CommandCount(Context& ctx) {
  exec::ReplyCommandCount(*ctx.env.table, ctx.reply);
  return Effect::kNone;
}

Effect CommandList(Context& ctx) {
  exec::ReplyCommandList(*ctx.env.table, ctx.argv.subspan(2), ctx.reply);
  return Effect::kNone;
}

Effect CommandGetKeys(Context& ctx) {
  exec::ReplyCommandKeys(*ctx.env.table, ctx.argv.subspan(2), ctx.reply);
  return Effect::kNone;
}

Effect CommandGetKeysAndFlags(Context& ctx) {
  exec::ReplyCommandKeysAndFlags(*ctx.env.table, ctx.argv.subspan(2), ctx.reply);
  return Effect::kNone;
}

Effect CommandHelp(Context& ctx) {
  return ReplyHelp(
      ctx, {"COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "(no subcommand)",
            "    Details of all commands.", "COUNT", "    The number of commands.",
            "DOCS [<command-name> [...]]", "    Documentation of commands.",
            "GETKEYS <full-command>", "    The keys of a request.",
            "GETKEYSANDFLAGS <full-command>", "    The keys of a request and how it uses them.",
            "INFO [<command-name> [...]]", "    Details of commands.",
            "LIST [FILTERBY (MODULE <name> | ACLCAT <category> | PATTERN <pattern>)]",
            "    The names of commands.", "HELP", "    Print this help."});
}

constexpr uint32_t kFlags = exec::kLoading | exec::kStale;
constexpr std::string_view kUnordered = "nondeterministic_output_order";
constexpr std::string_view kOfAll = "O(N), N = the number of commands";
constexpr std::string_view kOfNames = "O(N), N = the number of commands asked for";
constexpr std::string_view kOfArguments = "O(N), N = the number of arguments";

constexpr exec::CommandRow Row(std::string_view name, int arity, exec::Handler handler,
                               std::string_view since, std::string_view complexity,
                               std::string_view summary, std::string_view syntax,
                               std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = kFlags,
          .handler = handler,
          .categories = exec::kCatConnection,
          .group = "server",
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .tips = tips};
}

constexpr exec::CommandRow kRows[] = {
    {.name = "command",
     .arity = -1,
     .flags = kFlags | exec::kContainer,
     .handler = Command,
     .categories = exec::kCatConnection,
     .group = "server",
     .since = "2.8.13",
     .complexity = kOfAll,
     .summary = "Details of all commands",
     .tips = kUnordered},
    Row("command|count", 2, CommandCount, "2.8.13", kOfAll, "Returns the number of commands", ""),
    Row("command|docs", -2, CommandDocs, "7.0.0", kOfNames, "Returns documentation of commands",
        "[command-name [command-name ...]]", kUnordered),
    Row("command|getkeys", -3, CommandGetKeys, "2.8.13", kOfArguments,
        "Returns the keys of a request", "command [arg [arg ...]]"),
    Row("command|getkeysandflags", -3, CommandGetKeysAndFlags, "7.0.0", kOfArguments,
        "Returns the keys of a request and how it uses them", "command [arg [arg ...]]"),
    Row("command|help", 2, CommandHelp, "5.0.0", "O(1)", "Describes the subcommands", ""),
    exec::WithHistory(
        Row("command|info", -2, CommandInfo, "2.8.13", kOfNames, "Returns details of commands",
            "[command-name [command-name ...]]", kUnordered),
        "7.0.0 without a name: all commands"),
    Row("command|list", -2, CommandList, "7.0.0", kOfAll, "Returns the names of commands",
        "[FILTERBY filterby:<MODULE module-name | ACLCAT category | PATTERN pattern>]", kUnordered),
};

}  // namespace

exec::RowTable IntrospectionCommands() {
  return kRows;
}

}  // namespace cairn::server
