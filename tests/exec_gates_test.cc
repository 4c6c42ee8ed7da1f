// Which requests run, and the error that the others get. Texts and their order are those of
// redis-server 7.0.15.
#include <string>
#include <vector>

#include "exec/gates.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "resp/errors.h"

namespace cairn::exec {
namespace {

Effect Nothing(Context& /*ctx*/) {
  return Effect::kNone;
}

CommandRow Row(std::string_view name, int arity, uint32_t flags, Handler handler = Nothing) {
  CommandRow row;
  row.name = name;
  row.arity = arity;
  row.flags = flags;
  row.handler = handler;
  row.group = "g";
  row.since = "1.0.0";
  row.summary = "s";
  return row;
}

class GatesTest : public testing::Test {
 protected:
  std::string Refusal(const std::vector<std::string_view>& argv) {
    bool unknown_subcommand = false;
    const CommandTable::Entry* entry = table_.FindRequest(argv, &unknown_subcommand);
    return CheckGates(entry, unknown_subcommand, argv, caller_, state_);
  }

  const std::vector<CommandRow> rows_ = {
      Row("get", 2, kReadonly),
      Row("set", -3, kWrite),
      Row("auth", -2, kNoAuth),
      Row("debug", -2, kProtected),
      Row("config", -2, kContainer, nullptr),
      Row("config|get", -3, 0),
      Row("command", -1, kContainer),
      Row("command|count", 2, 0),
  };
  const std::vector<RowTable> families_ = {rows_};
  const CommandTable table_{families_};
  Caller caller_;
  GateState state_;
};

TEST_F(GatesTest, LetsAFittingRequestPass) {
  EXPECT_EQ(Refusal({"GET", "a"}), "");
  EXPECT_EQ(Refusal({"set", "a", "b", "c"}), "");
  EXPECT_EQ(Refusal({"config", "get", "a"}), "");
  EXPECT_EQ(Refusal({"command"}), "");
  EXPECT_EQ(Refusal({"command", "count"}), "");
}

TEST_F(GatesTest, UnknownCommand) {
  EXPECT_EQ(Refusal({"Foo"}), "ERR unknown command 'Foo', with args beginning with: ");
  EXPECT_EQ(Refusal({"foo", "a", "b"}),
            "ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
}

TEST_F(GatesTest, UnknownSubcommand) {
  EXPECT_EQ(Refusal({"Config", "Foo"}), "ERR unknown subcommand 'Foo'. Try CONFIG HELP.");
}

TEST_F(GatesTest, WrongArity) {
  EXPECT_EQ(Refusal({"GET"}), "ERR wrong number of arguments for 'get' command");
  EXPECT_EQ(Refusal({"get", "a", "b"}), "ERR wrong number of arguments for 'get' command");
  EXPECT_EQ(Refusal({"config", "get"}), "ERR wrong number of arguments for 'config|get' command");
  EXPECT_EQ(Refusal({"config"}), "ERR wrong number of arguments for 'config' command");
  EXPECT_EQ(Refusal({"command", "count", "x"}),
            "ERR wrong number of arguments for 'command|count' command");
}

TEST_F(GatesTest, ProtectedCommandsNeedPermission) {
  EXPECT_EQ(Refusal({"debug", "sleep"}), resp::errors::kDebugNotAllowed);
  state_.debug_allowed = true;
  EXPECT_EQ(Refusal({"debug", "sleep"}), "");
}

TEST_F(GatesTest, AuthenticationComesAfterExistenceAndArity) {
  caller_.set_authenticated(false);
  EXPECT_EQ(Refusal({"get", "a"}), "NOAUTH Authentication required.");
  EXPECT_EQ(Refusal({"config", "get", "a"}), "NOAUTH Authentication required.");
  EXPECT_EQ(Refusal({"auth", "x"}), "");
  EXPECT_THAT(Refusal({"get"}), testing::StartsWith("ERR wrong number"));
  EXPECT_THAT(Refusal({"foo"}), testing::StartsWith("ERR unknown command"));
  EXPECT_THAT(Refusal({"config", "foo"}), testing::StartsWith("ERR unknown subcommand"));
  EXPECT_EQ(Refusal({"debug", "sleep"}), resp::errors::kDebugNotAllowed);
}

TEST_F(GatesTest, ABrokenLogRefusesWritesOnly) {
  state_.log_error = absl::InternalError("No space left on device");
  EXPECT_EQ(Refusal({"get", "a"}), "");
  EXPECT_EQ(Refusal({"config", "get", "a"}), "");
  const std::string refusal = Refusal({"set", "a", "b"});
  EXPECT_THAT(refusal, testing::StartsWith("MISCONF "));
  EXPECT_THAT(refusal, testing::HasSubstr("No space left on device"));
  caller_.set_authenticated(false);
  EXPECT_THAT(Refusal({"set", "a", "b"}), testing::StartsWith("NOAUTH "));
}

}  // namespace
}  // namespace cairn::exec
