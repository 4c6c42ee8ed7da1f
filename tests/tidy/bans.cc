#include "tidy/bans.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "tidy/code_text.h"

namespace cairn::tidy {
namespace {

constexpr std::string_view kEverywhere = "";
constexpr std::string_view kSource = "src/";
constexpr std::string_view kTests = "tests/";
constexpr std::string_view kHeaders = ".h";

struct Ban {
  // With a `(` at the end a call (a member function's only when it begins with a dot), otherwise
  // words.
  std::string_view what;
  std::string_view where;    // a folder, kHeaders or kEverywhere
  std::string_view instead;  // what to write, or why not
};

constexpr std::string_view kNumbers = "base/numbers.h or std::from_chars, which report errors";
constexpr std::string_view kRandom = "base/random.h, with a seed that the caller gives";
constexpr std::string_view kClock = "base/clock.h, which a test can own";
constexpr std::string_view kLogLines = "server/log.h";
constexpr std::string_view kNoExceptions = "absl::Status: no exception crosses a room";
constexpr std::string_view kNeverLmdb = "nothing: only without it is the store safe on a power cut";

constexpr Ban kBans[] = {
    // Unbounded or locale-dependent C functions.
    {"strcpy(", kEverywhere, "std::string"},
    {"strncpy(", kEverywhere, "std::string_view::copy"},
    {"strcat(", kEverywhere, "std::string"},
    {"strtok(", kEverywhere, "absl::StrSplit"},
    {"sprintf(", kEverywhere, "fmt::format"},
    {"vsprintf(", kEverywhere, "fmt::format"},
    {"gets(", kEverywhere, "std::getline"},
    {"scanf(", kEverywhere, kNumbers},
    {"sscanf(", kEverywhere, kNumbers},
    {"atoi(", kEverywhere, kNumbers},
    {"atol(", kEverywhere, kNumbers},
    {"atoll(", kEverywhere, kNumbers},
    {"atof(", kEverywhere, kNumbers},
    {"strtol(", kEverywhere, kNumbers},
    {"strtoul(", kEverywhere, kNumbers},
    {"strtoll(", kEverywhere, kNumbers},
    {"strtoull(", kEverywhere, kNumbers},
    {"strtod(", kEverywhere, kNumbers},
    {"strtold(", kEverywhere, kNumbers},
    {"stoi(", kEverywhere, kNumbers},
    {"stol(", kEverywhere, kNumbers},
    {"stoul(", kEverywhere, kNumbers},
    {"stoll(", kEverywhere, kNumbers},
    {"stoull(", kEverywhere, kNumbers},
    {"stod(", kEverywhere, kNumbers},
    {"assert(", kEverywhere, "CAIRN_CHECK, which Release keeps"},
    {"setjmp(", kEverywhere, "absl::Status"},
    {"alloca(", kEverywhere, "std::array, std::string"},
    // Randomness and time enter in one place each.
    {"rand(", kEverywhere, kRandom},
    {"srand(", kEverywhere, kRandom},
    {"std::mt19937", kSource, kRandom},
    {"std::mt19937_64", kSource, kRandom},
    {"std::random_device", kSource, kRandom},
    {"std::random_device", kTests, "a fixed seed: a failure must come again"},
    {"clock_gettime(", kSource, kClock},
    {"gettimeofday(", kSource, kClock},
    {"std::time(", kSource, kClock},
    {"system_clock", kSource, kClock},
    {"steady_clock", kSource, kClock},
    // Slow or heavy parts of the standard library.
    {"std::regex", kEverywhere, "absl string functions, or a small parser"},
    {"std::unordered_map", kSource, "absl::flat_hash_map"},
    {"std::unordered_set", kSource, "absl::flat_hash_set"},
    {"std::endl", kEverywhere, "'\\n'"},
    // Output goes where the operator looks for it.
    {"std::cout", kSource, kLogLines},
    {"std::cerr", kSource, kLogLines},
    {"printf(", kSource, kLogLines},
    {"puts(", kSource, kLogLines},
    {"fprintf(", kSource, kLogLines},
    // Errors are values; the process ends in few places.
    {"throw", kSource, kNoExceptions},
    {"try", kSource, kNoExceptions},
    {"exit(", kSource, "return from main"},
    {"quick_exit(", kSource, "return from main"},
    {"_Exit(", kSource, "return from main"},
    {"abort(", kSource, "CAIRN_CHECK"},
    {"terminate(", kSource, "CAIRN_CHECK"},
    // Processes and threads.
    {"fork(", kSource, "a thread: an open store must never be forked"},
    {"vfork(", kEverywhere, "posix_spawn"},
    {"system(", kEverywhere, "the call itself, or posix_spawn"},
    {"popen(", kSource, "the call itself"},
    {"popen(", kTests, "the call itself"},
    {".detach(", kEverywhere, "a thread that its owner joins"},
    {"std::thread", kSource, "the loop, or a thread that exists already"},
    {"getenv(", kSource, "an option (config/)"},
    // The store's guarantees.
    {"MDB_NOSYNC", kEverywhere, kNeverLmdb},
    {"MDB_NOMETASYNC", kEverywhere, kNeverLmdb},
    {"MDB_WRITEMAP", kEverywhere, kNeverLmdb},
    {"MDB_MAPASYNC", kEverywhere, kNeverLmdb},
    {"MDB_DUPSORT", kEverywhere, "a key of its own for each value"},
    // Language.
    {"using namespace", kHeaders, "the full name"},
    {"goto", kEverywhere, "a function with returns"},
    {"NULL", kEverywhere, "nullptr"},
    {"#define", kSource, "constexpr, a function or a template"},
};

// Where one of kBans, or a wait for a time (kSleep), is right.
struct Exception {
  std::string_view what;
  std::string_view path;
};
constexpr std::string_view kSleep = "sleep";
constexpr Exception kExceptions[] = {
    {"#define", "src/base/check.h"},    // a check shows its own text
    {"fprintf(", "src/base/check.cc"},  // a failed check: nothing else may be trusted
    {"abort(", "src/base/check.cc"},
    {"clock_gettime(", "src/base/clock.cc"},
    {"steady_clock", "src/engine/checkpointer.h"},  // the deadline of its thread's waits
    {"std::thread", "src/engine/checkpointer.h"},
    {"std::thread", "src/engine/reaper.h"},
    {"steady_clock", "src/engine/store_copy.h"},
    {"std::thread", "src/engine/store_copy.h"},
    {"std::thread", "src/engine/store_copy.cc"},  // begun after the snapshot was taken
    {"std::thread", "src/wal/syncer.h"},
    {"std::cout", "src/server/main.cc"},  // before there is a log
    {"std::cerr", "src/server/main.cc"},
    {"try", "src/server/main.cc"},       // CLI11 throws
    {"try", "src/server/log.cc"},        // spdlog throws
    {"fork(", "src/server/process.cc"},  // daemonize, before anything is open
    {"_Exit(", "src/server/process.cc"},
    {"fprintf(", "src/server/process.cc"},
    {kSleep, "src/server/commands_debug.cc"},           // DEBUG SLEEP is that
    {kSleep, "redis-tests/crash/crash_rounds.cc"},      // when to kill, how long to load
    {kSleep, "redis-tests/bad_input/damage.py"},        // polls: a process has no event to offer
    {kSleep, "redis-tests/differential/run_cases.py"},  // polls: two servers' clocks
    {kSleep, "redis-tests/support/server.py"},          // polls until a server answers
};

// Written in two pieces, so that this file does not hold them.
constexpr std::array<std::string_view, 3> kUnfinished = {
    "TO"
    "DO",
    "FIX"
    "ME",
    "XX"
    "X"};
constexpr std::array<std::string_view, 5> kMachinePaths = {
    "/tm"
    "p/",
    "/wo"
    "rk/",
    "/ho"
    "me/",
    "/ro"
    "ot/",
    "/Use"
    "rs/"};
constexpr std::array<std::string_view, 6> kSleeps = {"sleep(",     "usleep(",      "nanosleep(",
                                                     "sleep_for(", "sleep_until(", "SleepFor("};

bool IsBlank(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

// The word or sign in front of `at`; a view of `code`.
std::string_view TokenBefore(std::string_view code, size_t at) {
  size_t end = at;
  while (end > 0 && IsBlank(code[end - 1])) --end;
  size_t begin = end;
  while (begin > 0 && IsWordChar(code[begin - 1])) --begin;
  if (begin == end && end > 0) --begin;
  return code.substr(begin, end - begin);
}

// `Text name(` declares, `x.name(` and `Own::name(` call something else.
bool IsOtherCall(std::string_view code, size_t at) {
  constexpr std::array<std::string_view, 3> kMeant = {"std", "this_thread", "absl"};
  const std::string_view before = TokenBefore(code, at);
  if (before.empty()) return false;
  const std::string_view text = code.substr(0, at);
  if (text.ends_with('.') || text.ends_with("->")) return true;
  if (text.ends_with("::")) {
    const std::string_view owner = TokenBefore(code, at - 2);
    const bool is_meant = std::find(kMeant.begin(), kMeant.end(), owner) != kMeant.end();
    return !owner.empty() && IsWordChar(owner.front()) && !is_meant;
  }
  return IsWordChar(before.front()) && before != "return" && before != "else" && before != "do";
}

// Where `what` (as in Ban) stands in `code`, from `from` on.
size_t FindBanned(std::string_view code, std::string_view what, size_t from) {
  const bool is_call = what.ends_with('(');
  const std::string_view name = is_call ? what.substr(0, what.size() - 1) : what;
  for (size_t at = FindWord(code, name, from); at != std::string_view::npos;
       at = FindWord(code, name, at + 1)) {
    if (!is_call) return at;
    size_t next = at + name.size();
    while (next < code.size() && IsBlank(code[next])) ++next;
    const bool called = next < code.size() && code[next] == '(';
    if (called && (name.front() == '.' || !IsOtherCall(code, at))) return at;
  }
  return std::string_view::npos;
}

bool IsIn(std::string_view path, std::string_view where) {
  return where == kHeaders ? IsHeader(path) : path.starts_with(where);
}

bool IsExcepted(std::string_view what, std::string_view path) {
  return std::any_of(std::begin(kExceptions), std::end(kExceptions), [&](const Exception& except) {
    return except.what == what && except.path == path;
  });
}

Findings FindAll(const SourceFile& file, std::string_view text, std::string_view what,
                 std::string_view message) {
  Findings findings;
  for (size_t at = FindBanned(text, what, 0); at != std::string_view::npos;
       at = FindBanned(text, what, at + 1)) {
    findings.push_back({file.path, LineAt(text, at), std::string(message)});
  }
  return findings;
}

void Append(Findings more, Findings* findings) {
  findings->insert(findings->end(), more.begin(), more.end());
}

Findings SleepsOf(const SourceFile& file) {
  Findings findings;
  const bool is_python = file.path.ends_with(".py");
  if (is_python) return FindAll(file, file.text, ".sleep(", "wait for an event, not for a time");
  for (const std::string_view sleep : kSleeps) {
    Append(FindAll(file, file.code, sleep, "wait for an event, not for a time"), &findings);
  }
  return findings;
}

Findings FindText(const SourceTree& tree, std::string_view what, std::string_view message) {
  Findings findings;
  for (const SourceFile& file : tree) {
    for (size_t at = FindWord(file.text, what, 0); at != std::string::npos;
         at = FindWord(file.text, what, at + 1)) {
      findings.push_back({file.path, LineAt(file.text, at), std::string(message)});
    }
  }
  return findings;
}

}  // namespace

Findings CheckBans(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    for (const Ban& ban : kBans) {
      if (!IsIn(file.path, ban.where) || IsExcepted(ban.what, file.path)) continue;
      const std::string message = fmt::format("{} is not used here: {}", ban.what, ban.instead);
      Append(FindAll(file, file.code, ban.what, message), &findings);
    }
  }
  return findings;
}

Findings CheckSleeps(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (file.path.starts_with("utils/") || IsExcepted(kSleep, file.path)) continue;
    Append(SleepsOf(file), &findings);
  }
  return findings;
}

Findings CheckUnfinished(const SourceTree& tree) {
  Findings findings;
  for (const std::string_view word : kUnfinished) {
    Append(FindText(tree, word, "finish it, or open an issue"), &findings);
  }
  return findings;
}

Findings CheckMachinePaths(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    for (const std::string_view path : kMachinePaths) {
      for (size_t at = file.text.find(path); at != std::string::npos;
           at = file.text.find(path, at + 1)) {
        // Inside a longer path it is a folder of that name, somewhere.
        const char before = at == 0 ? ' ' : file.text[at - 1];
        if (IsWordChar(before) || before == '.' || before == '}' || before == ')') continue;
        findings.push_back({file.path, LineAt(file.text, at), "a path of some machine"});
      }
    }
  }
  return findings;
}

Findings CheckSilenced(const SourceTree& tree) {
  constexpr std::string_view kMark =
      "NO"
      "LINT";
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!IsCpp(file.path)) continue;
    for (size_t at = file.text.find(kMark); at != std::string::npos;
         at = file.text.find(kMark, at + 1)) {
      const std::string_view rest = std::string_view(file.text).substr(at);
      if (rest.substr(0, rest.find('\n')).find('(') != std::string_view::npos) continue;
      findings.push_back({file.path, LineAt(file.text, at), "name the check that is silenced"});
    }
  }
  return findings;
}

Findings CheckStaleExceptions(const SourceTree& tree) {
  Findings findings;
  for (const Exception& except : kExceptions) {
    const SourceFile* file = Find(tree, except.path);
    const bool needed =
        file != nullptr &&
        (except.what == kSleep ? !SleepsOf(*file).empty()
                               : FindBanned(file->code, except.what, 0) != std::string::npos);
    if (needed) continue;
    findings.push_back({std::string(except.path), 0, fmt::format("has no {}", except.what)});
  }
  return findings;
}

}  // namespace cairn::tidy
