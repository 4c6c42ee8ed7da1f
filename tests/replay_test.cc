// The log says enough: whatever commands did, reading it again leads to the same keys. The examples
// of every row, and requests put together at random from what the rows say.
#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/random.h"
#include "exec/syntax.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/families.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

std::vector<const exec::CommandRow*> Rows(std::span<const exec::RowTable> families) {
  std::vector<const exec::CommandRow*> rows;
  for (const exec::RowTable family : families) {
    for (const exec::CommandRow& row : family) rows.push_back(&row);
  }
  return rows;
}

std::vector<std::string> ExampleLines(const exec::CommandRow& row) {
  return absl::StrSplit(absl::string_view(row.examples.data(), row.examples.size()), '\n');
}

TEST(ReplayTest, EveryRowThatWritesHasExamples) {
  for (const exec::CommandRow* row : Rows(server::AllFamilies())) {
    if ((row->flags & exec::kWrite) == 0) continue;
    EXPECT_FALSE(row->examples.empty())
        << row->name << " writes, so its row needs examples: requests that show all that it does";
  }
}

TEST(ReplayTest, OnlyRowsThatNeedNoSessionHaveExamples) {
  std::set<const exec::CommandRow*> data;
  for (const exec::CommandRow* row : Rows(server::DataFamilies())) data.insert(row);
  for (const exec::CommandRow* row : Rows(server::AllFamilies())) {
    EXPECT_TRUE(row->examples.empty() || data.contains(row))
        << row->name << " has examples, but its handler wants a session: they cannot be run here";
    EXPECT_TRUE((row->flags & exec::kWrite) == 0 || data.contains(row))
        << row->name << " writes to the log, so it must run without a session";
  }
}

// ---- examples

class ReplayRowTest : public testing::TestWithParam<const exec::CommandRow*> {};

TEST_P(ReplayRowTest, LeadsToTheSameKeys) {
  const exec::CommandRow& row = *GetParam();
  CommandHarness server;
  bool ran = false;
  bool wrote = false;
  for (const std::string& line : ExampleLines(row)) {
    const uint64_t offset = server.storage().log().appended_offset();
    server.Line(line);
    if (server.client().caller().last_row() != &row) continue;
    ran = true;
    wrote = wrote || server.storage().log().appended_offset() != offset;
  }
  EXPECT_TRUE(ran) << "the examples do not run the command itself";
  EXPECT_EQ(wrote, (row.flags & exec::kWrite) != 0)
      << "a command writes to the log just when its row says so";

  const ServerState before = server.Dump();
  server.Reopen();
  EXPECT_TRUE(server.Dump() == before) << "from the log alone";
  server.Checkpoint();
  EXPECT_TRUE(server.Dump() == before) << "with everything in the store";
  server.Reopen();
  EXPECT_EQ(server.recovery().replayed_commands, 0U);
  EXPECT_TRUE(server.Dump() == before) << "from the store";
}

// The same with a checkpoint at each place between the examples, so that replay begins there.
TEST_P(ReplayRowTest, FromAnyPlaceInTheLog) {
  const std::vector<std::string> lines = ExampleLines(*GetParam());
  for (size_t checkpoint = 1; checkpoint < lines.size(); ++checkpoint) {
    CommandHarness server;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (i == checkpoint) server.Checkpoint();
      server.Line(lines[i]);
    }
    const ServerState before = server.Dump();
    server.Reopen();
    EXPECT_TRUE(server.Dump() == before) << "checkpoint before line " << checkpoint + 1;
  }
}

std::vector<const exec::CommandRow*> RowsWithExamples() {
  std::vector<const exec::CommandRow*> rows;
  for (const exec::CommandRow* row : Rows(server::DataFamilies())) {
    if (!row->examples.empty()) rows.push_back(row);
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Rows, ReplayRowTest, testing::ValuesIn(RowsWithExamples()),
                         [](const testing::TestParamInfo<const exec::CommandRow*>& row) {
                           std::string name(row.param->name);
                           std::replace(name.begin(), name.end(), '|', '_');
                           return name;
                         });

// ---- random requests

// Requests as the rows' syntax describes them, now and then spoilt, over a few keys.
class RandomRequests {
 public:
  explicit RandomRequests(uint64_t seed) : random_(seed) {
    for (const exec::CommandRow* row : Rows(server::DataFamilies())) {
      if (row->handler == nullptr) continue;
      const auto syntax = exec::ParseSyntax(row->syntax, 2);
      CAIRN_CHECK(syntax.ok());
      commands_.push_back({row, *syntax});
    }
    for (int i = 0; i < 4; ++i) keys_.push_back("k" + std::to_string(i));
    for (int i = 0; i < 3; ++i) keys_.push_back(std::string(600, 'l') + std::to_string(i));
    keys_.emplace_back();
  }

  base::Random& random() { return random_; }

  std::vector<std::string> Next() {
    if (OneIn(4)) return {"SET", Key(), Number()};
    const Command& command = commands_[random_.Below(commands_.size())];
    std::vector<std::string> argv =
        absl::StrSplit(absl::string_view(command.row->name.data(), command.row->name.size()), '|');
    for (const exec::Argument& argument : command.syntax) Write(argument, &argv);
    if (OneIn(6) && argv.size() > 1) Spoil(&argv);
    return argv;
  }

 private:
  struct Command {
    const exec::CommandRow* row;
    std::vector<exec::Argument> syntax;
  };

  bool OneIn(uint64_t n) { return random_.Below(n) == 0; }
  std::string Key() { return keys_[random_.Below(keys_.size())]; }
  std::string Number() {
    const auto below = [&](uint64_t bound) { return static_cast<int64_t>(random_.Below(bound)); };
    switch (random_.Below(4)) {
      case 0:
        return std::to_string(below(16));
      case 1:
        return std::to_string(below(100'000) - 50);
      default:
        return std::to_string(below(4));
    }
  }
  std::string UnixTime(std::string_view name) {
    const int64_t ms = FakeClock::kStartMs + static_cast<int64_t>(random_.Below(10'000'000));
    return std::to_string(name.ends_with("milliseconds") ? ms : ms / 1000);
  }
  std::string Word(const exec::Argument& argument) {
    if (argument.name == "min") return OneIn(3) ? "-" : (OneIn(2) ? "[" : "(") + Key();
    if (argument.name == "max") return OneIn(3) ? "+" : (OneIn(2) ? "[" : "(") + Key();
    if (argument.name == "cursor") return "0";
    return OneIn(2) ? Number() : std::string(random_.Below(50), 'x');
  }

  void WriteOnce(const exec::Argument& argument, std::vector<std::string>* out) {
    if (!argument.token.empty()) out->push_back(argument.token);
    switch (argument.type) {
      case exec::ArgumentType::kPureToken:
        return;
      case exec::ArgumentType::kOneof:
        Write(argument.arguments[random_.Below(argument.arguments.size())], out);
        return;
      case exec::ArgumentType::kBlock:
        for (const exec::Argument& inner : argument.arguments) Write(inner, out);
        return;
      case exec::ArgumentType::kKey:
        out->push_back(Key());
        return;
      case exec::ArgumentType::kPattern:
        out->push_back(OneIn(2) ? "*" : Key() + "*");
        return;
      case exec::ArgumentType::kUnixTime:
        out->push_back(UnixTime(argument.name));
        return;
      case exec::ArgumentType::kInteger:
        out->push_back(Number());
        return;
      case exec::ArgumentType::kDouble:
        out->push_back(Number() + ".25");
        return;
      case exec::ArgumentType::kString:
        out->push_back(Word(argument));
    }
  }
  void Write(const exec::Argument& argument, std::vector<std::string>* out) {
    if (argument.optional && OneIn(2)) return;
    do {
      WriteOnce(argument, out);
    } while (argument.multiple && OneIn(2));
  }

  void Spoil(std::vector<std::string>* argv) {
    const size_t place = 1 + random_.Below(argv->size() - 1);
    const auto at = argv->begin() + static_cast<std::ptrdiff_t>(place);
    switch (random_.Below(3)) {
      case 0:
        argv->erase(at);
        return;
      case 1:
        argv->insert(at, OneIn(2) ? Key() : "abc");
        return;
      default:
        *at = OneIn(2) ? Number() : "";
    }
  }

  base::Random random_;
  std::vector<Command> commands_;
  std::vector<std::string> keys_;
};

class RandomReplayTest : public testing::TestWithParam<uint64_t> {};

TEST_P(RandomReplayTest, LeadsToTheSameKeys) {
  RandomRequests requests(GetParam());
  base::Random& random = requests.random();
  server::StorageOptions options;
  options.databases = 4;
  CommandHarness server(options);
  server.set_version(random.Below(2) == 0 ? resp::Version::kResp2 : resp::Version::kResp3);
  std::set<const exec::CommandRow*> worked;
  for (int step = 0; step < 6000; ++step) {
    if (!server.Run(requests.Next()).is_error()) worked.insert(server.client().caller().last_row());
    const uint64_t event = random.Below(1000);
    if (event < 100) {
      server.clock().AdvanceMs(static_cast<int64_t>(random.Below(3000)));
    } else if (event < 130) {
      server.ExpireDue(1 + random.Below(5));
    } else if (event < 150) {
      server.EndTurn();
    } else if (event < 155) {
      server.Seal();
    } else if (event < 157) {
      server.Checkpoint();
    } else if (event < 160) {
      const ServerState before = server.Dump();
      server.Reopen();
      ASSERT_TRUE(server.Dump() == before) << "seed " << GetParam() << " step " << step;
    }
  }
  // The requests are not all nonsense.
  for (const exec::CommandRow* row : Rows(server::DataFamilies())) {
    if ((row->flags & exec::kWrite) == 0) continue;
    EXPECT_TRUE(worked.contains(row)) << row->name;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomReplayTest, testing::Range<uint64_t>(1, 6));

}  // namespace
}  // namespace cairn::test
