#include "crash/checker.h"

#include <charconv>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/random.h"
#include "base/status.h"
#include "crash/workload.h"
#include "exec/command_table.h"
#include "exec/context.h"
#include "exec/executor.h"
#include "exec/gates.h"
#include "resp/reply_writer.h"
#include "server/families.h"
#include "server/storage.h"
#include "support/fake_clock.h"
#include "support/state_dump.h"

namespace cairn::crash {
namespace {

const exec::CommandTable& Commands() {
  static const exec::CommandTable table(server::DataFamilies());
  return table;
}

absl::Status Named(std::string_view what, const absl::Status& status) {
  return base::MakeStatus(status.code(), fmt::format("{}: {}", what, base::Message(status)));
}

class Checker {
 public:
  Checker(const std::string& folder, const Expectation& expectation, uint64_t seed)
      : expectation_(expectation), random_(seed) {
    clock_.SetWallMs(expectation.now_ms);
    options_.dir = folder + "/data";
    options_.databases = kDatabases;
    options_.write_buffer_size = 8U << 20;
    options_.log_segment_size = 64U << 10;
    options_.log_history_size = 64U << 10;
  }

  absl::StatusOr<Verdict> Run();

 private:
  absl::Status Open(server::RecoveryReport* report);
  absl::Status Compare(Verdict* verdict);
  absl::Status GoOn();
  absl::Status Request(int db, std::span<const std::string_view> argv);
  absl::Status Restart();

  const Expectation& expectation_;
  base::Random random_;
  test::FakeClock clock_;
  server::StorageOptions options_;
  std::unique_ptr<server::Storage> storage_;
  test::ServerState state_;
};

absl::Status Checker::Open(server::RecoveryReport* report) {
  storage_.reset();
  auto storage =
      server::Storage::Open(base::PosixFileSystem(), clock_, Commands(), options_, report);
  if (!storage.ok()) return Named("it does not open", storage.status());
  storage_ = *std::move(storage);
  auto state = test::DumpState(*storage_, clock_.WallMs());
  if (!state.ok()) return Named("reading", state.status());
  state_ = *std::move(state);
  return absl::OkStatus();
}

FoundDatabase Summarize(const test::DbState& state) {
  FoundDatabase found;
  for (const auto& [key, value] : state) {
    if (key.starts_with(kVolatilePrefix)) {
      found.volatile_times.emplace(key, value.expire_ms);
      continue;
    }
    found.hash.Add(
        key, {.value = value.value,
              .expire_ms = value.expire_ms == keyspace::kNoExpiry ? kNoExpiry : value.expire_ms});
  }
  return found;
}

absl::Status Checker::Compare(Verdict* verdict) {
  int64_t shared = 0;
  for (const auto& [db, keys] : state_) {
    if (db < kClients) continue;
    const auto counter = keys.find(std::string(kSharedCounter));
    if (db != kSharedDb || keys.size() != 1 || counter == keys.end()) {
      return base::DataLoss(fmt::format("database {} has keys that nobody wrote", db));
    }
    const std::string& text = counter->second.value;
    std::from_chars(text.data(), text.data() + text.size(), shared);
  }
  for (int db = 0; db < kClients; ++db) {
    const auto number = static_cast<size_t>(db);
    const auto survived = (*expectation_.journals)[number].Match(
        Summarize(state_[db]), expectation_.least[number], shared, expectation_.cut_ms);
    if (!survived.ok()) return Named(fmt::format("database {}", db), survived.status());
    verdict->survived.push_back(*survived);
  }
  std::erase_if(state_, [](const auto& db) { return db.second.empty(); });
  return absl::OkStatus();
}

absl::Status Checker::Request(int db, std::span<const std::string_view> argv) {
  exec::Caller caller;
  caller.set_db(db);
  std::string out;
  resp::ReplyWriter reply(out);
  storage_->executor().RefreshTime();
  storage_->executor().Execute({.argv = argv, .raw = {}}, caller, exec::GateState(), reply);
  if (!out.starts_with('-')) return absl::OkStatus();
  return base::MakeStatus(absl::StatusCode::kInternal, "a write was refused: " + out);
}

absl::Status Checker::GoOn() {
  const uint64_t turns = 1 + random_.Below(4);
  for (uint64_t turn = 0; turn < turns; ++turn) {
    for (int db = 0; db < kClients; ++db) {
      const std::string key = fmt::format("new:{}", random_.Below(5));
      const std::string value(random_.Below(random_.Below(10) == 0 ? 100'000 : 2000), 'n');
      const std::string_view set[] = {"SET", key, value};
      const std::string_view count[] = {"INCR", "new:counter"};
      if (absl::Status status = Request(db, set); !status.ok()) return status;
      if (absl::Status status = Request(db, count); !status.ok()) return status;
    }
    if (absl::Status status = storage_->FlushLog(); !status.ok()) return status;
    storage_->TakeEngineProgress();
    if (random_.Below(3) == 0) storage_->RequestCheckpoint();
    storage_->MaybeSeal();
  }
  auto state = test::DumpState(*storage_, clock_.WallMs());
  if (!state.ok()) return Named("reading", state.status());
  state_ = *std::move(state);
  return absl::OkStatus();
}

absl::Status Checker::Restart() {
  // An orderly end with or without a checkpoint, or none: what is flushed survives all three.
  const uint64_t kind = random_.Below(3);
  if (kind != 0) {
    if (absl::Status status = storage_->Close(kind == 1); !status.ok()) return status;
  }
  const test::ServerState before = std::move(state_);
  server::RecoveryReport report;
  if (absl::Status status = Open(&report); !status.ok()) return status;
  if (report.log.cut_bytes != 0) return base::DataLoss("a whole log was cut");
  return state_ == before ? absl::OkStatus() : base::DataLoss("the state is another one");
}

absl::StatusOr<Verdict> Checker::Run() {
  server::RecoveryReport report;
  Verdict verdict;
  if (absl::Status status = Open(&report); !status.ok()) return status;
  if (absl::Status status = Compare(&verdict); !status.ok()) return status;
  verdict.log_was_cut = report.log.cut_bytes != 0;
  verdict.run_file_loaded = report.engine.run_file_loaded;
  verdict.run_file_dropped = report.engine.run_file_dropped;
  if (absl::Status status = GoOn(); !status.ok()) return Named("going on", status);
  if (absl::Status status = Restart(); !status.ok()) return Named("the restart", status);
  return verdict;
}

}  // namespace

absl::StatusOr<Verdict> CheckImage(const std::string& folder, const Expectation& expectation,
                                   uint64_t seed) {
  return Checker(folder, expectation, seed).Run();
}

}  // namespace cairn::crash
