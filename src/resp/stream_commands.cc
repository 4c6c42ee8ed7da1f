#include "resp/stream_commands.h"

#include <limits>

#include "absl/status/status.h"
#include "base/status.h"

namespace cairn::resp {

StreamCommands::StreamCommands() : parser_(&limits_) {
  limits_.max_bulk_bytes = std::numeric_limits<uint32_t>::max();
  limits_.max_query_bytes = std::numeric_limits<uint64_t>::max();
  limits_.max_arguments = std::numeric_limits<uint32_t>::max();
}

void StreamCommands::Begin(std::string_view stretch) {
  parser_.Feed(stretch);
}

absl::StatusOr<bool> StreamCommands::Next() {
  switch (parser_.Next()) {
    case ParseResult::kRequest:
      return true;
    case ParseResult::kNeedMore:
      if (parser_.pending_bytes() != 0) {
        return absl::DataLossError("a log record ends in the middle of a command");
      }
      return false;
    case ParseResult::kError:
      break;
  }
  return base::DataLoss("a log record is not RESP: " + parser_.error());
}

}  // namespace cairn::resp
