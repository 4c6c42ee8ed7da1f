#include "tidy/readmes.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tidy/code_text.h"

namespace cairn::tidy {
namespace {

constexpr std::array<std::string_view, 9> kSuffixes = {".h",   ".cc", ".py",  ".cmake",  ".md",
                                                       ".mjs", ".js", ".txt", ".service"};

bool IsPage(std::string_view path) {
  return path.ends_with(".md");
}

bool IsNameChar(char c) {
  return IsWordChar(c) || c == '.' || c == '/' || c == '-' || c == '*';
}

bool LooksLikeFile(std::string_view word) {
  const bool plain = std::all_of(word.begin(), word.end(), IsNameChar);
  const auto ends = [word](std::string_view suffix) {
    return word.ends_with(suffix) && word.size() > suffix.size();
  };
  return plain && std::any_of(kSuffixes.begin(), kSuffixes.end(), ends);
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool BeginsWith(std::string_view path, std::string_view folder, std::string_view name,
                bool is_whole) {
  if (!folder.empty()) {
    if (!path.starts_with(folder) || path.size() <= folder.size() || path[folder.size()] != '/') {
      return false;
    }
    path.remove_prefix(folder.size() + 1);
  }
  if (path == name) return true;
  const bool goes_on = path.starts_with(name) && path.size() > name.size();
  if (name.ends_with('/')) return goes_on;  // a folder
  return goes_on && (path[name.size()] == '/' || (!is_whole && path[name.size()] == '.'));
}

// A header of a library, which some file includes.
bool IsForeign(const SourceTree& tree, std::string_view name) {
  return std::any_of(tree.begin(), tree.end(), [name](const SourceFile& file) {
    const std::vector<Include> includes = Includes(file.text, file.code);
    return std::any_of(includes.begin(), includes.end(), [name](const Include& include) {
      return !include.quoted && include.name == name;
    });
  });
}

// `commands_*.cc` stands for the files beside the page that fit, `tests/net_*.cc` for those that
// fit from the top on.
bool AnyFits(const SourceTree& tree, std::string_view page, std::string_view name) {
  const std::string_view head = name.substr(0, name.find('*'));
  const std::string_view tail = name.substr(name.rfind('*') + 1);
  return std::any_of(tree.begin(), tree.end(), [&](const SourceFile& file) {
    if (!file.path.ends_with(tail)) return false;
    const bool beside = file.path.starts_with(FolderOf(page));
    return file.path.starts_with(head) || (beside && NameOf(file.path).starts_with(head));
  });
}

bool Exists(const SourceTree& tree, std::string_view page, std::string_view name) {
  if (name.find('*') != std::string_view::npos) return AnyFits(tree, page, name);
  const bool is_whole = LooksLikeFile(name);
  const std::string_view beside = FolderOf(page);
  return std::any_of(tree.begin(), tree.end(), [&](const SourceFile& file) {
    const bool below = file.path.starts_with(beside) && is_whole && NameOf(file.path) == name;
    return below || BeginsWith(file.path, beside, name, is_whole) ||
           BeginsWith(file.path, "", name, is_whole) ||
           BeginsWith(file.path, "src", name, is_whole);
  });
}

// The pieces in backticks of one line.
std::vector<std::string_view> Quoted(std::string_view line) {
  std::vector<std::string_view> pieces;
  while (true) {
    const size_t open = line.find('`');
    if (open == std::string_view::npos) return pieces;
    line.remove_prefix(open + 1);
    const size_t close = line.find('`');
    if (close == std::string_view::npos) return pieces;
    pieces.push_back(line.substr(0, close));
    line.remove_prefix(close + 1);
  }
}

std::string_view FirstCell(std::string_view line) {
  line.remove_prefix(1);
  return Trim(line.substr(0, line.find('|')));
}

// What stands between commas, without backticks and blanks.
std::vector<std::string_view> SplitAtCommas(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    words.push_back(Trim(text.substr(0, comma)));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return words;
}

// The files of a table's first cell: "`a.h`, `.cc`" gives a.h and a.cc. Where there are backticks,
// what is outside of them is prose.
std::vector<std::string> ListedFiles(std::string_view cell) {
  std::vector<std::string_view> words = Quoted(cell);
  if (words.empty()) words = SplitAtCommas(cell);
  std::vector<std::string> names;
  for (const std::string_view word : words) {
    if (word.empty()) continue;
    const bool is_suffix = word.front() == '.' && !names.empty();
    const std::string_view last = is_suffix ? std::string_view(names.back()) : std::string_view();
    names.push_back(fmt::format("{}{}", last.substr(0, last.rfind('.')), word));
  }
  return names;
}

// Walks a page; knows whether it is in a table of files.
class PageChecker {
 public:
  PageChecker(const SourceTree& tree, const SourceFile& page, Findings* findings)
      : tree_(tree), page_(page), findings_(findings) {}

  void Run() {
    bool in_code = false;
    for (const std::string_view line : Lines(page_.text)) {
      ++number_;
      if (line.starts_with("```")) in_code = !in_code;
      if (!in_code) CheckLine(line);
    }
  }

 private:
  void CheckLine(std::string_view line) {
    for (const std::string_view piece : Quoted(line)) {
      if (LooksLikeFile(piece)) Expect(piece);
    }
    if (!line.starts_with('|')) {
      lists_files_ = false;
      return;
    }
    const std::string_view cell = FirstCell(line);
    if (cell == "file" || cell == "files") {
      lists_files_ = true;
    } else if (lists_files_ && !cell.starts_with('-')) {
      for (const std::string& name : ListedFiles(cell)) Expect(name);
    }
  }

  void Expect(std::string_view name) {
    if (Exists(tree_, page_.path, name) || IsForeign(tree_, name)) return;
    Finding finding{page_.path, number_, fmt::format("there is no {}", name)};
    if (findings_->empty() || findings_->back() != finding) findings_->push_back(finding);
  }

  const SourceTree& tree_;
  const SourceFile& page_;
  Findings* findings_;
  size_t number_ = 0;
  bool lists_files_ = false;
};

}  // namespace

Findings CheckRoomReadmes(const SourceTree& tree) {
  std::set<std::string, std::less<>> rooms;
  for (const SourceFile& file : tree) {
    if (!RoomOf(file.path).empty()) rooms.emplace(RoomOf(file.path));
  }
  Findings findings;
  for (const std::string& room : rooms) {
    const std::string path = fmt::format("src/{}/README.md", room);
    const SourceFile* readme = Find(tree, path);
    if (readme == nullptr) {
      findings.push_back({path, 0, "is missing"});
      continue;
    }
    const size_t lines = Lines(readme->text).size();
    if (lines > kMaxReadmeLines) {
      findings.push_back({path, 0, fmt::format("{} lines; at most {}", lines, kMaxReadmeLines)});
    }
  }
  return findings;
}

Findings CheckNamedFiles(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& page : tree) {
    if (IsPage(page.path)) PageChecker(tree, page, &findings).Run();
  }
  return findings;
}

}  // namespace cairn::tidy
