#include "tidy/rooms.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tidy/code_text.h"

namespace cairn::tidy {
namespace {

struct Rank {
  std::string_view room;
  int rank;
};
constexpr std::array<Rank, 14> kRanks = {{
    {"base", 0},
    {"resp", 1},
    {"net", 2},
    {"config", 2},
    {"wal", 2},
    {"engine", 3},
    {"keyspace", 4},
    {"types", 5},
    {"exec", 6},
    {"rdb", 6},
    {"commands", 7},
    {"replication", 8},
    {"server", 9},
    {"sentinel", 9},
}};
constexpr int kTopRank = 9;
// The one library that is included in quotation marks.
constexpr std::string_view kAbseil = "absl";

// A header, and the paths that may include it: a folder ends in a slash, `*` in front stands for
// any folder.
struct Wrapped {
  std::string_view header;
  std::vector<std::string_view> homes;
};

const std::vector<Wrapped>& WrappedLibraries() {
  static const std::vector<Wrapped> libraries = {
      {"uv.h", {"src/net/"}},
      {"lmdb.h", {"src/engine/lmdb_store.cc"}},
      {"CLI/", {"*main.cc", "redis-tests/"}},
      {"hiredis/", {"redis-tests/"}},
      {"spdlog/", {"src/server/log.cc"}},
      {"systemd/", {"src/server/process.cc"}},
      {"jemalloc/", {"src/server/memory.cc"}},
      {"gtest/", {"tests/", "redis-tests/"}},
      {"gmock/", {"tests/", "redis-tests/"}},
  };
  return libraries;
}

bool IsHome(std::string_view home, std::string_view path) {
  if (home.ends_with('/')) return path.starts_with(home);
  if (home.starts_with('*')) return path.ends_with(home.substr(1));
  return path == home;
}

std::string_view FirstFolder(std::string_view path) {
  return path.substr(0, path.find('/'));
}

std::string WrongRank(std::string_view from, std::string_view to) {
  return fmt::format("{} (rank {}) may not know {} (rank {})", from, RankOf(from), to, RankOf(to));
}

bool MayKnow(std::string_view from, std::string_view to) {
  return from == to || (RankOf(to) >= 0 && RankOf(to) < RankOf(from));
}

void CheckSourceInclude(const SourceTree& tree, const SourceFile& file, const Include& include,
                        Findings* findings) {
  const std::string_view from = RoomOf(file.path);
  const std::string_view to = FirstFolder(include.name);
  if (to == kAbseil) return;
  if (Find(tree, fmt::format("src/{}", include.name)) == nullptr) {
    findings->push_back(
        {file.path, include.line,
         fmt::format("\"{}\" is not a path from src/ on: write \"room/file.h\"", include.name)});
  } else if (!MayKnow(from, to)) {
    findings->push_back({file.path, include.line, WrongRank(from, to)});
  }
}

// The rooms that a CMakeLists.txt names as cairn_<room>, without the room itself.
std::set<std::string, std::less<>> NamedRooms(const SourceFile& cmake) {
  constexpr std::string_view kPrefix = "cairn_";
  std::set<std::string, std::less<>> rooms;
  for (std::string_view line : Lines(cmake.text)) {
    line = line.substr(0, line.find('#'));
    for (size_t at = line.find(kPrefix); at != std::string_view::npos;
         at = line.find(kPrefix, at + 1)) {
      const std::string_view rest = line.substr(at + kPrefix.size());
      const auto end =
          std::find_if(rest.begin(), rest.end(), [](char c) { return !IsWordChar(c); });
      rooms.emplace(rest.begin(), end);
    }
  }
  rooms.erase("room");  // the function's name
  rooms.erase(std::string(RoomOf(cmake.path)));
  return rooms;
}

std::set<std::string, std::less<>> IncludedRooms(const SourceTree& tree, std::string_view room) {
  std::set<std::string, std::less<>> rooms;
  for (const SourceFile& file : tree) {
    if (RoomOf(file.path) != room || !IsCpp(file.path)) continue;
    for (const Include& include : Includes(file.text, file.code)) {
      if (include.quoted) rooms.emplace(FirstFolder(include.name));
    }
  }
  rooms.erase(std::string(room));
  rooms.erase(std::string(kAbseil));
  return rooms;
}

}  // namespace

int RankOf(std::string_view room) {
  const auto found = std::find_if(kRanks.begin(), kRanks.end(),
                                  [room](const Rank& rank) { return rank.room == room; });
  return found == kRanks.end() ? -1 : found->rank;
}

Findings CheckIncludeRanks(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!IsCpp(file.path)) continue;
    const std::string_view room = RoomOf(file.path);
    if (!room.empty() && RankOf(room) < 0) {
      findings.push_back({file.path, 0, fmt::format("src/{} has no rank", room)});
      continue;
    }
    for (const Include& include : Includes(file.text, file.code)) {
      if (!include.quoted) continue;
      if (!room.empty()) {
        CheckSourceInclude(tree, file, include, &findings);
      } else if (file.path.starts_with("utils/") && RankOf(FirstFolder(include.name)) == kTopRank) {
        findings.push_back({file.path, include.line, "only mains build on the top rooms"});
      }
    }
  }
  return findings;
}

Findings CheckLinkedRooms(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    const std::string_view room = RoomOf(file.path);
    if (room.empty() || NameOf(file.path) != "CMakeLists.txt") continue;
    const auto named = NamedRooms(file);
    const auto included = IncludedRooms(tree, room);
    for (const std::string& to : named) {
      if (!MayKnow(room, to)) findings.push_back({file.path, 0, WrongRank(room, to)});
      if (!included.contains(to)) {
        findings.push_back({file.path, 0, fmt::format("links to {} but includes none of it", to)});
      }
    }
    for (const std::string& to : included) {
      if (named.contains(to)) continue;
      findings.push_back({file.path, 0, fmt::format("includes {} but does not link to it", to)});
    }
  }
  return findings;
}

Findings CheckWrappedLibraries(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    for (const Include& include : Includes(file.text, file.code)) {
      for (const auto& [header, homes] : WrappedLibraries()) {
        const bool meant =
            header.ends_with('/') ? include.name.starts_with(header) : include.name == header;
        const auto is_home = [&file](std::string_view home) { return IsHome(home, file.path); };
        if (!meant || std::any_of(homes.begin(), homes.end(), is_home)) continue;
        findings.push_back({file.path, include.line,
                            fmt::format("{} belongs to {} only", include.name, homes.front())});
      }
    }
  }
  return findings;
}

}  // namespace cairn::tidy
