// The journals against which recovered states are held: they accept every state that a number of
// commands leads to, and nothing else.
#include <string>
#include <vector>

#include "crash/journal.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"

namespace cairn::crash {
namespace {

Journal Made(const std::vector<Command>& commands) {
  Journal journal;
  for (const Command& command : commands) journal.Append(command);
  return journal;
}

FoundDatabase Found(const std::map<std::string, KeyValue>& keys,
                    std::map<std::string, int64_t> volatile_times = {}) {
  FoundDatabase found;
  for (const auto& [key, value] : keys) found.hash.Add(key, value);
  found.volatile_times = std::move(volatile_times);
  return found;
}

TEST(CrashJournalTest, RepliesAndStatesAreThoseOfRedis) {
  const Journal journal = Made({{"SET", "a", "1"},
                                {"INCR", "a"},
                                {"APPEND", "a", "0"},
                                {"PEXPIREAT", "a", "9"},
                                {"SETRANGE", "a", "3", "x"},
                                {"RENAME", "a", "b"},
                                {"DEL", "a", "b"},
                                {"PERSIST", "b"},
                                {"RENAME", "a", "b"},
                                {"MSET", "c", "1", "d", "2"},
                                {"GETDEL", "c"},
                                {"GET", "c"},
                                {"PEXPIREAT", "d", "7"},
                                {"PERSIST", "d"},
                                {"FLUSHDB", "SYNC"},
                                {"INCR", "shared"}});
  const std::vector<std::string> replies = {"+OK\r\n", ":2\r\n",      ":2\r\n",
                                            ":1\r\n",  ":4\r\n",      "+OK\r\n",
                                            ":1\r\n",  ":0\r\n",      "-ERR no such key\r\n",
                                            "+OK\r\n", "$1\r\n1\r\n", "$-1\r\n",
                                            ":1\r\n",  ":1\r\n",      "+OK\r\n",
                                            ""};
  ASSERT_EQ(journal.size(), replies.size());
  for (size_t i = 0; i < replies.size(); ++i) {
    EXPECT_EQ(journal.entries()[i].expected, replies[i]) << i;
  }
  const Model middle = journal.StateAfter(6);
  const KeyValue wanted{.value = std::string("20\0x", 4), .expire_ms = 9};
  ASSERT_EQ(middle.keys().size(), 1U);
  EXPECT_EQ(middle.keys().at("b"), wanted);
  EXPECT_EQ(journal.model().hash(), StateHash());
}

TEST(CrashJournalTest, AWrongReplyIsAnError) {
  Journal journal = Made({{"SET", "a", "1"}, {"INCR", "a"}, {"INCR", "shared"}, {"BGSAVE"}});
  EXPECT_TRUE(journal.NoteReply(0, "+OK\r\n").ok());
  EXPECT_FALSE(journal.NoteReply(1, ":3\r\n").ok());
  EXPECT_FALSE(journal.NoteReply(2, "-ERR no\r\n").ok());
  EXPECT_TRUE(journal.NoteReply(2, ":17\r\n").ok());
  EXPECT_EQ(journal.entries()[2].shared, 17);
  EXPECT_TRUE(journal.NoteReply(3, "+Background saving started\r\n").ok());
  EXPECT_FALSE(journal.NoteReply(3, "-ERR\r\n").ok());
}

TEST(CrashJournalTest, MatchesPrefixesOnly) {
  const Journal journal =
      Made({{"SET", "a", "1"}, {"MSET", "b", "1", "c", "1"}, {"INCR", "a"}, {"DEL", "b"}});
  const auto match = [&](const std::map<std::string, KeyValue>& keys, size_t least) {
    const auto count = journal.Match(Found(keys), least, 0, 0);
    return count.ok() ? static_cast<int>(*count) : -1;
  };
  const KeyValue one{.value = "1"};
  const KeyValue two{.value = "2"};
  EXPECT_EQ(match({}, 0), 0);
  EXPECT_EQ(match({{"a", one}}, 1), 1);
  EXPECT_EQ(match({{"a", one}, {"b", one}, {"c", one}}, 2), 2);
  EXPECT_EQ(match({{"a", two}, {"b", one}, {"c", one}}, 2), 3);
  EXPECT_EQ(match({{"a", two}, {"c", one}}, 2), 4);
  EXPECT_EQ(match({{"a", one}}, 2), -1) << "too few";
  EXPECT_EQ(match({{"a", one}, {"b", one}}, 0), -1) << "half of an MSET";
  EXPECT_EQ(match({{"a", two}}, 0), -1) << "a later one without an earlier one";
  EXPECT_EQ(match({{"a", {.value = "3"}}, {"b", one}, {"c", one}}, 0), -1) << "counted twice";
  EXPECT_EQ(match({{"a", {.value = "1", .expire_ms = 5}}}, 0), -1);
}

TEST(CrashJournalTest, TheSharedCounterOrdersTheClients) {
  Journal journal = Made({{"INCR", "shared"}, {"GET", "x"}, {"INCR", "shared"}, {"GET", "x"}});
  ASSERT_TRUE(journal.NoteReply(0, ":2\r\n").ok());
  ASSERT_TRUE(journal.NoteReply(2, ":5\r\n").ok());
  EXPECT_EQ(*journal.Match(Found({}), 0, 1, 0), 0U);
  EXPECT_EQ(*journal.Match(Found({}), 0, 2, 0), 2U);
  EXPECT_EQ(*journal.Match(Found({}), 0, 4, 0), 2U);
  EXPECT_EQ(*journal.Match(Found({}), 3, 5, 0), 4U);
  EXPECT_FALSE(journal.Match(Found({}), 3, 4, 0).ok()) << "3 commands are in, so the counter is 5";
}

TEST(CrashJournalTest, VolatileKeysLiveFromTheirCommandToTheirTime) {
  const Journal journal = Made({{"SET", "v:1", "x", "PXAT", "100"},
                                {"SET", "v:2", "x", "PXAT", "200"},
                                {"FLUSHDB", "SYNC"},
                                {"SET", "v:3", "x", "PXAT", "300"},
                                {"SET", "a", "1"}});
  const auto good = [&](const std::map<std::string, int64_t>& times, bool with_a, int64_t wall) {
    const std::map<std::string, KeyValue> keys =
        with_a ? std::map<std::string, KeyValue>{{"a", {.value = "1"}}}
               : std::map<std::string, KeyValue>{};
    return journal.Match(Found(keys, times), 0, 0, wall).ok();
  };
  EXPECT_TRUE(good({{"v:3", 300}}, true, 250));
  EXPECT_TRUE(good({}, true, 300)) << "it may have expired";
  EXPECT_FALSE(good({}, true, 299)) << "not yet";
  EXPECT_FALSE(good({{"v:1", 100}, {"v:3", 300}}, true, 0)) << "flushed";
  EXPECT_FALSE(good({{"v:3", 301}}, true, 0));
  EXPECT_TRUE(good({{"v:1", 100}, {"v:2", 200}}, false, 0)) << "after two commands";
  EXPECT_TRUE(good({{"v:2", 200}}, false, 150));
  EXPECT_FALSE(good({{"v:2", 200}}, false, 50));
}

TEST(CrashJournalTest, AcknowledgementsAreAPrefix) {
  Journal journal = Made({{"INCR", "a"}, {"INCR", "a"}, {"INCR", "a"}, {"INCR", "a"}});
  journal.NoteAcked(0, 10);
  journal.NoteAcked(2, 30);  // the one before was never answered, and took effect all the same
  journal.SettleAcks();
  EXPECT_EQ(journal.AckedBefore(10), 0U);
  EXPECT_EQ(journal.AckedBefore(11), 1U);
  EXPECT_EQ(journal.AckedBefore(30), 1U);
  EXPECT_EQ(journal.AckedBefore(31), 3U);
  EXPECT_EQ(journal.AckedBefore(UINT64_MAX), 3U);
}

TEST(CrashJournalTest, TruncatedSavedAndLoadedItIsTheSame) {
  Journal journal = Made({{"SET", "a", std::string("\0\r\n", 3)},
                          {"SET", "v:1", "x", "PXAT", "100"},
                          {"INCR", "shared"},
                          {"INCR", "n"}});
  ASSERT_TRUE(journal.NoteReply(2, ":8\r\n").ok());
  journal.NoteAcked(0, 7);
  journal.Truncate(3);
  const test::TempDir dir;
  ASSERT_TRUE(journal.Save(dir.path() + "/journal").ok());
  const auto loaded = Journal::Load(dir.path() + "/journal");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(loaded->entries()[i].command, journal.entries()[i].command);
    EXPECT_EQ(loaded->entries()[i].acked, journal.entries()[i].acked);
    EXPECT_EQ(loaded->entries()[i].shared, journal.entries()[i].shared);
  }
  EXPECT_EQ(loaded->model().hash(), journal.model().hash());
}

}  // namespace
}  // namespace cairn::crash
