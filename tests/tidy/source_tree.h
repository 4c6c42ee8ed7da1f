// The files of this repository as the tidy tests see them: read once, held in memory.
//
// Thread: any, after the first call of TheTree has returned. Lifetime: the process.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::tidy {

struct SourceFile {
  std::string path;  // from the top of the repository, with slashes
  std::string text;
  // C++ only (empty otherwise): `text` with comments and literals blanked, so that a search finds
  // code only. As long as `text`, lines included.
  std::string code;
};

// Ascending by path.
using SourceTree = std::vector<SourceFile>;

// What a check has to say of one place. Line 0 = the file as a whole.
struct Finding {
  std::string path;
  size_t line = 0;
  std::string text;

  bool operator==(const Finding&) const = default;
};
using Findings = std::vector<Finding>;

SourceFile MakeFile(std::string path, std::string text);

// The repository: its top folders, without what a build, a package manager or an interpreter leaves
// there, and without binary files.
const SourceTree& TheTree();
// The file at `path`, or null.
const SourceFile* Find(const SourceTree& tree, std::string_view path);

bool IsCpp(std::string_view path);
bool IsHeader(std::string_view path);
// The lines of a text without their line ends.
std::vector<std::string_view> Lines(std::string_view text);
size_t LineAt(std::string_view text, size_t position);
// "src/net/loop.h" -> "net"; empty when the path is not in a room.
std::string_view RoomOf(std::string_view path);
std::string_view FolderOf(std::string_view path);
std::string_view NameOf(std::string_view path);
// One line a finding, as compilers print them; empty when there is none.
std::string Print(const Findings& findings);

}  // namespace cairn::tidy
