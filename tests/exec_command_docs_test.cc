// The replies of COMMAND and its subcommands. Expected bytes are what redis-server 7.0.15 replies
// for the same rows (with 7.2's display_text), a space standing for each CRLF.
#include <string>
#include <vector>

#include "exec/acl_categories.h"
#include "exec/command_docs.h"
#include "exec/context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cairn::exec {
namespace {

using resp::Version;

Effect Nothing(Context& /*ctx*/) {
  return Effect::kNone;
}

std::string_view FlagsOfSet(std::span<const std::string_view> argv) {
  for (const std::string_view arg : argv.subspan(3)) {
    if (arg == "GET") return "RW access update";
  }
  return "OW update";
}

constexpr uint32_t kConfigFlags = kAdmin | kNoscript | kLoading | kStale;

constexpr CommandRow kRows[] = {
    {.name = "get",
     .arity = 2,
     .flags = kReadonly | kFast,
     .keys = {1, 1, 1, "RO access"},
     .handler = Nothing,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Get the value of a key",
     .syntax = "key"},
    {.name = "set",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .keys = {1, 1, 1, "RW access update variable_flags", "a note", FlagsOfSet},
     .handler = Nothing,
     .group = "string",
     .since = "1.0.0",
     .summary = "s",
     .syntax = "key value [NX | XX] [PX ms]"},
    {.name = "getset",
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .keys = {1, 1, 1, "RW access update"},
     .handler = Nothing,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "s",
     .syntax = "key value",
     .replaced_by = "`SET` with the `!GET` argument",
     .deprecated_since = "6.2.0"},
    {.name = "mset",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .keys = {1, -1, 2, "OW update"},
     .handler = Nothing,
     .group = "string",
     .since = "1.0.1",
     .summary = "s",
     .syntax = "key value [key value ...]",
     .tips = "request_policy:multi_shard response_policy:all_succeeded"},
    {.name = "copy",
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .keys = {1, 1, 1, "RO access"},
     .keys2 = {2, 2, 1, "OW update"},
     .handler = Nothing,
     .categories = kCatKeyspace,
     .group = "generic",
     .since = "6.2.0",
     .summary = "s",
     .syntax = "source destination"},
    {.name = "keys",
     .arity = 2,
     .flags = kReadonly,
     .handler = Nothing,
     .categories = kCatKeyspace | kCatDangerous,
     .group = "generic",
     .since = "1.0.0",
     .summary = "s",
     .syntax = "pattern"},
    {.name = "eval",
     .arity = -3,
     .flags = kNoscript | kNoMandatoryKeys,
     .keys = {3, -1, 1, "RW"},
     .handler = Nothing,
     .group = "scripting",
     .since = "2.6.0",
     .summary = "s"},
    {.name = "zdiff",
     .arity = -2,
     .keys = {2, -1, 1, "RO"},
     .handler = Nothing,
     .group = "sorted-set",
     .since = "6.2.0",
     .summary = "s"},
    {.name = "blpop",
     .arity = -3,
     .flags = kWrite | kNoscript | kBlocking,
     .keys = {1, -2, 1, "RW access delete"},
     .handler = Nothing,
     .group = "list",
     .since = "2.0.0",
     .summary = "s"},
    {.name = "lastsave",
     .arity = 1,
     .flags = kLoading | kStale | kFast,
     .handler = Nothing,
     .categories = kCatAdmin | kCatDangerous,
     .group = "server",
     .since = "1.0.0",
     .summary = "s"},
    {.name = "debug",
     .arity = -2,
     .flags = kConfigFlags | kProtected,
     .handler = Nothing,
     .group = "server",
     .since = "1.0.0",
     .summary = "s"},
    {.name = "client",
     .arity = -2,
     .flags = kContainer,
     .group = "connection",
     .since = "2.4.0",
     .summary = "s"},
    {.name = "client|id",
     .arity = 2,
     .flags = kNoscript | kLoading | kStale,
     .handler = Nothing,
     .group = "connection",
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "i"},
    {.name = "client|kill",
     .arity = -3,
     .flags = kConfigFlags,
     .handler = Nothing,
     .group = "connection",
     .since = "2.4.0",
     .summary = "k"},
};

class CommandDocsTest : public testing::Test {
 protected:
  using Names = std::vector<std::string_view>;

  // What `write` replies, a space for each CRLF.
  template <typename Write>
  static std::string Wire(Version version, Write write) {
    std::string out;
    resp::ReplyWriter reply(out);
    reply.set_version(version);
    write(reply);
    std::string shown;
    for (const char c : out) {
      if (c != '\n') shown.push_back(c == '\r' ? ' ' : c);
    }
    return shown;
  }

  [[nodiscard]] std::string Info(const Names& names, Version version = Version::kResp2) const {
    return Wire(version, [&](resp::ReplyWriter& reply) { ReplyCommandInfo(table_, names, reply); });
  }
  [[nodiscard]] std::string Docs(const Names& names, Version version = Version::kResp2) const {
    return Wire(version, [&](resp::ReplyWriter& reply) { ReplyCommandDocs(table_, names, reply); });
  }
  [[nodiscard]] std::string List(const Names& options) const {
    return Wire(Version::kResp2,
                [&](resp::ReplyWriter& reply) { ReplyCommandList(table_, options, reply); });
  }
  [[nodiscard]] std::string Keys(const Names& request) const {
    return Wire(Version::kResp2,
                [&](resp::ReplyWriter& reply) { ReplyCommandKeys(table_, request, reply); });
  }
  [[nodiscard]] std::string KeysAndFlags(const Names& request,
                                         Version version = Version::kResp2) const {
    return Wire(version, [&](resp::ReplyWriter& reply) {
      ReplyCommandKeysAndFlags(table_, request, reply);
    });
  }

  const RowTable families_[1] = {kRows};
  CommandTable table_{families_};
};

constexpr std::string_view kGetResp2 =
    "*10 $3 get :2 *2 +readonly +fast :1 :1 :1 *3 +@read +@string +@fast *0 *1 *6 $5 flags *2 +RO "
    "+access "
    "$12 begin_search *4 $4 type $5 index $4 spec *2 $5 index :1 "
    "$9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :0 $7 keystep :1 $5 limit :0 *0 ";

constexpr std::string_view kGetResp3 =
    "*10 $3 get :2 ~2 +readonly +fast :1 :1 :1 ~3 +@read +@string +@fast ~0 ~1 %3 $5 flags ~2 +RO "
    "+access "
    "$12 begin_search %2 $4 type $5 index $4 spec %1 $5 index :1 "
    "$9 find_keys %2 $4 type $5 range $4 spec %3 $7 lastkey :0 $7 keystep :1 $5 limit :0 ~0 ";

constexpr std::string_view kClientIdResp3 =
    "*10 $9 client|id :2 ~3 +noscript +loading +stale :0 :0 :0 ~2 +@slow +@connection ~0 ~0 ~0 ";

constexpr std::string_view kClientKillResp3 =
    "*10 $11 client|kill :-3 ~4 +admin +noscript +loading +stale :0 :0 :0 "
    "~4 +@admin +@slow +@dangerous +@connection ~0 ~0 ~0 ";

TEST_F(CommandDocsTest, InfoOfACommand) {
  EXPECT_EQ(Info({"get"}), "*1 " + std::string(kGetResp2));
  EXPECT_EQ(Info({"GeT"}, Version::kResp3), "*1 " + std::string(kGetResp3));
}

TEST_F(CommandDocsTest, InfoOfUnknownNamesIsNull) {
  EXPECT_EQ(Info({"nosuch", "get", "get|x", "client|nosuch", ""}),
            "*5 $-1 " + std::string(kGetResp2) + "$-1 $-1 $-1 ");
  EXPECT_EQ(Info({"nosuch"}, Version::kResp3), "*1 _ ");
}

TEST_F(CommandDocsTest, InfoOfAContainerHoldsItsSubcommands) {
  EXPECT_EQ(Info({"client"}, Version::kResp3),
            "*1 *10 $6 client :-2 ~0 :0 :0 :0 ~1 +@slow ~0 ~0 *2 " + std::string(kClientIdResp3) +
                std::string(kClientKillResp3));
  EXPECT_EQ(Info({"Client|ID"}, Version::kResp3), "*1 " + std::string(kClientIdResp3));
}

TEST_F(CommandDocsTest, InfoTellsTwoKeySpecificationsAsOneRange) {
  const std::string info = Info({"copy"});
  EXPECT_THAT(info,
              testing::HasSubstr(
                  " :1 :2 :1 *3 +@keyspace +@write +@slow *0 *2 *6 $5 flags *2 +RO +access "));
  EXPECT_THAT(info, testing::HasSubstr(
                        "$5 index :2 $9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :0 "));
}

TEST_F(CommandDocsTest, InfoGivesTheLastKeyRelativeToTheFirst) {
  const std::string mset = Info({"mset"});
  EXPECT_THAT(mset, testing::HasSubstr(" :1 :-1 :2 "));
  EXPECT_THAT(mset, testing::HasSubstr("$7 lastkey :-1 $7 keystep :2 $5 limit :0 "));
  EXPECT_THAT(mset, testing::HasSubstr(
                        "*2 $26 request_policy:multi_shard $29 response_policy:all_succeeded "));
  EXPECT_THAT(Info({"blpop"}),
              testing::HasSubstr(" :1 :-2 :1 *4 +@write +@list +@slow +@blocking *0 "));
}

TEST_F(CommandDocsTest, InfoPrintsTheNotesOfAKeySpecification) {
  EXPECT_THAT(Info({"set"}, Version::kResp3),
              testing::HasSubstr(
                  "~1 %4 $5 notes $6 a note $5 flags ~4 +RW +access +update +variable_flags "));
}

TEST_F(CommandDocsTest, InfoOfAllCommandsHasSubcommandsOnlyInTheirContainer) {
  const std::string all =
      Wire(Version::kResp3, [&](resp::ReplyWriter& reply) { ReplyAllCommandInfo(table_, reply); });
  EXPECT_THAT(all, testing::StartsWith("*12 " + std::string(kGetResp3)));
  EXPECT_EQ(all.find("client|id"), all.rfind("client|id"));
  EXPECT_EQ(
      Wire(Version::kResp2, [&](resp::ReplyWriter& reply) { ReplyCommandCount(table_, reply); }),
      ":12 ");
}

TEST_F(CommandDocsTest, CategoriesComeFromFlagsGroupAndRow) {
  const auto categories = [&](std::string_view name) {
    return AclCategories(*table_.Find(name)->row);
  };
  EXPECT_THAT(categories("keys"), testing::ElementsAre("keyspace", "read", "slow", "dangerous"));
  EXPECT_THAT(categories("lastsave"), testing::ElementsAre("admin", "fast", "dangerous"));
  EXPECT_THAT(categories("debug"), testing::ElementsAre("admin", "slow", "dangerous"));
  EXPECT_THAT(categories("eval"), testing::ElementsAre("slow", "scripting"));
  EXPECT_THAT(categories("client"), testing::ElementsAre("slow"));
}

TEST_F(CommandDocsTest, DocsOfACommand) {
  EXPECT_EQ(
      Docs({"get"}, Version::kResp3),
      "%1 $3 get %5 $7 summary $22 Get the value of a key $5 since $5 1.0.0 $5 group $6 string "
      "$10 complexity $4 O(1) $9 arguments *1 %4 $4 name $3 key $4 type $3 key "
      "$12 display_text $3 key $14 key_spec_index :0 ");
  EXPECT_EQ(Docs({"nosuch", "lastsave", "LASTSAVE"}),
            "*4 $8 lastsave *6 $7 summary $1 s $5 since $5 1.0.0 $5 group $6 server "
            "$8 lastsave *6 $7 summary $1 s $5 since $5 1.0.0 $5 group $6 server ");
  EXPECT_EQ(Docs({"nosuch"}, Version::kResp3), "%0 ");
}

TEST_F(CommandDocsTest, DocsPrintTokensFlagsAndNestedArguments) {
  EXPECT_THAT(Docs({"set"}, Version::kResp3),
              testing::EndsWith(
                  "%3 $4 name $5 value $4 type $6 string $12 display_text $5 value "
                  "%4 $4 name $5 nx_xx $4 type $5 oneof $5 flags ~1 +optional $9 arguments *2 "
                  "%4 $4 name $2 nx $4 type $10 pure-token $12 display_text $2 nx $5 token $2 NX "
                  "%4 $4 name $2 xx $4 type $10 pure-token $12 display_text $2 xx $5 token $2 XX "
                  "%5 $4 name $2 ms $4 type $7 integer $12 display_text $2 ms $5 token $2 PX "
                  "$5 flags ~1 +optional "));
  EXPECT_THAT(Docs({"copy"}), testing::HasSubstr("$11 destination $14 key_spec_index :1 "));
}

TEST_F(CommandDocsTest, DocsOfADeprecatedCommand) {
  EXPECT_THAT(
      Docs({"getset"}, Version::kResp3),
      testing::StartsWith(
          "%1 $6 getset %8 $7 summary $1 s $5 since $5 1.0.0 $5 group $6 string "
          "$10 complexity $4 O(1) $9 doc_flags ~1 +deprecated $16 deprecated_since $5 6.2.0 "
          "$11 replaced_by $30 `SET` with the `!GET` argument $9 arguments *2 "));
}

TEST_F(CommandDocsTest, DocsOfASystemCommand) {
  EXPECT_EQ(Docs({"debug"}),
            "*2 $5 debug *8 $7 summary $1 s $5 since $5 1.0.0 $5 group $6 server $9 doc_flags *1 "
            "+syscmd ");
}

TEST_F(CommandDocsTest, DocsOfAContainerHoldTheDocsOfItsSubcommands) {
  EXPECT_EQ(Docs({"client"}, Version::kResp3),
            "%1 $6 client %4 $7 summary $1 s $5 since $5 2.4.0 $5 group $10 connection $11 "
            "subcommands %2 "
            "$9 client|id %4 $7 summary $1 i $5 since $5 5.0.0 $5 group $10 connection $10 "
            "complexity $4 O(1) "
            "$11 client|kill %3 $7 summary $1 k $5 since $5 2.4.0 $5 group $10 connection ");
  EXPECT_THAT(Docs({"client|kill"}), testing::StartsWith("*2 $11 client|kill *6 "));
}

TEST_F(CommandDocsTest, DocsWithoutNamesAreAllCommands) {
  EXPECT_THAT(Docs({}, Version::kResp3), testing::StartsWith("%12 $3 get %5 "));
  EXPECT_THAT(Docs({}), testing::StartsWith("*24 $3 get *10 "));
}

TEST_F(CommandDocsTest, ListHasAllNames) {
  EXPECT_EQ(List({}),
            "*14 $3 get $3 set $6 getset $4 mset $4 copy $4 keys $4 eval $5 zdiff $5 blpop $8 "
            "lastsave $5 debug "
            "$6 client $9 client|id $11 client|kill ");
}

TEST_F(CommandDocsTest, ListFiltersByCategory) {
  EXPECT_EQ(List({"FILTERBY", "ACLCAT", "connection"}), "*2 $9 client|id $11 client|kill ");
  EXPECT_EQ(List({"filterby", "aclcat", "KeySpace"}), "*2 $4 copy $4 keys ");
  EXPECT_EQ(List({"FILTERBY", "ACLCAT", "fast"}), "*3 $3 get $6 getset $8 lastsave ");
  EXPECT_EQ(List({"FILTERBY", "ACLCAT", "@fast"}), "*0 ");
  EXPECT_EQ(List({"FILTERBY", "ACLCAT", "nosuch"}), "*0 ");
}

TEST_F(CommandDocsTest, ListFiltersByPattern) {
  EXPECT_EQ(List({"FILTERBY", "PATTERN", "GET*"}), "*2 $3 get $6 getset ");
  EXPECT_EQ(List({"FILTERBY", "PATTERN", "client|k*"}), "*1 $11 client|kill ");
}

TEST_F(CommandDocsTest, RenamedCommandsKeepTheirRowsName) {
  ASSERT_TRUE(table_.Rename("get", "fetch").ok());
  EXPECT_EQ(Info({"get", "fetch"}), "*2 $-1 " + std::string(kGetResp2));
  EXPECT_EQ(List({"FILTERBY", "PATTERN", "get"}), "*1 $3 get ");
  EXPECT_EQ(List({"FILTERBY", "PATTERN", "fetch"}), "*0 ");
  EXPECT_EQ(Keys({"fetch", "a"}), "*1 $1 a ");
  EXPECT_EQ(Keys({"get", "a"}), "-ERR Invalid command specified ");
}

TEST_F(CommandDocsTest, CommandsTakenAwayAreNotTold) {
  ASSERT_TRUE(table_.Rename("client", "").ok());
  EXPECT_EQ(Info({"client", "client|id"}), "*2 $-1 $-1 ");
  EXPECT_THAT(Docs({}, Version::kResp3), testing::StartsWith("%11 "));
  EXPECT_EQ(List({"FILTERBY", "PATTERN", "client*"}), "*0 ");
  EXPECT_EQ(
      Wire(Version::kResp2, [&](resp::ReplyWriter& reply) { ReplyCommandCount(table_, reply); }),
      ":11 ");
}

TEST_F(CommandDocsTest, NoCommandComesFromAModule) {
  EXPECT_EQ(List({"FILTERBY", "MODULE", "json"}), "*0 ");
}

TEST_F(CommandDocsTest, ListRefusesOtherOptions) {
  for (const Names& options : std::vector<Names>{{"x"},
                                                 {"FILTERBY"},
                                                 {"FILTERBY", "PATTERN"},
                                                 {"FILTERBY", "SIZE", "1"},
                                                 {"FILTERBY", "PATTERN", "a", "b"},
                                                 {"BY", "PATTERN", "a"}}) {
    EXPECT_EQ(List(options), "-ERR syntax error ");
  }
}

TEST_F(CommandDocsTest, KeysOfARequest) {
  EXPECT_EQ(Keys({"GET", "a"}), "*1 $1 a ");
  EXPECT_EQ(Keys({"mset", "a", "b", "c", "d"}), "*2 $1 a $1 c ");
  EXPECT_EQ(Keys({"copy", "a", "b"}), "*2 $1 a $1 b ");
  EXPECT_EQ(Keys({"blpop", "a", "b", "0"}), "*2 $1 a $1 b ");
}

TEST_F(CommandDocsTest, KeysAndFlagsOfARequest) {
  EXPECT_EQ(KeysAndFlags({"copy", "a", "b"}), "*2 *2 $1 a *2 +RO +access *2 $1 b *2 +OW +update ");
  EXPECT_EQ(KeysAndFlags({"get", "a"}, Version::kResp3), "*1 *2 $1 a ~2 +RO +access ");
}

TEST_F(CommandDocsTest, FlagsOfARequestMayDependOnIt) {
  EXPECT_EQ(KeysAndFlags({"set", "a", "b"}), "*1 *2 $1 a *2 +OW +update ");
  EXPECT_EQ(KeysAndFlags({"set", "a", "b", "GET"}), "*1 *2 $1 a *3 +RW +access +update ");
}

TEST_F(CommandDocsTest, KeysOfWhatIsNoRequest) {
  for (const Names& request :
       std::vector<Names>{{"nosuch", "a"}, {"client", "nosuch"}, {"client|id"}}) {
    EXPECT_EQ(Keys(request), "-ERR Invalid command specified ");
    EXPECT_EQ(KeysAndFlags(request), "-ERR Invalid command specified ");
  }
  // A command without keys says so, whatever the number of its arguments.
  EXPECT_EQ(Keys({"client", "id", "a", "b"}), "-ERR The command has no key arguments ");
  EXPECT_EQ(Keys({"client"}), "-ERR The command has no key arguments ");
  EXPECT_EQ(Keys({"get", "a", "b"}), "-ERR Invalid number of arguments specified for command ");
  EXPECT_EQ(KeysAndFlags({"set", "a"}), "-ERR Invalid number of arguments specified for command ");
}

TEST_F(CommandDocsTest, MissingKeysAreAnErrorUnlessTheCommandAllowsIt) {
  EXPECT_EQ(Keys({"eval", "return 1", "0"}), "*0 ");
  EXPECT_EQ(Keys({"eval", "return 1", "1", "a"}), "*1 $1 a ");
  EXPECT_EQ(Keys({"zdiff", "1"}), "-ERR Invalid arguments specified for command ");
  EXPECT_EQ(Keys({"zdiff", "1", "a"}), "*1 $1 a ");
}

}  // namespace
}  // namespace cairn::exec
