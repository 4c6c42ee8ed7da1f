// INFO: every section is there, every field can be read, and the figures agree with the server.
#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/numbers.h"
#include "server/info.h"
#include "server/server.h"
#include "support/server_thread.h"
#include "support/temp_dir.h"

namespace cairn::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

using Fields = std::map<std::string, std::string>;

// Splits INFO's text; fails the test when it is not lines of "# Section", "name:value" and blank
// lines before sections, or when a name comes twice.
class InfoText {
 public:
  explicit InfoText(std::string_view text) {
    EXPECT_TRUE(text.empty() || text.ends_with("\r\n"));
    for (size_t end = text.find("\r\n"); end != std::string_view::npos; end = text.find("\r\n")) {
      TakeLine(text.substr(0, end));
      text.remove_prefix(end + 2);
    }
  }

  [[nodiscard]] std::vector<std::string> sections() const { return sections_; }
  [[nodiscard]] Fields fields() const { return fields_; }
  [[nodiscard]] std::string at(const std::string& name) const {
    const auto it = fields_.find(name);
    EXPECT_NE(it, fields_.end()) << name;
    return it == fields_.end() ? std::string() : it->second;
  }

 private:
  void TakeLine(std::string_view line) {
    if (line.empty()) {
      EXPECT_FALSE(blank_);
      blank_ = true;
      return;
    }
    if (line.starts_with("# ")) {
      EXPECT_EQ(blank_, !sections_.empty()) << line;
      sections_.emplace_back(line.substr(2));
      blank_ = false;
      return;
    }
    EXPECT_FALSE(blank_) << line;
    const size_t colon = line.find(':');
    ASSERT_NE(colon, std::string_view::npos) << line;
    const std::string_view name = line.substr(0, colon);
    EXPECT_FALSE(name.empty()) << line;
    for (const char c : name) {
      EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '|') << line;
    }
    const bool added = fields_.emplace(name, line.substr(colon + 1)).second;
    EXPECT_TRUE(added) << name << " comes twice";
  }

  std::vector<std::string> sections_;
  Fields fields_;
  bool blank_ = false;
};

// A server that listens and does not run: INFO can be built on this thread.
class ServerInfo : public testing::Test {
 protected:
  void SetUp() override {
    auto server =
        Server::Create(base::PosixFileSystem(), {.options = test::UnixSocketOptions(dir_.path()),
                                                 .config_file = "/etc/cairn.conf",
                                                 .executable = "/usr/bin/cairn-server"});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  InfoText Build(std::vector<std::string_view> sections) {
    return InfoText(BuildInfo(*server_, sections));
  }

  test::TempDir dir_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerInfo, DefaultSectionsAreRedis) {
  EXPECT_THAT(Build({}).sections(),
              ElementsAre("Server", "Clients", "Memory", "Persistence", "Stats", "Replication",
                          "CPU", "Modules", "Errorstats", "Cluster", "Keyspace", "Cairn"));
  EXPECT_EQ(Build({"default"}).sections(), Build({}).sections());
}

TEST_F(ServerInfo, EverySectionIsThere) {
  for (const char* word : {"all", "everything", "EVERYTHING"}) {
    EXPECT_THAT(Build({word}).sections(),
                ElementsAre("Server", "Clients", "Memory", "Persistence", "Stats", "Replication",
                            "CPU", "Modules", "Commandstats", "Errorstats", "Latencystats",
                            "Cluster", "Keyspace", "Cairn"));
  }
}

TEST_F(ServerInfo, SectionsByName) {
  EXPECT_THAT(Build({"memory", "CPU", "nothing", "cpu"}).sections(), ElementsAre("Memory", "CPU"));
  EXPECT_THAT(Build({"nothing"}).sections(), IsEmpty());
  EXPECT_EQ(BuildInfo(*server_, std::vector<std::string_view>{"modules"}), "# Modules\r\n");
}

// Monitoring tools read these as numbers.
TEST_F(ServerInfo, FieldsHoldWhatTheirNamesSay) {
  static const std::set<std::string, std::less<>> words = {"redis_version",
                                                           "cairn_version",
                                                           "redis_git_sha1",
                                                           "redis_mode",
                                                           "os",
                                                           "monotonic_clock",
                                                           "multiplexing_api",
                                                           "gcc_version",
                                                           "process_supervised",
                                                           "run_id",
                                                           "executable",
                                                           "config_file",
                                                           "maxmemory_policy",
                                                           "mem_allocator",
                                                           "rdb_last_bgsave_status",
                                                           "aof_last_bgrewrite_status",
                                                           "aof_last_write_status",
                                                           "role",
                                                           "master_failover_state",
                                                           "master_replid",
                                                           "master_replid2"};
  size_t numbers = 0;
  for (const auto& [name, text] : Build({"everything"}).fields()) {
    if (words.contains(name)) {
      EXPECT_FALSE(text.empty()) << name;
      continue;
    }
    std::string number = text;
    if (name.ends_with("_human") && !number.empty()) number.pop_back();
    if (name.ends_with("_perc") && number.ends_with('%')) number.pop_back();
    EXPECT_TRUE(base::ParseDouble(number).has_value()) << name << ":" << text;
    ++numbers;
  }
  EXPECT_GT(numbers, 100U);
}

TEST_F(ServerInfo, FieldsSayWhatIs) {
  const InfoText info = Build({"everything"});
  EXPECT_THAT(info.at("redis_version"), StartsWith("7.2."));
  EXPECT_EQ(info.at("cairn_version"), CAIRN_VERSION);
  EXPECT_EQ(info.at("executable"), "/usr/bin/cairn-server");
  EXPECT_EQ(info.at("config_file"), "/etc/cairn.conf");
  EXPECT_EQ(info.at("run_id").size(), 40U);
  EXPECT_EQ(info.at("master_replid"), server_->storage().replication_id());
  EXPECT_EQ(info.at("role"), "master");
  EXPECT_EQ(info.at("connected_clients"), "0");
  EXPECT_EQ(info.at("maxclients"), std::to_string(server_->options().maxclients));
  EXPECT_EQ(info.at("aof_last_write_status"), "ok");
  EXPECT_EQ(info.at("rdb_changes_since_last_save"), "0");
}

class ServerInfoLive : public testing::Test {
 protected:
  InfoText Ask(const std::string& line) { return InfoText(client_.AskText(line)); }

  test::TempDir dir_;
  test::ServerThread server_{base::PosixFileSystem(), test::UnixSocketOptions(dir_.path())};
  test::SocketClient client_{server_.socket_path()};
};

TEST_F(ServerInfoLive, KeyspaceCountsExactly) {
  EXPECT_THAT(Ask("INFO keyspace").fields(), IsEmpty());
  client_.Ask("MSET a 1 b 2 c 3");
  client_.Ask("EXPIRE a 100");
  client_.Ask("SELECT 3");
  client_.Ask("SET d 1");
  const InfoText info = Ask("INFO keyspace");
  EXPECT_THAT(info.at("db0"), StartsWith("keys=3,expires=1,avg_ttl="));
  EXPECT_EQ(info.at("db3"), "keys=1,expires=0,avg_ttl=0");
  EXPECT_EQ(info.fields().size(), 2U);
}

TEST_F(ServerInfoLive, CommandsAndErrorsAreCounted) {
  client_.Ask("SET k v");
  client_.Ask("GET k");
  client_.Ask("GET none");
  client_.Ask("INCR k");
  client_.Ask("GET");
  const InfoText info = Ask("INFO everything");
  EXPECT_THAT(info.at("cmdstat_get"), StartsWith("calls=2,"));
  EXPECT_THAT(info.at("cmdstat_get"), testing::EndsWith("rejected_calls=1,failed_calls=0"));
  EXPECT_THAT(info.at("cmdstat_incr"), testing::EndsWith("rejected_calls=0,failed_calls=1"));
  EXPECT_THAT(info.at("latency_percentiles_usec_get"), StartsWith("p50="));
  EXPECT_EQ(info.at("errorstat_ERR"), "count=2");
  EXPECT_EQ(info.at("keyspace_hits"), "1");
  EXPECT_EQ(info.at("keyspace_misses"), "1");
  EXPECT_EQ(info.at("connected_clients"), "1");
  client_.Ask("CONFIG RESETSTAT");
  EXPECT_FALSE(Ask("INFO everything").fields().contains("cmdstat_get"));
}

TEST_F(ServerInfoLive, TheLogsOffsetsGrow) {
  const InfoText before = Ask("INFO cairn");
  client_.Ask("SET k v");
  const InfoText after = Ask("INFO cairn");
  EXPECT_LT(base::ParseInt64(before.at("log_written_offset")),
            base::ParseInt64(after.at("log_written_offset")));
  EXPECT_EQ(after.at("log_written_offset"), after.at("log_appended_offset"));
  EXPECT_EQ(Ask("INFO replication").at("master_repl_offset"), after.at("log_appended_offset"));
  client_.Ask("SAVE");
  const InfoText saved = Ask("INFO everything");
  EXPECT_EQ(saved.at("store_offset"), after.at("log_appended_offset"));
  EXPECT_EQ(saved.at("checkpoints"), "1");
  EXPECT_EQ(saved.at("rdb_changes_since_last_save"), "0");
}

}  // namespace
}  // namespace cairn::server
