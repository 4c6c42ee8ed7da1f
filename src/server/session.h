// One client: its connection, its parser, its replies, and what it has told about itself.
//
// Requests are run as they are parsed. A session stops taking requests while a task of its own is
// unfinished, while writers are held back, or while its replies pile up; it goes on by itself when
// the reason is gone. What it wrote goes to the socket at the end of the turn, and only as far as
// the log is durable enough (ReplyBuffer).
//
// Thread: loop thread. Lifetime: owned by Clients; a session that is to go is marked (Doom) and
// destroyed at the turn's end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exec/context.h"
#include "exec/executor.h"
#include "net/connection.h"
#include "resp/reply_writer.h"
#include "resp/request_parser.h"
#include "server/reply_buffer.h"

namespace cairn::server {

class Server;

class Session final : public exec::Caller, public net::ConnectionHandler {
 public:
  Session(Server& server, uint64_t id, std::unique_ptr<net::Connection> connection);
  ~Session() override;

  // ---- what commands may ask and change
  [[nodiscard]] Server& server() const { return *server_; }
  [[nodiscard]] uint64_t id() const { return id_; }
  [[nodiscard]] const net::Connection& connection() const { return *connection_; }
  [[nodiscard]] resp::ReplyWriter& writer() { return writer_; }
  [[nodiscard]] bool no_touch() const override { return no_touch_; }
  void Authenticate();
  // Back to how it was right after connecting (RESET).
  void Reset();

  enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext, kSkipThis };
  struct Profile {
    std::string name;
    std::string lib_name;
    std::string lib_version;
    std::string user = "default";
    bool no_evict = false;
    int64_t created_us = 0;       // monotonic
    int64_t last_request_us = 0;  // monotonic
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t commands = 0;
  };
  [[nodiscard]] Profile& profile() { return profile_; }
  [[nodiscard]] const Profile& profile() const { return profile_; }
  void set_no_touch(bool value) { no_touch_ = value; }
  void set_reply_mode(ReplyMode mode) { reply_mode_ = mode; }
  [[nodiscard]] ReplyMode reply_mode() const { return reply_mode_; }
  [[nodiscard]] int resp_version() const { return writer_.resp3() ? 3 : 2; }

  // A command whose reply comes at the turn's end, from outside the executor (DEBUG RELOAD):
  // nothing else of this client is run until then. EndWait brings the reply, RESP.
  void BeginWait() { waiting_ = true; }
  void EndWait(std::string_view reply);

  // Ends the connection once everything written so far has gone.
  void CloseAfterReplies() { closing_ = true; }
  [[nodiscard]] bool closing() const { return closing_; }
  // Ends it at the end of this turn, replies or not.
  void Doom();
  [[nodiscard]] bool doomed() const { return doomed_; }

  // Bytes: unparsed input; allocated for input; replies that wait here, and in the connection.
  [[nodiscard]] size_t pending_input() const { return parser_.pending_bytes(); }
  [[nodiscard]] size_t input_buffer_bytes() const { return parser_.buffer_bytes(); }
  [[nodiscard]] size_t pending_output() const {
    return replies_.size() + connection_->pending_bytes();
  }

  // ---- the turn's end, called by the server
  // Everything replied in this turn waits for the log to reach `offset`.
  void MarkReplies(uint64_t offset) { replies_.Mark(offset); }
  // Hands what may go to the connection; ends the connection when it was to be ended and all has
  // gone.
  void Release(uint64_t durable);
  // The log has failed: held replies to writes become `error`.
  void FailHeldWrites(uint64_t durable, std::string_view error) {
    replies_.FailHeld(durable, error);
  }
  // Gives memory back that an idle client does not need.
  void TrimIdle() { replies_.Trim(0); }
  // For Clients' list of sessions with output: true when it was not noted yet. Unmark takes it
  // back.
  bool MarkNoted() { return !std::exchange(noted_, true); }
  void UnmarkNoted() { noted_ = false; }
  [[nodiscard]] bool holds_replies() const { return replies_.holds(); }
  // True while there is a slice to run or a request to try again.
  [[nodiscard]] bool runnable() const { return task_ != nullptr || parked_.has_value(); }
  // True while no further request may be taken.
  [[nodiscard]] bool busy() const { return runnable() || waiting_; }
  // Runs one slice of its task, or tries its parked request again.
  void RunSlice();
  // Goes on after its output has drained.
  void Resume();
  // Sends this error and ends the connection (maxclients, protocol errors).
  void Refuse(std::string_view error);
  // The same for a connection that is not served at all; `timeout_ms` as for
  // Connection::CloseAfterWrites.
  void TurnAway(std::string_view error, uint64_t timeout_ms);
  [[nodiscard]] bool turned_away() const { return turned_away_; }
  // pending_output as of the last RecountOutput, which returns the difference to the one before
  // (modulo 2^64).
  [[nodiscard]] size_t counted_output() const { return counted_output_; }
  size_t RecountOutput() {
    const size_t before = std::exchange(counted_output_, pending_output());
    return counted_output_ - before;
  }

 private:
  // How long a closing connection may take to get rid of its replies.
  static constexpr uint64_t kCloseTimeoutMs = 10'000;
  static constexpr size_t kSliceOutput = 1ULL << 20;

  // net::ConnectionHandler
  std::span<char> ReadBuffer() override;
  void OnRead(size_t size) override;
  void OnClosed(const absl::Status& status) override;
  void OnDrained() override;

  void ProcessInput();
  // Takes several complete requests of the input, looks at all of their keys, then runs them. False
  // when there is none.
  bool RunBatch();
  void RunRequest(const exec::Executor::Request& request);
  // True while a request may be taken.
  [[nodiscard]] bool MayRun() const {
    return !doomed_ && !closing_ && !busy() && !SliceIsFull() && !OutputIsFull();
  }
  // True when this call of ProcessInput has made so many bytes of replies that others are to have
  // their turn.
  [[nodiscard]] bool SliceIsFull() const { return replies_.size() > slice_start_ + kSliceOutput; }
  // What a browser sends when a web page makes it talk to this port; Redis closes such connections,
  // too.
  static bool IsWebRequest(const exec::Executor::Request& request);
  void RunTaskSlice();
  // Applies CLIENT REPLY to the reply that begins at `reply_start`, and hands it to the turn's end.
  void FinishReply(size_t reply_start, bool wrote);
  [[nodiscard]] bool MustWait(const exec::CommandTable::Entry* entry) const;
  void Park(std::span<const std::string_view> argv);
  void Pause();
  void Continue();
  void OnParseError();
  [[nodiscard]] bool OutputIsFull() const;
  [[nodiscard]] bool Finished() const;

  struct ParkedRequest {
    std::vector<std::string> argv;
  };

  Server* server_;
  uint64_t id_;
  std::unique_ptr<net::Connection> connection_;
  resp::RequestParser parser_;
  ReplyBuffer replies_;
  resp::ReplyWriter writer_;
  Profile profile_;
  std::unique_ptr<exec::Task> task_;
  bool task_wrote_ = false;
  const exec::CommandTable::Entry* task_entry_ = nullptr;
  std::optional<ParkedRequest> parked_;  // a write that waits for room
  ReplyMode reply_mode_ = ReplyMode::kOn;
  bool noted_ = false;
  bool no_touch_ = false;
  bool waiting_ = false;
  bool paused_ = false;      // reading is stopped, input may be left over
  bool peer_ended_ = false;  // it sends no more, but may still read
  bool closing_ = false;
  bool turned_away_ = false;
  uint64_t close_timeout_ms_ = kCloseTimeoutMs;
  size_t slice_start_ = 0;     // of replies_, when ProcessInput began
  size_t counted_output_ = 0;  // see counted_output()
  bool doomed_ = false;
  bool ended_ = false;  // CloseAfterWrites was asked for
};

// The session that runs a command. For handlers of this room: its rows are served to sessions only.
inline Session& SessionOf(exec::Context& ctx) {
  return static_cast<Session&>(ctx.caller);
}

}  // namespace cairn::server
