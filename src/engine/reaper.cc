#include "engine/reaper.h"

#include <utility>

namespace cairn::engine {

Reaper::Reaper() : thread_([this] { Run(); }) {}

Reaper::~Reaper() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Reaper::Post(std::shared_ptr<const void> thing) {
  {
    const std::lock_guard lock(mutex_);
    things_.push_back(std::move(thing));
  }
  wake_.notify_one();
}

void Reaper::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !things_.empty(); });
    if (things_.empty()) return;
    auto things = std::exchange(things_, {});
    lock.unlock();
    things.clear();
    lock.lock();
  }
}

}  // namespace cairn::engine
