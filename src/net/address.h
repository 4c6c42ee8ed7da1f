// Socket addresses: words of the configuration to addresses, addresses to text; and the Status of a
// failed socket call. For net/ only. Free functions; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cairn::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  [[nodiscard]] sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// The addresses to try, in this order, for one word of a `bind` line: a numeric IPv4 or IPv6
// address, "*" (every IPv4 address), "::*" or "::" (every IPv6 address), or a host name (its IPv4
// addresses first). Never empty. A name may take as long as the resolver does. kNotFound: the name
// has no address.
absl::StatusOr<std::vector<SocketAddress>> ResolveForListening(const std::string& word,
                                                               uint16_t port);

// kInvalidArgument: `path` is empty or longer than the 107 bytes that the kernel takes.
absl::StatusOr<SocketAddress> UnixAddress(const std::string& path);

// The address that `fd` is bound to.
absl::StatusOr<SocketAddress> BoundAddress(int fd);

// "127.0.0.1:6379" or "[::1]:6379". REQUIRES: an IP address.
std::string FormatAddress(const SocketAddress& address);
// The port in host order. REQUIRES: an IP address.
uint16_t PortOf(const SocketAddress& address);

// The Status for errno's value `error` after trying `what`; its text is "<what>: <the system's
// text>". kAlreadyExists: the address is in use. kNotFound: this machine has no such address, or
// not its family. kPermissionDenied, kResourceExhausted (out of descriptors or memory), otherwise
// as absl::ErrnoToStatus has it.
absl::Status SocketStatus(int error, const std::string& what);

}  // namespace cairn::net
