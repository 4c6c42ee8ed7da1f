// The stream: what the executor appends to the log, with the SELECTs that its readers need.
//
// Loop thread. Lifetime: the log must outlive it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exec/effects.h"
#include "keyspace/txn.h"
#include "wal/log.h"

namespace cairn::exec {

class Stream {
 public:
  explicit Stream(wal::Log& log) : log_(&log) {}

  // Appends one command's whole effect as one piece, so that no crash can split it: the deletions
  // of the keys that it found expired, then `verbatim` (RESP that acts on `db`) when not empty,
  // then `effects`.
  void Append(const std::vector<keyspace::Txn::ExpiredKey>& expired, int db,
              std::string_view verbatim, const Effects& effects);

  // The database that the stream's next command acts on unless a SELECT stands before it. It is
  // saved with each checkpoint, because a replay that starts there has not seen the SELECT.
  static constexpr int kUnknownDb = -1;
  [[nodiscard]] int db() const { return db_; }
  void set_db(int db) { db_ = db; }

  [[nodiscard]] uint64_t offset() const { return log_->appended_offset(); }
  [[nodiscard]] wal::Log& log() const { return *log_; }

 private:
  void Select(int db, std::string* out);

  wal::Log* log_;
  int db_ = kUnknownDb;
  std::string scratch_;
};

}  // namespace cairn::exec
