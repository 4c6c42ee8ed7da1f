#include "server/reply_help.h"

namespace cairn::server {

exec::Effect ReplyHelp(exec::Context& ctx, std::initializer_list<std::string_view> lines) {
  ctx.reply.Array(lines.size());
  for (const std::string_view line : lines) ctx.reply.Simple(line);
  return exec::Effect::kNone;
}

}  // namespace cairn::server
