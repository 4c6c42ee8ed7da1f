#include "bench/client.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include <sys/socket.h>
#include <sys/time.h>

#include "bench/workload.h"
#include "fmt/format.h"

namespace cairn::bench {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

absl::Status SocketError(std::string_view what) {
  if (absl::Status s = CheckInterrupted(); !s.ok()) return s;
  if (errno == EAGAIN) {
    return absl::DeadlineExceededError(fmt::format("{}: no answer in time", what));
  }
  return absl::UnavailableError(fmt::format("{}: {}", what, std::strerror(errno)));
}

std::optional<int64_t> ParseInt(std::string_view digits) {
  int64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

absl::StatusOr<Client> Client::Connect(uint16_t port, int timeout_ms) {
  absl::StatusOr<Fd> fd = ConnectLoopback(port);
  if (!fd.ok()) return fd.status();
  return Over(*std::move(fd), timeout_ms);
}

absl::StatusOr<Client> Client::Over(Fd fd, int timeout_ms) {
  timeval limit{};
  limit.tv_sec = timeout_ms / 1000;
  limit.tv_usec = timeout_ms % 1000 * 1000;
  if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
      setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0) {
    return absl::ErrnoToStatus(errno, "socket timeout");
  }
  return Client(std::move(fd));
}

absl::Status Client::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return SocketError("send");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

absl::Status Client::FillBuffer() {
  if (buffer_.size() < used_ + kReadBytes) buffer_.resize(2 * (used_ + kReadBytes));
  const ssize_t size = recv(fd_.get(), buffer_.data() + used_, buffer_.size() - used_, 0);
  if (size < 0) return SocketError("receive");
  if (size == 0) return absl::UnavailableError("the server closed the connection");
  used_ += static_cast<size_t>(size);
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> Client::ReadLine() {
  size_t searched = parsed_;
  while (true) {
    const std::string_view rest(buffer_.data() + searched, used_ - searched);
    const size_t end = rest.find("\r\n");
    if (end != std::string_view::npos) {
      const std::string_view line(buffer_.data() + parsed_, searched + end - parsed_);
      parsed_ = searched + end + 2;
      return line;
    }
    if (!rest.empty()) searched = used_ - 1;  // the last byte may be the CR of a CRLF
    if (absl::Status s = FillBuffer(); !s.ok()) return s;
  }
}

absl::Status Client::ReadElement(uint64_t& elements_left) {
  const absl::StatusOr<std::string_view> line = ReadLine();
  if (!line.ok()) return line.status();
  --elements_left;
  const std::string_view rest = line->substr(std::min<size_t>(1, line->size()));
  const char type = line->empty() ? '\0' : line->front();
  const auto rest_offset = static_cast<size_t>(rest.data() - buffer_.data());
  if (type == '-') return absl::FailedPreconditionError(std::string(rest));
  if (type == '+' || type == ':') {
    ranges_.push_back({rest_offset, rest.size()});
    return absl::OkStatus();
  }
  const std::optional<int64_t> length = ParseInt(rest);
  if ((type != '$' && type != '*') || !length.has_value()) {
    return absl::InternalError("the server sent bytes that are not RESP");
  }
  if (*length < 0) {
    ranges_.push_back({0, 0});
  } else if (type == '*') {
    elements_left += static_cast<uint64_t>(*length);
  } else {
    const auto size = static_cast<size_t>(*length);
    while (used_ - parsed_ < size + 2) {
      if (absl::Status s = FillBuffer(); !s.ok()) return s;
    }
    ranges_.push_back({parsed_, size});
    parsed_ += size + 2;
  }
  return absl::OkStatus();
}

absl::StatusOr<Client::Leaves> Client::Call(const std::vector<std::string_view>& args) {
  if (absl::Status s = Send(FormatRequest(args)); !s.ok()) return s;
  used_ = 0;
  parsed_ = 0;
  ranges_.clear();
  leaves_.clear();
  for (uint64_t elements_left = 1; elements_left > 0;) {
    if (absl::Status s = ReadElement(elements_left); !s.ok()) return s;
  }
  // Only now: the buffer may have moved while it grew.
  leaves_.reserve(ranges_.size());
  for (const Range& range : ranges_) {
    leaves_.emplace_back(buffer_.data() + range.offset, range.size);
  }
  return Leaves(leaves_);
}

}  // namespace cairn::bench
