#include "server/session.h"

#include <utility>

#include <fmt/format.h>

#include "base/status.h"
#include "exec/args.h"
#include "resp/errors.h"
#include "server/log.h"
#include "server/server.h"

namespace cairn::server {
namespace {

// A client's replies may pile up to this before no more of its requests are taken. It is large
// because many client libraries send a whole pipeline before they read the first reply.
constexpr size_t kFullOutput = 32ULL << 20;
// The same when all clients together have piled up Clients::kCrowdedOutput.
constexpr size_t kFullOutputCrowded = 1ULL << 20;
// What a busy client's reply buffer keeps for the next turn; an idle one's keeps nothing.
constexpr size_t kBusyReplyBytes = 16 << 10;

}  // namespace

Session::Session(Server& server, uint64_t id, std::unique_ptr<net::Connection> connection)
    : server_(&server),
      id_(id),
      connection_(std::move(connection)),
      parser_(&server.request_limits(!server.needs_password())),
      writer_(replies_.bytes()) {
  set_authenticated(!server.needs_password());
  profile_.created_us = server.clock().MonotonicUs();
  profile_.last_request_us = profile_.created_us;
  connection_->set_handler(this);
  connection_->StartReading();
}

Session::~Session() = default;

void Session::Authenticate() {
  set_authenticated(true);
  parser_.set_limits(&server_->request_limits(true));
}

void Session::Reset() {
  set_db(0);
  profile_.name.clear();
  writer_.set_version(resp::Version::kResp2);
  reply_mode_ = ReplyMode::kOn;
  no_touch_ = false;
  profile_.no_evict = false;
  if (server_->needs_password()) {
    set_authenticated(false);
    parser_.set_limits(&server_->request_limits(false));
  }
}

void Session::Doom() {
  if (doomed_) return;
  doomed_ = true;
  server_->clients().NoteDoomed(this);
}

void Session::Refuse(std::string_view error) {
  writer_.Error(error);
  closing_ = true;
  connection_->StopReading();
  server_->clients().NoteOutput(this);
}

std::span<char> Session::ReadBuffer() {
  return parser_.ReadBuffer(server_->read_buffer());
}

void Session::OnRead(size_t size) {
  profile_.bytes_in += size;
  server_->counters().net_input_bytes += size;
  ++server_->counters().reads;
  parser_.Filled(size);
  server_->executor().RefreshTime();
  ProcessInput();
}

void Session::OnClosed(const absl::Status& status) {
  if (ended_ || !status.ok()) {
    Doom();
    return;
  }
  peer_ended_ = true;
  server_->clients().NoteOutput(this);
}

void Session::OnDrained() {
  server_->clients().NoteResumable(this);
}

bool Session::OutputIsFull() const {
  const size_t pending = pending_output();
  return pending > kFullOutput || (pending > kFullOutputCrowded && server_->clients().crowded());
}

void Session::Pause() {
  parser_.Detach();
  if (paused_) return;
  paused_ = true;
  connection_->StopReading();
}

void Session::Continue() {
  if (!paused_) return;
  paused_ = false;
  connection_->StartReading();
}

bool Session::RunBatch() {
  exec::RequestBatch& batch = server_->request_batch();
  batch.Clear();
  exec::Executor& executor = server_->executor();
  while (!batch.full() && parser_.NextWhole()) {
    batch.Add(parser_.args(), parser_.raw(), executor.Peek(parser_.args(), db()));
  }
  // One request has nothing to overlap with.
  if (batch.size() > 1) {
    for (size_t i = 0; i < batch.size(); ++i) executor.PeekRecord(batch.preview(i));
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!MayRun()) {
      parser_.PutBack(batch.request(i).raw);
      break;
    }
    RunRequest(batch.request(i));
  }
  return batch.size() != 0;
}

void Session::TurnAway(std::string_view error, uint64_t timeout_ms) {
  turned_away_ = true;
  close_timeout_ms_ = timeout_ms;
  Refuse(error);
}

void Session::ProcessInput() {
  slice_start_ = replies_.size();
  while (MayRun()) {
    if (RunBatch()) continue;
    switch (parser_.Next()) {
      case resp::ParseResult::kNeedMore:
        Continue();
        return;
      case resp::ParseResult::kError:
        OnParseError();
        break;
      case resp::ParseResult::kRequest:
        RunRequest({.argv = parser_.args(), .raw = parser_.raw(), .entry = nullptr});
        break;
    }
  }
  if (SliceIsFull()) server_->clients().NoteResumable(this);
  server_->clients().CountOutput(*this);
  Pause();
}

void Session::OnParseError() {
  LogVerbose("client {} ({}): {}", id_, connection_->remote_address(), parser_.error());
  if (parser_.error_kind() == resp::ParseError::kQueryLimit) {
    LogWarning("client {} ({}) is closed: {}", id_, connection_->remote_address(), parser_.error());
    Doom();
    return;
  }
  Refuse(fmt::format("ERR Protocol error: {}", parser_.error()));
}

bool Session::MustWait(const exec::CommandTable::Entry* entry) const {
  return entry != nullptr && (entry->row->flags & exec::kWrite) != 0 && server_->WritesMustWait();
}

void Session::Park(std::span<const std::string_view> argv) {
  parked_.emplace();
  for (const std::string_view arg : argv) parked_->argv.emplace_back(arg);
  server_->clients().NoteRunnable(this);
}

bool Session::IsWebRequest(const exec::Executor::Request& request) {
  return exec::EqualsIgnoreCase(request.argv.front(), "post") ||
         exec::EqualsIgnoreCase(request.argv.front(), "host:");
}

void Session::RunRequest(const exec::Executor::Request& request) {
  if (request.entry == nullptr && IsWebRequest(request)) {
    LogWarning(
        "client {} ({}) speaks HTTP and is closed: a web page may be trying to reach this server",
        id_, connection_->remote_address());
    Doom();
    return;
  }
  exec::Executor& executor = server_->executor();
  if (server_->throttle().limited()) {
    bool unknown = false;
    if (MustWait(executor.table().FindRequest(request.argv, &unknown))) {
      Park(request.argv);
      return;
    }
  }
  const size_t reply_start = replies_.size();
  ++profile_.commands;
  profile_.last_request_us = executor.monotonic_us();
  exec::Executor::Result result =
      executor.Execute(request, *this, server_->gates_for(*this), writer_);
  if (result.wrote && server_->throttle().limited()) {
    uint64_t bytes = 0;
    for (const std::string_view arg : request.argv) bytes += arg.size();
    server_->throttle().OnWrite(bytes);
  }
  if (result.task != nullptr) {
    task_ = std::move(result.task);
    task_entry_ = result.entry;
    task_wrote_ = result.wrote;
    server_->clients().NoteRunnable(this);
    return;
  }
  if (!waiting_) FinishReply(reply_start, result.wrote);
}

void Session::FinishReply(size_t reply_start, bool wrote) {
  switch (reply_mode_) {
    case ReplyMode::kOn:
      break;
    case ReplyMode::kSkipNext:
      reply_mode_ = ReplyMode::kSkipThis;
      break;
    case ReplyMode::kSkipThis:
      reply_mode_ = ReplyMode::kOn;
      writer_.Rewind(reply_start);
      break;
    case ReplyMode::kOff:
      writer_.Rewind(reply_start);
      break;
  }
  if (wrote) replies_.NoteWrite(reply_start);
  server_->clients().NoteOutput(this);
}

void Session::RunTaskSlice() {
  if (MustWait(task_entry_)) return;
  const size_t reply_start = replies_.size();
  bool done = false;
  const exec::Executor::Result result = server_->executor().Step(
      *task_, *task_entry_, *this, server_->gates_for(*this), writer_, &done);
  task_wrote_ = task_wrote_ || result.wrote;
  if (!done) return;
  task_.reset();
  FinishReply(reply_start, task_wrote_);
}

void Session::RunSlice() {
  if (doomed_) return;
  if (task_ != nullptr) {
    RunTaskSlice();
  } else if (parked_.has_value() && !server_->WritesMustWait()) {
    const ParkedRequest request = *std::move(parked_);
    parked_.reset();
    const std::vector<std::string_view> argv(request.argv.begin(), request.argv.end());
    server_->executor().RefreshTime();
    RunRequest({.argv = argv, .raw = {}, .entry = nullptr});
  }
  if (!busy()) ProcessInput();
}

void Session::EndWait(std::string_view reply) {
  const size_t reply_start = replies_.size();
  waiting_ = false;
  writer_.Raw(reply);
  FinishReply(reply_start, /*wrote=*/false);
  server_->clients().NoteResumable(this);
}

void Session::Resume() {
  if (!paused_ || doomed_ || closing_ || busy() || OutputIsFull()) return;
  server_->executor().RefreshTime();
  ProcessInput();
  // The input may be used up now, and with it the reason to stay.
  if (peer_ended_) server_->clients().NoteOutput(this);
}

bool Session::Finished() const {
  if (replies_.size() != 0 || busy()) return false;
  return closing_ || (peer_ended_ && !parser_.HasInput());
}

void Session::Release(uint64_t durable) {
  if (doomed_) return;
  const std::string_view ready = replies_.Releasable(durable);
  if (!ready.empty()) {
    profile_.bytes_out += ready.size();
    server_->counters().net_output_bytes += ready.size();
    ++server_->counters().writes;
    connection_->Write(ready);
    replies_.Consume(ready.size());
    replies_.Trim(kBusyReplyBytes);
  }
  if (Finished() && !ended_) {
    ended_ = true;
    connection_->CloseAfterWrites(close_timeout_ms_);
  } else if (paused_ && !OutputIsFull()) {
    server_->clients().NoteResumable(this);
  }
}

}  // namespace cairn::server
