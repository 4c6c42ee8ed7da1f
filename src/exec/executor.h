// Runs one request: finds the row, asks the gates, opens the transaction, calls the handler, and
// commits what it did to the stream and the keys, in this order, with nothing between that could
// fail.
//
// Thread: loop thread. Lifetime: everything handed to the constructor must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "exec/command_table.h"
#include "exec/context.h"
#include "exec/gates.h"
#include "exec/statistics.h"
#include "exec/stream.h"
#include "keyspace/keyspace.h"

namespace cairn::exec {

class Executor {
 public:
  Executor(const CommandTable& table, keyspace::Keyspace& keyspace, Stream& stream,
           Environment& environment, const base::Clock& clock);

  // A request to run. `raw` = its own bytes when they are canonical RESP, else empty.
  struct Request {
    std::span<const std::string_view> argv;
    std::string_view raw;
    const CommandTable::Entry* entry =
        nullptr;  // what FindRequest gives, when it was asked already
  };
  struct Result {
    const CommandTable::Entry* entry = nullptr;  // null: no such command
    bool wrote = false;                          // something was appended to the stream
    std::unique_ptr<Task> task;                  // not null: the reply comes from Step
  };

  // Replies into `reply` in every case but a task's.
  Result Execute(const Request& request, Caller& caller, const GateState& gates,
                 resp::ReplyWriter& reply);
  // What is known of a request before it runs: its entry, when there is one, and its first key's
  // hash, 0 without a key.
  struct Preview {
    const CommandTable::Entry* entry = nullptr;
    uint64_t hash = 0;
  };
  // Looks at a request that will run soon and asks the processor for the memory where its key is
  // found. Two passes over a pipeline's requests, Peek and then PeekRecord, let their cache misses
  // overlap: with a million keys these misses are most of what a GET or SET costs.
  Preview Peek(std::span<const std::string_view> argv, int db);
  // The same for a command of the stream, which no renaming touches.
  Preview PeekStream(std::span<const std::string_view> argv, int db);
  void PeekRecord(const Preview& preview);

  // Runs one slice of a task that Execute returned. `*done` = the reply is complete.
  Result Step(Task& task, const CommandTable::Entry& entry, Caller& caller, const GateState& gates,
              resp::ReplyWriter& reply, bool* done);
  // Runs one command of the stream: no gates, no clock, nothing appended, the reply dropped. An
  // error reply is an error: the stream holds only what has worked before.
  // `request.entry` is what PeekStream gave.
  absl::Status Apply(const Request& request, Caller& caller);

  // Deletes up to `limit` keys whose time has come. Returns how many; an error when the index
  // cannot be read.
  absl::StatusOr<size_t> ExpireDue(size_t limit);

  // Reads the clocks. Called when a batch of requests begins; within a batch each command's end is
  // the next one's start.
  void RefreshTime();
  [[nodiscard]] int64_t now_us() const { return wall_us_; }
  [[nodiscard]] int64_t monotonic_us() const { return monotonic_us_; }
  [[nodiscard]] int64_t now_ms() const { return wall_us_ / 1000; }

  [[nodiscard]] Statistics& statistics() { return statistics_; }
  [[nodiscard]] const CommandTable& table() const { return *table_; }
  [[nodiscard]] Stream& stream() { return *stream_; }
  // DEBUG SET-ACTIVE-EXPIRE.
  void set_active_expire(bool on) { active_expire_ = on; }
  [[nodiscard]] bool active_expire() const { return active_expire_; }

 private:
  // Starts a command's transaction, and gives its context. What comes from the stream is not judged
  // by the clock.
  Context Begin(std::span<const std::string_view> argv, const CommandRow& row, Caller& caller,
                resp::ReplyWriter& reply);
  Preview PreviewOf(const CommandTable::Entry* entry, std::span<const std::string_view> argv,
                    int db);
  // Settles what a handler did: checks that staged changes and effect agree, commits, appends.
  // Returns whether the stream grew.
  bool Commit(Effect effect, const Request& request, const Caller& caller, resp::ReplyWriter& reply,
              size_t reply_start);
  void Count(size_t command, resp::ReplyWriter& reply, size_t reply_start);

  const CommandTable* table_;
  Stream* stream_;
  Environment* environment_;
  const base::Clock* clock_;
  Statistics statistics_;
  keyspace::Txn txn_;
  Effects effects_;
  std::string verbatim_;     // a request re-encoded, when its own bytes would not do
  std::string apply_reply_;  // where Apply's replies go
  int64_t wall_us_ = 0;
  int64_t monotonic_us_ = 0;
  bool active_expire_ = true;
};

}  // namespace cairn::exec
