// Frees big things on a thread of its own, so that nobody waits for thousands of pages to go back
// to the system.
//
// Thread: Post from any one; the destructor frees what is left and joins.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace cairn::engine {

class Reaper {
 public:
  Reaper();
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  // Takes over one owner's share of `thing`; it is freed when it is the last.
  void Post(std::shared_ptr<const void> thing);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<const void>> things_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace cairn::engine
