#include <algorithm>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "net/address.h"
#include "net/connection.h"
#include "net/handle_block.h"

// libuv's own listening (uv_listen) is not used. It accepts without bound in one callback, keeps
// quiet about an address in use until later, and once the process is out of descriptors it closes
// waiting connections or, when its spare descriptor is gone too, calls back with the error in a
// loop that never ends (uv__server_io, uv__emfile_trick in libuv 1.44). A poll handle on a socket
// of our own leaves all of that to us.

namespace cairn::net {
namespace {

constexpr int kKeepaliveProbes = 3;
constexpr int kMaxKeepaliveSeconds = 32767;  // the kernel's limit

// A socket that is closed unless it is released.
class OwnedSocket {
 public:
  explicit OwnedSocket(int fd) : fd_(fd) {}
  OwnedSocket(OwnedSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedSocket& operator=(OwnedSocket&&) = delete;
  ~OwnedSocket() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A Unix socket's file, told apart from one that another process has put in its place.
struct SocketFile {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
};

void SetOption(int fd, int level, int option, int value) {
  CAIRN_CHECK(setsockopt(fd, level, option, &value, sizeof(value)) == 0);
}

// Accepted sockets inherit the options of the listening one (Linux), which saves a few system calls
// for each.
void SetKeepalive(int fd, int seconds) {
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, seconds > 0 ? 1 : 0);
  if (seconds <= 0) return;
  const int idle_seconds = std::min(seconds, kMaxKeepaliveSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_seconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(idle_seconds / kKeepaliveProbes, 1));
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
}

class SocketListener;

// Outlives its listener until libuv is done with the poll handle, and until the callbacks have
// returned.
struct ListenBlock : HandleBlock<ListenBlock, uv_poll_t> {
  SocketListener* owner = nullptr;
  Listener::OnAccept on_accept;
  std::function<void(const absl::Status&)> on_error;
};

class SocketListener final : public Listener {
 public:
  // `socket` listens. `file` has an empty path for TCP.
  SocketListener(Loop& loop, OwnedSocket socket, std::string address, uint16_t port,
                 SocketFile file, const ListenOptions& options, OnAccept on_accept);
  ~SocketListener() override;

  [[nodiscard]] uint16_t port() const override { return port_; }
  [[nodiscard]] const std::string& address() const override { return address_; }
  void set_keepalive_seconds(int seconds) override {
    if (!is_unix()) SetKeepalive(fd_, seconds);
  }

 private:
  enum class Accepted : uint8_t { kOne, kNone };

  static void OnReadable(uv_poll_t* handle, int status, int events);

  [[nodiscard]] bool is_unix() const { return !file_.path.empty(); }
  void StartAccepting();
  Accepted AcceptOne();
  void HandOver(int fd, const SocketAddress& peer);
  void Pause(int error);

  Loop& loop_;
  ListenBlock* block_;
  Timer retry_;
  int fd_;
  std::string address_;
  uint16_t port_;
  SocketFile file_;
  uint64_t next_report_ms_ = 0;
};

SocketListener::SocketListener(Loop& loop, OwnedSocket socket, std::string address, uint16_t port,
                               SocketFile file, const ListenOptions& options, OnAccept on_accept)
    : loop_(loop),
      block_(new ListenBlock),
      retry_(loop, [this] { StartAccepting(); }),
      fd_(socket.Release()),
      address_(std::move(address)),
      port_(port),
      file_(std::move(file)) {
  block_->owner = this;
  block_->on_accept = std::move(on_accept);
  block_->on_error = options.on_error;
  CAIRN_CHECK(uv_poll_init(loop.raw(), block_->handle(), fd_) == 0);
  StartAccepting();
}

SocketListener::~SocketListener() {
  block_->owner = nullptr;
  block_->Close();
  close(fd_);
  struct stat now {};
  if (is_unix() && lstat(file_.path.c_str(), &now) == 0 && now.st_dev == file_.device &&
      now.st_ino == file_.inode) {
    unlink(file_.path.c_str());
  }
}

void SocketListener::StartAccepting() {
  CAIRN_CHECK(uv_poll_start(block_->handle(), UV_READABLE, OnReadable) == 0);
}

void SocketListener::OnReadable(uv_poll_t* handle, int /*status*/, int /*events*/) {
  ListenBlock* block = ListenBlock::Of(handle);
  // What is left of a storm is found again in the next round: the poll is level-triggered.
  for (int i = 0; i < kAcceptsPerRound && block->owner != nullptr; ++i) {
    if (block->owner->AcceptOne() == Accepted::kNone) return;
  }
}

SocketListener::Accepted SocketListener::AcceptOne() {
  SocketAddress peer;
  const int fd = accept4(fd_, peer.raw(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    HandOver(fd, peer);
    return Accepted::kOne;
  }
  switch (errno) {
    case EAGAIN:
      return Accepted::kNone;
    // The connection was gone before it could be accepted; accept(2) lists what Linux passes on.
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
      return Accepted::kOne;
    default:
      Pause(errno);
      return Accepted::kNone;
  }
}

void SocketListener::HandOver(int fd, const SocketAddress& peer) {
  Connection::Endpoints ends;
  ends.is_unix = is_unix();
  if (is_unix()) {
    ends.remote = ends.local = absl::StrCat(file_.path, ":0");
  } else {
    ends.remote = FormatAddress(peer);
    const absl::StatusOr<SocketAddress> local = BoundAddress(fd);
    ends.local = local.ok() ? FormatAddress(*local) : address_;
  }
  block_->on_accept(Connection::Adopt(loop_, fd, std::move(ends)));
}

void SocketListener::Pause(int error) {
  // The waiting connection keeps the socket readable, so polling on would spin.
  uv_poll_stop(block_->handle());
  retry_.Start(kRetryMs, 0);
  const uint64_t now_ms = uv_now(loop_.raw());
  if (now_ms < next_report_ms_ || !block_->on_error) return;
  next_report_ms_ = now_ms + kErrorReportMs;
  block_->on_error(SocketStatus(error, absl::StrCat("accepting connections on ", address_)));
}

// ---- Listening

absl::StatusOr<OwnedSocket> BindTcp(const SocketAddress& address, const ListenOptions& options) {
  const std::string what = absl::StrCat("cannot listen on ", FormatAddress(address));
  OwnedSocket fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return SocketStatus(errno, what);
  SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  SetKeepalive(fd.get(), options.keepalive_seconds);
  if (address.storage.ss_family == AF_INET6) SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (bind(fd.get(), address.raw(), address.size) != 0 || listen(fd.get(), options.backlog) != 0) {
    return SocketStatus(errno, what);
  }
  return fd;
}

// Removes the file of a Unix socket that nobody listens on. Ok also when there is no file.
absl::Status RemoveStaleSocket(const std::string& path, const SocketAddress& address,
                               const std::string& what) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) {
    return errno == ENOENT ? absl::OkStatus() : SocketStatus(errno, what);
  }
  if (!S_ISSOCK(file.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(what, ": a file that is no socket is there"));
  }
  const OwnedSocket probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (probe.get() < 0) return SocketStatus(errno, what);
  if (connect(probe.get(), address.raw(), address.size) == 0) return SocketStatus(EADDRINUSE, what);
  switch (errno) {
    case ECONNREFUSED:
      break;
    case ENOENT:
      return absl::OkStatus();
    case EAGAIN:      // somebody listens, with a full backlog
    case EPROTOTYPE:  // somebody is there, with another kind of socket
      return SocketStatus(EADDRINUSE, what);
    default:
      return SocketStatus(errno, what);
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return SocketStatus(errno, what);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::ListenTcp(Loop& loop,
                                                              const std::string& address,
                                                              uint16_t port,
                                                              const ListenOptions& options,
                                                              OnAccept on_accept) {
  const absl::StatusOr<std::vector<SocketAddress>> candidates = ResolveForListening(address, port);
  if (!candidates.ok()) return candidates.status();
  absl::Status first_error;
  for (const SocketAddress& candidate : *candidates) {
    absl::StatusOr<OwnedSocket> fd = BindTcp(candidate, options);
    if (!fd.ok()) {
      first_error.Update(fd.status());
      continue;
    }
    const absl::StatusOr<SocketAddress> bound = BoundAddress(fd->get());
    if (!bound.ok()) return bound.status();
    return std::make_unique<SocketListener>(loop, *std::move(fd), FormatAddress(*bound),
                                            PortOf(*bound), SocketFile{}, options,
                                            std::move(on_accept));
  }
  return first_error;
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::ListenUnix(Loop& loop, const std::string& path,
                                                               const ListenOptions& options,
                                                               OnAccept on_accept) {
  const std::string what = absl::StrCat("cannot listen on ", path);
  const absl::StatusOr<SocketAddress> address = UnixAddress(path);
  if (!address.ok()) return address.status();
  if (absl::Status removed = RemoveStaleSocket(path, *address, what); !removed.ok()) return removed;
  OwnedSocket fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 || bind(fd.get(), address->raw(), address->size) != 0) {
    return SocketStatus(errno, what);
  }
  // Permissions are set before anybody can connect: that takes listen.
  struct stat file {};
  if ((options.unix_mode != 0 && chmod(path.c_str(), options.unix_mode) != 0) ||
      lstat(path.c_str(), &file) != 0 || listen(fd.get(), options.backlog) != 0) {
    const int error = errno;
    unlink(path.c_str());
    return SocketStatus(error, what);
  }
  return std::make_unique<SocketListener>(loop, std::move(fd), path, 0,
                                          SocketFile{path, file.st_dev, file.st_ino}, options,
                                          std::move(on_accept));
}

}  // namespace cairn::net
