#include "crash/workload.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <poll.h>

#include "base/random.h"
#include "support/raw_client.h"

namespace cairn::crash {
namespace {

using redis_tests::RawClient;

constexpr uint64_t kKeys = 600;
constexpr uint64_t kCounters = 12;
constexpr uint64_t kGroups = 30;
constexpr int kGroupSize = 5;
constexpr uint64_t kDeepestPipeline = 24;
// Every so many keys one has a name that is longer than what LMDB takes.
constexpr uint64_t kLongNameEvery = 9;
constexpr int kReplyTimeoutMs = 60'000;
// Expiries that come during the test, and those that never do.
constexpr uint64_t kSoonMs = 400;
constexpr int64_t kFarMs = 40LL * 24 * 3600 * 1000;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string Numbered(std::string_view prefix, uint64_t number) {
  return fmt::format("{}{}", prefix, number);
}

// Makes the commands of one client.
class CommandSource {
 public:
  CommandSource(uint64_t seed, int db, size_t written)
      : random_(seed * 131 + static_cast<uint64_t>(db)), db_(db), written_(written) {}

  uint64_t Below(uint64_t bound) { return random_.Below(bound); }

  void Next(std::vector<Command>* out) {
    // The rare ones are so rare that overlays and databases become large in between.
    const uint64_t rare = random_.Below(10'000);
    const uint64_t kind = random_.Below(1000);
    if (rare < 6) {
      out->push_back({"FLUSHDB", rare < 3 ? "ASYNC" : "SYNC"});
    } else if (rare < 10) {
      out->push_back({"BGSAVE"});
    } else if (rare < 12) {
      out->push_back({"SAVE"});
    } else if (kind < 30) {
      out->push_back({"SELECT", std::to_string(kSharedDb)});
      out->push_back({"INCR", std::string(kSharedCounter)});
      out->push_back({"SELECT", std::to_string(db_)});
    } else {
      out->push_back(OneKey(kind));
    }
  }

 private:
  std::string Key() {
    const uint64_t index = random_.Below(kKeys);
    std::string key = Numbered("k:", index);
    if (index % kLongNameEvery == 0) key.insert(0, 600, 'p');
    return key;
  }

  std::string Value() {
    const uint64_t chance = random_.Below(400);
    const uint64_t length = chance == 0   ? 150'000
                            : chance < 10 ? random_.Below(20'000)
                            : chance < 80 ? random_.Below(5000)
                                          : random_.Below(1500);
    std::string value = Numbered("", ++written_) + ":";
    value.resize(value.size() + length, static_cast<char>('a' + written_ % 26));
    return value;
  }

  Command Mset() {
    Command words = {"MSET"};
    const uint64_t group = random_.Below(kGroups);
    const std::string value = Numbered("group ", ++written_);
    for (int member = 0; member < kGroupSize; ++member) {
      words.push_back(fmt::format("m:{}:{}", group, member));
      words.push_back(value);
    }
    return words;
  }

  Command OneKey(uint64_t kind) {
    const auto in = [&](uint64_t limit) { return kind < limit; };
    const auto far = [&] { return std::to_string(NowMs() + kFarMs + 1); };
    if (in(450)) return {"SET", Key(), Value()};
    if (in(490)) return {"SET", Key(), Value(), "PXAT", far()};
    if (in(520)) {
      return {"SET", fmt::format("{}{}:{}", kVolatilePrefix, db_, ++written_),
              std::string(random_.Below(300), 'x'), "PXAT",
              std::to_string(NowMs() + 1 + static_cast<int64_t>(random_.Below(kSoonMs)))};
    }
    if (in(620)) return {"INCR", Numbered("c:", random_.Below(kCounters))};
    if (in(720)) return {"APPEND", Key(), Numbered("+", ++written_)};
    if (in(780)) return {"DEL", Key(), Key()};
    if (in(860)) return Mset();
    if (in(890)) return {"PEXPIREAT", Key(), far()};
    if (in(910)) return {"PERSIST", Key()};
    if (in(940)) return {"RENAME", Key(), Key()};
    if (in(960)) return {"GETDEL", Key()};
    if (in(980)) {
      return {"SETRANGE", Key(), std::to_string(random_.Below(3000)), Numbered("=", ++written_)};
    }
    return {"GET", Key()};
  }

  base::Random random_;
  int db_;
  size_t written_;  // makes values and volatile keys unique
};

}  // namespace

struct Workload::Client {
  RawClient connection;
  Journal* journal = nullptr;
  int db = 0;
  uint64_t bytes = 0;  // of replies so far
  std::vector<ReplyEnd> ends;
  absl::Status status;

  // Sends `commands` and takes the replies; false when the connection broke or one was wrong.
  bool Exchange(std::vector<Command> commands) {
    std::string requests;
    const size_t first = journal->size();
    for (Command& command : commands) {
      redis_tests::AppendCommand(command, &requests);
      journal->Append(std::move(command));
    }
    std::vector<std::string> replies;
    const bool whole = connection.Exchange(requests, commands.size(), &replies, kReplyTimeoutMs);
    for (size_t i = 0; i < replies.size(); ++i) {
      bytes += replies[i].size();
      ends.push_back({.entry = first + i, .bytes = bytes});
      status.Update(journal->NoteReply(first + i, replies[i]));
    }
    return whole && status.ok();
  }

  void Load(const WorkloadOptions& options) {
    CommandSource source(options.seed, db, journal->size() * 2);
    if (!Exchange({{"SELECT", std::to_string(db)}})) return;
    for (uint64_t sent = 0; sent < options.commands;) {
      std::vector<Command> commands;
      for (uint64_t depth = 1 + source.Below(kDeepestPipeline); depth > 0; --depth) {
        source.Next(&commands);
      }
      sent += commands.size();
      if (!Exchange(std::move(commands))) return;
      if (options.pause_ms > 0) {
        // A client's think time.
        const auto longest = static_cast<uint64_t>(options.pause_ms);
        poll(nullptr, 0, static_cast<int>(source.Below(longest + 1)));
      }
    }
  }
};

absl::Status Workload::Run(const std::string& socket_path, const WorkloadOptions& options) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int db = 0; db < kClients; ++db) {
    auto& client = *clients.emplace_back(std::make_unique<Client>());
    client.journal = &journals_[static_cast<size_t>(db)];
    client.db = db;
    // One after another, each served before the next comes: so the recording's connections can be
    // told apart by their order.
    if (!client.connection.ConnectUnix(socket_path) || !client.Exchange({{"PING"}})) break;
  }
  std::vector<std::thread> threads;
  for (auto& client : clients) {
    threads.emplace_back([&client, &options] { client->Load(options); });
  }
  for (std::thread& thread : threads) thread.join();
  if (options.shut_down) {
    std::vector<std::string> replies;
    clients.front()->connection.Exchange("SHUTDOWN\r\n", 1, &replies, kReplyTimeoutMs);
  }
  absl::Status status;
  reply_ends_.clear();
  acknowledged_ = 0;
  for (auto& client : clients) {
    status.Update(client->status);
    acknowledged_ += client->ends.size();
    reply_ends_.push_back(std::move(client->ends));
  }
  return status;
}

absl::Status Workload::NoteAcks(const Recording& recording, size_t connections_before) {
  const auto& connections = recording.connections(recording.life_begins().size() - 1);
  for (size_t i = 0; i < reply_ends_.size(); ++i) {
    if (reply_ends_[i].empty()) continue;
    if (connections.size() <= i + connections_before) {
      return absl::DataLossError("the recording lacks a client's connection");
    }
    const std::vector<Sent>& sent = connections[i + connections_before];
    size_t at = 0;
    for (const ReplyEnd& end : reply_ends_[i]) {
      while (at < sent.size() && sent[at].bytes < end.bytes) ++at;
      if (at == sent.size()) {
        return absl::DataLossError("a client got bytes that the recording does not have");
      }
      journals_[i].NoteAcked(end.entry, sent[at].begin);
    }
  }
  for (Journal& journal : journals_) journal.SettleAcks();
  return absl::OkStatus();
}

void Workload::AcknowledgeAnswered() {
  for (size_t i = 0; i < reply_ends_.size(); ++i) {
    for (const ReplyEnd& end : reply_ends_[i]) journals_[i].NoteAcked(end.entry, 0);
    journals_[i].SettleAcks();
  }
}

absl::Status CompareOverSocket(const std::string& socket_path,
                               const std::vector<Journal>& journals) {
  RawClient client;
  if (!client.ConnectUnix(socket_path)) return absl::UnavailableError("cannot connect");
  for (size_t db = 0; db < journals.size(); ++db) {
    client.Call({"SELECT", std::to_string(db)});
    StateHash found;
    std::string from = "-";
    while (!from.empty()) {
      const std::string reply = client.Call({"SCANRANGE", from, "+", "LIMIT", "200", "WITHVALUES"});
      const auto parts = redis_tests::Scalars(reply);
      if (parts.empty() || parts.size() % 2 != 1) {
        return absl::DataLossError("SCANRANGE was answered " + redis_tests::Shown(reply));
      }
      for (size_t i = 1; i + 1 < parts.size(); i += 2) {
        const std::string key(parts[i].text);
        if (key.starts_with(kVolatilePrefix)) continue;
        const std::string expire = client.Call({"PEXPIRETIME", key});
        int64_t expire_ms = 0;
        std::from_chars(expire.data() + 1, expire.data() + expire.size(), expire_ms);
        found.Add(key, {.value = std::string(parts[i + 1].text),
                        .expire_ms = expire_ms < 0 ? kNoExpiry : expire_ms});
      }
      from = std::string(parts[0].text);
    }
    if (!(found == journals[db].model().hash())) {
      return absl::DataLossError(
          fmt::format("database {} is not what a real server must show", db));
    }
  }
  return absl::OkStatus();
}

}  // namespace cairn::crash
