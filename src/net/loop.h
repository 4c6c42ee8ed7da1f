// The event loop, its timers, and the ways into it from outside, over libuv.
//
// One Loop, one thread: everything in net/ must be used on the thread that calls Run, except
// Wakeup::Signal. Callbacks come from inside Run; an object may be destroyed from its own callback,
// and is never called after its destruction. libuv closes handles later than their owners die, so
// each handle lives in a small heap block of its own that frees itself; nothing of that shows
// outside. What is created with a Loop must be destroyed before it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

struct uv_loop_s;

namespace cairn::net {

class Loop {
 public:
  // Also sets SIGPIPE to be ignored for the process: a write to a closed socket is an error to
  // handle, not a reason to die. A kernel that gives no descriptors for the loop itself fails a
  // CHECK: a process can do nothing without it.
  Loop();
  // REQUIRES (checked): all timers, wakeups, watchers, listeners and connections are gone. Their
  // handles are closed here.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until Stop. Each round: timers, deferred calls, `end_of_turn`, then waiting for and
  // handling input and output.
  void Run();
  // Ends Run with the round that is under way; without a Run under way the next one returns at
  // once. The callbacks of that round have come, but no further `end_of_turn`: what it would have
  // done is the caller's to do after Run.
  void Stop();

  // Called once a round, right before the loop would wait: everything that the round's callbacks
  // produced is acted upon here (server/turn). When it returns true there is more work to do at
  // once, so the loop polls without waiting. Not to be set from inside itself.
  void set_end_of_turn(std::function<bool()> callback);

  [[nodiscard]] uv_loop_s* raw() const;  // for net/ only

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Calls back after a delay, once or repeatedly, until it is stopped or destroyed. Milliseconds of a
// monotonic clock that is read once a round; callbacks come late when the loop is busy, missed
// repetitions are not made up for.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  // Counts from this moment (not from the round's beginning). `repeat_ms` 0 = once. A running timer
  // is started anew. A delay of 0 counts as 1, so that a timer which starts itself again leaves
  // room for input and output.
  void Start(uint64_t delay_ms, uint64_t repeat_ms);
  void Stop();

 private:
  struct Impl;
  Impl* impl_;
};

// Calls back once, as soon as the code that asks for it has returned to the loop: in the next
// round, before its end_of_turn, and without waiting in between. For what must not happen inside
// the call that causes it.
class Deferred {
 public:
  Deferred(Loop& loop, std::function<void()> callback);
  ~Deferred();
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  // Asking again before the callback has run changes nothing.
  void Start();

 private:
  struct Impl;
  Impl* impl_;
};

// Lets another thread wake the loop. Signals that come before the callback has run are joined. What
// a thread wrote before it called Signal is visible to the callback that follows.
class Wakeup {
 public:
  Wakeup(Loop& loop, std::function<void()> callback);
  ~Wakeup();  // REQUIRES: no Signal is under way or comes later
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  void Signal();  // any thread; async-signal-safe

 private:
  struct Impl;
  Impl* impl_;
};

// Calls back on the loop when the process gets a signal (SIGTERM, SIGHUP, ...). Several watchers
// may share a signal; when the last one is gone the signal has its default action again.
class SignalWatcher {
 public:
  // REQUIRES: `signal_number` can be caught.
  SignalWatcher(Loop& loop, int signal_number, std::function<void()> callback);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  struct Impl;
  Impl* impl_;
};

}  // namespace cairn::net
