// What a handler gets: the request, the keys, the reply, and what it may know of its caller and its
// surroundings.
//
// Lives for one run of one handler, on the loop thread. Time and randomness enter here, once per
// command, so that everything a handler decides can be decided again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/random.h"
#include "exec/effects.h"
#include "exec/row.h"
#include "keyspace/scan_cursors.h"
#include "keyspace/txn.h"
#include "resp/reply_writer.h"

namespace cairn::exec {

class CommandTable;

// What a command may know of the one who sent it: a client's session, the replayed log, later a
// primary or a script. Rooms above derive from it.
class Caller {
 public:
  virtual ~Caller() = default;
  [[nodiscard]] int db() const { return db_; }
  void set_db(int db) { db_ = db; }
  [[nodiscard]] bool authenticated() const { return authenticated_; }
  void set_authenticated(bool value) { authenticated_ = value; }
  // True when the command comes from the stream: no gate applies, no clock decides, nothing is
  // appended.
  [[nodiscard]] virtual bool applies_stream() const { return false; }
  // CLIENT NO-TOUCH: reads leave the access clock alone.
  [[nodiscard]] virtual bool no_touch() const { return false; }

  // The row of the command that runs, or ran last; null before the first.
  [[nodiscard]] const CommandRow* last_row() const { return last_row_; }
  void set_last_row(const CommandRow* row) { last_row_ = row; }

 private:
  int db_ = 0;
  bool authenticated_ = true;
  const CommandRow* last_row_ = nullptr;
};

// Work that is too long for one turn (see RunSliced). Each Step is a command of its own to the
// keys: it sees the state of its time.
class Task {
 public:
  virtual ~Task() = default;
  // Does one slice and returns what it means for the stream; sets `*done` when the reply is
  // complete. The Context's argv is empty: a task keeps what it needs.
  virtual Effect Step(Context& ctx, bool* done) = 0;
};

// When each key was last used, roughly: one clock per hash bucket. It serves OBJECT IDLETIME;
// another key of the bucket can make the idle time look shorter.
class AccessClock {
 public:
  void Touch(uint64_t hash, int64_t now_ms) {
    seconds_[hash % kBuckets] = static_cast<uint32_t>(now_ms / 1000);
  }
  [[nodiscard]] int64_t IdleSeconds(uint64_t hash, int64_t now_ms, int64_t start_ms) const {
    const int64_t last = seconds_[hash % kBuckets];
    return (last == 0 ? now_ms - start_ms : now_ms - last * 1000) / 1000;
  }

 private:
  static constexpr size_t kBuckets = 1U << 16;
  std::unique_ptr<uint32_t[]> seconds_ = std::make_unique<uint32_t[]>(kBuckets);
};

// What handlers share, owned by the composition root. Limits follow the configuration.
struct Environment {
  uint64_t max_string_bytes = 512ULL << 20;  // proto-max-bulk-len
  const CommandTable* table = nullptr;
  keyspace::ScanCursors* scan_cursors = nullptr;
  AccessClock* access_clock = nullptr;
  base::Random* random = nullptr;
  int64_t start_ms = 0;
  // Cumulative, for INFO.
  uint64_t keyspace_hits = 0;
  uint64_t keyspace_misses = 0;
  uint64_t expired_keys = 0;
};

struct Context {
  std::span<const std::string_view> argv;
  const CommandRow& row;
  Caller& caller;
  keyspace::Txn& txn;
  resp::ReplyWriter& reply;
  Effects& effects;
  Environment& env;
  int64_t now_us;  // wall time, Unix microseconds
  // Set by a handler that cannot finish in one turn; its reply is then the task's business.
  std::unique_ptr<Task> task;

  [[nodiscard]] int64_t now_ms() const { return now_us / 1000; }
  [[nodiscard]] int db() const { return caller.db(); }
  // Lookups in the caller's database. ReadKey and PeekKey count hits and misses, as Redis does for
  // commands that read; ReadKey and WriteKey mark the key as used.
  keyspace::Value ReadKey(std::string_view key);
  keyspace::Value PeekKey(std::string_view key);
  keyspace::Slot& WriteKey(std::string_view key);
  // Replies with an error; for `return ctx.Fail(...)`.
  Effect Fail(std::string_view error) {
    reply.Error(error);
    return Effect::kNone;
  }
};

// Runs a task's first slice at once; what is left goes on in later turns. For a handler's last
// line.
Effect RunSliced(Context& ctx, std::unique_ptr<Task> task);

}  // namespace cairn::exec
