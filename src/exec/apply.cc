#include "exec/apply.h"

namespace cairn::exec {

Applier::Applier(Executor& executor, int db) : executor_(&executor) {
  caller_.set_db(db);
}

absl::Status Applier::Apply(std::string_view payload) {
  stream_.Begin(payload);
  while (true) {
    const auto more = stream_.Next();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    absl::Status status = executor_->Apply(stream_.args(), caller_);
    if (!status.ok()) return status;
    ++commands_;
  }
}

}  // namespace cairn::exec
