#include "config/assign.h"

#include <algorithm>

#include <fmt/format.h>

#include "absl/status/status.h"
#include "base/status.h"
#include "config/table.h"

namespace cairn::config {
namespace {

// The row of each assignment, or why one of them may not be set at all.
absl::StatusOr<std::vector<const Row*>> FindTargets(std::span<const Assignment> assignments) {
  std::vector<const Row*> targets;
  for (const Assignment& assignment : assignments) {
    const Row* row = FindRow(assignment.name);
    if (row == nullptr || row->Has(kFileOnly)) {
      return base::MakeStatus(
          absl::StatusCode::kNotFound,
          fmt::format("Unknown option or number of arguments for CONFIG SET - '{}'",
                      assignment.name.c_str()));  // as Redis prints it: up to a zero byte
    }
    if (row->Has(kImmutable)) {
      return base::InvalidArgument(AssignFailed(assignment.name, "can't set immutable config"));
    }
    if (std::find(targets.begin(), targets.end(), row) != targets.end()) {
      return base::InvalidArgument(AssignFailed(assignment.name, "duplicate parameter"));
    }
    targets.push_back(row);
  }
  return targets;
}

}  // namespace

absl::StatusOr<Candidate> Assign(const ServerOptions& current,
                                 std::span<const Assignment> assignments) {
  absl::StatusOr<std::vector<const Row*>> targets = FindTargets(assignments);
  if (!targets.ok()) return targets.status();
  Candidate candidate{current, {}};
  for (size_t i = 0; i < assignments.size(); ++i) {
    const Row& row = *(*targets)[i];
    const absl::Status set = SetAtRuntime(row, assignments[i].value, candidate.options);
    if (!set.ok()) return base::InvalidArgument(AssignFailed(row.name, base::Message(set)));
    if (FileLines(row, current) != FileLines(row, candidate.options)) {
      candidate.changed.push_back(&row);
    }
  }
  return candidate;
}

std::string AssignFailed(std::string_view name, std::string_view reason) {
  return fmt::format("CONFIG SET failed (possibly related to argument '{}') - {}", name, reason);
}

}  // namespace cairn::config
