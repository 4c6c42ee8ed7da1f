#include "exec/apply.h"

namespace cairn::exec {

Applier::Applier(Executor& executor, int db) : executor_(&executor) {
  caller_.set_db(db);
}

absl::Status Applier::Run(const Executor::Request& request) {
  absl::Status status = executor_->Apply(request, caller_);
  if (status.ok()) ++commands_;
  return status;
}

absl::Status Applier::Apply(std::string_view payload) {
  stream_.Begin(payload);
  while (true) {
    batch_.Clear();
    while (!batch_.full() && stream_.NextWhole()) {
      batch_.Add(stream_.args(), stream_.raw(),
                 executor_->PeekStream(stream_.args(), caller_.db()));
    }
    for (size_t i = 0; i < batch_.size(); ++i) executor_->PeekRecord(batch_.preview(i));
    for (size_t i = 0; i < batch_.size(); ++i) {
      if (absl::Status status = Run(batch_.request(i)); !status.ok()) return status;
    }
    if (batch_.size() != 0) continue;
    // What is left is no whole request in the usual form.
    const auto more = stream_.Next();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    const auto* entry = executor_->PeekStream(stream_.args(), caller_.db()).entry;
    absl::Status status = Run({.argv = stream_.args(), .raw = stream_.raw(), .entry = entry});
    if (!status.ok()) return status;
  }
}

}  // namespace cairn::exec
