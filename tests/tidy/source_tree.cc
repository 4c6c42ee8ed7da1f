#include "tidy/source_tree.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "tidy/code_text.h"

namespace cairn::tidy {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kFolders = {".ci",         "conf",  "deps", "src",
                                                      "redis-tests", "tests", "utils"};
constexpr std::array<std::string_view, 2> kForeign = {"node_modules", "__pycache__"};

bool IsForeign(const fs::path& path) {
  return std::find(kForeign.begin(), kForeign.end(), path.filename()) != kForeign.end();
}

void ReadInto(const fs::path& root, const fs::path& path, SourceTree* tree) {
  std::ifstream in(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (text.find('\0') != std::string::npos) return;
  tree->push_back(MakeFile(path.lexically_relative(root).generic_string(), std::move(text)));
}

SourceTree ReadTree(const fs::path& root) {
  SourceTree tree;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_regular_file()) ReadInto(root, entry.path(), &tree);
  }
  for (const std::string_view folder : kFolders) {
    if (!fs::exists(root / folder)) continue;
    for (auto it = fs::recursive_directory_iterator(root / folder); it != fs::end(it); ++it) {
      if (it->is_directory() && IsForeign(it->path())) it.disable_recursion_pending();
      if (it->is_regular_file()) ReadInto(root, it->path(), &tree);
    }
  }
  std::sort(tree.begin(), tree.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return tree;
}

}  // namespace

SourceFile MakeFile(std::string path, std::string text) {
  SourceFile file{.path = std::move(path), .text = std::move(text), .code = {}};
  if (IsCpp(file.path)) file.code = CodeOnly(file.text);
  return file;
}

const SourceTree& TheTree() {
  static const SourceTree tree = ReadTree(CAIRN_SOURCE_DIR);
  return tree;
}

const SourceFile* Find(const SourceTree& tree, std::string_view path) {
  const auto found = std::find_if(tree.begin(), tree.end(),
                                  [path](const SourceFile& file) { return file.path == path; });
  return found == tree.end() ? nullptr : &*found;
}

bool IsHeader(std::string_view path) {
  return path.ends_with(".h");
}

bool IsCpp(std::string_view path) {
  return IsHeader(path) || path.ends_with(".cc");
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

size_t LineAt(std::string_view text, size_t position) {
  const std::string_view before = text.substr(0, position);
  return 1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
}

std::string_view RoomOf(std::string_view path) {
  constexpr std::string_view kSource = "src/";
  if (!path.starts_with(kSource)) return {};
  path.remove_prefix(kSource.size());
  const size_t slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view FolderOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view NameOf(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string Print(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += finding.line == 0 ? fmt::format("{}: {}\n", finding.path, finding.text)
                             : fmt::format("{}:{}: {}\n", finding.path, finding.line, finding.text);
  }
  return out;
}

}  // namespace cairn::tidy
