// INFO: what the server says of itself, in sections of fields.
//
// Names and order are Redis 7.2's, so that monitoring tools find what they look for; a field that
// has no meaning here is there only when tools need it, with the value that is true of Cairn.
// Cairn's own figures stand in a section of their own. To add a field: one line in its section's
// function. Loop thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cairn::server {

class Server;

// The text for `INFO section ...`; no names = the default sections. Names are compared without
// case; unknown ones are ignored; "all" and "everything" give every section, "default" the default
// ones.
std::string BuildInfo(Server& server, std::span<const std::string_view> sections);

}  // namespace cairn::server
