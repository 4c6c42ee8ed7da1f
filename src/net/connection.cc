#include "net/connection.h"

#include <array>
#include <utility>

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <uv.h>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "net/address.h"
#include "net/handle_block.h"
#include "net/output_queue.h"

namespace cairn::net {
namespace {

class StreamConnection;

// uv_write takes this many buffers without allocating.
constexpr size_t kBuffersPerWrite = 4;

// What the kernel has not taken, and the libuv request that hands it over. Exists only while there
// is some.
struct PendingOutput {
  uv_write_t request{};
  OutputQueue queue;
};

union AnyStream {
  uv_tcp_t tcp;
  uv_pipe_t pipe;
  // The first member, and the first of libuv's handles too.
  void* data;
};

// Outlives its connection until libuv is done with the socket.
struct StreamBlock : HandleBlock<StreamBlock, AnyStream> {
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(handle()); }
  static StreamBlock* OfStream(const uv_stream_t* stream) {
    return static_cast<StreamBlock*>(stream->data);
  }

  StreamConnection* owner = nullptr;  // null once the connection has closed
  std::unique_ptr<PendingOutput> pending;
};

class StreamConnection final : public Connection {
 public:
  StreamConnection(Loop& loop, StreamBlock* block, int fd, Endpoints endpoints)
      : loop_(loop), block_(block), fd_(fd), endpoints_(std::move(endpoints)) {
    block_->owner = this;
  }
  ~StreamConnection() override { CloseSocket(); }

  void set_handler(ConnectionHandler* handler) override { handler_ = handler; }
  void StartReading() override;
  void StopReading() override;
  [[nodiscard]] bool reading() const override { return reading_; }
  size_t Write(std::string_view data) override;
  [[nodiscard]] size_t pending_bytes() const override;
  void CloseAfterWrites(uint64_t timeout_ms) override;
  [[nodiscard]] const std::string& remote_address() const override { return endpoints_.remote; }
  [[nodiscard]] const std::string& local_address() const override { return endpoints_.local; }
  [[nodiscard]] bool is_unix() const override { return endpoints_.is_unix; }
  [[nodiscard]] int fd() const override { return fd_; }

 private:
  static void OnAlloc(uv_handle_t* handle, size_t suggested_size, uv_buf_t* buffer);
  static void OnReadable(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer);
  static void OnWritten(uv_write_t* request, int error);
  static void OnDiscardAlloc(uv_handle_t* handle, size_t suggested_size, uv_buf_t* buffer);
  static void OnDiscarded(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer);

  void EndOfInput(ssize_t error);
  void WritePending();
  void Fail(int error, const char* what);
  void ReportLater();
  void Report();
  void WritesDone();
  void TimeIsUp();
  bool HasUnreadInput() const;
  void CloseSocket();

  Loop& loop_;
  StreamBlock* block_;  // null once the socket is closed
  ConnectionHandler* handler_ = nullptr;
  absl::Status status_;  // what the next OnClosed tells; not Ok = broken
  std::unique_ptr<Deferred> report_;
  std::unique_ptr<Timer> close_timer_;  // set by CloseAfterWrites
  int fd_;
  bool reading_ = false;
  bool input_ended_ = false;
  bool told_ = false;  // OnClosed has been called
  Endpoints endpoints_;
};

// ---- Reading

void StreamConnection::StartReading() {
  CAIRN_CHECK(handler_ != nullptr);
  if (reading_ || input_ended_ || !status_.ok() || close_timer_ != nullptr) return;
  CAIRN_CHECK(uv_read_start(block_->stream(), OnAlloc, OnReadable) == 0);
  reading_ = true;
}

void StreamConnection::StopReading() {
  if (!reading_) return;
  uv_read_stop(block_->stream());
  reading_ = false;
}

void StreamConnection::OnAlloc(uv_handle_t* handle, size_t /*suggested_size*/, uv_buf_t* buffer) {
  auto* block = static_cast<StreamBlock*>(handle->data);
  const std::span<char> space = block->owner->handler_->ReadBuffer();
  // libuv 1.44 calls through a null pointer when reading is stopped between here and the read
  // itself.
  CAIRN_CHECK(block->owner != nullptr && block->owner->reading_ && !space.empty());
  *buffer = uv_buf_t{space.data(), space.size()};
}

void StreamConnection::OnReadable(uv_stream_t* stream, ssize_t size, const uv_buf_t* /*buffer*/) {
  StreamConnection* self = StreamBlock::OfStream(stream)->owner;
  if (self == nullptr || size == 0) return;
  if (size > 0) {
    self->handler_->OnRead(static_cast<size_t>(size));
  } else {
    self->EndOfInput(size);
  }
}

void StreamConnection::EndOfInput(ssize_t error) {
  StopReading();
  input_ended_ = true;
  if (error != UV_EOF && status_.ok()) {
    status_ =
        SocketStatus(static_cast<int>(-error), absl::StrCat("reading from ", endpoints_.remote));
  }
  Report();
}

// ---- Writing

size_t StreamConnection::Write(std::string_view data) {
  if (data.empty() || !status_.ok() || close_timer_ != nullptr) return 0;
  if (block_->pending != nullptr) {
    block_->pending->queue.Append(data);
    return 0;
  }
  const uv_buf_t buffer{const_cast<char*>(data.data()), data.size()};
  const int result = uv_try_write(block_->stream(), &buffer, 1);
  if (result < 0 && result != UV_EAGAIN) {
    Fail(result, "writing to ");
    return 0;
  }
  const size_t taken = result < 0 ? 0 : static_cast<size_t>(result);
  if (taken < data.size()) {
    block_->pending = std::make_unique<PendingOutput>();
    block_->pending->queue.Append(data.substr(taken));
    WritePending();
  }
  return taken;
}

void StreamConnection::WritePending() {
  std::array<std::string_view, kBuffersPerWrite> views;
  const size_t count = block_->pending->queue.Lend(views);
  std::array<uv_buf_t, kBuffersPerWrite> buffers;
  for (size_t i = 0; i < count; ++i) {
    buffers[i] = {const_cast<char*>(views[i].data()), views[i].size()};
  }
  const int error = uv_write(&block_->pending->request, block_->stream(), buffers.data(),
                             static_cast<unsigned>(count), OnWritten);
  if (error != 0) Fail(error, "writing to ");
}

void StreamConnection::OnWritten(uv_write_t* request, int error) {
  StreamBlock* block = StreamBlock::OfStream(request->handle);
  StreamConnection* self = block->owner;
  if (self == nullptr) return;
  if (error != 0) {
    if (self->status_.ok()) self->Fail(error, "writing to ");
    block->pending.reset();
    return;
  }
  block->pending->queue.PopLent();
  if (!block->pending->queue.empty()) {
    self->WritePending();
    return;
  }
  block->pending.reset();
  if (self->close_timer_ != nullptr) {
    self->WritesDone();
  } else if (!self->told_) {
    self->handler_->OnDrained();
  }
}

size_t StreamConnection::pending_bytes() const {
  if (block_ == nullptr || block_->pending == nullptr || !status_.ok()) return 0;
  return uv_stream_get_write_queue_size(block_->stream()) + block_->pending->queue.waiting_bytes();
}

// ---- Ending

void StreamConnection::Fail(int error, const char* what) {
  status_ = SocketStatus(-error, absl::StrCat(what, endpoints_.remote));
  StopReading();
  ReportLater();
}

void StreamConnection::ReportLater() {
  if (report_ == nullptr) report_ = std::make_unique<Deferred>(loop_, [this] { Report(); });
  report_->Start();
}

void StreamConnection::Report() {
  if (told_) return;
  told_ = true;
  const absl::Status status = status_;  // outlives the connection, which the handler may destroy
  if (handler_ != nullptr) handler_->OnClosed(status);
}

void StreamConnection::CloseAfterWrites(uint64_t timeout_ms) {
  if (close_timer_ != nullptr) return;
  StopReading();
  told_ = false;
  close_timer_ = std::make_unique<Timer>(loop_, [this] { TimeIsUp(); });
  close_timer_->Start(timeout_ms, 0);
  if (!status_.ok()) {
    ReportLater();
  } else if (block_->pending == nullptr) {
    WritesDone();
  }
}

void StreamConnection::WritesDone() {
  if (!input_ended_ && HasUnreadInput()) {
    shutdown(fd_, SHUT_WR);
    CAIRN_CHECK(uv_read_start(block_->stream(), OnDiscardAlloc, OnDiscarded) == 0);
    return;
  }
  CloseSocket();
  ReportLater();
}

void StreamConnection::OnDiscardAlloc(uv_handle_t* /*handle*/, size_t /*suggested_size*/,
                                      uv_buf_t* buffer) {
  thread_local std::array<char, 16 * 1024> sink;
  *buffer = uv_buf_t{sink.data(), sink.size()};
}

void StreamConnection::OnDiscarded(uv_stream_t* stream, ssize_t size, const uv_buf_t* /*buffer*/) {
  if (size >= 0) return;
  StreamConnection* self = StreamBlock::OfStream(stream)->owner;
  self->CloseSocket();
  self->Report();
}

void StreamConnection::TimeIsUp() {
  if (pending_bytes() > 0) {
    status_ = absl::DeadlineExceededError(absl::StrCat(
        "closing ", endpoints_.remote, ": ", pending_bytes(), " bytes were not taken in time"));
  }
  CloseSocket();
  Report();
}

bool StreamConnection::HasUnreadInput() const {
  int unread_bytes = 0;
  return ioctl(fd_, FIONREAD, &unread_bytes) == 0 && unread_bytes > 0;
}

void StreamConnection::CloseSocket() {
  if (block_ == nullptr) return;
  block_->owner = nullptr;
  block_->Close();
  block_ = nullptr;
  fd_ = -1;
  reading_ = false;
}

}  // namespace

std::unique_ptr<Connection> Connection::Adopt(Loop& loop, int fd, Endpoints endpoints) {
  auto* block = new StreamBlock;
  if (endpoints.is_unix) {
    CAIRN_CHECK(uv_pipe_init(loop.raw(), &block->handle()->pipe, 0) == 0);
    CAIRN_CHECK(uv_pipe_open(&block->handle()->pipe, fd) == 0);
  } else {
    CAIRN_CHECK(uv_tcp_init(loop.raw(), &block->handle()->tcp) == 0);
    CAIRN_CHECK(uv_tcp_open(&block->handle()->tcp, fd) == 0);
  }
  return std::make_unique<StreamConnection>(loop, block, fd, std::move(endpoints));
}

}  // namespace cairn::net
