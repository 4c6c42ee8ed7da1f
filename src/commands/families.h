// The command families of this room: one table of rows each, in the file of its handlers.
//
// Constants of the process; any thread.
#pragma once

#include "exec/row.h"

namespace cairn::commands {

exec::RowTable StringCommands();      // strings.cc: reading and writing values
exec::RowTable StringEditCommands();  // string_edit.cc: changing parts of values, numbers
exec::RowTable KeyCommands();         // keys.cc: keys whatever they hold
exec::RowTable ObjectCommands();      // object.cc: OBJECT, MEMORY USAGE
exec::RowTable ExpiryCommands();      // expiry.cc
exec::RowTable DatabaseCommands();    // databases.cc: SELECT, FLUSHALL, SWAPDB, DBSIZE
exec::RowTable ScanCommands();        // scan.cc: SCAN, KEYS, RANDOMKEY
exec::RowTable RangeCommands();       // ranges.cc: Cairn's extension
exec::RowTable EchoCommands();        // echo.cc: PING, ECHO, TIME, LOLWUT

}  // namespace cairn::commands
