#include "support/raw_client.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace cairn::redis_tests {
namespace {

constexpr size_t kReadBytes = 256 * 1024;
constexpr size_t kShownBytes = 300;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool IsBulk(char type) {
  return type == '$' || type == '=' || type == '!';
}

// Elements that follow an aggregate's header of `count`; 0 for other types.
int64_t Elements(char type, int64_t count) {
  if (count < 0) return 0;
  switch (type) {
    case '*':
    case '~':
    case '>':
      return count;
    case '%':
      return 2 * count;
    case '|':
      return 2 * count + 1;
    default:
      return 0;
  }
}

int64_t Number(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string Escaped(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", byte);
      out += hex;
    }
  }
  return out;
}

}  // namespace

void AppendCommand(const Command& command, std::string* out) {
  *out += '*' + std::to_string(command.size()) + "\r\n";
  for (const std::string& arg : command) {
    *out += '$' + std::to_string(arg.size()) + "\r\n";
    *out += arg;
    *out += "\r\n";
  }
}

size_t ReplyLength(std::string_view data) {
  size_t at = 0;
  for (int64_t open = 1; open > 0; --open) {
    const size_t line_end = data.find("\r\n", at);
    if (line_end == std::string_view::npos) return 0;
    const char type = data[at];
    const std::string_view rest = data.substr(at + 1, line_end - at - 1);
    at = line_end + 2;
    if (IsBulk(type)) {
      const int64_t length = Number(rest);
      if (length >= 0) at += static_cast<size_t>(length) + 2;
      if (at > data.size()) return 0;
    } else {
      open += Elements(type, Number(rest));
    }
  }
  return at;
}

std::vector<Scalar> Scalars(std::string_view reply) {
  std::vector<Scalar> scalars;
  for (size_t at = 0; at < reply.size();) {
    const size_t line_end = reply.find("\r\n", at);
    const char type = reply[at];
    std::string_view text = reply.substr(at + 1, line_end - at - 1);
    at = line_end + 2;
    const bool aggregate = Elements(type, 1) != 0;
    if (aggregate && !text.starts_with('-')) continue;
    const bool null = type == '_' || ((aggregate || IsBulk(type)) && text.starts_with('-'));
    if (IsBulk(type) && !null) {
      const auto length = static_cast<size_t>(Number(text));
      text = reply.substr(at, length);
      at += length + 2;
    }
    scalars.push_back({type, null, null ? std::string_view() : text});
  }
  return scalars;
}

std::string Shown(std::string_view bytes) {
  if (bytes.size() <= kShownBytes) return '"' + Escaped(bytes) + '"';
  return '"' + Escaped(bytes.substr(0, kShownBytes / 2)) + "\"...\"" +
         Escaped(bytes.substr(bytes.size() - kShownBytes / 2)) + "\" (" +
         std::to_string(bytes.size()) + " bytes)";
}

std::string Shown(const Command& command) {
  std::string out;
  for (const std::string& arg : command) {
    if (!out.empty()) out += ' ';
    std::string_view rest = arg;
    const size_t run = arg.empty() ? 0 : std::min(arg.find_first_not_of(arg[0]), arg.size());
    if (run > 20) {
      out += '"' + Escaped(rest.substr(0, 1)) + "\"*" + std::to_string(run);
      rest.remove_prefix(run);
      if (rest.empty()) continue;
    }
    const bool plain =
        !rest.empty() && Escaped(rest) == rest && rest.find(' ') == std::string_view::npos;
    out += plain && rest.size() <= kShownBytes ? std::string(rest) : Shown(rest);
  }
  return out;
}

RawClient::~RawClient() {
  Close();
}

void RawClient::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  input_.clear();
  input_at_ = 0;
  wanted_size_ = 0;
}

bool RawClient::ConnectTo(const void* address, unsigned size) {
  if (fd_ < 0) return false;
  if (connect(fd_, static_cast<const sockaddr*>(address), size) != 0) {
    Close();
    return false;
  }
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  return true;
}

bool RawClient::Connect(int port) {
  Close();
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!ConnectTo(&address, sizeof address)) return false;
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return true;
}

bool RawClient::ConnectUnix(const std::string& path) {
  Close();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  path.copy(address.sun_path, path.size());
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return ConnectTo(&address, sizeof address);
}

bool RawClient::Fill() {
  if (input_at_ > 0) {
    input_.erase(0, input_at_);
    input_at_ = 0;
  }
  const size_t before = input_.size();
  input_.resize(before + kReadBytes);
  const ssize_t got = read(fd_, input_.data() + before, kReadBytes);
  input_.resize(before + static_cast<size_t>(got > 0 ? got : 0));
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool RawClient::TakeReply(std::string* reply) {
  const std::string_view rest = std::string_view(input_).substr(input_at_);
  if (rest.size() < wanted_size_) return false;
  const size_t length = ReplyLength(rest);
  if (length == 0) {
    const size_t line_end = rest.find("\r\n");
    const bool tells_length = rest.starts_with('$') && line_end != std::string_view::npos;
    if (tells_length) {
      wanted_size_ = line_end + 4 + static_cast<size_t>(Number(rest.substr(1, line_end - 1)));
    }
    return false;
  }
  wanted_size_ = 0;
  reply->assign(rest.substr(0, length));
  input_at_ += length;
  return true;
}

bool RawClient::Exchange(std::string_view requests, size_t count, std::vector<std::string>* replies,
                         int timeout_ms) {
  const int64_t deadline_ms = NowMs() + timeout_ms;
  std::string reply;
  bool open = connected();
  while (true) {
    while (count > 0 && TakeReply(&reply)) {
      replies->push_back(std::move(reply));
      --count;
    }
    if (count == 0 && requests.empty()) return true;
    const int64_t left_ms = deadline_ms - NowMs();
    if (!open || left_ms <= 0) return false;
    pollfd event{fd_, static_cast<int16_t>(POLLIN | (requests.empty() ? 0 : POLLOUT)), 0};
    if (poll(&event, 1, static_cast<int>(left_ms)) < 0 && errno != EINTR) return false;
    if ((event.revents & POLLOUT) != 0) {
      const ssize_t sent = send(fd_, requests.data(), requests.size(), MSG_NOSIGNAL);
      if (sent > 0) requests.remove_prefix(static_cast<size_t>(sent));
      if (sent < 0 && errno != EAGAIN && errno != EINTR)
        requests = {};  // What was answered is still read.
    }
    if ((event.revents & (POLLIN | POLLHUP | POLLERR)) != 0) open = Fill();
  }
}

std::string RawClient::Call(const Command& command) {
  std::string request;
  AppendCommand(command, &request);
  std::vector<std::string> replies;
  if (!Exchange(request, 1, &replies)) {
    throw std::runtime_error("the connection broke at: " + Shown(command));
  }
  return std::move(replies.front());
}

}  // namespace cairn::redis_tests
