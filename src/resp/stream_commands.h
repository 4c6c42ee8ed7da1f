// The commands of a stretch of the replication stream, one after another: what a log record holds.
//
// A stretch begins and ends between commands. No limit for clients counts here: what was accepted
// once is accepted again. Not thread-safe; an idle object owns no buffer.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "resp/request_parser.h"

namespace cairn::resp {

class StreamCommands {
 public:
  StreamCommands();
  StreamCommands(const StreamCommands&) = delete;
  StreamCommands& operator=(const StreamCommands&) = delete;

  // Begins with `stretch`, which must stay in place until Next has returned false or an error.
  void Begin(std::string_view stretch);

  // Goes to the next command; false when there is none left. kDataLoss when the bytes are not
  // commands, or end within one; nothing can be read from this object after that.
  absl::StatusOr<bool> Next();
  // Goes to the next command when it stands there in canonical form; false says nothing (Next
  // does). The views of all commands taken so in a row stay valid until Next is called.
  bool NextWhole() { return parser_.NextWhole(); }

  // The command: never without arguments. Valid until the next call.
  [[nodiscard]] std::span<const std::string_view> args() const { return parser_.args(); }
  // Its bytes in the stretch; empty unless they are a RESP array in canonical form, as all are that
  // Cairn and Redis put into a stream.
  [[nodiscard]] std::string_view raw() const { return parser_.raw(); }

 private:
  RequestLimits limits_;
  RequestParser parser_;
};

}  // namespace cairn::resp
