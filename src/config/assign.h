// CONFIG SET: several directives at once, all or nothing.
//
// Pure functions; thread-safe. The caller runs what follows from the changed rows (open a port, set
// a timer) with the new options; when that fails it stays with, or goes back to, the old ones,
// which nobody has touched.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "config/row.h"

namespace cairn::config {

struct Assignment {
  std::string name;
  std::string value;
};

struct Candidate {
  ServerOptions options;
  std::vector<const Row*>
      changed;  // rows whose value differs from before, in the order of the assignments
};

// `current` with all assignments made. Errors carry the text that CONFIG SET answers behind "ERR ":
// kNotFound for an unknown name, otherwise kInvalidArgument (immutable, named twice, bad value),
// each naming the first directive that is wrong, in the order in which Redis 7.2 judges: names
// first, then values.
absl::StatusOr<Candidate> Assign(const ServerOptions& current,
                                 std::span<const Assignment> assignments);

// "CONFIG SET failed (possibly related to argument 'port') - <reason>": also for a change that
// could not be put into effect.
std::string AssignFailed(std::string_view name, std::string_view reason);

}  // namespace cairn::config
