#include "exec/apply.h"

#include <limits>

#include "base/status.h"

namespace cairn::exec {

Applier::Applier(Executor& executor, int db) : executor_(&executor) {
  caller_.set_db(db);
  // What was accepted once must be accepted again, whatever the limits for clients are by now.
  limits_.max_bulk_bytes = std::numeric_limits<uint32_t>::max();
  limits_.max_query_bytes = std::numeric_limits<uint64_t>::max();
  limits_.max_arguments = std::numeric_limits<uint32_t>::max();
}

absl::Status Applier::Run(const Executor::Request& request) {
  absl::Status status = executor_->Apply(request, caller_);
  if (status.ok()) ++commands_;
  return status;
}

absl::Status Applier::Apply(std::string_view payload) {
  resp::RequestParser parser(&limits_);
  parser.Feed(payload);
  while (true) {
    batch_.Clear();
    while (!batch_.full() && parser.NextWhole()) {
      batch_.Add(parser.args(), parser.raw(), executor_->PeekStream(parser.args(), caller_.db()));
    }
    for (size_t i = 0; i < batch_.size(); ++i) executor_->PeekRecord(batch_.preview(i));
    for (size_t i = 0; i < batch_.size(); ++i) {
      if (absl::Status status = Run(batch_.request(i)); !status.ok()) return status;
    }
    if (batch_.size() != 0) continue;
    // What is left is no whole request in the usual form.
    switch (parser.Next()) {
      case resp::ParseResult::kRequest: {
        const auto entry = executor_->PeekStream(parser.args(), caller_.db()).entry;
        absl::Status status = Run({.argv = parser.args(), .raw = parser.raw(), .entry = entry});
        if (!status.ok()) return status;
        break;
      }
      case resp::ParseResult::kNeedMore:
        if (parser.pending_bytes() != 0) {
          return absl::DataLossError("a log record ends in the middle of a command");
        }
        return absl::OkStatus();
      case resp::ParseResult::kError:
        return base::DataLoss("a log record is not RESP: " + parser.error());
    }
  }
}

}  // namespace cairn::exec
