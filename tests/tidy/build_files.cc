#include "tidy/build_files.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tidy/code_text.h"
#include "tidy/functions.h"

namespace cairn::tidy {
namespace {

std::string_view WithoutSuffix(std::string_view path) {
  return path.substr(0, path.rfind('.'));
}

// `header` is a path from the top; an include names it from src/ or utils/ on.
bool IncludesFirst(const SourceFile& source, std::string_view header) {
  const std::vector<Include> includes = Includes(source.text, source.code);
  if (includes.empty() || !includes.front().quoted) return false;
  return header == fmt::format("src/{}", includes.front().name) ||
         header == fmt::format("utils/{}", includes.front().name);
}

}  // namespace

Findings CheckAllBuilt(const SourceTree& tree, std::string_view root,
                       std::string_view compile_commands) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!file.path.ends_with(".cc")) continue;
    const std::string entry = fmt::format("\"file\": \"{}/{}\"", root, file.path);
    if (compile_commands.find(entry) != std::string_view::npos) continue;
    findings.push_back({file.path, 0, "no CMakeLists.txt names it"});
  }
  return findings;
}

Findings CheckHeadersAlone(const SourceTree& tree, std::string_view list) {
  const std::vector<std::string_view> listed = Lines(list);
  Findings findings;
  for (const SourceFile& file : tree) {
    const bool meant = file.path.starts_with("src/") || file.path.starts_with("utils/");
    if (!meant || !IsHeader(file.path)) continue;
    const SourceFile* own = Find(tree, fmt::format("{}.cc", WithoutSuffix(file.path)));
    if (own != nullptr) {
      if (IncludesFirst(*own, file.path)) continue;
      findings.push_back({own->path, 0, "includes another header before its own"});
    } else if (std::find(listed.begin(), listed.end(), file.path) == listed.end()) {
      findings.push_back({file.path, 0, "is not compiled alone: run cmake again"});
    }
  }
  return findings;
}

Findings CheckTestNames(const SourceTree& tree) {
  std::map<std::string, std::string> first;  // "TEST(Suite,Name)" -> path
  Findings findings;
  for (const SourceFile& file : tree) {
    for (const Function& function : Functions(file.code)) {
      const size_t open = function.name.find('(');
      if (open == std::string::npos) continue;
      const auto [it, added] = first.emplace(function.name.substr(open), file.path);
      if (added) continue;
      findings.push_back({file.path, function.first_line,
                          fmt::format("{} is also in {}", function.name, it->second)});
    }
  }
  return findings;
}

}  // namespace cairn::tidy
