#include "support/command_harness.h"

#include <utility>

#include <fmt/format.h>

#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/split_args.h"
#include "exec/effects.h"
#include "exec/executor.h"
#include "gtest/gtest.h"
#include "resp/request_parser.h"
#include "server/families.h"

namespace cairn::test {
namespace {

// As redis-cli prints a string.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const size_t named = std::string_view("\n\r\t\"\\").find(c);
    if (named != std::string_view::npos) {
      out += '\\';
      out += "nrt\"\\"[named];
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
  }
  return out + '"';
}

void Show(resp::Reply reply, std::string* out);

void ShowElements(resp::Reply reply, char open, char close, bool pairs, std::string* out) {
  *out += open;
  size_t index = 0;
  for (const resp::Reply element : reply) {
    if (index != 0) *out += pairs && index % 2 == 1 ? ": " : ", ";
    Show(element, out);
    ++index;
  }
  *out += close;
}

void Show(resp::Reply reply, std::string* out) {
  switch (reply.type()) {
    case resp::ReplyType::kSimple:
      *out += "+" + std::string(reply.text());
      return;
    case resp::ReplyType::kError:
      *out += "-" + std::string(reply.text());
      return;
    case resp::ReplyType::kInteger:
      *out += ":" + std::to_string(reply.integer());
      return;
    case resp::ReplyType::kNull:
      *out += "nil";
      return;
    case resp::ReplyType::kVerbatim:
      *out += std::string(reply.format()) + ":" + Quoted(reply.text());
      return;
    case resp::ReplyType::kMap:
      ShowElements(reply, '{', '}', true, out);
      return;
    case resp::ReplyType::kArray:
    case resp::ReplyType::kSet:
    case resp::ReplyType::kPush:
      ShowElements(reply, '[', ']', false, out);
      return;
    default:
      *out += Quoted(reply.text());
  }
}

void AppendWord(std::string* out, std::string_view word) {
  out->append(word);
}

}  // namespace

// ---- TestReply

TestReply::TestReply(std::string raw)
    : raw_(std::move(raw)), parser_(std::make_shared<resp::ReplyParser>()) {
  parser_->Feed(raw_);
  const resp::ReplyResult result = parser_->Next();
  EXPECT_EQ(result, resp::ReplyResult::kReply) << Quoted(raw_) << ": " << parser_->error();
  EXPECT_TRUE(parser_->Unparsed().empty()) << Quoted(raw_);
}

std::vector<std::string> TestReply::texts() const {
  std::vector<std::string> all;
  for (const resp::Reply element : reply()) all.emplace_back(element.text());
  return all;
}

std::string TestReply::Show() const {
  std::string out;
  test::Show(reply(), &out);
  return out;
}

// ---- TestClient

TestReply TestClient::Run(std::span<const std::string_view> argv) {
  exec::Executor& executor = server_->storage().executor();
  std::string raw;
  exec::AppendCommand(argv, &raw);
  std::string out;
  resp::ReplyWriter writer(out);
  writer.set_version(version_);
  executor.RefreshTime();
  exec::Executor::Result result =
      executor.Execute({.argv = argv, .raw = raw}, caller_, server_->gates(), writer);
  slices_ = 1;
  while (result.task != nullptr) {
    if (between_slices_) between_slices_();
    bool done = false;
    executor.Step(*result.task, *result.entry, caller_, server_->gates(), writer, &done);
    ++slices_;
    if (done) result.task.reset();
  }
  return TestReply(std::move(out));
}

TestReply TestClient::Run(const std::vector<std::string>& argv) {
  const std::vector<std::string_view> views(argv.begin(), argv.end());
  return Run(std::span<const std::string_view>(views));
}

TestReply TestClient::Line(std::string_view line) {
  const auto argv = base::SplitArgs(line);
  EXPECT_TRUE(argv.has_value() && !argv->empty()) << line;
  return Run(*argv);
}

// ---- CommandHarness

CommandHarness::CommandHarness(server::StorageOptions options, const exec::CommandTable* table)
    : options_(std::move(options)), table_(table) {
  if (table_ == nullptr) {
    own_table_ = std::make_unique<exec::CommandTable>(server::DataFamilies());
    table_ = own_table_.get();
  }
  options_.dir = dir_.path();
  Open();
}

absl::Status CommandHarness::TryReopen() {
  storage_.reset();
  recovery_ = {};
  auto storage =
      server::Storage::Open(base::PosixFileSystem(), clock_, *table_, options_, &recovery_);
  if (storage.ok()) storage_ = *std::move(storage);
  return storage.status();
}

absl::Status CommandHarness::TryReopenAt(const std::string& dir) {
  options_.dir = dir;
  return TryReopen();
}

void CommandHarness::Open() {
  const absl::Status status = TryReopen();
  EXPECT_TRUE(status.ok()) << status;
  CAIRN_CHECK(status.ok());
}

void CommandHarness::FlushLog() {
  const absl::Status status = storage_->FlushLog();
  EXPECT_TRUE(status.ok()) << status;
}

void CommandHarness::EndTurn() {
  FlushLog();
  storage_->TakeEngineProgress();
  storage_->MaybeSeal();
}

bool CommandHarness::Seal() {
  FlushLog();
  storage_->TakeEngineProgress();
  if (!storage_->engine().CanSeal()) return false;
  storage_->RequestCheckpoint();
  storage_->MaybeSeal();
  return true;
}

void CommandHarness::Checkpoint() {
  const absl::Status status = storage_->CheckpointNow();
  EXPECT_TRUE(status.ok()) << status;
}

void CommandHarness::Reopen() {
  FlushLog();
  Open();
}

void CommandHarness::Crash() {
  Open();
}

void CommandHarness::CloseAndReopen(bool checkpoint) {
  const absl::Status status = storage_->Close(checkpoint);
  EXPECT_TRUE(status.ok()) << status;
  Open();
}

size_t CommandHarness::ExpireDue(size_t limit) {
  storage_->executor().RefreshTime();
  const auto expired = storage_->executor().ExpireDue(limit);
  EXPECT_TRUE(expired.ok()) << expired.status();
  return expired.ok() ? *expired : 0;
}

std::vector<std::string> CommandHarness::StreamSince(uint64_t offset) {
  FlushLog();
  std::vector<std::string> commands;
  const resp::RequestLimits limits;
  resp::RequestParser parser(&limits);
  const auto reader = storage_->log().NewReader(offset);
  EXPECT_TRUE(reader.ok()) << reader.status();
  if (!reader.ok()) return commands;
  for (auto record = (*reader)->Next(); record.ok(); record = (*reader)->Next()) {
    // The first record may begin before `offset`.
    std::string_view payload = record->payload;
    if (record->offset < offset) payload.remove_prefix(offset - record->offset);
    parser.Feed(payload);
    while (parser.Next() == resp::ParseResult::kRequest) {
      commands.push_back(absl::StrJoin(parser.args(), " ", AppendWord));
    }
  }
  return commands;
}

ServerState CommandHarness::Dump() {
  auto state = DumpState(*storage_, clock_.WallMs());
  EXPECT_TRUE(state.ok()) << state.status();
  return state.ok() ? *std::move(state) : ServerState();
}

// ---- ExpectExchanges

void ExpectExchanges(const std::vector<Exchange>& exchanges) {
  for (const resp::Version version : {resp::Version::kResp2, resp::Version::kResp3}) {
    CommandHarness server;
    server.set_version(version);
    for (const Exchange& exchange : exchanges) {
      EXPECT_EQ(server.Line(exchange.line).Show(), exchange.reply)
          << exchange.line << " in RESP" << static_cast<int>(version);
    }
    const ServerState before = server.Dump();
    server.Reopen();
    EXPECT_TRUE(server.Dump() == before) << "the log does not lead to the same keys";
  }
}

}  // namespace cairn::test
