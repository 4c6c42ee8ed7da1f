#include "exec/gates.h"

#include <array>

#include "base/status.h"
#include "resp/errors.h"

namespace cairn::exec {
namespace {

struct Attempt {
  const CommandRow& row;
  std::span<const std::string_view> argv;
  const Caller& caller;
  const GateState& state;
};

using Gate = std::string (*)(const Attempt&);

std::string ArityGate(const Attempt& attempt) {
  if (ArityFits(attempt.row, attempt.argv.size())) return {};
  return resp::errors::WrongArity(attempt.row.name);
}

std::string ProtectedGate(const Attempt& attempt) {
  if ((attempt.row.flags & kProtected) == 0 || attempt.state.debug_allowed) return {};
  return std::string(resp::errors::kDebugNotAllowed);
}

std::string AuthenticationGate(const Attempt& attempt) {
  if (attempt.caller.authenticated() || (attempt.row.flags & kNoAuth) != 0) return {};
  return std::string(resp::errors::kNoAuth);
}

std::string LogGate(const Attempt& attempt) {
  if ((attempt.row.flags & kWrite) == 0) return {};
  return WriteRefusal(attempt.state);
}

constexpr std::array<Gate, 4> kGates = {ArityGate, ProtectedGate, AuthenticationGate, LogGate};

std::string UnknownName(std::span<const std::string_view> argv) {
  return resp::errors::UnknownCommand(argv.front(), argv.data() + 1, argv.size() - 1);
}

}  // namespace

std::string WriteRefusal(const GateState& state) {
  if (!state.log_error.ok()) return resp::errors::LogFailed(base::Message(state.log_error));
  if (!state.store_error.ok()) return resp::errors::StoreFailed(base::Message(state.store_error));
  return {};
}

std::string CheckGates(const CommandTable::Entry* entry, bool unknown_subcommand,
                       std::span<const std::string_view> argv, const Caller& caller,
                       const GateState& state) {
  if (entry == nullptr) return UnknownName(argv);
  if (unknown_subcommand) {
    return resp::errors::UnknownSubcommand(argv[0], argv[1]);
  }
  const Attempt attempt{.row = *entry->row, .argv = argv, .caller = caller, .state = state};
  for (const Gate gate : kGates) {
    std::string refusal = gate(attempt);
    if (!refusal.empty()) return refusal;
  }
  // A container that works alone (COMMAND) has a handler; the others want a subcommand.
  if (entry->row->handler == nullptr) return resp::errors::WrongArity(entry->row->name);
  return {};
}

}  // namespace cairn::exec
