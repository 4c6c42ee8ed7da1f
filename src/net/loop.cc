#include "net/loop.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <utility>

#include <uv.h>

#include "base/check.h"
#include "net/handle_block.h"

namespace cairn::net {
namespace {

// Rounds that Loop::~Loop gives libuv to run the close callbacks: one does, unless a signal that
// was just caught still has to be dispatched.
constexpr int kClosingRounds = 1000;

void CountOpenHandle(uv_handle_t* handle, void* count) {
  if (uv_is_closing(handle) == 0) ++*static_cast<int*>(count);
}

}  // namespace

// ---- Loop

struct Loop::Impl {
  static void OnPrepare(uv_prepare_t* handle) { static_cast<Impl*>(handle->data)->EndTurn(); }

  void EndTurn() {
    const bool more = end_of_turn && end_of_turn();
    if (more == polls_without_waiting) return;
    polls_without_waiting = more;
    // An active idle handle is libuv's way to say that poll must not wait.
    if (more) {
      uv_idle_start(&idle, [](uv_idle_t*) {});
    } else {
      uv_idle_stop(&idle);
    }
  }

  uv_loop_t loop{};
  uv_prepare_t prepare{};
  uv_idle_t idle{};
  bool polls_without_waiting = false;
  std::function<bool()> end_of_turn;
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {
  std::signal(SIGPIPE, SIG_IGN);
  CAIRN_CHECK(uv_loop_init(&impl_->loop) == 0);
  uv_prepare_init(&impl_->loop, &impl_->prepare);
  impl_->prepare.data = impl_.get();
  uv_idle_init(&impl_->loop, &impl_->idle);
  // The prepare handle also keeps Run running when nothing else is open.
  uv_prepare_start(&impl_->prepare, Impl::OnPrepare);
}

Loop::~Loop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&impl_->prepare), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&impl_->idle), nullptr);
  int leaked_objects = 0;
  uv_walk(&impl_->loop, CountOpenHandle, &leaked_objects);
  CAIRN_CHECK(leaked_objects == 0);
  for (int i = 0; i < kClosingRounds && uv_run(&impl_->loop, UV_RUN_NOWAIT) != 0; ++i) {
  }
  CAIRN_CHECK(uv_loop_close(&impl_->loop) == 0);
}

void Loop::Run() {
  uv_run(&impl_->loop, UV_RUN_DEFAULT);
}
void Loop::Stop() {
  uv_stop(&impl_->loop);
}
void Loop::set_end_of_turn(std::function<bool()> callback) {
  impl_->end_of_turn = std::move(callback);
}
uv_loop_s* Loop::raw() const {
  return &impl_->loop;
}

// ---- Timer

struct Timer::Impl : HandleBlock<Timer::Impl, uv_timer_t> {
  std::function<void()> callback;
};

Timer::Timer(Loop& loop, std::function<void()> callback) : impl_(new Impl) {
  impl_->callback = std::move(callback);
  CAIRN_CHECK(uv_timer_init(loop.raw(), impl_->handle()) == 0);
}

Timer::~Timer() {
  impl_->Close();
}

void Timer::Start(uint64_t delay_ms, uint64_t repeat_ms) {
  // libuv counts from the time that it read at the round's beginning. Moving that time forward here
  // (uv_update_time) would make more timers due in the midst of a round that may never end then, so
  // the difference goes into the delay.
  constexpr uint64_t kNsPerMs = 1'000'000;
  const uint64_t now_ms = uv_hrtime() / kNsPerMs;
  const uint64_t round_ms = uv_now(impl_->handle()->loop);
  const uint64_t since_round_ms = now_ms > round_ms ? now_ms - round_ms : 0;
  const int error = uv_timer_start(
      impl_->handle(), [](uv_timer_t* handle) { Impl::Of(handle)->callback(); },
      std::max<uint64_t>(delay_ms, 1) + since_round_ms, repeat_ms);
  CAIRN_CHECK(error == 0);
}

void Timer::Stop() {
  uv_timer_stop(impl_->handle());
}

// ---- Deferred

struct Deferred::Impl : HandleBlock<Deferred::Impl, uv_idle_t> {
  static void OnIdle(uv_idle_t* handle) {
    uv_idle_stop(handle);
    Impl::Of(handle)->callback();
  }

  std::function<void()> callback;
};

Deferred::Deferred(Loop& loop, std::function<void()> callback) : impl_(new Impl) {
  impl_->callback = std::move(callback);
  CAIRN_CHECK(uv_idle_init(loop.raw(), impl_->handle()) == 0);
}

Deferred::~Deferred() {
  impl_->Close();
}
void Deferred::Start() {
  uv_idle_start(impl_->handle(), Impl::OnIdle);
}

// ---- Wakeup

struct Wakeup::Impl : HandleBlock<Wakeup::Impl, uv_async_t> {
  static void OnAsync(uv_async_t* handle) {
    Impl* impl = Impl::Of(handle);
    impl->signalled.exchange(false);
    impl->callback();
  }

  std::function<void()> callback;
  // uv_async_send joins signals by a plain read, which orders nothing: a second thread could find
  // the first one's signal pending while its own earlier writes are not visible yet to the callback
  // about to run. An exchange orders them.
  std::atomic<bool> signalled = false;
};

Wakeup::Wakeup(Loop& loop, std::function<void()> callback) : impl_(new Impl) {
  impl_->callback = std::move(callback);
  CAIRN_CHECK(uv_async_init(loop.raw(), impl_->handle(), Impl::OnAsync) == 0);
}

Wakeup::~Wakeup() {
  impl_->Close();
}

void Wakeup::Signal() {
  if (impl_->signalled.exchange(true)) return;
  uv_async_send(impl_->handle());
}

// ---- SignalWatcher

struct SignalWatcher::Impl : HandleBlock<SignalWatcher::Impl, uv_signal_t> {
  static void OnSignal(uv_signal_t* handle, int /*signal_number*/) { Impl::Of(handle)->callback(); }

  std::function<void()> callback;
};

SignalWatcher::SignalWatcher(Loop& loop, int signal_number, std::function<void()> callback)
    : impl_(new Impl) {
  impl_->callback = std::move(callback);
  CAIRN_CHECK(uv_signal_init(loop.raw(), impl_->handle()) == 0);
  CAIRN_CHECK(uv_signal_start(impl_->handle(), Impl::OnSignal, signal_number) == 0);
}

SignalWatcher::~SignalWatcher() {
  impl_->Close();
}

}  // namespace cairn::net
