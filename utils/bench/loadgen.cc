#include "bench/loadgen.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/reply_scanner.h"
#include "bench/socket.h"
#include "fmt/format.h"

namespace cairn::bench {
namespace {

constexpr int kTickMs = 1000;
constexpr int kSilentTicks = 60;  // give up after so many ticks without a reply
constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kEventsPerWait = 64;

double ThreadCpuSeconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

struct Connection {
  Connection(Fd socket, const LoadSpec& spec, uint64_t seed)
      : fd(std::move(socket)), batch(spec.command, spec.depth, spec.value_bytes, seed) {}

  Fd fd;
  Batch batch;
  ReplyScanner scanner;
  std::string_view unsent;   // the rest of the batch that the socket did not take yet
  bool wants_write = false;  // registered for EPOLLOUT
  uint64_t replies_due = 0;  // scanner.replies() at which the batch under way is complete
  uint64_t started_ns = 0;
};

class Generator {
 public:
  explicit Generator(const LoadSpec& spec)
      : spec_(spec),
        keys_(spec.keys, spec.each_once, spec.seed),
        left_(spec.requests > 0 ? spec.requests : std::numeric_limits<uint64_t>::max()) {}

  absl::StatusOr<LoadResult> Run();

 private:
  absl::Status Connect();
  absl::Status StartBatch(Connection& connection);
  absl::Status Send(Connection& connection);
  absl::Status Receive(Connection& connection);
  absl::Status FinishBatch(Connection& connection, uint64_t now_ns);
  absl::Status Watch(Connection& connection, int operation, bool wants_write);
  absl::Status Wait();

  const LoadSpec& spec_;
  KeySource keys_;
  Fd epoll_;
  std::vector<Connection> connections_;
  uint64_t left_;             // requests that may still be sent
  uint64_t deadline_ns_ = 0;  // no batch starts after it
  size_t busy_ = 0;           // connections with a batch under way
  std::array<char, kReadBytes> buffer_;
  LoadResult result_;
};

absl::Status Generator::Watch(Connection& connection, int operation, bool wants_write) {
  epoll_event event{};
  event.events = wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.ptr = &connection;
  if (epoll_ctl(epoll_.get(), operation, connection.fd.get(), &event) != 0) {
    return absl::ErrnoToStatus(errno, "epoll_ctl");
  }
  connection.wants_write = wants_write;
  return absl::OkStatus();
}

absl::Status Generator::Connect() {
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  if (epoll_.get() < 0) return absl::ErrnoToStatus(errno, "epoll_create1");
  connections_.reserve(spec_.connections);  // epoll keeps pointers to the elements
  for (size_t i = 0; i < spec_.connections; ++i) {
    absl::StatusOr<Fd> fd = ConnectLoopback(spec_.port);
    if (!fd.ok()) return fd.status();
    if (fcntl(fd->get(), F_SETFL, O_NONBLOCK) != 0) return absl::ErrnoToStatus(errno, "O_NONBLOCK");
    connections_.emplace_back(*std::move(fd), spec_, spec_.seed * 1000 + i);
    if (absl::Status s = Watch(connections_.back(), EPOLL_CTL_ADD, false); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status Generator::StartBatch(Connection& connection) {
  const uint64_t size = std::min<uint64_t>(spec_.depth, left_);
  if (size == 0) return absl::OkStatus();
  connection.unsent = connection.batch.Fill(size, keys_);
  connection.started_ns = NowNs();
  if (connection.started_ns >= deadline_ns_) return absl::OkStatus();
  left_ -= size;
  connection.replies_due += size;
  ++busy_;
  return Send(connection);
}

absl::Status Generator::Send(Connection& connection) {
  while (!connection.unsent.empty()) {
    const ssize_t sent =
        send(connection.fd.get(), connection.unsent.data(), connection.unsent.size(), 0);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) {
      return absl::UnavailableError("the server closed a connection");
    }
    if (sent < 0) break;
    connection.unsent.remove_prefix(static_cast<size_t>(sent));
  }
  const bool wants_write = !connection.unsent.empty();
  if (wants_write == connection.wants_write) return absl::OkStatus();
  return Watch(connection, EPOLL_CTL_MOD, wants_write);
}

absl::Status Generator::Receive(Connection& connection) {
  const ssize_t size = recv(connection.fd.get(), buffer_.data(), buffer_.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return absl::OkStatus();
  if (size <= 0) return absl::UnavailableError("the server closed a connection");
  if (!connection.scanner.Feed({buffer_.data(), static_cast<size_t>(size)})) {
    return absl::FailedPreconditionError("the server sent bytes that are not RESP");
  }
  if (connection.scanner.replies() < connection.replies_due) return absl::OkStatus();
  return FinishBatch(connection, NowNs());
}

absl::Status Generator::FinishBatch(Connection& connection, uint64_t now_ns) {
  const ReplyScanner& scanner = connection.scanner;
  if (scanner.errors() > 0) {
    return absl::FailedPreconditionError(fmt::format(
        "{} answered with an error: {}", CommandName(spec_.command), scanner.first_error()));
  }
  if (scanner.nulls() > 0) {
    return absl::FailedPreconditionError(
        fmt::format("{} answered with null: a loaded key is missing", CommandName(spec_.command)));
  }
  if (scanner.replies() > connection.replies_due) {
    return absl::FailedPreconditionError("the server sent more replies than it was asked for");
  }
  result_.batch_ns.Record(now_ns - connection.started_ns);
  --busy_;
  return StartBatch(connection);
}

absl::Status Generator::Wait() {
  std::array<epoll_event, kEventsPerWait> events;
  int silent_ticks = 0;
  while (busy_ > 0) {
    const int count = epoll_wait(epoll_.get(), events.data(), kEventsPerWait, kTickMs);
    if (count < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "epoll_wait");
    if (absl::Status s = CheckInterrupted(); !s.ok()) return s;
    if (count == 0 && ++silent_ticks >= kSilentTicks) {
      return absl::DeadlineExceededError(fmt::format("no reply for {} s", kSilentTicks));
    }
    if (count > 0) silent_ticks = 0;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      Connection& connection = *static_cast<Connection*>(event.data.ptr);
      absl::Status status;
      if ((event.events & EPOLLOUT) != 0) status = Send(connection);
      if (status.ok() && (event.events & ~EPOLLOUT) != 0) status = Receive(connection);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<LoadResult> Generator::Run() {
  if (spec_.requests == 0 && spec_.seconds <= 0) {
    return absl::InvalidArgumentError("a load needs a number of requests or of seconds");
  }
  if (absl::Status s = Connect(); !s.ok()) return s;
  const uint64_t start_ns = NowNs();
  const double start_cpu = ThreadCpuSeconds();
  deadline_ns_ = spec_.seconds > 0 ? start_ns + static_cast<uint64_t>(spec_.seconds * 1e9)
                                   : std::numeric_limits<uint64_t>::max();
  for (Connection& connection : connections_) {
    if (absl::Status s = StartBatch(connection); !s.ok()) return s;
  }
  if (absl::Status s = Wait(); !s.ok()) return s;
  result_.seconds = static_cast<double>(NowNs() - start_ns) * 1e-9;
  result_.client_cpu_seconds = ThreadCpuSeconds() - start_cpu;
  for (const Connection& connection : connections_) {
    result_.requests += connection.scanner.replies();
  }
  return std::move(result_);
}

}  // namespace

absl::StatusOr<LoadResult> RunLoad(const LoadSpec& spec) {
  return Generator(spec).Run();
}

}  // namespace cairn::bench
