#include "differential/random/shrink.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace cairn::redis_tests {
namespace {

std::string Upper(std::string word) {
  for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return word;
}

// Commands that can matter whatever the keys are.
bool IsGlobal(const RandomCommand& command) {
  static const std::set<std::string> names = {"SELECT",   "SWAPDB", "FLUSHDB",
                                              "FLUSHALL", "HELLO",  "RESET"};
  return names.contains(Upper(command.words[0]));
}

// The commands that name a word of the last one, and the global ones.
std::vector<RandomCommand> SameKeys(const std::vector<RandomCommand>& commands) {
  const Command& last = commands.back().words;
  const std::set<std::string> words(last.begin() + 1, last.end());
  std::vector<RandomCommand> kept;
  for (const RandomCommand& command : commands) {
    const bool shares = std::any_of(command.words.begin() + 1, command.words.end(),
                                    [&](const std::string& word) { return words.contains(word); });
    if (shares || IsGlobal(command)) kept.push_back(command);
  }
  if (kept.empty() || kept.back().words != last) kept.push_back(commands.back());
  return kept;
}

}  // namespace

std::vector<RandomCommand> Shrink(
    std::vector<RandomCommand> commands,
    const std::function<bool(const std::vector<RandomCommand>&)>& fails, int max_tries) {
  const std::vector<RandomCommand> same_keys = SameKeys(commands);
  if (--max_tries >= 0 && fails(same_keys)) commands = same_keys;
  // Takes away chunks of half the length, then of a quarter, and so on down to single commands.
  for (size_t chunk = commands.size() / 2; chunk > 0; chunk /= 2) {
    for (size_t end = commands.size(); end > 0 && max_tries > 0;) {
      const size_t begin = end > chunk ? end - chunk : 0;
      std::vector<RandomCommand> without(commands.begin(),
                                         commands.begin() + static_cast<int64_t>(begin));
      without.insert(without.end(), commands.begin() + static_cast<int64_t>(end), commands.end());
      --max_tries;
      if (!without.empty() && fails(without)) commands = std::move(without);
      end = begin;
    }
  }
  return commands;
}

}  // namespace cairn::redis_tests
