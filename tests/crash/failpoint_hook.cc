// What cairn-server with failpoints has and cairn-server has not: a hook for base/failpoint.h that
// kills the process at a named place.
//
// Threads: all; the set of names is under a mutex. Lifetime: the process.
#include "crash/failpoint_hook.h"

#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/failpoint.h"

namespace cairn::crash {
namespace {

struct Settings {
  std::string failpoint;
  uint64_t one_in = 1;
  uint64_t seed = 1;
  int seen = -1;
};

uint64_t Number(const char* name) {
  const char* text = std::getenv(name);
  uint64_t value = 1;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
  return value == 0 ? 1 : value;
}

const Settings& Given() {
  static const Settings settings = [] {
    Settings given;
    const char* failpoint = std::getenv(kEnvFailpoint);
    if (failpoint != nullptr) given.failpoint = failpoint;
    given.one_in = Number(kEnvFailpointOneIn);
    given.seed = Number(kEnvFailpointSeed);
    const char* seen = std::getenv(kEnvFailpointSeen);
    if (seen != nullptr) given.seen = open(seen, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return given;
  }();
  return settings;
}

void NoteSeen(std::string_view name) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> seen;
  const std::lock_guard lock(mutex);
  if (seen.contains(name)) return;
  seen.emplace(name);
  const std::string line = std::string(name) + "\n";
  if (write(Given().seen, line.data(), line.size()) < 0) std::abort();
}

// Each passing has a number, and the number decides: the same seed, the same passing (as far as
// the threads come by in the same order).
bool Strikes() {
  static std::atomic<uint64_t> passed = 0;
  uint64_t mixed = (passed.fetch_add(1) + Given().seed) * 0x9e3779b97f4a7c15U;
  mixed ^= mixed >> 32;
  return mixed * 0xd6e8feb86659fd93U >> 32 <= UINT32_MAX / Given().one_in;
}

void Hook(std::string_view name) {
  if (Given().seen >= 0) NoteSeen(name);
  const std::string& wanted = Given().failpoint;
  if (wanted.empty() || (wanted != "*" && wanted != name) || !Strikes()) return;
  kill(getpid(), SIGKILL);
  while (true) pause();
}

[[maybe_unused]] const bool is_set = [] {
  base::failpoint_hook = &Hook;
  return true;
}();

}  // namespace
}  // namespace cairn::crash
