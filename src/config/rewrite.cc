#include "config/rewrite.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "config/parser.h"
#include "config/table.h"
#include "config/text.h"

namespace cairn::config {
namespace {

// The lines that take the place of one line of the text; an untouched line is its own replacement.
using Replacement = std::vector<std::string>;

std::string LineOf(const Row& row, std::string_view args) {
  return fmt::format("{} {}", row.name, args);
}

// The lines of one row in the text.
struct Occurrences {
  std::vector<size_t> at;                    // line indexes, ascending
  std::vector<const Directive*> directives;  // the same lines, parsed
};

class Rewriter {
 public:
  Rewriter(std::string_view text, const std::vector<Directive>& loaded,
           const ServerOptions& effective, const ServerOptions& wanted)
      : loaded_(loaded), effective_(effective), wanted_(wanted) {
    for (std::string& line : Split(text, '\n')) lines_.push_back({std::move(line)});
    // What stands behind the last line break is a line only when it is not empty.
    if (lines_.back().front().empty()) lines_.pop_back();
  }

  std::string Run() {
    for (const Row& row : Rows()) {
      if (row.Has(kFileOnly)) continue;
      if (IsIncluded(row)) {
        RewriteIncluded(row);
      } else {
        RewriteOwn(row);
      }
    }
    return Join();
  }

 private:
  [[nodiscard]] bool IsIncluded(const Row& row) const {
    return std::any_of(loaded_.begin(), loaded_.end(), [&](const Directive& directive) {
      return directive.included && FindRow(directive.name) == &row;
    });
  }

  [[nodiscard]] Occurrences Find(const Row& row) const {
    Occurrences found;
    for (const Directive& directive : loaded_) {
      if (directive.included || FindRow(directive.name) != &row) continue;
      found.at.push_back(static_cast<size_t>(directive.line) - 1);
      found.directives.push_back(&directive);
    }
    return found;
  }

  // Where an included file has a say, no place but the end is sure to have the last word.
  void RewriteIncluded(const Row& row) {
    const std::vector<std::string> wanted = FileLines(row, wanted_);
    if (FileLines(row, effective_) == wanted) return;
    for (size_t at : Find(row).at) lines_[at].clear();
    const auto* list = std::get_if<const ListKind*>(&row.kind);
    if (list != nullptr && !(*list)->reset.empty() && wanted.front() != (*list)->reset) {
      appended_.push_back(LineOf(row, (*list)->reset));
    }
    Append(row, wanted);
  }

  void RewriteOwn(const Row& row) {
    const std::vector<std::string> wanted = FileLines(row, wanted_);
    Occurrences found = Find(row);
    if (found.at.empty()) {
      if (wanted != FileLines(row, ServerOptions{})) Append(row, wanted);
      return;
    }
    while (found.at.size() > wanted.size()) {
      lines_[found.at.front()].clear();
      found.at.erase(found.at.begin());
      found.directives.erase(found.directives.begin());
    }
    if (Gives(row, found, wanted)) return;
    for (size_t i = 0; i < found.at.size(); ++i) lines_[found.at[i]] = {LineOf(row, wanted[i])};
    Replacement& last = lines_[found.at.back()];
    for (size_t i = found.at.size(); i < wanted.size(); ++i) last.push_back(LineOf(row, wanted[i]));
  }

  // Whether the lines that are left already say what is wanted.
  static bool Gives(const Row& row, const Occurrences& found,
                    const std::vector<std::string>& wanted) {
    ServerOptions given;
    for (const Directive* directive : found.directives) {
      if (!SetFromFile(row, directive->args, given).ok()) return false;
    }
    return FileLines(row, given) == wanted;
  }

  void Append(const Row& row, const std::vector<std::string>& wanted) {
    for (const std::string& args : wanted) appended_.push_back(LineOf(row, args));
  }

  std::string Join() {
    std::string out;
    const auto add = [&](std::string_view line) { out.append(line).push_back('\n'); };
    bool has_header = false;
    for (const Replacement& lines : lines_) {
      for (const std::string& line : lines) {
        has_header |= Trim(line) == kRewriteHeader;
        add(line);
      }
    }
    if (appended_.empty()) return out;
    if (!has_header) {
      if (!out.empty()) add("");
      add(kRewriteHeader);
    }
    for (const std::string& line : appended_) add(line);
    return out;
  }

  const std::vector<Directive>& loaded_;
  const ServerOptions& effective_;
  const ServerOptions& wanted_;
  std::vector<Replacement> lines_;
  std::vector<std::string> appended_;
};

}  // namespace

absl::StatusOr<std::string> Rewrite(base::FileSystem& files, std::string_view old_text,
                                    std::string_view origin, const ServerOptions& options) {
  const absl::StatusOr<std::vector<Directive>> loaded = ParseText(files, old_text, origin);
  if (!loaded.ok()) return loaded.status();
  ServerOptions effective;
  absl::Status applied = Apply(*loaded, effective);
  if (!applied.ok()) return applied;
  return Rewriter(old_text, *loaded, effective, options).Run();
}

}  // namespace cairn::config
