#include "exec/stream.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace cairn::exec {

void Stream::Select(int db, std::string* out) {
  if (db == db_) return;
  db_ = db;
  const std::string number = absl::StrCat(db);
  const std::array<std::string_view, 2> args = {"SELECT", number};
  AppendCommand(args, out);
}

void Stream::Append(const std::vector<keyspace::Txn::ExpiredKey>& expired, int db,
                    std::string_view verbatim, const Effects& effects) {
  if (expired.empty() && effects.empty() && db == db_) {
    log_->Append(verbatim);  // the hot path: one SET, copied once
    return;
  }
  scratch_.clear();
  for (const keyspace::Txn::ExpiredKey& key : expired) {
    Select(key.db, &scratch_);
    const std::array<std::string_view, 2> args = {"DEL", key.user_key};
    AppendCommand(args, &scratch_);
  }
  if (!verbatim.empty()) {
    Select(db, &scratch_);
    scratch_.append(verbatim);
  }
  size_t begin = 0;
  for (const Effects::Part& part : effects.parts()) {
    Select(part.db, &scratch_);
    scratch_.append(effects.bytes(), begin, part.end - begin);
    begin = part.end;
  }
  log_->Append(scratch_);
  if (scratch_.capacity() > 1U << 20) std::string().swap(scratch_);  // an assignment would keep it
}

}  // namespace cairn::exec
