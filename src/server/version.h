// What this server says that it is.
#pragma once

#include <string_view>

namespace cairn::server {

// The version of Redis whose commands and replies are followed; clients look at it before they use
// a feature.
inline constexpr std::string_view kRedisVersion = "7.2.0";
inline constexpr std::string_view kCairnVersion = CAIRN_VERSION;

}  // namespace cairn::server
