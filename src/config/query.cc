#include "config/query.h"

#include "base/glob.h"
#include "config/table.h"
#include "config/text.h"

namespace cairn::config {
namespace {

// The name under which the first pattern that fits asks for `name`; "" when none does.
std::string_view AskedAs(std::string_view name, std::span<const std::string_view> patterns) {
  constexpr bool kNoCase = true;
  for (std::string_view pattern : patterns) {
    if (pattern.find_first_of("*?[") == std::string_view::npos) {
      if (EqualsIgnoreCase(pattern, name)) return pattern;
    } else if (base::GlobMatch(pattern, name, kNoCase)) {
      return name;
    }
  }
  return "";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> GetMatching(
    const ServerOptions& options, std::span<const std::string_view> patterns) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const Row& row : Rows()) {
    if (row.Has(kFileOnly)) continue;
    for (std::string_view name : {row.name, row.alias}) {
      const std::string_view asked = name.empty() ? "" : AskedAs(name, patterns);
      if (!asked.empty()) found.emplace_back(asked, Get(row, options));
    }
  }
  return found;
}

}  // namespace cairn::config
