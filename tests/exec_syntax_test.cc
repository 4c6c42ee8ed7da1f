// The arguments that a row's syntax describes. Expectations marked "Redis" are what
// redis-server 7.0.15 replies to COMMAND DOCS.
#include <cctype>
#include <string>

#include "exec/syntax.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cairn::exec {
namespace {

std::string Show(const std::vector<Argument>& arguments);

// name:type/TOKEN{flags}#key_spec_index(arguments)
std::string Show(const Argument& argument) {
  std::string shown = argument.name + ":" + std::string(ArgumentTypeName(argument.type));
  if (!argument.token.empty()) shown += "/" + argument.token;
  std::string flags;
  if (argument.optional) flags += ",optional";
  if (argument.multiple) flags += ",multiple";
  if (argument.multiple_token) flags += ",multiple_token";
  if (!flags.empty()) shown += "{" + flags.substr(1) + "}";
  if (argument.key_spec_index >= 0) shown += "#" + std::to_string(argument.key_spec_index);
  if (!argument.arguments.empty()) shown += "(" + Show(argument.arguments) + ")";
  return shown;
}

std::string Show(const std::vector<Argument>& arguments) {
  std::string shown;
  for (const Argument& argument : arguments) shown += (shown.empty() ? "" : " ") + Show(argument);
  return shown;
}

std::string Parsed(std::string_view syntax, int key_specs = 1) {
  const auto arguments = ParseSyntax(syntax, key_specs);
  return arguments.ok() ? Show(*arguments) : arguments.status().ToString();
}

struct Case {
  std::string_view command;
  std::string_view syntax;
  std::string_view redis;
  int key_specs = 1;
};

class RedisSyntax : public testing::TestWithParam<Case> {};

TEST_P(RedisSyntax, GivesTheArgumentsThatRedisReplies) {
  EXPECT_EQ(Parsed(GetParam().syntax, GetParam().key_specs), GetParam().redis);
}

constexpr std::string_view kCondition =
    "key:key#0 unix-time-milliseconds:unix-time condition:oneof{optional}(nx:pure-token/NX "
    "xx:pure-token/XX gt:pure-token/GT lt:pure-token/LT)";

const Case kRedis[] = {
    {"time", "", ""},
    {"get", "key", "key:key#0"},
    {"del", "key [key ...]", "key:key{multiple}#0"},
    {"mset", "key value [key value ...]", "key_value:block{multiple}(key:key#0 value:string)"},
    {"set",
     "key value condition:[NX | XX] [GET] expiration:[EX seconds | PX milliseconds | "
     "EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
     "key:key#0 value:string condition:oneof{optional}(nx:pure-token/NX xx:pure-token/XX) "
     "get:pure-token/GET{optional} expiration:oneof{optional}(seconds:integer/EX "
     "milliseconds:integer/PX unix-time-seconds:unix-time/EXAT "
     "unix-time-milliseconds:unix-time/PXAT keepttl:pure-token/KEEPTTL)"},
    {"getex",
     "key expiration:[EX seconds | PX milliseconds | EXAT unix-time-seconds | "
     "PXAT unix-time-milliseconds | PERSIST]",
     "key:key#0 expiration:oneof{optional}(seconds:integer/EX milliseconds:integer/PX "
     "unix-time-seconds:unix-time/EXAT unix-time-milliseconds:unix-time/PXAT "
     "persist:pure-token/PERSIST)"},
    {"setex", "key seconds value", "key:key#0 seconds:integer value:string"},
    {"setrange", "key offset value", "key:key#0 offset:integer value:string"},
    {"getrange", "key start end", "key:key#0 start:integer end:integer"},
    {"incrby", "key increment", "key:key#0 increment:integer"},
    {"incrbyfloat", "key increment(double)", "key:key#0 increment:double"},
    {"lcs", "key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]",
     "key1:key#0 key2:key#0 len:pure-token/LEN{optional} idx:pure-token/IDX{optional} "
     "len:integer/MINMATCHLEN{optional} withmatchlen:pure-token/WITHMATCHLEN{optional}"},
    {"rename", "key newkey", "key:key#0 newkey:key#1", 2},
    {"copy", "source destination [DB destination-db] [REPLACE]",
     "source:key#0 destination:key#1 destination-db:integer/DB{optional} "
     "replace:pure-token/REPLACE{optional}",
     2},
    {"move", "key db", "key:key#0 db:integer"},
    {"keys", "pattern", "pattern:pattern", 0},
    {"scan", "cursor [MATCH pattern] [COUNT count] [TYPE type]",
     "cursor:integer pattern:pattern/MATCH{optional} count:integer/COUNT{optional} "
     "type:string/TYPE{optional}",
     0},
    {"pexpireat", "key unix-time-milliseconds condition:[NX | XX | GT | LT]", kCondition},
    {"flushall", "async:[ASYNC | SYNC]",
     "async:oneof{optional}(async:pure-token/ASYNC sync:pure-token/SYNC)", 0},
    {"swapdb", "index1 index2", "index1:integer index2:integer", 0},
    {"auth", "[username] password", "username:string{optional} password:string", 0},
    {"hello", "arguments:[protover [AUTH username password] [SETNAME clientname]]",
     "arguments:block{optional}(protover:integer "
     "username_password:block/AUTH{optional}(username:string password:string) "
     "clientname:string/SETNAME{optional})",
     0},
    {"client|pause", "timeout mode:[WRITE | ALL]",
     "timeout:integer mode:oneof{optional}(write:pure-token/WRITE all:pure-token/ALL)", 0},
    {"client|reply", "<ON | OFF | SKIP>",
     "on_off_skip:oneof(on:pure-token/ON off:pure-token/OFF skip:pure-token/SKIP)", 0},
    {"client|tracking",
     "status:<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST]",
     "status:oneof(on:pure-token/ON off:pure-token/OFF) client-id:integer/REDIRECT{optional} "
     "prefix:string/PREFIX{optional,multiple,multiple_token} bcast:pure-token/BCAST{optional}",
     0},
    {"client|setname", "connection-name", "connection-name:string", 0},
    {"client|kill",
     "filter:<ip:port | new-format:<[ID client-id] | [TYPE normal_master_slave_pubsub:<NORMAL | "
     "MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | "
     "[SKIPME yes/no]> ...>",
     "filter:oneof(ip:port:string new-format:oneof{multiple}(client-id:integer/ID{optional} "
     "normal_master_slave_pubsub:oneof/TYPE{optional}(normal:pure-token/NORMAL "
     "master:pure-token/MASTER slave:pure-token/SLAVE replica:pure-token/REPLICA "
     "pubsub:pure-token/PUBSUB) username:string/USER{optional} ip:port:string/ADDR{optional} "
     "ip:port:string/LADDR{optional} yes/no:string/SKIPME{optional}))",
     0},
    {"client|list", "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] id:[ID client-id [client-id ...]]",
     "normal_master_replica_pubsub:oneof/TYPE{optional}(normal:pure-token/NORMAL "
     "master:pure-token/MASTER replica:pure-token/REPLICA pubsub:pure-token/PUBSUB) "
     "id:block/ID{optional}(client-id:integer{multiple})",
     0},
    {"client|unblock", "client-id [TIMEOUT | ERROR]",
     "client-id:integer timeout_error:oneof{optional}(timeout:pure-token/TIMEOUT "
     "error:pure-token/ERROR)",
     0},
    {"command|info", "[command-name [command-name ...]]", "command-name:string{optional,multiple}",
     0},
    {"command|list", "[FILTERBY filterby:<MODULE module-name | ACLCAT category | PATTERN pattern>]",
     "filterby:oneof/FILTERBY{optional}(module-name:string/MODULE category:string/ACLCAT "
     "pattern:pattern/PATTERN)",
     0},
    {"config|set", "parameter value [parameter value ...]",
     "parameter_value:block{multiple}(parameter:string value:string)", 0},
    {"config|get", "parameter:<parameter> ...", "parameter:block{multiple}(parameter:string)", 0},
    {"shutdown", "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
     "nosave_save:oneof{optional}(nosave:pure-token/NOSAVE save:pure-token/SAVE) "
     "now:pure-token/NOW{optional} force:pure-token/FORCE{optional} "
     "abort:pure-token/ABORT{optional}",
     0},
    {"memory|usage", "key [SAMPLES count]", "key:key#0 count:integer/SAMPLES{optional}"},
    {"zrange",
     "key start(string) stop sortby:[BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
     "key:key#0 start:string stop:string sortby:oneof{optional}(byscore:pure-token/BYSCORE "
     "bylex:pure-token/BYLEX) rev:pure-token/REV{optional} "
     "offset_count:block/LIMIT{optional}(offset:integer count:integer) "
     "withscores:pure-token/WITHSCORES{optional}"},
    {"xadd (its end)", "id_or_auto:<auto_id:<*> | id(string)> field value [field value ...]",
     "id_or_auto:oneof(auto_id:pure-token/* id:string) "
     "field_value:block{multiple}(field:string value:string)",
     0},
    {"georadius (its middle)", "count:[<COUNT count> [ANY]]",
     "count:block{optional}(count:integer/COUNT any:pure-token/ANY{optional})", 0},
    {"sort (its middle)", "[GET pattern [GET pattern ...]]",
     "pattern:pattern/GET{optional,multiple,multiple_token}", 0},
};

std::string CaseName(const testing::TestParamInfo<Case>& tested) {
  std::string name = std::to_string(tested.index) + "_";
  for (const char c : tested.param.command) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Redis, RedisSyntax, testing::ValuesIn(kRedis), CaseName);

TEST(Syntax, NamesATwoWordAlternativeByItsWords) {
  EXPECT_EQ(Parsed("[LIMIT offset count | ALL]"),
            "offset_count_all:oneof{optional}(offset_count:block/LIMIT(offset:integer "
            "count:integer) all:pure-token/ALL)");
}

TEST(Syntax, TakesATokenBeforeAMandatoryArgumentOutsideBracketsAsItsToken) {
  EXPECT_EQ(Parsed("BY pattern"), "pattern:pattern/BY");
  EXPECT_EQ(Parsed("BY [pattern]"), "by:pure-token/BY pattern:pattern{optional}");
  EXPECT_EQ(Parsed("NX XX"), "nx:pure-token/NX xx:pure-token/XX");
}

TEST(Syntax, GivesTheLastKeySpecificationToAllKeysLeftOver) {
  EXPECT_EQ(Parsed("key1 key2 key3", 2), "key1:key#0 key2:key#1 key3:key#1");
  EXPECT_EQ(Parsed("key", 0), "key:key");
}

TEST(Syntax, ReadsCairnsOwnCommands) {
  EXPECT_EQ(Parsed("min max [REV] [LIMIT n] [MATCH pattern] [TYPE type] [WITHVALUES]", 0),
            "min:string max:string rev:pure-token/REV{optional} n:integer/LIMIT{optional} "
            "pattern:pattern/MATCH{optional} type:string/TYPE{optional} "
            "withvalues:pure-token/WITHVALUES{optional}");
}

TEST(Syntax, KeepsNamesApartFromTypes) {
  EXPECT_EQ(Parsed("keyword keys"), "keyword:string keys:string");
  EXPECT_EQ(Parsed("<a>"), "a:string");
  EXPECT_EQ(Parsed("[a b]"), "a_b:block{optional}(a:string b:string)");
}

TEST(Syntax, SaysWhereItIsWrong) {
  const auto message = [](std::string_view syntax) {
    return std::string(ParseSyntax(syntax, 0).status().message());
  };
  EXPECT_EQ(message("key [NX"), "syntax, byte 7: unbalanced brackets");
  EXPECT_EQ(message("key [NX>"), "syntax, byte 7: unbalanced brackets");
  EXPECT_EQ(message("key ]"), "syntax, byte 4: unexpected bracket or bar");
  EXPECT_EQ(message("NX | XX"), "syntax, byte 3: unexpected bracket or bar");
  EXPECT_EQ(message("[]"), "syntax, byte 1: empty group or alternative");
  EXPECT_EQ(message("[NX |]"), "syntax, byte 5: empty group or alternative");
  EXPECT_EQ(message("... key"), "syntax, byte 3: nothing to repeat");
  EXPECT_EQ(message("key ... ..."), "syntax, byte 11: nothing to repeat");
  EXPECT_EQ(message("key [other value ...]"),
            "syntax, byte 21: the repeated part is not what stands before it");
  EXPECT_EQ(message("key(float)"), "syntax, byte 9: unknown type");
  EXPECT_EQ(message("key(oneof)"), "syntax, byte 9: unknown type");
  EXPECT_EQ(message("key(string"), "syntax, byte 10: ')' was expected");
  EXPECT_EQ(message("key (string)"), "syntax, byte 4: a word was expected");
}

}  // namespace
}  // namespace cairn::exec
