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

absl::Status Applier::Apply(std::string_view payload) {
  resp::RequestParser parser(&limits_);
  parser.Feed(payload);
  while (true) {
    switch (parser.Next()) {
      case resp::ParseResult::kRequest: {
        absl::Status status = executor_->Apply(parser.args(), caller_);
        if (!status.ok()) return status;
        ++commands_;
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
