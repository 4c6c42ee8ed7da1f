#include "exec/acl_categories.h"

#include <algorithm>
#include <iterator>

#include "exec/args.h"

namespace cairn::exec {
namespace {

// A category, and what puts a row into it: any of the flags, the group, or the bit in the row's
// `categories`.
struct Rule {
  std::string_view category;
  uint32_t flags = 0;
  std::string_view group = {};
  uint32_t bit = 0;
};

// In the order of Redis' replies. "fast" and "slow" are each other's opposite and handled apart.
constexpr Rule kRules[] = {
    {.category = "keyspace", .bit = kCatKeyspace},
    {.category = "read", .flags = kReadonly},
    {.category = "write", .flags = kWrite},
    {.category = "set", .group = "set"},
    {.category = "sortedset", .group = "sorted-set"},
    {.category = "list", .group = "list"},
    {.category = "hash", .group = "hash"},
    {.category = "string", .group = "string", .bit = kCatString},
    {.category = "bitmap", .group = "bitmap"},
    {.category = "hyperloglog", .group = "hyperloglog"},
    {.category = "geo", .group = "geo"},
    {.category = "stream", .group = "stream"},
    {.category = "pubsub", .flags = kPubsub},
    {.category = "admin", .flags = kAdmin, .bit = kCatAdmin},
    {.category = "fast"},
    {.category = "slow"},
    {.category = "blocking", .flags = kBlocking},
    {.category = "dangerous", .flags = kAdmin, .bit = kCatDangerous},
    {.category = "connection", .group = "connection", .bit = kCatConnection},
    {.category = "transaction", .group = "transactions"},
    {.category = "scripting", .group = "scripting"},
};

bool Fits(const Rule& rule, const CommandRow& row) {
  if (rule.category == "fast") return (row.flags & kFast) != 0;
  if (rule.category == "slow") return (row.flags & kFast) == 0;
  // A container that does nothing itself has no subject.
  const bool by_group = row.handler != nullptr && rule.group == row.group && !rule.group.empty();
  return by_group || (row.flags & rule.flags) != 0 || (row.categories & rule.bit) != 0;
}

}  // namespace

std::vector<std::string_view> AclCategories(const CommandRow& row) {
  std::vector<std::string_view> categories;
  for (const Rule& rule : kRules) {
    if (Fits(rule, row)) categories.push_back(rule.category);
  }
  return categories;
}

bool InAclCategory(const CommandRow& row, std::string_view category) {
  const auto* const rule = std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& r) {
    return EqualsIgnoreCase(r.category, category);
  });
  return rule != std::end(kRules) && Fits(*rule, row);
}

}  // namespace cairn::exec
