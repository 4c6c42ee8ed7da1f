// No command ends the process, or goes on as if nothing were wrong, when what it reads is damaged:
// every row's examples with every record spoilt, and a table of commands with bytes of the store's
// file changed.
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "engine/engine.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keyspace/key_codec.h"
#include "keyspace/record.h"
#include "server/families.h"
#include "support/command_harness.h"

namespace cairn::test {
namespace {

using testing::HasSubstr;

std::string EngineKeyOf(CommandHarness& server, int db, std::string_view user_key) {
  const keyspace::Keyspace& keyspace = server.storage().keyspace();
  keyspace::EngineKey key;
  keyspace.codec().Encode(keyspace.id(db), user_key, &key);
  return std::string(key.view());
}

// ---- every row

class DamagedRowTest : public testing::TestWithParam<const exec::CommandRow*> {
 protected:
  // Commands that name no key and yet read records.
  static bool Walks(const exec::CommandRow& row) {
    static const std::set<std::string_view> kWalks = {"scan",      "keys",       "randomkey",
                                                      "scanrange", "countrange", "delrange"};
    return kWalks.contains(row.name);
  }

  static void AddKeys(const exec::Keys& keys, const std::vector<std::string>& argv,
                      std::vector<std::string>* out) {
    if (keys.first == 0) return;
    const auto count = static_cast<int>(argv.size());
    const int last = keys.last < 0 ? count + keys.last : keys.last;
    for (int i = keys.first; i <= std::min(last, count - 1); i += keys.step) {
      out->push_back(argv[static_cast<size_t>(i)]);
    }
  }

  // Whether the request, made on this state, has to read a record.
  static bool Reads(const exec::CommandRow& row, std::string_view line, const DbState& keys) {
    if (Walks(row)) return !keys.empty();
    const std::vector<std::string> argv =
        absl::StrSplit(absl::string_view(line.data(), line.size()), ' ');
    std::vector<std::string> named;
    AddKeys(row.keys, argv, &named);
    AddKeys(row.keys2, argv, &named);
    return std::any_of(named.begin(), named.end(),
                       [&](const std::string& key) { return keys.contains(key); });
  }

  // Replaces every record by bytes that are none; returns what they were, to put them back.
  static std::vector<std::pair<std::string, std::string>> SpoilAll(CommandHarness& server,
                                                                   const ServerState& state) {
    std::vector<std::pair<std::string, std::string>> records;
    for (const auto& [db, keys] : state) {
      for (const auto& [key, value] : keys) {
        const std::string engine_key = EngineKeyOf(server, db, key);
        const auto record =
            server.storage().engine().Get(engine_key, engine::Engine::Hash(engine_key));
        CAIRN_CHECK(record.ok() && record->has_value());
        records.emplace_back(engine_key, **record);
      }
    }
    for (const auto& [key, record] : records) Write(server, key, "\x0f");
    return records;
  }
  static void Write(CommandHarness& server, std::string_view engine_key, std::string_view record) {
    server.storage().engine().Put(engine_key, engine::Engine::Hash(engine_key), record, {});
  }

  // The examples up to one of the row's own; that one with every record spoilt.
  static void RunSpoilt(const exec::CommandRow& row, const std::vector<std::string>& before,
                        const std::string& line) {
    CommandHarness server;
    for (const std::string& earlier : before) server.Line(earlier);
    const ServerState state = server.Dump();
    const int db = server.client().caller().db();
    const bool reads = state.contains(db) && Reads(row, line, state.at(db));
    const auto records = SpoilAll(server, state);
    const uint64_t offset = server.storage().log().appended_offset();
    const TestReply reply = server.Line(line);
    if (!reads) return;
    EXPECT_TRUE(reply.is_error()) << line << ": " << reply.Show();
    EXPECT_THAT(reply.Show(), HasSubstr("malformed record")) << line;
    EXPECT_EQ(server.storage().log().appended_offset(), offset) << line;
    for (const auto& [key, record] : records) Write(server, key, record);
    EXPECT_TRUE(server.Dump() == state) << line << " has changed something";
    EXPECT_EQ(server.Line("SET alive 1").Show(), "+OK");
  }
};

TEST_P(DamagedRowTest, RepliesWithAnErrorAndChangesNothing) {
  const exec::CommandRow& row = *GetParam();
  const std::vector<std::string> lines =
      absl::StrSplit(absl::string_view(row.examples.data(), row.examples.size()), '\n');
  CommandHarness whole;
  std::vector<std::string> before;
  for (const std::string& line : lines) {
    whole.Line(line);
    if (whole.client().caller().last_row() == &row) RunSpoilt(row, before, line);
    before.push_back(line);
  }
}

std::vector<const exec::CommandRow*> RowsWithExamples() {
  std::vector<const exec::CommandRow*> rows;
  for (const exec::RowTable family : server::DataFamilies()) {
    for (const exec::CommandRow& row : family) {
      if (!row.examples.empty()) rows.push_back(&row);
    }
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Rows, DamagedRowTest, testing::ValuesIn(RowsWithExamples()),
                         [](const testing::TestParamInfo<const exec::CommandRow*>& row) {
                           std::string name(row.param->name);
                           std::replace(name.begin(), name.end(), '|', '_');
                           return name;
                         });

// ---- the store's file

// `@` stands for the key with the damaged record; `a` and `z` are sound keys around it.
constexpr std::string_view kPointCommands[] = {"GET @",
                                               "SET @ 1",
                                               "SET @ 1 NX",
                                               "SET @ 1 KEEPTTL",
                                               "SET @ 1 EX 100",
                                               "GETDEL @",
                                               "GETSET @ 1",
                                               "GETEX @ PERSIST",
                                               "GETEX @ EX 10",
                                               "SETNX @ 1",
                                               "SETEX @ 10 v",
                                               "APPEND @ x",
                                               "SETRANGE @ 3 x",
                                               "INCR @",
                                               "INCRBYFLOAT @ 1",
                                               "STRLEN @",
                                               "GETRANGE @ 0 -1",
                                               "LCS @ a LEN",
                                               "DEL @",
                                               "DEL a @ z",
                                               "UNLINK @",
                                               "EXISTS a @",
                                               "TOUCH @",
                                               "TYPE @",
                                               "RENAME @ n",
                                               "RENAME a @",
                                               "RENAMENX a @",
                                               "COPY @ n REPLACE",
                                               "COPY a @ REPLACE",
                                               "MOVE @ 1",
                                               "EXPIRE @ 10",
                                               "EXPIRE @ -1",
                                               "PERSIST @",
                                               "TTL @",
                                               "OBJECT ENCODING @",
                                               "OBJECT REFCOUNT @",
                                               "MEMORY USAGE @",
                                               "MSET a 1 @ 2",
                                               "MSETNX q 1 @ 2",
                                               "MGET a @ z"};
constexpr std::string_view kWalks[] = {
    "SCAN 0 COUNT 1000", "KEYS *",         "RANDOMKEY",   "SCANRANGE - + WITHVALUES",
    "SCANRANGE - + REV", "COUNTRANGE - +", "DELRANGE - +"};

class StoreDamageTest : public testing::Test {
 protected:
  static constexpr int64_t kExpireMs = 1'800'000'000'000;

  // One key with a value of `value_bytes` between two small ones, all in the store.
  void Load(const std::string& key, size_t value_bytes, bool expires) {
    key_ = key;
    value_.clear();
    while (value_.size() < value_bytes) value_ += "damaged-" + std::to_string(value_.size()) + ".";
    value_.resize(value_bytes);
    server_.Line("MSET a 1 z 26");
    if (expires) {
      server_.Run({"SET", key_, value_, "PXAT", std::to_string(kExpireMs)});
    } else {
      server_.Run({"SET", key_, value_});
    }
    server_.CloseAndReopen(/*checkpoint=*/true);
    state_ = server_.Dump();
    path_ = server_.options().dir + "/store/data.mdb";
    std::ifstream file(path_, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    head_.clear();
    const bool is_long = keyspace::KeyCodec::IsLong(EngineKeyOf(server_, 0, key_));
    keyspace::AppendRecordHead({.type = keyspace::Type::kString,
                                .expire_ms = expires ? kExpireMs : keyspace::kNoExpiry,
                                .long_key = is_long ? std::string_view(key_) : std::string_view(),
                                .payload = {}},
                               &head_);
    ASSERT_NE(bytes_.find(head_ + value_), std::string::npos);
  }

  // Changes the byte at `offset` of each place in the file where `content` stands (pages that are
  // free now may hold it as well). The server's map of the file shows it at once.
  void Change(std::string_view content, size_t offset, uint8_t mask) {
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    for (size_t at = bytes_.find(content); at != std::string::npos;
         at = bytes_.find(content, at + 1)) {
      file.seekp(static_cast<std::streamoff>(at + offset));
      file.put(static_cast<char>(static_cast<uint8_t>(bytes_[at + offset]) ^ mask));
    }
    ASSERT_TRUE(file.good());
  }
  void Restore() {
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
    ASSERT_TRUE(file.good());
  }

  // Runs a command and takes back what it has changed. The reply, made sure to be just one.
  TestReply Try(std::string_view line) {
    const uint64_t offset = server_.storage().log().appended_offset();
    TestReply reply = server_.Line(
        absl::StrReplaceAll(absl::string_view(line.data(), line.size()), {{"@", key_}}));
    if (server_.storage().log().appended_offset() != offset) server_.Crash();
    return reply;
  }
  void ExpectError(std::string_view line, std::string_view text) {
    const TestReply reply = Try(line);
    EXPECT_TRUE(reply.is_error()) << line << ": " << reply.Show().substr(0, 200);
    EXPECT_THAT(reply.Show(), HasSubstr(text)) << line;
  }
  void ExpectUnchanged() {
    Restore();
    EXPECT_TRUE(server_.Dump() == state_);
  }

  CommandHarness server_;
  std::string key_;
  std::string value_;
  std::string head_;   // of the key's record, which value_ follows
  std::string path_;   // of the store's file
  std::string bytes_;  // what is in it
  ServerState state_;
};

struct Damage {
  size_t value_bytes;
  bool expires;
  bool long_key;
};

class StoreDamageOfTest : public StoreDamageTest, public testing::WithParamInterface<Damage> {
 protected:
  void LoadParam() {
    const Damage& damage = GetParam();
    Load(damage.long_key ? std::string(600, 'k') : "key", damage.value_bytes, damage.expires);
  }
};

TEST_P(StoreDamageOfTest, AnyPartOfTheRecord) {
  ASSERT_NO_FATAL_FAILURE(LoadParam());
  const std::string record = head_ + value_;
  std::set<size_t> offsets = {0, head_.size(), head_.size() + value_.size() / 2, record.size() - 1,
                              record.size() + 3};  // the last in the checksum
  if (head_.size() > 1) offsets.insert({1, head_.size() - 1});
  for (const size_t offset : offsets) {
    SCOPED_TRACE(offset);
    Change(record, offset, 0x40);
    for (const std::string_view line : kPointCommands) {
      if (record.size() <= engine::kGetVerifies) {
        ExpectError(line, "does not match its checksum");
      } else {
        Try(line);
      }
    }
    for (const std::string_view line : kWalks) {
      if (record.size() <= 1024) {
        ExpectError(line, "does not match its checksum");
      } else {
        Try(line);
      }
    }
    ExpectUnchanged();
  }
}

TEST_P(StoreDamageOfTest, AnyPartOfTheNameInTheTree) {
  ASSERT_NO_FATAL_FAILURE(LoadParam());
  const std::string name = EngineKeyOf(server_, 0, key_);
  for (const size_t offset : {keyspace::kIdBytes, name.size() - 1}) {
    for (const uint8_t mask : std::initializer_list<uint8_t>{0x01, 0x80}) {
      SCOPED_TRACE(offset);
      Change(name, offset, mask);
      for (const std::string_view line : kPointCommands) Try(line);
      for (const std::string_view line : kWalks) Try(line);
      ExpectUnchanged();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Records, StoreDamageOfTest,
                         testing::Values(Damage{10, false, false}, Damage{10, true, true},
                                         Damage{1900, true, false}, Damage{2000, false, true},
                                         Damage{20'000, false, false}, Damage{20'000, true, false},
                                         Damage{20'000, true, true}),
                         [](const testing::TestParamInfo<Damage>& damage) {
                           return std::to_string(damage.param.value_bytes) +
                                  (damage.param.expires ? "Expires" : "") +
                                  (damage.param.long_key ? "LongKey" : "");
                         });

// A walk verifies records up to a kilobyte, a lookup larger ones too: DELRANGE met the damage only
// when it came to delete what it had found.
TEST_F(StoreDamageTest, DelRangeThatMeetsItWhenItDeletesRepliesWithTheError) {
  Load("key", 1900, false);
  Change(head_ + value_, 100, 0xff);
  ExpectError("DELRANGE - +", "does not match its checksum");
  ExpectUnchanged();
}

TEST_F(StoreDamageTest, ALongCommandWhoseFirstSliceMeetsItHasOneReply) {
  // More keys than one slice deletes, so that a task would be left.
  for (int i = 0; i < 2000; ++i) server_.Run({"SET", "l" + std::to_string(i), ""});
  Load("key", 1900, false);
  Change(head_ + value_, 100, 0xff);
  ExpectError("DELRANGE - +", "does not match its checksum");
  EXPECT_EQ(server_.client().slices(), 1);
  ExpectUnchanged();
}

// Nobody verifies the head of a large record. What it says of an expiry would go to the books.
TEST_F(StoreDamageTest, ALargeRecordThatClaimsAnExpiryIsNotBelieved) {
  Load("key", 20'000, false);
  Change(head_ + value_, 0, 0x10);
  for (const std::string_view line : {"SET @ 1", "DEL @", "PERSIST @", "EXPIRE @ 100", "GETDEL @",
                                      "GETEX @ PERSIST", "RENAME @ n", "APPEND @ x"}) {
    ExpectError(line, "the expiry index does not know");
  }
  ExpectUnchanged();
}

TEST_F(StoreDamageTest, ALargeRecordWhoseExpiryIsDamagedDoesNotExpire) {
  Load("key", 20'000, true);
  // The expiry's highest byte: its time becomes negative.
  Change(head_ + value_, 8, 0x80);
  for (const std::string_view line : {"GET @", "EXISTS @", "SET @ 1", "SETNX @ 1"}) {
    ExpectError(line, "the expiry index does not know");
  }
  ExpectUnchanged();
}

TEST_F(StoreDamageTest, APlainKeysRecordWithAKeyOfItsOwnIsDamage) {
  Load("key", 20'000, false);
  // The value begins with what would be the key's size then: it must be a small one.
  server_.Run({"SET", "key", std::string("\x03\0\0\0abc", 7) + std::string(20'000, 'v')});
  server_.CloseAndReopen(/*checkpoint=*/true);
  Load("key2", 10, false);
  Change(std::string("\x01\x03\0\0\0abc", 8), 0, 0x20);
  key_ = "key";
  ExpectError("GET @", "another key than its own");
  ExpectError("DEL @", "another key than its own");
  ExpectUnchanged();
}

TEST_F(StoreDamageTest, RandomKeyNoticesThatKeysAreOutOfOrder) {
  server_.Line("DEL a z");
  Load("b", 1900, false);
  server_.Line("DEL a z");
  server_.Run({"SET", "c", value_});
  server_.CloseAndReopen(/*checkpoint=*/true);
  Load("b", 1900, false);
  server_.Line("DEL a z");
  // `b` becomes `d`, which stands before `c` then.
  Change(EngineKeyOf(server_, 0, "b"), keyspace::kIdBytes, uint8_t{'b' ^ 'd'});
  ExpectError("RANDOMKEY", "out of order");
}

}  // namespace
}  // namespace cairn::test
