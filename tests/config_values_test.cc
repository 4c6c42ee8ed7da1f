// Each kind of value: what is taken, what is refused with which words. Unless said otherwise, texts
// and results are those of redis-server 7.0.15 for the same CONFIG SET.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/split_args.h"
#include "base/status.h"
#include "config/notify_events.h"
#include "config/quote.h"
#include "config/table.h"

namespace cairn::config {
namespace {

// What CONFIG GET prints after CONFIG SET, or the error.
std::string AfterSet(std::string_view name, std::string_view value) {
  ServerOptions options;
  const Row* row = FindRow(name);
  if (row == nullptr) return "no such row";
  const absl::Status set = SetAtRuntime(*row, value, options);
  if (!set.ok()) {
    EXPECT_EQ(options, ServerOptions{}) << "a refused value left a trace";
    return "error: " + std::string(base::Message(set));
  }
  return Get(*row, options);
}

// The same for a configuration line's words.
std::string AfterLine(std::string_view name, std::vector<std::string> args) {
  ServerOptions options;
  const absl::Status set = Set(name, args, options);
  if (!set.ok()) return "error: " + std::string(base::Message(set));
  return Get(*FindRow(name), options);
}

TEST(ConfigValues, Bool) {
  EXPECT_EQ(AfterSet("protected-mode", "no"), "no");
  EXPECT_EQ(AfterSet("protected-mode", "YES"), "yes");
  for (std::string_view bad : {"", "maybe", "1", "true", " yes"}) {
    EXPECT_EQ(AfterSet("protected-mode", bad), "error: argument must be 'yes' or 'no'") << bad;
  }
}

TEST(ConfigValues, Integer) {
  EXPECT_EQ(AfterSet("port", "0"), "0");
  EXPECT_EQ(AfterSet("port", "65535"), "65535");
  EXPECT_EQ(AfterSet("slowlog-log-slower-than", "-1"), "-1");
  EXPECT_EQ(AfterSet("slowlog-log-slower-than", "9223372036854775807"), "9223372036854775807");
  for (std::string_view bad :
       {"", "abc", "1 2", " 5", "+5", "05", "0x10", "1e3", "5kb", "-0", "9223372036854775808"}) {
    EXPECT_EQ(AfterSet("timeout", bad), "error: argument couldn't be parsed into an integer")
        << bad;
  }
}

TEST(ConfigValues, IntegerBounds) {
  EXPECT_EQ(AfterSet("port", "70000"), "error: argument must be between 0 and 65535 inclusive");
  EXPECT_EQ(AfterSet("port", "-1"), "error: argument must be between 0 and 65535 inclusive");
  EXPECT_EQ(AfterSet("timeout", "2147483648"),
            "error: argument must be between 0 and 2147483647 inclusive");
  EXPECT_EQ(AfterSet("maxclients", "0"),
            "error: argument must be between 1 and 4294967295 inclusive");
  EXPECT_EQ(AfterSet("slowlog-log-slower-than", "-2"),
            "error: argument must be between -1 and 9223372036854775807 inclusive");
  EXPECT_EQ(AfterLine("databases", {"0"}),
            "error: argument must be between 1 and 2147483647 inclusive");
}

TEST(ConfigValues, HzIsClamped) {
  EXPECT_EQ(AfterSet("hz", "0"), "1");
  EXPECT_EQ(AfterSet("hz", "1000"), "500");
  EXPECT_EQ(AfterSet("hz", "-1"), "error: argument must be between 0 and 2147483647 inclusive");
}

TEST(ConfigValues, Memory) {
  EXPECT_EQ(AfterSet("client-query-buffer-limit", "2m"), "2000000");
  EXPECT_EQ(AfterSet("client-query-buffer-limit", "2MB"), "2097152");
  EXPECT_EQ(AfterSet("client-query-buffer-limit", "1G"), "1000000000");
  EXPECT_EQ(AfterSet("client-query-buffer-limit", "1gb"), "1073741824");
  EXPECT_EQ(AfterSet("client-query-buffer-limit", "2000k"), "2000000");
  EXPECT_EQ(AfterSet("client-query-buffer-limit", "2048kb"), "2097152");
  EXPECT_EQ(AfterSet("client-query-buffer-limit", "1500000b"), "1500000");
  for (std::string_view bad : {"1.5gb", "-1", "10%", "1kib", "5 b", "x"}) {
    EXPECT_EQ(AfterSet("client-query-buffer-limit", bad), "error: argument must be a memory value")
        << bad;
  }
  EXPECT_EQ(AfterSet("client-query-buffer-limit", "1"),
            "error: argument must be between 1048576 and 9223372036854775807 inclusive");
  EXPECT_EQ(AfterSet("repl-backlog-size", "0"),
            "error: argument must be between 1 and 9223372036854775807 inclusive");
  EXPECT_EQ(AfterSet("repl-backlog-size", "1"), "16384");
}

// Redis takes these for 0, the largest number, or a remainder.
TEST(ConfigValues, MemoryThatRedisMisreadsIsRefused) {
  for (std::string_view bad :
       {"", "mb", "99999999999999999999", "9223372036854775808", "100000000000gb"}) {
    EXPECT_EQ(AfterSet("client-query-buffer-limit", bad), "error: argument must be a memory value")
        << bad;
  }
}

TEST(ConfigValues, Octal) {
  EXPECT_EQ(AfterLine("unixsocketperm", {"0755"}), "755");
  EXPECT_EQ(AfterLine("unixsocketperm", {"700"}), "700");
  EXPECT_EQ(AfterLine("unixsocketperm", {"8"}),
            "error: argument couldn't be parsed as an octal number");
  EXPECT_EQ(AfterLine("unixsocketperm", {""}),
            "error: argument couldn't be parsed as an octal number");
  EXPECT_EQ(AfterLine("unixsocketperm", {"1000"}),
            "error: argument must be between 0 and 777 inclusive");
  EXPECT_EQ(AfterLine("unixsocketperm", {"-1"}),
            "error: argument must be between 0 and 777 inclusive");
}

TEST(ConfigValues, Enum) {
  EXPECT_EQ(AfterSet("appendfsync", "ALWAYS"), "always");
  EXPECT_EQ(AfterSet("appendfsync", "sometimes"),
            "error: argument(s) must be one of the following: everysec, always, no");
  EXPECT_EQ(AfterSet("appendfsync", ""),
            "error: argument(s) must be one of the following: everysec, always, no");
  EXPECT_EQ(AfterLine("enable-debug-command", {"local"}), "local");
  EXPECT_EQ(AfterLine("enable-debug-command", {"maybe"}),
            "error: argument(s) must be one of the following: no, yes, local");
  // "nothing" came with Redis 7.2.
  EXPECT_EQ(AfterSet("loglevel", "nothing"), "nothing");
  EXPECT_EQ(
      AfterSet("loglevel", "loud"),
      "error: argument(s) must be one of the following: debug, verbose, notice, warning, nothing");
}

TEST(ConfigValues, WhatHasNoMeaningHereIsRefusedWithTheReason) {
  EXPECT_EQ(AfterLine("supervised", {"systemd"}), "systemd");
  EXPECT_EQ(AfterLine("supervised", {"upstart"}),
            "error: upstart is not supported: give systemd, auto or no");
  EXPECT_EQ(AfterLine("supervised", {"x"}),
            "error: argument(s) must be one of the following: upstart, systemd, auto, no");
  EXPECT_EQ(AfterSet("appendonly", "yes"), "yes");
  EXPECT_EQ(AfterSet("appendonly", "no"),
            "error: Cairn always keeps its log, so only 'yes' is possible; 'appendfsync no' is the "
            "policy that waits least for the disk");
  EXPECT_EQ(AfterSet("maxmemory", "0"), "0");
  EXPECT_EQ(AfterSet("maxmemory", "100mb"),
            "error: only 0 is possible: data is on disk and nothing is evicted; write-buffer-size "
            "bounds the memory for writes");
  EXPECT_EQ(AfterSet("maxmemory-policy", "allkeys-lru"),
            "error: only 'noeviction' is possible: data is on disk and nothing is evicted");
  EXPECT_EQ(AfterSet("maxmemory-policy", "foo"),
            "error: argument(s) must be one of the following: volatile-lru, volatile-lfu, "
            "volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction");
  EXPECT_EQ(AfterLine("write-buffer-size", {"8388607"}),
            "error: argument must be between 8388608 and 9223372036854775807 inclusive");
}

TEST(ConfigValues, StringsAndTheirLimits) {
  EXPECT_EQ(AfterSet("requirepass", "a b"), "a b");
  EXPECT_EQ(AfterLine("dir", {"/srv/my data"}), "/srv/my data");
  EXPECT_EQ(AfterLine("dir", {""}), "error: a folder is needed, for example ./data");
  EXPECT_EQ(AfterLine("unixsocket", {std::string(107, 's')}), std::string(107, 's'));
  EXPECT_EQ(AfterLine("unixsocket", {std::string(108, 's')}),
            "error: the path of a unix socket has at most 107 bytes");
}

TEST(ConfigValues, OneValueMeansOneArgument) {
  EXPECT_EQ(AfterLine("timeout", {}), "error: wrong number of arguments");
  EXPECT_EQ(AfterLine("timeout", {"5", "6"}), "error: wrong number of arguments");
  EXPECT_EQ(AfterLine("dir", {"a", "b"}), "error: wrong number of arguments");
  EXPECT_EQ(AfterLine("notify-keyspace-events", {"K", "E"}), "error: wrong number of arguments");
}

TEST(ConfigValues, Bind) {
  EXPECT_EQ(AfterSet("bind", "127.0.0.1 -::1"), "127.0.0.1 -::1");
  EXPECT_EQ(AfterSet("bind", "* -::*"), "* -::*");
  EXPECT_EQ(AfterSet("bind", ""), "");
  EXPECT_EQ(AfterLine("bind", {"fe80::1%eth0", "host.example"}), "fe80::1%eth0 host.example");
  EXPECT_EQ(AfterLine("bind", {"127.0.0.1 ::1"}), "127.0.0.1 ::1");
  EXPECT_EQ(AfterLine("bind", {""}), "");
  EXPECT_EQ(AfterLine("bind", {}), "");
  EXPECT_EQ(AfterSet("bind", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"),
            "error: Too many bind addresses specified.");
  // Redis tries to listen and answers "Failed to bind to specified addresses."
  EXPECT_EQ(
      AfterSet("bind", "127.0.0.1  ::1"),
      "error: '' is not an address: give IP addresses or host names with one blank between them");
}

TEST(ConfigValues, SaveAtRuntime) {
  EXPECT_EQ(AfterSet("save", "100 1 200 2"), "100 1 200 2");
  EXPECT_EQ(AfterSet("save", "100 1 100 1"), "100 1 100 1");
  EXPECT_EQ(AfterSet("save", ""), "");
  for (std::string_view bad : {"100", "0 1", "1 -1", "100  1", "a b", "100 1 2"}) {
    EXPECT_EQ(AfterSet("save", bad), "error: Invalid save parameters") << bad;
  }
}

TEST(ConfigValues, SaveLinesAddUpInFilesAndReplaceAtRuntime) {
  ServerOptions options;
  const Row& save = *FindRow("save");
  const auto line = [&](std::vector<std::string> args) {
    ASSERT_TRUE(SetFromFile(save, args, options).ok());
  };
  line({"60", "1"});
  line({"100", "2"});
  EXPECT_EQ(Get(save, options), "60 1 100 2");
  line({""});
  EXPECT_EQ(Get(save, options), "");
  line({"5 5 6 6"});
  line({"7", "7", "8", "8"});
  EXPECT_EQ(Get(save, options), "5 5 6 6 7 7 8 8");
  ASSERT_TRUE(SetAtRuntime(save, "9 9", options).ok());
  EXPECT_EQ(Get(save, options), "9 9");
}

TEST(ConfigValues, ClientOutputBufferLimit) {
  const std::string_view name = "client-output-buffer-limit";
  EXPECT_EQ(AfterSet(name, "normal 1mb 2mb 3"),
            "normal 1048576 2097152 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
  EXPECT_EQ(AfterSet(name, "replica 1 2 3 PUBSUB 4 5 6"), "normal 0 0 0 slave 1 2 3 pubsub 4 5 6");
  EXPECT_EQ(AfterSet(name, "normal 1 2 3 normal 4 5 6"),
            "normal 4 5 6 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
  EXPECT_EQ(AfterSet(name, ""),
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
  EXPECT_EQ(AfterSet(name, "normal 1 2"),
            "error: Wrong number of arguments in buffer limit configuration.");
  for (std::string_view bad : {"master 1 2 3", "normal 1 2 3 foo 1 2 3", " 1 2 3"}) {
    EXPECT_EQ(AfterSet(name, bad),
              "error: Invalid client class specified in buffer limit configuration.")
        << bad;
  }
  // The last one is Cairn's: Redis keeps a remainder.
  for (std::string_view bad :
       {"normal x 2 3", "normal 1 2 -3", "normal 1 2 3mb", "normal 1 2 2147483648"}) {
    EXPECT_EQ(AfterSet(name, bad),
              "error: Error in hard, soft or soft_seconds setting in buffer limit configuration.")
        << bad;
  }
}

TEST(ConfigValues, Percentiles) {
  const std::string_view name = "latency-tracking-info-percentiles";
  EXPECT_EQ(AfterSet(name, "99.99 50 0 100 1e1 0.001 33.3333333333"),
            "99.99 50 0 100 10 0.001 33.333333");
  EXPECT_EQ(AfterSet(name, "50.0"), "50");
  EXPECT_EQ(AfterSet(name, "99.123456789012345678"), "99.123457");
  EXPECT_EQ(AfterSet(name, "50 50"), "50 50");
  EXPECT_EQ(AfterSet(name, ""), "");
  EXPECT_EQ(AfterSet(name, "-0"), "0");
  for (std::string_view bad : {"101", "-1"}) {
    EXPECT_EQ(AfterSet(name, bad),
              "error: latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
  }
  for (std::string_view bad : {"a", "nan", "50  99"}) {
    EXPECT_EQ(AfterSet(name, bad), "error: Invalid latency-tracking-info-percentiles parameters");
  }
}

TEST(ConfigValues, NotifyKeyspaceEvents) {
  const std::string_view name = "notify-keyspace-events";
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"KEA", "AKE"},
      {"Kg", "gK"},
      {"", ""},
      {"KEg$lshzxetdmn", "AnKEm"},  // Redis 7.0 drops the n beside A
      {"KElm", "lKEm"},
      {"ElA", "AE"},
      {"mn", "nm"},
      {"d", "d"},
      {"Kxe", "xeK"},
      {"g$lshzxetd", "A"},
      {"KEg$lshzxet", "g$lshzxetKE"}};
  for (const auto& [letters, shown] : kCases) EXPECT_EQ(AfterSet(name, letters), shown) << letters;
  for (std::string_view bad : {"q", "K E", "k"}) {
    EXPECT_EQ(AfterSet(name, bad), "error: Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
  }
  EXPECT_EQ(ParseNotifyEvents("Kx"), uint32_t{kNotifyKeyspace | kNotifyExpired});
}

TEST(ConfigValues, RenameCommand) {
  ServerOptions options;
  const auto rename = [&](std::vector<std::string> args) {
    return std::string(base::Message(Set("rename-command", args, options)));
  };
  EXPECT_EQ(rename({"config", "secret-config"}), "");
  EXPECT_EQ(rename({"flushall", ""}), "");
  ASSERT_EQ(options.renamed_commands.size(), 2U);
  EXPECT_EQ(options.renamed_commands[0], (RenamedCommand{"config", "secret-config"}));
  EXPECT_EQ(options.renamed_commands[1], (RenamedCommand{"flushall", ""}));
  EXPECT_EQ(rename({"CONFIG", "other"}), "the command 'CONFIG' has been renamed already");
  for (const std::vector<std::string>& bad :
       {std::vector<std::string>{}, {"a"}, {"a", "b", "c"}, {"", "b"}}) {
    EXPECT_EQ(rename(bad),
              "two arguments are needed: the command's name and its new name (\"\" takes the "
              "command away)");
  }
  EXPECT_EQ(options.renamed_commands.size(), 2U);
}

TEST(ConfigValues, QuoteIsUndoneBySplitArgs) {
  EXPECT_EQ(Quote("plain/path-1.conf"), "plain/path-1.conf");
  EXPECT_EQ(Quote(""), "\"\"");
  EXPECT_EQ(Quote("a b"), "\"a b\"");
  EXPECT_EQ(Quote("a\"b\\c\n\x01"), R"("a\"b\\c\n\x01")");
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte.push_back(static_cast<char>(byte));
  for (size_t length = 0; length <= every_byte.size(); ++length) {
    const std::string word = every_byte.substr(every_byte.size() - length);
    EXPECT_EQ(base::SplitArgs(Quote(word)), std::vector<std::string>{word});
    EXPECT_EQ(Quote(word).find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace cairn::config
