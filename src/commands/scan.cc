// SCAN, KEYS and RANDOMKEY: walks over key names, in byte order.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "commands/families.h"
#include "commands/filter.h"
#include "exec/args.h"
#include "exec/context.h"
#include "keyspace/random_key.h"
#include "keyspace/range.h"
#include "resp/errors.h"

namespace cairn::commands {
namespace {

using exec::Args;
using exec::Context;
using exec::Effect;
using keyspace::Bound;
using keyspace::RangeWalk;

constexpr int64_t kDefaultCount = 10;
// COUNT is a hint; a larger one is cut so that one call never holds up the others.
constexpr int64_t kMaxCount = 20'000;

struct ScanOptions {
  KeyFilter filter;
  int64_t count = kDefaultCount;
};

ScanOptions ParseScan(Args& args) {
  ScanOptions options;
  while (args.More()) {
    if (args.TakeWith("COUNT", 1)) {
      options.count = args.Int();
      if (args.ok() && options.count < 1) args.Syntax();
    } else if (args.TakeWith("MATCH", 1)) {
      options.filter.set_pattern(args.Next());
    } else if (args.TakeWith("TYPE", 1)) {
      options.filter.set_type(args.Next());
    } else {
      args.Syntax();
    }
  }
  options.count = std::min(options.count, kMaxCount);
  return options;
}

// A cursor as Redis reads it: no digits at all are 0, and zeros may lead.
std::optional<uint64_t> ParseCursor(std::string_view text) {
  const size_t digits = text.find_first_not_of('0');
  if (digits == std::string_view::npos) return 0;
  return base::ParseUint64(text.substr(digits));
}

Effect Scan(Context& ctx) {
  const auto cursor = ParseCursor(ctx.argv[1]);
  if (!cursor) return ctx.Fail(resp::errors::kInvalidCursor);
  Args args(ctx.argv, 2);
  const ScanOptions options = ParseScan(args);
  if (!args.ok()) return args.Reply(ctx);
  Bound min{.kind = Bound::Kind::kMin, .key = {}};
  Bound max{.kind = Bound::Kind::kMax, .key = {}};
  if (*cursor != 0) {
    auto position = ctx.env.scan_cursors->Find(ctx.db(), *cursor);
    if (!position) return ctx.Fail(resp::errors::kUnknownCursor);
    min = {.kind = Bound::Kind::kExclusive, .key = *std::move(position)};
  }
  options.filter.Narrow(&min, &max);

  std::string last;
  std::vector<std::string> keys;
  const auto count = static_cast<uint64_t>(options.count);
  RangeWalk walk(ctx.txn, ctx.db(), std::move(min), std::move(max), /*reverse=*/false,
                 std::max(count + 1, kSliceSteps));
  for (uint64_t seen = 0; walk.Valid() && seen < count; ++seen) {
    last.assign(walk.user_key());
    if (options.filter.Matches(last, walk.value())) keys.push_back(last);
    walk.Next();
  }
  // A page may well be empty, when all that it came to is deleted or has expired.
  if (walk.paused()) last = walk.paused_at();
  const bool more = walk.Valid() || walk.paused();
  const uint64_t next = more ? ctx.env.scan_cursors->Add(ctx.db(), std::move(last)) : 0;
  ctx.reply.Array(2);
  ctx.reply.Bulk(base::IntegerText(next).view());
  ctx.reply.Array(keys.size());
  for (const std::string& key : keys) ctx.reply.Bulk(key);
  return Effect::kNone;
}

// KEYS walks in slices, and replies when it has seen all.
class KeysTask final : public exec::Task {
 public:
  KeysTask(std::string_view pattern, int db) : db_(db) {
    filter_.set_pattern(pattern);
    filter_.Narrow(&min_, &max_);
  }

  Effect Step(Context& ctx, bool* done) override {
    resp::ReplyWriter body(body_);
    RangeWalk walk(ctx.txn, db_, min_, max_, /*reverse=*/false, kSliceSteps);
    for (; walk.Valid(); walk.Next()) {
      if (!filter_.Matches(walk.user_key(), walk.value())) continue;
      body.Bulk(walk.user_key());
      ++found_;
    }
    if (walk.paused()) {
      min_ = {.kind = Bound::Kind::kExclusive, .key = walk.paused_at()};
      return Effect::kNone;
    }
    ctx.reply.Array(found_);
    ctx.reply.Raw(body_);
    *done = true;
    return Effect::kNone;
  }

 private:
  int db_;
  KeyFilter filter_;
  Bound min_{.kind = Bound::Kind::kMin, .key = {}};
  Bound max_{.kind = Bound::Kind::kMax, .key = {}};
  std::string body_;  // the keys found so far, as RESP
  size_t found_ = 0;
};

Effect Keys(Context& ctx) {
  return exec::RunSliced(ctx, std::make_unique<KeysTask>(ctx.argv[1], ctx.db()));
}

// What is left to RANDOMKEY when a draw meets none but dead keys: the first one that is alive.
class FirstKeyTask final : public exec::Task {
 public:
  FirstKeyTask(int db, std::string behind) : db_(db), behind_(std::move(behind)) {}

  Effect Step(Context& ctx, bool* done) override {
    const RangeWalk walk(ctx.txn, db_, {.kind = Bound::Kind::kExclusive, .key = behind_},
                         {.kind = Bound::Kind::kMax, .key = {}}, /*reverse=*/false, kSliceSteps);
    if (walk.paused()) {
      behind_ = walk.paused_at();
      return Effect::kNone;
    }
    if (walk.Valid()) {
      ctx.reply.Bulk(walk.user_key());
    } else {
      ctx.reply.Null();
    }
    *done = true;
    return Effect::kNone;
  }

 private:
  int db_;
  std::string behind_;
};

Effect RandomKey(Context& ctx) {
  auto drawn = keyspace::RandomKey(ctx.txn, ctx.db(), ctx.env.random->Next());
  if (drawn.searched_to) {
    return exec::RunSliced(ctx,
                           std::make_unique<FirstKeyTask>(ctx.db(), *std::move(drawn.searched_to)));
  }
  if (drawn.key) {
    ctx.reply.Bulk(*drawn.key);
  } else {
    ctx.reply.Null();
  }
  return Effect::kNone;
}

constexpr uint32_t kKeyspace = exec::kCatKeyspace;

constexpr exec::CommandRow kRows[] = {
    {.name = "scan",
     .arity = -2,
     .flags = exec::kReadonly,
     .handler = Scan,
     .categories = kKeyspace,
     .group = "generic",
     .since = "2.8.0",
     .complexity = "O(COUNT) a call; a whole iteration costs the keys that the pattern's literal "
                   "prefix selects",
     .summary = "Walks over the keys of the database in byte order, some a call",
     .history = "6.0.0 TYPE",
     .syntax = "cursor [MATCH pattern] [COUNT count] [TYPE type]",
     .tips = "nondeterministic_output request_policy:special",
     .examples = "MSET a 1 b 2\nSCAN 0"},
    {.name = "keys",
     .arity = 2,
     .flags = exec::kReadonly,
     .handler = Keys,
     .categories = kKeyspace | exec::kCatDangerous,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(N), N = the keys that the pattern's literal prefix selects; done in slices",
     .summary = "Returns all keys that match a pattern, in byte order",
     .syntax = "pattern",
     .tips = "request_policy:all_shards nondeterministic_output_order",
     .examples = "MSET a 1 b 2\nKEYS *"},
    {.name = "randomkey",
     .arity = 1,
     .flags = exec::kReadonly,
     .handler = RandomKey,
     .categories = kKeyspace,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(log N)",
     .summary = "Returns some key of the database",
     .tips = "request_policy:all_shards nondeterministic_output",
     .examples = "SET a 1\nRANDOMKEY"},
};

}  // namespace

exec::RowTable ScanCommands() {
  return kRows;
}

}  // namespace cairn::commands
