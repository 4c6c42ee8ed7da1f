// Applies stretches of the stream: after a restart those of the log, later those of a primary.
//
// Thread: loop thread. Lifetime: the executor must outlive it.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "exec/executor.h"
#include "exec/request_batch.h"
#include "resp/stream_commands.h"

namespace cairn::exec {

class Applier {
 public:
  // `db` = the database that the stretch begins in.
  Applier(Executor& executor, int db);

  // Runs the commands of a stretch that begins and ends between commands (a log record does).
  // kDataLoss when the bytes are not commands, or a command does not work: the stream holds only
  // what has worked before.
  absl::Status Apply(std::string_view payload);

  [[nodiscard]] uint64_t commands() const { return commands_; }
  // The database that the stream is in now.
  [[nodiscard]] int db() const { return caller_.db(); }

 private:
  class StreamCaller final : public Caller {
   public:
    [[nodiscard]] bool applies_stream() const override { return true; }
  };

  absl::Status Run(const Executor::Request& request);

  Executor* executor_;
  resp::StreamCommands stream_;
  RequestBatch batch_;
  StreamCaller caller_;
  uint64_t commands_ = 0;
};

}  // namespace cairn::exec
