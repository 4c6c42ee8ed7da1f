// The ACL categories of a command, made from its row: flags, group, and what the row adds.
//
// Pure functions; thread-safe. Source: the replies of redis-server 7.0.15 (COMMAND INFO, ACL CAT).
#pragma once

#include <string_view>
#include <vector>

#include "exec/row.h"

namespace cairn::exec {

// The names without '@', in the order in which Redis prints them ("keyspace", "read", "fast").
std::vector<std::string_view> AclCategories(const CommandRow& row);

// True when the row belongs to the category, whose name is taken in any case and without '@'. False
// for unknown names.
bool InAclCategory(const CommandRow& row, std::string_view category);

}  // namespace cairn::exec
