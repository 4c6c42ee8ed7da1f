// Commands that only talk: PING, ECHO, TIME, LOLWUT.
#include <array>
#include <string>

#include <fmt/format.h>

#include "base/numbers.h"
#include "commands/families.h"
#include "exec/args.h"
#include "exec/context.h"
#include "resp/errors.h"

namespace cairn::commands {
namespace {

using exec::Args;
using exec::Context;
using exec::Effect;

Effect Ping(Context& ctx) {
  if (ctx.argv.size() > 2) return ctx.Fail(resp::errors::WrongArity("ping"));
  if (ctx.argv.size() == 2) {
    ctx.reply.Bulk(ctx.argv[1]);
  } else {
    ctx.reply.Simple("PONG");
  }
  return Effect::kNone;
}

Effect Echo(Context& ctx) {
  ctx.reply.Bulk(ctx.argv[1]);
  return Effect::kNone;
}

Effect Time(Context& ctx) {
  ctx.reply.Array(2);
  ctx.reply.BulkInteger(ctx.now_us / 1'000'000);
  ctx.reply.BulkInteger(ctx.now_us % 1'000'000);
  return Effect::kNone;
}

// A pile of stones: each rests on the one below, smaller and a little to the side.
std::string DrawCairn(base::Random& random) {
  constexpr int kWidth = 40;
  std::array<std::string, 7> rows;
  int width = 26;
  int left = (kWidth - width) / 2;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    *row = fmt::format("{:{}}({:_^{}})", "", left, "", width - 2);
    const auto shrink = static_cast<int>(2 + random.Below(3));
    const auto shift = static_cast<int>(random.Below(static_cast<uint64_t>(shrink) + 1));
    left += shift;
    width -= shrink;
    if (width < 4) break;
  }
  std::string picture;
  for (const std::string& row : rows) {
    if (!row.empty()) picture += row + "\n";
  }
  return picture;
}

Effect Lolwut(Context& ctx) {
  Args args(ctx.argv, 1);
  if (args.TakeWith("VERSION", 1)) args.Int();
  if (!args.ok()) return args.Reply(ctx);
  ctx.reply.Verbatim("txt",
                     DrawCairn(*ctx.env.random) + "\nOne stone on another. Redis ver. 7.2.0\n");
  return Effect::kNone;
}

constexpr exec::CommandRow kRows[] = {
    {.name = "ping",
     .arity = -1,
     .flags = exec::kFast,
     .handler = Ping,
     .categories = exec::kCatConnection,
     .group = "connection",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Answers, with a message if one is given",
     .syntax = "[message]",
     .tips = "request_policy:all_shards response_policy:all_succeeded",
     .examples = "PING\nPING hello"},
    {.name = "echo",
     .arity = 2,
     .flags = exec::kLoading | exec::kStale | exec::kFast,
     .handler = Echo,
     .categories = exec::kCatConnection,
     .group = "connection",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns its argument",
     .syntax = "message",
     .examples = "ECHO hello"},
    {.name = "time",
     .arity = 1,
     .flags = exec::kLoading | exec::kStale | exec::kFast,
     .handler = Time,
     .group = "server",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Returns the server's clock: Unix seconds and microseconds",
     .tips = "nondeterministic_output",
     .examples = "TIME"},
    {.name = "lolwut",
     .arity = -1,
     .flags = exec::kReadonly | exec::kFast,
     .handler = Lolwut,
     .group = "server",
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Draws a picture",
     .syntax = "[VERSION version]",
     .examples = "LOLWUT"},
};

}  // namespace

exec::RowTable EchoCommands() {
  return kRows;
}

}  // namespace cairn::commands
