// May the command run now? An ordered list of gates, each with its error text; exceptions are flags
// in the row.
//
// The state that gates look at is data, filled by the rooms above: nothing here calls up. Loop
// thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "exec/command_table.h"
#include "exec/context.h"

namespace cairn::exec {

// What the rooms above know and gates need.
struct GateState {
  absl::Status log_error;      // sticky failure of the log: writes are refused
  absl::Status store_error;    // the same of the store, once there is no room for writes left
  bool debug_allowed = false;  // enable-debug-command, for this caller
};

// Why nothing can be written now, as an error text; empty when it can.
std::string WriteRefusal(const GateState& state);

// The first refusal's error text, or an empty string: the command may run. `unknown_subcommand` as
// CommandTable found. Order as in Redis: existence, arity, protected commands, authentication, then
// the state of the server.
std::string CheckGates(const CommandTable::Entry* entry, bool unknown_subcommand,
                       std::span<const std::string_view> argv, const Caller& caller,
                       const GateState& state);

}  // namespace cairn::exec
