// The command tables of a whole server: those of commands/ and those of this room.
//
// Constants; any thread.
#pragma once

#include <span>

#include "exec/row.h"

namespace cairn::server {

exec::RowTable ConnectionCommands();     // commands_connection.cc: AUTH, HELLO, QUIT, RESET
exec::RowTable ClientCommands();         // commands_client.cc: CLIENT
exec::RowTable ConfigCommands();         // commands_config.cc: CONFIG
exec::RowTable AdminCommands();          // commands_admin.cc: INFO, SAVE, SHUTDOWN
exec::RowTable DebugCommands();          // commands_debug.cc: DEBUG
exec::RowTable IntrospectionCommands();  // commands_command.cc: COMMAND

// All of them. Their handlers (but for those of commands/) take the caller for a Session.
std::span<const exec::RowTable> AllFamilies();
// Those that need no session: what the log may hold, and what can be run without a socket.
std::span<const exec::RowTable> DataFamilies();

}  // namespace cairn::server
