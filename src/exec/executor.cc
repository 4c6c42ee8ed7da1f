#include "exec/executor.h"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/status.h"
#include "keyspace/expiry.h"
#include "resp/errors.h"

namespace cairn::exec {

Executor::Executor(const CommandTable& table, keyspace::Keyspace& keyspace, Stream& stream,
                   Environment& environment, const base::Clock& clock)
    : table_(&table),
      stream_(&stream),
      environment_(&environment),
      clock_(&clock),
      statistics_(table.entries().size()),
      txn_(keyspace) {
  RefreshTime();
}

void Executor::RefreshTime() {
  wall_us_ = clock_->WallUs();
  monotonic_us_ = clock_->MonotonicUs();
}

void Executor::Count(size_t command, resp::ReplyWriter& reply, size_t reply_start) {
  const int64_t end_us = clock_->MonotonicUs();
  const int64_t took_us = end_us - monotonic_us_;
  monotonic_us_ = end_us;
  wall_us_ += took_us;
  const std::string_view written = reply.WrittenSince(reply_start);
  const bool failed = !written.empty() && written.front() == '-';
  if (failed) statistics_.CountError(written);
  statistics_.CountCall(command, static_cast<uint64_t>(took_us), failed);
}

Executor::Preview Executor::Peek(std::span<const std::string_view> argv, int db) {
  bool unknown_subcommand = false;
  const CommandTable::Entry* entry = table_->FindRequest(argv, &unknown_subcommand);
  return PreviewOf(unknown_subcommand ? nullptr : entry, argv, db);
}

Executor::Preview Executor::PeekStream(std::span<const std::string_view> argv, int db) {
  return PreviewOf(table_->FindCanonical(argv), argv, db);
}

Executor::Preview Executor::PreviewOf(const CommandTable::Entry* entry,
                                      std::span<const std::string_view> argv, int db) {
  Preview preview{.entry = entry, .hash = 0};
  if (preview.entry == nullptr) return preview;
  const auto first = static_cast<size_t>(preview.entry->row->keys.first);
  if (first == 0 || first >= argv.size()) return preview;
  const keyspace::Keyspace& keyspace = txn_.keyspace();
  keyspace::EngineKey key;
  keyspace.codec().Encode(keyspace.id(db), argv[first], &key);
  preview.hash = engine::Engine::Hash(key.view());
  keyspace.engine().Prefetch(preview.hash);
  return preview;
}

void Executor::PeekRecord(const Preview& preview) {
  if (preview.hash != 0) txn_.keyspace().engine().PrefetchRecord(preview.hash);
}

Context Executor::Begin(std::span<const std::string_view> argv, const CommandRow& row,
                        Caller& caller, resp::ReplyWriter& reply) {
  txn_.Begin(now_ms(), /*decides_expiry=*/!caller.applies_stream());
  effects_.Clear();
  return {.argv = argv,
          .row = row,
          .caller = caller,
          .txn = txn_,
          .reply = reply,
          .effects = effects_,
          .env = *environment_,
          .now_us = wall_us_,
          .task = nullptr};
}

Executor::Result Executor::Execute(const Request& request, Caller& caller, const GateState& gates,
                                   resp::ReplyWriter& reply) {
  const size_t reply_start = reply.size();
  Result result;
  bool unknown_subcommand = false;
  result.entry = request.entry != nullptr ? request.entry
                                          : table_->FindRequest(request.argv, &unknown_subcommand);
  const std::string refusal =
      CheckGates(result.entry, unknown_subcommand, request.argv, caller, gates);
  if (!refusal.empty()) {
    reply.Error(refusal);
    if (result.entry != nullptr) statistics_.CountRejected(result.entry->index);
    statistics_.CountError(reply.WrittenSince(reply_start));
    return result;
  }
  const CommandRow& row = *result.entry->row;
  caller.set_last_row(&row);
  Context ctx = Begin(request.argv, row, caller, reply);
  const int db = caller.db();
  const Effect effect = row.handler(ctx);
  CAIRN_CHECK(effect == Effect::kNone || db == caller.db());
  // What met damage in its first slice is over: Commit replies with the error.
  if (txn_.status().ok()) result.task = std::move(ctx.task);
  if (result.entry->renamed && effect == Effect::kVerbatim) {
    // The stream speaks of commands by their own names.
    std::vector<std::string_view> argv(request.argv.begin(), request.argv.end());
    argv.front() = ContainerName(row.name);
    result.wrote = Commit(effect, {.argv = argv, .raw = {}}, caller, reply, reply_start);
  } else {
    result.wrote = Commit(effect, request, caller, reply, reply_start);
  }
  if (result.task == nullptr) Count(result.entry->index, reply, reply_start);
  return result;
}

Executor::Result Executor::Step(Task& task, const CommandTable::Entry& entry, Caller& caller,
                                const GateState& gates, resp::ReplyWriter& reply, bool* done) {
  const size_t reply_start = reply.size();
  RefreshTime();
  // A task that writes must not go on when its first slices cannot be made lasting.
  const std::string refusal =
      (entry.row->flags & kWrite) != 0 ? WriteRefusal(gates) : std::string();
  if (!refusal.empty()) {
    reply.Error(refusal);
    *done = true;
    Count(entry.index, reply, reply_start);
    return {.entry = &entry, .wrote = false, .task = nullptr};
  }
  Context ctx = Begin({}, *entry.row, caller, reply);
  Result result;
  result.entry = &entry;
  const Effect effect = task.Step(ctx, done);
  CAIRN_CHECK(effect != Effect::kVerbatim);
  const bool damaged = !txn_.status().ok();
  result.wrote = Commit(effect, {}, caller, reply, reply_start);
  if (damaged) *done = true;
  if (*done) Count(entry.index, reply, reply_start);
  return result;
}

bool Executor::Commit(Effect effect, const Request& request, const Caller& caller,
                      resp::ReplyWriter& reply, size_t reply_start) {
  if (!txn_.status().ok()) {
    reply.Rewind(reply_start);
    reply.Error(resp::errors::ReadFailed(base::Message(txn_.status())));
    return false;
  }
  CAIRN_CHECK(txn_.dirty() == (effect != Effect::kNone));
  CAIRN_CHECK((effect == Effect::kWritten) == !effects_.empty());
  if (!txn_.dirty() && txn_.expired().empty()) return false;

  std::string_view verbatim;
  if (effect == Effect::kVerbatim) {
    verbatim = request.raw;
    if (verbatim.empty()) {
      verbatim_.clear();
      AppendCommand(request.argv, &verbatim_);
      verbatim = verbatim_;
    }
  }
  environment_->expired_keys += txn_.expired().size();
  stream_->Append(txn_.expired(), caller.db(), verbatim, effects_);
  txn_.Commit();
  return true;
}

absl::Status Executor::Apply(const Request& request, Caller& caller) {
  CAIRN_CHECK(caller.applies_stream());
  const std::span<const std::string_view> argv = request.argv;
  const CommandTable::Entry* entry = request.entry;
  if (entry == nullptr || entry->row->handler == nullptr || !ArityFits(*entry->row, argv.size())) {
    return base::DataLoss(
        fmt::format("the log holds a request that this server does not know: {} with {} arguments",
                    argv.front().substr(0, 64), argv.size() - 1));
  }
  apply_reply_.clear();
  resp::ReplyWriter reply(apply_reply_);
  Context ctx = Begin(argv, *entry->row, caller, reply);
  entry->row->handler(ctx);
  CAIRN_CHECK(ctx.task == nullptr);
  if (!txn_.status().ok()) return txn_.status();
  if (apply_reply_.starts_with('-')) {
    const std::string_view reply_text = std::string_view(apply_reply_).substr(1);
    return base::DataLoss(fmt::format("the log's {} failed: {}", entry->row->name,
                                      reply_text.substr(0, reply_text.find('\r'))));
  }
  txn_.Commit();
  return absl::OkStatus();
}

absl::StatusOr<size_t> Executor::ExpireDue(size_t limit) {
  keyspace::Keyspace& keyspace = txn_.keyspace();
  if (!active_expire_ || keyspace.next_expiry_ms() > now_ms()) return 0;
  const auto due = keyspace::FindDueKeys(keyspace, now_ms(), limit);
  if (!due.ok()) return due.status();
  if (due->empty()) return 0;
  txn_.Begin(now_ms(), /*decides_expiry=*/true);
  effects_.Clear();
  for (const keyspace::DueKey& key : *due) txn_.Write(key.db, key.user_key);
  if (!txn_.status().ok()) return txn_.status();
  // Every key of the index has a record with just this time; anything else would come back for
  // ever.
  if (txn_.expired().size() != due->size()) {
    return base::DataLoss("the expiry index and the records disagree");
  }
  environment_->expired_keys += due->size();
  stream_->Append(txn_.expired(), 0, {}, effects_);
  txn_.Commit();
  keyspace::NoteDeleted(keyspace, *due);
  return due->size();
}

}  // namespace cairn::exec
