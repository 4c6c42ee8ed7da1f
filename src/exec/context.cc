#include "exec/context.h"

#include <utility>

namespace cairn::exec {

keyspace::Value Context::PeekKey(std::string_view key) {
  const keyspace::Value value = txn.Read(caller.db(), key);
  ++(value.exists() ? env.keyspace_hits : env.keyspace_misses);
  return value;
}

keyspace::Value Context::ReadKey(std::string_view key) {
  const keyspace::Value value = PeekKey(key);
  if (!caller.no_touch()) env.access_clock->Touch(txn.last_hash(), now_ms());
  return value;
}

keyspace::Slot& Context::WriteKey(std::string_view key) {
  keyspace::Slot& slot = txn.Write(caller.db(), key);
  env.access_clock->Touch(txn.last_hash(), now_ms());
  return slot;
}

Effect RunSliced(Context& ctx, std::unique_ptr<Task> task) {
  bool done = false;
  const Effect effect = task->Step(ctx, &done);
  if (!done) ctx.task = std::move(task);
  return effect;
}

}  // namespace cairn::exec
