// hiredis at work. Debian's hiredis is 0.14, which speaks RESP2 only (RESP3 came with 1.0); RESP3
// is the other clients' part.
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include "support/server_process.h"

namespace cairn::redis_tests {
namespace {

constexpr size_t kBigBytes = 20'000'000;

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};

std::string Text(const Reply& reply) {
  return {reply->str, static_cast<size_t>(reply->len)};
}

class HiredisTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const char* binary = std::getenv("CAIRN_SERVER");
    ASSERT_NE(binary, nullptr) << "CAIRN_SERVER must name the server";
    server_ = new ServerProcess(binary, {}, true);
    server_->Start();
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  void SetUp() override {
    context_.reset(redisConnectWithTimeout("127.0.0.1", server_->port(), {30, 0}));
    ASSERT_NE(context_, nullptr);
    ASSERT_EQ(context_->err, 0) << context_->errstr;
    ASSERT_EQ(Text(Call({"FLUSHALL"})), "OK");
  }
  void TearDown() override {
    if (HasFailure())
      std::printf("--- the end of the server's log:\n%s\n", server_->LogTail().c_str());
  }

  // One command with binary-safe arguments.
  Reply Call(const Command& command) {
    std::vector<const char*> words;
    std::vector<size_t> lengths;
    for (const std::string& word : command) {
      words.push_back(word.data());
      lengths.push_back(word.size());
    }
    Reply reply(static_cast<redisReply*>(redisCommandArgv(
        context_.get(), static_cast<int>(words.size()), words.data(), lengths.data())));
    if (reply == nullptr) ADD_FAILURE() << Shown(command) << ": " << context_->errstr;
    return reply;
  }
  Reply Next() {
    void* reply = nullptr;
    EXPECT_EQ(redisGetReply(context_.get(), &reply), REDIS_OK) << context_->errstr;
    return Reply(static_cast<redisReply*>(reply));
  }

  static inline ServerProcess* server_ = nullptr;
  std::unique_ptr<redisContext, FreeContext> context_;
};

TEST_F(HiredisTest, Strings) {
  EXPECT_EQ(Text(Call({"SET", "k", "v"})), "OK");
  EXPECT_EQ(Text(Call({"GET", "k"})), "v");
  EXPECT_EQ(Call({"GET", "missing"})->type, REDIS_REPLY_NIL);
  EXPECT_EQ(Call({"SET", "k", "w", "NX"})->type, REDIS_REPLY_NIL);
  EXPECT_EQ(Text(Call({"SET", "k", "w", "GET"})), "v");
  EXPECT_EQ(Call({"APPEND", "k", "xyz"})->integer, 4);
  EXPECT_EQ(Text(Call({"GETRANGE", "k", "1", "-1"})), "xyz");
  EXPECT_EQ(Call({"INCRBY", "n", "9223372036854775807"})->integer, INT64_MAX);
  EXPECT_EQ(Text(Call({"INCRBYFLOAT", "f", "0.5"})), "0.5");
  const Reply values = Call({"MGET", "k", "missing", "n"});
  ASSERT_EQ(values->elements, 3U);
  EXPECT_STREQ(values->element[0]->str, "wxyz");
  EXPECT_EQ(values->element[1]->type, REDIS_REPLY_NIL);
  EXPECT_STREQ(values->element[2]->str, "9223372036854775807");
}

TEST_F(HiredisTest, FormattedCommands) {
  Reply reply(static_cast<redisReply*>(
      redisCommand(context_.get(), "SET %s:%d %b", "key", 7, "a\0b", size_t{3})));
  ASSERT_EQ(Text(reply), "OK");
  reply.reset(static_cast<redisReply*>(redisCommand(context_.get(), "GET key:7")));
  EXPECT_EQ(Text(reply), std::string("a\0b", 3));
}

TEST_F(HiredisTest, Expiry) {
  Call({"SET", "k", "v", "EX", "1000"});
  const int64_t seconds = Call({"TTL", "k"})->integer;
  EXPECT_TRUE(seconds == 999 || seconds == 1000) << seconds;
  EXPECT_EQ(Call({"PERSIST", "k"})->integer, 1);
  EXPECT_EQ(Call({"PEXPIREAT", "k", "20000000000123"})->integer, 1);
  EXPECT_EQ(Call({"PEXPIRETIME", "k"})->integer, 20'000'000'000'123);
  EXPECT_EQ(Call({"EXPIREAT", "k", "1"})->integer, 1);
  EXPECT_EQ(Call({"EXISTS", "k"})->integer, 0);
}

TEST_F(HiredisTest, Errors) {
  Call({"SET", "k", "abc"});
  const Reply reply = Call({"INCR", "k"});
  EXPECT_EQ(reply->type, REDIS_REPLY_ERROR);
  EXPECT_STREQ(reply->str, "ERR value is not an integer or out of range");
  EXPECT_STREQ(Call({"GET"})->str, "ERR wrong number of arguments for 'get' command");
  EXPECT_STREQ(Call({"NOSUCH", "x"})->str,
               "ERR unknown command 'NOSUCH', with args beginning with: 'x' ");
  EXPECT_EQ(Text(Call({"GET", "k"})), "abc");
}

TEST_F(HiredisTest, Pipeline) {
  constexpr int kCount = 20'000;
  for (int i = 0; i < kCount; ++i) {
    redisAppendCommand(context_.get(), "SET p:%d %d", i, i);
    redisAppendCommand(context_.get(), "INCR p:%d", i);
  }
  redisAppendCommand(context_.get(), "DBSIZE");
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(Text(Next()), "OK");
    ASSERT_EQ(Next()->integer, i + 1);
  }
  EXPECT_EQ(Next()->integer, kCount);
}

TEST_F(HiredisTest, ScanIteration) {
  constexpr int kCount = 3000;
  for (int i = 0; i < kCount; ++i) Call({"SET", "it:" + std::to_string(i), "v"});
  Call({"SET", "else", "v"});
  std::map<std::string, int> seen;
  std::string cursor = "0";
  int calls = 0;
  do {
    const Reply page = Call({"SCAN", cursor, "MATCH", "it:*", "COUNT", "100"});
    ASSERT_EQ(page->elements, 2U);
    cursor = page->element[0]->str;
    for (size_t i = 0; i < page->element[1]->elements; ++i)
      ++seen[page->element[1]->element[i]->str];
    ASSERT_LT(++calls, 10'000);
  } while (cursor != "0");
  EXPECT_EQ(seen.size(), static_cast<size_t>(kCount));
}

TEST_F(HiredisTest, BinaryKeysAndValues) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every.push_back(static_cast<char>(byte));
  Call({"SET", every, every + every});
  EXPECT_EQ(Text(Call({"GET", every})), every + every);
  Call({"SET", "", ""});
  EXPECT_EQ(Text(Call({"GET", ""})), "");
  EXPECT_EQ(Call({"DBSIZE"})->integer, 2);
}

TEST_F(HiredisTest, BigValue) {
  std::string value(kBigBytes, 'x');
  for (size_t i = 0; i < value.size(); i += 997) value[i] = static_cast<char>('a' + i % 26);
  EXPECT_EQ(Text(Call({"SET", "big", value})), "OK");
  EXPECT_EQ(Call({"STRLEN", "big"})->integer, static_cast<int64_t>(kBigBytes));
  EXPECT_TRUE(Text(Call({"GET", "big"})) == value);
}

TEST_F(HiredisTest, Ranges) {
  if (server_->is_redis()) GTEST_SKIP() << "a redis-server stands in Cairn's place";
  std::vector<std::string> names;
  for (int i = 1000; i < 3500; ++i) {
    names.push_back("word:" + std::to_string(i));
    Call({"SET", names.back(), std::to_string(i)});
  }
  std::vector<std::string> found;
  for (std::string bound = "[word:"; !bound.empty();) {
    const Reply page = Call({"SCANRANGE", bound, "(word;", "LIMIT", "400"});
    ASSERT_EQ(page->elements, 2U);
    bound = page->element[0]->str;
    for (size_t i = 0; i < page->element[1]->elements; ++i)
      found.emplace_back(page->element[1]->element[i]->str);
  }
  EXPECT_EQ(found, names);
  EXPECT_EQ(Call({"COUNTRANGE", "(word:1999", "+"})->integer, 1500);
  EXPECT_EQ(Call({"DELRANGE", "-", "(word:2000"})->integer, 1000);
  EXPECT_EQ(Call({"DBSIZE"})->integer, 1500);
}

TEST_F(HiredisTest, ReconnectAfterRestart) {
  Call({"SET", "survivor", "1"});
  server_->Kill();
  EXPECT_EQ(redisCommand(context_.get(), "GET survivor"), nullptr);
  EXPECT_NE(context_->err, 0);
  server_->StartAgain();
  ASSERT_EQ(redisReconnect(context_.get()), REDIS_OK) << context_->errstr;
  EXPECT_EQ(Text(Call({"GET", "survivor"})), "1");
  EXPECT_EQ(Call({"INCR", "survivor"})->integer, 2);
}

}  // namespace
}  // namespace cairn::redis_tests
