// One request's way through the executor: refusals, damage, effects, the stream and its way back.
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "exec/apply.h"
#include "exec/effects.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keyspace/key_codec.h"
#include "server/families.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(ExecutorTest, UnknownCommands) {
  ExpectExchanges({{"FOO", "-ERR unknown command 'FOO', with args beginning with: "},
                   {"foo a b", "-ERR unknown command 'foo', with args beginning with: 'a' 'b' "},
                   {"\"\" a", "-ERR unknown command '', with args beginning with: 'a' "},
                   {"object|encoding k",
                    "-ERR unknown command 'object|encoding', with args beginning with: 'k' "}});
}

TEST(ExecutorTest, CountsCallsErrorsAndLookups) {
  CommandHarness server;
  server.Line("SET k v");
  server.Line("GET k");
  server.Line("GET missing");
  server.Line("INCR k");
  server.Line("GET");
  server.Line("NOSUCH");
  exec::Executor& executor = server.storage().executor();
  const auto stats = [&](std::string_view name) -> const exec::CommandStats& {
    return executor.statistics().command(executor.table().Find(name)->index);
  };
  EXPECT_EQ(stats("set").calls, 1U);
  EXPECT_EQ(stats("get").calls, 2U);
  EXPECT_EQ(stats("get").rejected, 1U);
  EXPECT_EQ(stats("incr").calls, 1U);
  EXPECT_EQ(stats("incr").failed, 1U);
  EXPECT_EQ(executor.statistics().total_errors(), 3U);
  EXPECT_EQ(executor.statistics().errors().at("ERR"), 3U);
  EXPECT_EQ(server.storage().environment().keyspace_hits, 1U);
  EXPECT_EQ(server.storage().environment().keyspace_misses, 1U);
}

TEST(ExecutorTest, ALongCommandIsOneCall) {
  CommandHarness server;
  for (int i = 0; i < 3000; ++i) server.Run({"SET", "k" + std::to_string(i), ""});
  exec::Executor& executor = server.storage().executor();
  for (const std::string_view name : {"keys", "countrange", "delrange"}) {
    const exec::CommandStats& stats =
        executor.statistics().command(executor.table().Find(name)->index);
    server.Line(name == "keys" ? "KEYS *" : std::string(name) + " - +");
    EXPECT_GT(server.client().slices(), 1) << name;
    EXPECT_EQ(stats.calls, 1U) << name;
  }
}

// ---- a log that cannot be written

TEST(ExecutorTest, WritesAreRefusedWhileTheLogFails) {
  CommandHarness server;
  server.Line("SET k v");
  const uint64_t offset = server.storage().log().appended_offset();
  server.gates().log_error = absl::ResourceExhaustedError("no space");
  EXPECT_THAT(server.Line("SET k w").Show(), StartsWith("-MISCONF "));
  EXPECT_THAT(server.Line("DELRANGE - +").Show(), StartsWith("-MISCONF "));
  EXPECT_EQ(server.Line("GET k").Show(), "\"v\"");
  EXPECT_EQ(server.Line("SCANRANGE - +").Show(), "[\"\", [\"k\"]]");
  EXPECT_EQ(server.storage().log().appended_offset(), offset);
  server.gates().log_error = absl::OkStatus();
  EXPECT_EQ(server.Line("SET k w").Show(), "+OK");
}

TEST(ExecutorTest, ALongDeletionStopsWhenTheLogFails) {
  CommandHarness server;
  for (int i = 0; i < 2000; ++i) server.Run({"SET", "k" + std::to_string(i), ""});
  server.client().set_between_slices(
      [&] { server.gates().log_error = absl::ResourceExhaustedError("no space"); });
  EXPECT_THAT(server.Line("DELRANGE - +").Show(), StartsWith("-MISCONF "));
  EXPECT_EQ(server.client().slices(), 2);
  const ServerState state = server.Dump();
  EXPECT_EQ(state.at(0).size(), 2000U - 512U);
  server.Reopen();
  EXPECT_TRUE(server.Dump() == state);
}

// ---- damage

class DamageTest : public testing::Test {
 protected:
  void PutRaw(std::string_view user_key, std::string_view bytes) {
    keyspace::Keyspace& keyspace = server_.storage().keyspace();
    keyspace::EngineKey key;
    keyspace.codec().Encode(keyspace.id(0), user_key, &key);
    server_.storage().engine().Put(key.view(), engine::Engine::Hash(key.view()), bytes, {});
  }

  CommandHarness server_;
};

TEST_F(DamageTest, IsAnErrorAndChangesNothing) {
  server_.Line("MSET a 1 z 26");
  PutRaw("m", "\x0f");
  const uint64_t offset = server_.storage().log().appended_offset();
  for (const std::string_view line :
       {"GET m", "SET m 1", "INCR m", "DEL a m", "MGET a m z", "RENAME a m", "COPY m x",
        "MSET a 2 m 2", "KEYS *", "SCAN 0", "SCANRANGE - +", "SCANRANGE - + REV", "COUNTRANGE - +",
        "DELRANGE - +", "TTL m", "EXPIRE m 5", "OBJECT ENCODING m"}) {
    const TestReply reply = server_.Line(line);
    EXPECT_TRUE(reply.is_error()) << line << ": " << reply.Show();
    EXPECT_THAT(reply.Show(), HasSubstr("malformed record")) << line;
  }
  EXPECT_EQ(server_.storage().log().appended_offset(), offset);
  EXPECT_EQ(server_.Line("MGET a z").Show(), "[\"1\", \"26\"]");
  EXPECT_EQ(server_.Line("SCANRANGE - (m").Show(), "[\"\", [\"a\"]]");
  EXPECT_EQ(server_.Line("SET b 2").Show(), "+OK") << "the next command is not concerned";
}

TEST_F(DamageTest, EndsALongCommandWithOneError) {
  for (int i = 0; i < 5000; ++i) server_.Run({"SET", "k" + std::to_string(10'000 + i), ""});
  PutRaw("k14000x", "\x0f");
  for (const std::string_view line : {"KEYS *", "SCANRANGE - + LIMIT 10000", "COUNTRANGE - +",
                                      "SCANRANGE - + MATCH *x", "DELRANGE - +"}) {
    const TestReply reply = server_.Line(line);
    EXPECT_TRUE(reply.is_error()) << line;
    EXPECT_GT(server_.client().slices(), 1) << line;
  }
  EXPECT_EQ(server_.Line("COUNTRANGE [k14000x +").is_error(), true);
  EXPECT_EQ(server_.Line("EXISTS k10000 k14999").Show(), ":1") << "whole slices were deleted";
}

// ---- renamed commands

TEST(ExecutorTest, TheStreamKeepsTheRowsOwnNames) {
  exec::CommandTable table(server::DataFamilies());
  ASSERT_TRUE(table.Rename("set", "put").ok());
  ASSERT_TRUE(table.Rename("del", "").ok());
  ASSERT_TRUE(table.Rename("expire", "expire-in").ok());
  CommandHarness server({}, &table);
  const uint64_t offset = server.storage().log().appended_offset();
  EXPECT_EQ(server.Line("PUT k v").Show(), "+OK");
  EXPECT_THAT(server.Line("SET k v").Show(), StartsWith("-ERR unknown command"));
  EXPECT_THAT(server.Line("DEL k").Show(), StartsWith("-ERR unknown command"));
  EXPECT_EQ(server.Line("GETDEL k").Show(), "\"v\"");
  EXPECT_EQ(server.Line("put k w").Show(), "+OK");
  EXPECT_EQ(server.Line("EXPIRE-IN k 0").Show(), ":1");
  EXPECT_EQ(server.Line("PUT k 9").Show(), "+OK");
  EXPECT_THAT(server.StreamSince(offset),
              ElementsAre("SELECT 0", "set k v", "DEL k", "set k w", "DEL k", "set k 9"));
  server.Reopen();
  EXPECT_EQ(server.Line("GET k").Show(), "\"9\"");
}

// ---- the stream's way back

class ApplyTest : public testing::Test {
 protected:
  absl::Status Apply(const std::vector<std::vector<std::string_view>>& commands) {
    std::string stream;
    for (const auto& command : commands) exec::AppendCommand(command, &stream);
    return ApplyBytes(stream);
  }
  absl::Status ApplyBytes(std::string_view stream) {
    return exec::Applier(server_.storage().executor(), 0).Apply(stream);
  }

  CommandHarness server_;
};

TEST_F(ApplyTest, RunsCommandsInTheirDatabases) {
  exec::Applier applier(server_.storage().executor(), 2);
  std::string stream;
  exec::AppendCommand(std::vector<std::string_view>{"SET", "k", "2"}, &stream);
  exec::AppendCommand(std::vector<std::string_view>{"SELECT", "3"}, &stream);
  exec::AppendCommand(std::vector<std::string_view>{"SET", "k", "3"}, &stream);
  ASSERT_TRUE(applier.Apply(stream).ok());
  EXPECT_EQ(applier.commands(), 3U);
  EXPECT_EQ(applier.db(), 3);
  stream.clear();
  exec::AppendCommand(std::vector<std::string_view>{"APPEND", "k", "x"}, &stream);
  ASSERT_TRUE(applier.Apply(stream).ok());
  const ServerState state = server_.Dump();
  EXPECT_EQ(state.at(2).at("k").value, "2");
  EXPECT_EQ(state.at(3).at("k").value, "3x");
  EXPECT_EQ(server_.storage().log().appended_offset(), 0U) << "nothing is written twice";
}

TEST_F(ApplyTest, AsksNoGateAndNoClock) {
  server_.gates().log_error = absl::ResourceExhaustedError("no space");
  ASSERT_TRUE(Apply({{"SET", "k", "v", "PXAT", "5"}, {"APPEND", "k", "w"}}).ok());
  ASSERT_TRUE(Apply({{"SET", "l", "v"}, {"PEXPIREAT", "l", "5"}}).ok());
  const ServerState state = server_.Dump();
  EXPECT_EQ(state.at(0).at("k").value, "vw");
  EXPECT_EQ(state.at(0).at("k").expire_ms, 5);
  EXPECT_EQ(state.at(0).at("l").expire_ms, 5);
}

TEST_F(ApplyTest, WhatDoesNotWorkIsDamage) {
  const auto expect_damage = [](const absl::Status& status, std::string_view text) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(base::Message(status)), HasSubstr(std::string(text)));
  };
  expect_damage(Apply({{"NOSUCH", "a", "b"}}), "does not know: NOSUCH with 2 arguments");
  expect_damage(Apply({{"SET", "k"}}), "does not know: SET with 1 arguments");
  expect_damage(Apply({{"OBJECT", "NOSUCH"}}), "does not know");
  expect_damage(Apply({{"OBJECT"}}), "does not know");
  expect_damage(Apply({{"SET", "k", "v"}, {"RENAME", "missing", "x"}}),
                "rename failed: ERR no such key");
  expect_damage(Apply({{"SET", "k", "v"}, {"INCR", "k"}}), "incr failed");
  expect_damage(ApplyBytes("*1\r\n$4\r\nPI"), "in the middle of a command");
  expect_damage(ApplyBytes("*1\r\n!4\r\nPING\r\n"), "not RESP");
}

TEST_F(ApplyTest, ALongValueIsOneCommand) {
  const std::string value(3'000'000, 'v');
  ASSERT_TRUE(Apply({{"SET", "k", value}}).ok());
  EXPECT_TRUE(server_.Line("GET k").text() == value);
}

// A record of the log that no server could have written stops the start, and says where.
TEST(ExecutorTest, AStrangeRecordStopsTheStart) {
  CommandHarness server;
  server.Line("SET k v");
  std::string stream;
  exec::AppendCommand(std::vector<std::string_view>{"RENAME", "missing", "x"}, &stream);
  server.FlushLog();
  const uint64_t offset = server.storage().log().appended_offset();
  server.storage().log().Append(stream);
  server.FlushLog();
  const absl::Status status = server.TryReopen();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(base::Message(status)),
              HasSubstr("log record at offset " + std::to_string(offset)));
}

}  // namespace
}  // namespace cairn::test
