// A server without sockets: storage in a temporary folder, the commands that need no session, and a
// clock that the test moves.
//
//   CommandHarness server;
//   EXPECT_EQ(server.Run({"SET", "k", "v"}).Show(), "+OK");
//   server.Reopen();  // the process died; the log is replayed
//   EXPECT_EQ(server.Line("GET k").Show(), "\"v\"");
//
// Nothing happens by itself: the log is written by FlushLog, EndTurn, Checkpoint, Seal and Reopen,
// keys expire actively by ExpireDue. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exec/command_table.h"
#include "exec/context.h"
#include "exec/gates.h"
#include "resp/reply.h"
#include "resp/reply_parser.h"
#include "resp/reply_writer.h"
#include "server/storage.h"
#include "support/fake_clock.h"
#include "support/state_dump.h"
#include "support/temp_dir.h"

namespace cairn::test {

// One reply: its bytes, and what a client reads in them.
class TestReply {
 public:
  // Fails the test when `raw` is not exactly one reply.
  explicit TestReply(std::string raw);

  [[nodiscard]] const std::string& raw() const { return raw_; }
  [[nodiscard]] resp::Reply reply() const { return parser_->reply(); }
  [[nodiscard]] bool is_error() const { return raw_.starts_with('-'); }
  [[nodiscard]] bool is_null() const { return reply().is_null(); }
  [[nodiscard]] int64_t integer() const { return reply().integer(); }
  [[nodiscard]] std::string text() const { return std::string(reply().text()); }
  // The texts of an aggregate's elements.
  [[nodiscard]] std::vector<std::string> texts() const;
  // The reply on one line, the same for both protocols where they mean the same: +OK, -ERR text,
  // :1, "bulk", nil, [array], {key: value}, txt:"verbatim".
  [[nodiscard]] std::string Show() const;

 private:
  std::string raw_;
  std::shared_ptr<resp::ReplyParser> parser_;
};

class CommandHarness;

// One client of the harness, with its database and protocol.
class TestClient {
 public:
  explicit TestClient(CommandHarness& server) : server_(&server) {}

  // Runs a request to its end, slice by slice when it is a long one.
  TestReply Run(std::span<const std::string_view> argv);
  TestReply Run(std::initializer_list<std::string_view> argv) {
    return Run(std::span<const std::string_view>(argv.begin(), argv.size()));
  }
  TestReply Run(const std::vector<std::string>& argv);
  // The same for an inline request: words, quoted as in redis-cli.
  TestReply Line(std::string_view line);

  void set_version(resp::Version version) { version_ = version; }
  [[nodiscard]] exec::Caller& caller() { return caller_; }
  // Called between two slices of a long request, as other clients are served then.
  void set_between_slices(std::function<void()> between) { between_slices_ = std::move(between); }
  // Slices of the last request.
  [[nodiscard]] int slices() const { return slices_; }

 private:
  CommandHarness* server_;
  exec::Caller caller_;
  resp::Version version_ = resp::Version::kResp2;
  std::function<void()> between_slices_;
  int slices_ = 0;
};

class CommandHarness {
 public:
  // `options.dir` is replaced. `table` = the commands to serve; null: server::DataFamilies().
  explicit CommandHarness(server::StorageOptions options = {},
                          const exec::CommandTable* table = nullptr);

  // Of the first client.
  TestReply Run(std::initializer_list<std::string_view> argv) { return client_.Run(argv); }
  TestReply Run(const std::vector<std::string>& argv) { return client_.Run(argv); }
  TestReply Line(std::string_view line) { return client_.Line(line); }
  void set_version(resp::Version version) { client_.set_version(version); }
  [[nodiscard]] TestClient& client() { return client_; }

  [[nodiscard]] FakeClock& clock() { return clock_; }
  [[nodiscard]] server::Storage& storage() { return *storage_; }
  [[nodiscard]] server::StorageOptions& options() { return options_; }
  [[nodiscard]] const server::RecoveryReport& recovery() const { return recovery_; }
  [[nodiscard]] exec::GateState& gates() { return gates_; }

  void FlushLog();
  // What a server does at the end of a turn.
  void EndTurn();
  // Hands the overlay to the checkpointer and goes on; false when two are waiting there already.
  bool Seal();
  // Seals and waits until the store holds everything.
  void Checkpoint();
  // The process dies with everything in the log, and starts again.
  void Reopen();
  // The process dies with what was flushed before in the log, and starts again.
  void Crash();
  // Ends as a server does that is told to, and starts again.
  void CloseAndReopen(bool checkpoint);
  // Opens the folder again with options(); for what is meant to fail.
  absl::Status TryReopen();
  // The same with a copy of the folder.
  absl::Status TryReopenAt(const std::string& dir);
  // The process dies. Only the ways to open may be called then, and options().
  void Stop() { storage_.reset(); }

  // Deletes keys whose time has come, as the server does between requests; all by default.
  size_t ExpireDue(size_t limit = SIZE_MAX);

  // The commands that the log got since `offset` (storage().log().appended_offset() before them),
  // one a line, words separated by spaces.
  std::vector<std::string> StreamSince(uint64_t offset);

  // Every key, read by walking. Fails the test when point reads, counts or the expiry index do not
  // agree with the walk. Keys that have expired and are still there are listed too.
  ServerState Dump();

 private:
  void Open();

  TempDir dir_;
  FakeClock clock_;
  server::StorageOptions options_;
  std::unique_ptr<exec::CommandTable> own_table_;
  const exec::CommandTable* table_;
  server::RecoveryReport recovery_;
  exec::GateState gates_;
  std::unique_ptr<server::Storage> storage_;
  TestClient client_{*this};
};

// What to say, and what comes back as TestReply::Show shows it.
struct Exchange {
  std::string_view line;
  std::string_view reply;
};

// Says the lines to one client of a fresh server and expects the replies; at the end the server
// dies, comes back from its log, and must have the same keys. All of it in RESP2 and in RESP3.
void ExpectExchanges(const std::vector<Exchange>& exchanges);

}  // namespace cairn::test
