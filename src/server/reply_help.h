// HELP replies of containers: an array of simple strings, as Redis sends them.
//
// Pure; the reply writer's thread.
#pragma once

#include <initializer_list>
#include <string_view>

#include "exec/context.h"

namespace cairn::server {

exec::Effect ReplyHelp(exec::Context& ctx, std::initializer_list<std::string_view> lines);

}  // namespace cairn::server
