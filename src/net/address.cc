#include "net/address.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace cairn::net {
namespace {

const sockaddr_in& AsV4(const SocketAddress& address) {
  return *reinterpret_cast<const sockaddr_in*>(&address.storage);
}
const sockaddr_in6& AsV6(const SocketAddress& address) {
  return *reinterpret_cast<const sockaddr_in6*>(&address.storage);
}

std::string NameOf(const std::string& word) {
  if (word == "*") return "0.0.0.0";
  if (word == "::*") return "::";
  return word;
}

void AppendFamily(const addrinfo* list, int family, std::vector<SocketAddress>& out) {
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != family) continue;
    SocketAddress& address = out.emplace_back();
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
  }
}

}  // namespace

absl::StatusOr<std::vector<SocketAddress>> ResolveForListening(const std::string& word,
                                                               uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(NameOf(word).c_str(), absl::StrCat(port).c_str(), &hints, &list);
  const int system_error = errno;
  const std::string what = absl::StrCat("cannot resolve '", word, "'");
  if (error == EAI_SYSTEM) return SocketStatus(system_error, what);
  if (error != 0) return absl::NotFoundError(absl::StrCat(what, ": ", gai_strerror(error)));
  std::vector<SocketAddress> addresses;
  AppendFamily(list, AF_INET, addresses);
  AppendFamily(list, AF_INET6, addresses);
  freeaddrinfo(list);
  if (addresses.empty()) return absl::NotFoundError(absl::StrCat(what, ": no IP address"));
  return addresses;
}

absl::StatusOr<SocketAddress> UnixAddress(const std::string& path) {
  SocketAddress address;
  auto& name = *reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.empty() || path.size() >= sizeof(name.sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a Unix socket's path has 1 to ", sizeof(name.sun_path) - 1,
                     " bytes, this one has ", path.size(), ": '", path, "'"));
  }
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  address.size = sizeof(sockaddr_un);
  return address;
}

absl::StatusOr<SocketAddress> BoundAddress(int fd) {
  SocketAddress address;
  if (getsockname(fd, address.raw(), &address.size) != 0) {
    return SocketStatus(errno, "cannot tell a socket's address");
  }
  return address;
}

std::string FormatAddress(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &AsV4(address).sin_addr, text.data(), text.size());
    return absl::StrCat(text.data(), ":", PortOf(address));
  }
  CAIRN_CHECK(address.storage.ss_family == AF_INET6);
  inet_ntop(AF_INET6, &AsV6(address).sin6_addr, text.data(), text.size());
  return absl::StrCat("[", text.data(), "]:", PortOf(address));
}

uint16_t PortOf(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) return ntohs(AsV4(address).sin_port);
  CAIRN_CHECK(address.storage.ss_family == AF_INET6);
  return ntohs(AsV6(address).sin6_port);
}

absl::Status SocketStatus(int error, const std::string& what) {
  const absl::Status status = absl::ErrnoToStatus(error, what);
  switch (error) {
    case EADDRINUSE:
      return absl::AlreadyExistsError(status.message());
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
      return absl::NotFoundError(status.message());
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return absl::ResourceExhaustedError(status.message());
    default:
      return status;
  }
}

}  // namespace cairn::net
