// What to say about a directive that Cairn does not know.
//
// Constants and pure functions; thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cairn::config {

// "unknown directive 'x'", and what helps: the nearest directive, or that Redis has it and Cairn
// does not.
std::string UnknownDirective(std::string_view name);

// Directives of Redis 7.2 that Cairn does not have, sorted. A name leaves the list when it gets a
// row in table.cc.
std::span<const std::string_view> RedisOnlyDirectives();

}  // namespace cairn::config
