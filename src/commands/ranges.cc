// Cairn's extension: ranges of keys, read, counted and deleted in byte order.
//
//   SCANRANGE min max [REV] [LIMIT n] [MATCH pattern] [TYPE type] [WITHVALUES] -> [next, items]
//   COUNTRANGE min max -> integer
//   DELRANGE min max [LIMIT n] -> integer
//
// Bounds are those of ZRANGEBYLEX: `-`, `+`, `[key`, `(key`. `next` is the bound with which to go
// on (the new `min`, with REV the new `max`), an empty string at the end. It is a key, not a number
// that a server remembers, so it outlives restarts.
//
// All three work in slices of about a millisecond, so a long range makes nobody else wait. A range
// read therefore sees each key as it is when the walk comes to it.
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "commands/families.h"
#include "commands/filter.h"
#include "exec/args.h"
#include "exec/context.h"
#include "keyspace/range.h"
#include "resp/errors.h"

namespace cairn::commands {
namespace {

using exec::Args;
using exec::Context;
using exec::Effect;
using keyspace::Bound;
using keyspace::RangeWalk;

constexpr int64_t kDefaultLimit = 1000;
// A page also ends when its items have grown past this, so that big values do not pile up in
// memory.
constexpr size_t kMaxPageBytes = 32ULL << 20;
// Keys that DELRANGE deletes in one slice: one DEL in the stream.
constexpr size_t kDeleteSlice = 512;

// A range in progress: it narrows from the side where the walk is.
struct Range {
  int db = 0;
  Bound min;
  Bound max;
  bool reverse = false;

  // A slice of it.
  RangeWalk Walk(Context& ctx) const { return {ctx.txn, db, min, max, reverse, kSliceSteps}; }
  // The next walk begins behind `key`.
  void ContinueBehind(std::string_view key) {
    (reverse ? max : min) = {.kind = Bound::Kind::kExclusive, .key = std::string(key)};
  }
  [[nodiscard]] const Bound& near_end() const { return reverse ? max : min; }
};

std::optional<Range> ParseRange(Context& ctx) {
  auto min = Bound::Parse(ctx.argv[1]);
  auto max = Bound::Parse(ctx.argv[2]);
  if (!min || !max) {
    ctx.Fail(resp::errors::kNotValidMinMaxString);
    return std::nullopt;
  }
  return Range{.db = ctx.db(), .min = *std::move(min), .max = *std::move(max), .reverse = false};
}

class ScanRangeTask final : public exec::Task {
 public:
  ScanRangeTask(Range range, KeyFilter filter, int64_t limit, bool with_values, bool resp3)
      : range_(std::move(range)),
        filter_(std::move(filter)),
        limit_(static_cast<size_t>(limit)),
        with_values_(with_values),
        nested_(with_values && resp3) {
    filter_.Narrow(&range_.min, &range_.max);
  }

  Effect Step(Context& ctx, bool* done) override {
    RangeWalk walk = range_.Walk(ctx);
    for (; walk.Valid(); walk.Next()) {
      // The page is full; that there is more is what `next` says.
      if (found_ == limit_ || body_.size() > kMaxPageBytes) {
        *done = true;
        Reply(ctx, range_.near_end().Format());
        return Effect::kNone;
      }
      if (!filter_.Matches(walk.user_key(), walk.value())) continue;
      range_.ContinueBehind(walk.user_key());
      AddItem(walk);
    }
    if (walk.paused()) {
      range_.ContinueBehind(walk.paused_at());
      return Effect::kNone;
    }
    *done = true;
    Reply(ctx, {});
    return Effect::kNone;
  }

 private:
  void AddItem(const RangeWalk& walk) {
    resp::ReplyWriter body(body_);
    if (nested_) body.Array(2);
    body.Bulk(walk.user_key());
    if (with_values_) body.Bulk(walk.value().payload);
    ++found_;
  }

  void Reply(Context& ctx, std::string_view next) {
    ctx.reply.Array(2);
    ctx.reply.Bulk(next);
    ctx.reply.Array(with_values_ && !nested_ ? found_ * 2 : found_);
    ctx.reply.Raw(body_);
  }

  Range range_;
  KeyFilter filter_;
  size_t limit_;
  bool with_values_;
  bool nested_;
  std::string body_;  // the items found so far, as RESP
  size_t found_ = 0;
};

int64_t TakeLimit(Args& args) {
  return args.Int(1, std::numeric_limits<int64_t>::max(), resp::errors::kNumericOutOfRange);
}

Effect ScanRange(Context& ctx) {
  auto range = ParseRange(ctx);
  if (!range) return Effect::kNone;
  KeyFilter filter;
  int64_t limit = kDefaultLimit;
  bool with_values = false;
  Args args(ctx.argv, 3);
  while (args.More()) {
    if (args.Take("REV")) {
      range->reverse = true;
    } else if (args.Take("WITHVALUES")) {
      with_values = true;
    } else if (args.TakeWith("LIMIT", 1)) {
      limit = TakeLimit(args);
    } else if (args.TakeWith("MATCH", 1)) {
      filter.set_pattern(args.Next());
    } else if (args.TakeWith("TYPE", 1)) {
      filter.set_type(args.Next());
    } else {
      args.Syntax();
    }
  }
  if (!args.ok()) return args.Reply(ctx);
  return exec::RunSliced(
      ctx, std::make_unique<ScanRangeTask>(*std::move(range), std::move(filter), limit, with_values,
                                           ctx.reply.resp3()));
}

class CountRangeTask final : public exec::Task {
 public:
  explicit CountRangeTask(Range range) : range_(std::move(range)) {}

  Effect Step(Context& ctx, bool* done) override {
    RangeWalk walk = range_.Walk(ctx);
    for (; walk.Valid(); walk.Next()) ++count_;
    if (walk.paused()) {
      range_.ContinueBehind(walk.paused_at());
      return Effect::kNone;
    }
    *done = true;
    ctx.reply.Integer(count_);
    return Effect::kNone;
  }

 private:
  Range range_;
  int64_t count_ = 0;
};

Effect CountRange(Context& ctx) {
  auto range = ParseRange(ctx);
  if (!range) return Effect::kNone;
  return exec::RunSliced(ctx, std::make_unique<CountRangeTask>(*std::move(range)));
}

class DelRangeTask final : public exec::Task {
 public:
  DelRangeTask(Range range, int64_t limit) : range_(std::move(range)), left_(limit) {}

  Effect Step(Context& ctx, bool* done) override {
    std::vector<std::string> keys;
    {
      RangeWalk walk = range_.Walk(ctx);
      while (walk.Valid() && keys.size() < kDeleteSlice && left_ > 0) {
        keys.emplace_back(walk.user_key());
        --left_;
        walk.Next();
      }
      *done = (!walk.Valid() && !walk.paused()) || left_ == 0;
      if (!keys.empty()) range_.ContinueBehind(keys.back());
      if (walk.paused()) range_.ContinueBehind(walk.paused_at());
    }
    const Effect effect = Delete(ctx, std::move(keys));
    if (*done) ctx.reply.Integer(deleted_);
    return effect;
  }

 private:
  Effect Delete(Context& ctx, std::vector<std::string> keys) {
    if (keys.empty()) return Effect::kNone;
    deleted_ += static_cast<int64_t>(keys.size());
    std::vector<std::string_view> command = {"DEL"};
    for (std::string& key : keys) {
      const std::string_view owned = ctx.txn.Own(std::move(key));
      keyspace::Slot& slot = ctx.txn.Write(range_.db, owned);
      if (!slot.exists()) {
        // A walk looks at less of a record than a lookup does, so damage may show only here.
        ctx.txn.Fail(absl::DataLossError("a key that a walk met is not found by its name"));
        return Effect::kNone;
      }
      ctx.txn.Delete(slot);
      command.push_back(owned);
    }
    ctx.effects.Add(range_.db, command);
    return Effect::kWritten;
  }

  Range range_;
  int64_t left_;
  int64_t deleted_ = 0;
};

Effect DelRange(Context& ctx) {
  auto range = ParseRange(ctx);
  if (!range) return Effect::kNone;
  int64_t limit = std::numeric_limits<int64_t>::max();
  Args args(ctx.argv, 3);
  while (args.More()) {
    if (args.TakeWith("LIMIT", 1)) {
      limit = TakeLimit(args);
    } else {
      args.Syntax();
    }
  }
  if (!args.ok()) return args.Reply(ctx);
  return exec::RunSliced(ctx, std::make_unique<DelRangeTask>(*std::move(range), limit));
}

constexpr uint32_t kKeyspace = exec::kCatKeyspace;

constexpr exec::CommandRow kRows[] = {
    {.name = "scanrange",
     .arity = -3,
     .flags = exec::kReadonly,
     .handler = ScanRange,
     .categories = kKeyspace,
     .group = "range",
     .since = "0.1.0",
     .complexity = "O(log N + M), M = the keys looked at; done in slices",
     .summary = "Returns a page of the keys between two bounds in byte order, and the bound with "
                "which to go on",
     .syntax = "min max [REV] [LIMIT limit] [MATCH pattern] [TYPE type] [WITHVALUES]",
     .tips = "request_policy:special",
     .examples = "MSET a 1 b 2 c 3\nSCANRANGE - + LIMIT 2\nSCANRANGE [b + WITHVALUES"},
    {.name = "countrange",
     .arity = 3,
     .flags = exec::kReadonly,
     .handler = CountRange,
     .categories = kKeyspace,
     .group = "range",
     .since = "0.1.0",
     .complexity = "O(log N + M), M = the keys counted; done in slices",
     .summary = "Counts the keys between two bounds",
     .syntax = "min max",
     .tips = "request_policy:all_shards response_policy:agg_sum",
     .examples = "MSET a 1 b 2 c 3\nCOUNTRANGE (a +"},
    {.name = "delrange",
     .arity = -3,
     .flags = exec::kWrite,
     .handler = DelRange,
     .categories = kKeyspace | exec::kCatDangerous,
     .group = "range",
     .since = "0.1.0",
     .complexity = "O(log N + M), M = the keys deleted; done in slices",
     .summary =
         "Deletes the keys between two bounds, the lowest first, and returns how many there were",
     .syntax = "min max [LIMIT limit]",
     .tips = "request_policy:all_shards response_policy:agg_sum",
     .examples = "MSET a 1 b 2 c 3 d 4\nDELRANGE [b (d\nDELRANGE - + LIMIT 1"},
};

}  // namespace

exec::RowTable RangeCommands() {
  return kRows;
}

}  // namespace cairn::commands
