// Passwords: the one user, `default`, with the password of `requirepass`.
//
// Pure; thread-safe.
#pragma once

#include <string_view>

namespace cairn::server {

// Compares in a time that depends on the lengths only, so that nobody can feel for a password byte
// by byte.
bool SecretsEqual(std::string_view a, std::string_view b);

// True when this user may come in with this password. Without `required` (no password set) the
// default user may with any.
bool MayLogIn(std::string_view user, std::string_view password, std::string_view required);

}  // namespace cairn::server
