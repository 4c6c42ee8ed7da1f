// Sends the same random commands to redis-server and to Cairn and compares every reply, then DBSIZE
// and a full dump, then the dump again after Cairn was killed with -9 and started anew.
#include <chrono>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <vector>

#include <CLI/CLI.hpp>
#include <strings.h>

#include "differential/random/command_source.h"
#include "differential/random/duel.h"
#include "differential/random/shrink.h"
#include "support/server_process.h"

namespace cairn::redis_tests {
namespace {

struct Flags {
  std::string redis;
  std::string cairn;
  uint64_t seed = 1;
  size_t commands = 200'000;
  size_t batch = 500;
  size_t checkpoint_every = 0;
  size_t reload_every = 0;
  size_t kill_every = 0;
  std::vector<std::string> without;
};

constexpr int kShrinkTries = 400;

void Report(const Flags& flags, const std::vector<RandomCommand>& commands,
            const Difference& difference, Duel* duel) {
  std::printf(
      "DIFFERENCE seed %lu, command %zu\n  command:      %s\n  redis-server: %s\n  cairn:        "
      "%s\n",
      flags.seed, difference.index, Shown(commands[difference.index].words).c_str(),
      Shown(difference.reference).c_str(), Shown(difference.cairn).c_str());
  std::fflush(stdout);
  std::optional<Difference> last;
  const auto fails = [&](const std::vector<RandomCommand>& tried) {
    duel->Reset();
    std::optional<Difference> found = duel->Run(tried, flags.batch);
    if (found) last = found;
    return found.has_value();
  };
  std::vector<RandomCommand> history(commands.begin(),
                                     commands.begin() + static_cast<int64_t>(difference.index) + 1);
  const std::vector<RandomCommand> few = Shrink(std::move(history), fails, kShrinkTries);
  if (!fails(few)) {
    std::printf("  the replay from empty databases does not differ\n");
    return;
  }
  std::printf("  from empty databases, these %zu commands do it (the last ones are shown):\n",
              few.size());
  for (size_t i = few.size() > 30 ? few.size() - 30 : 0; i < few.size(); ++i) {
    std::printf("    %s\n", Shown(few[i].words).c_str());
  }
  std::printf("  redis-server: %s\n  cairn:        %s\n", Shown(last->reference).c_str(),
              Shown(last->cairn).c_str());
}

// True when the command has one of `words` in it, in capitals or not.
bool Mentions(const Command& command, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    for (const std::string& part : command) {
      if (strcasecmp(part.c_str(), word.c_str()) == 0) return true;
    }
  }
  return false;
}

// True when the dumps agree.
bool DumpsAgree(Duel* duel, bool encodings, const char* when) {
  size_t keys = 0;
  const std::optional<std::string> difference = duel->CompareDumps(encodings, &keys);
  if (difference) {
    std::printf("DIFFERENCE in the dump %s: %s\n", when, difference->c_str());
    return false;
  }
  std::printf("dump %s: 16 databases, %zu keys with type, value and expiry time agree\n", when,
              keys);
  return true;
}

// Sends Cairn a DEBUG command that must not change what any reply says.
void Disturb(int port, const char* what) {
  RawClient admin;
  if (!admin.Connect(port)) throw std::runtime_error("cairn-server does not listen any more");
  const std::string reply = admin.Call({"DEBUG", what});
  if (reply != "+OK\r\n") {
    throw std::runtime_error(std::string("DEBUG ") + what + " was answered " +
                             Shown(std::string_view(reply)));
  }
}

// True when Cairn recovers in between.
bool Recovers(const Flags& flags) {
  return flags.reload_every > 0 || flags.kill_every > 0;
}

std::vector<RandomCommand> MakeCommands(const Flags& flags) {
  CommandSource source(flags.seed);
  std::vector<RandomCommand> commands;
  commands.reserve(flags.commands);
  while (commands.size() < flags.commands) {
    RandomCommand command = source.Next();
    if (Mentions(command.words, flags.without)) continue;
    // A replayed SET picks the encoding anew, in Redis as well.
    if (Recovers(flags) && Mentions(command.words, {"ENCODING"})) {
      command.judgement = Judgement::kSameType;
    }
    commands.push_back(std::move(command));
  }
  return commands;
}

// What happens to Cairn after so many batches.
void BetweenBatches(const Flags& flags, size_t batch, ServerProcess* cairn, Duel* duel) {
  const auto due = [&](size_t every) { return every > 0 && batch % every == 0; };
  if (cairn->is_redis()) return;
  if (due(flags.checkpoint_every)) Disturb(cairn->port(), "CHECKPOINT");
  if (due(flags.reload_every)) Disturb(cairn->port(), "RELOAD");
  if (due(flags.kill_every)) {
    cairn->Kill();
    cairn->StartAgain();
    duel->Connect();
  }
}

int Run(const Flags& flags) {
  ServerProcess redis(flags.redis, {});
  ServerProcess cairn(flags.cairn, {}, true);
  redis.Start();
  cairn.Start();
  const auto start = std::chrono::steady_clock::now();
  const std::vector<RandomCommand> commands = MakeCommands(flags);
  Duel duel(redis.port(), cairn.port());
  duel.set_between_batches([&](size_t batch) { BetweenBatches(flags, batch, &cairn, &duel); });
  duel.Reset();
  const std::optional<Difference> difference = duel.Run(commands, flags.batch);
  if (difference) {
    Report(flags, commands, *difference, &duel);
    std::printf("--- the end of Cairn's log:\n%s\n", cairn.LogTail(2000).c_str());
    return 1;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("seed %lu: %zu commands, every reply agrees (%.1f s)\n", flags.seed, commands.size(),
              took.count());
  if (!DumpsAgree(&duel, !Recovers(flags), "at the end")) return 1;
  cairn.Kill();
  cairn.StartAgain();
  duel.Connect();
  return DumpsAgree(&duel, false, "after kill -9 and a restart") ? 0 : 1;
}

}  // namespace
}  // namespace cairn::redis_tests

int main(int argc, char** argv) {
  cairn::redis_tests::Flags flags;
  CLI::App app("Random commands to redis-server and to Cairn, replies compared byte for byte");
  app.add_option("--redis", flags.redis, "redis-server to compare with")
      ->envname("REDIS_SERVER")
      ->required();
  app.add_option("--cairn", flags.cairn, "cairn-server under test")
      ->envname("CAIRN_SERVER")
      ->required();
  app.add_option("--seed", flags.seed, "seed of the commands; 0 takes one by chance")
      ->capture_default_str();
  app.add_option("--commands", flags.commands, "how many commands")->capture_default_str();
  app.add_option("--batch", flags.batch, "commands in flight")->capture_default_str();
  app.add_option("--checkpoint-every", flags.checkpoint_every,
                 "DEBUG CHECKPOINT to Cairn after so many batches; 0 never");
  app.add_option("--reload-every", flags.reload_every,
                 "DEBUG RELOAD to Cairn after so many batches; 0 never");
  app.add_option("--kill-every", flags.kill_every,
                 "kill -9 and a new start of Cairn after so many batches; 0 never");
  app.add_option("--without", flags.without,
                 "leave out commands with one of these words, to look past a difference")
      ->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  if (flags.seed == 0) flags.seed = std::random_device()();
  try {
    return cairn::redis_tests::Run(flags);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
