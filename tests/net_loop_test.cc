#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "net/loop.h"
#include "net_testing.h"

namespace cairn::net {
namespace {

using testing::ElementsAre;

TEST(LoopTest, StopEndsRunAndRunCanBeCalledAgain) {
  LoopRunner runner;
  int runs = 0;
  runner.RunUntil([&runs] { return ++runs == 1; });
  runner.RunUntil([&runs] { return ++runs == 2; });
  EXPECT_EQ(runs, 2);
}

TEST(LoopRunnerTest, AClientThatWaitsForEverIsAFailureAndNoHang) {
  std::string received = "nothing yet";
  std::string received_afterwards = "nothing yet";
  const auto run = [&] {
    LoopRunner runner(/*watchdog_ms=*/20);
    const RecordingServer server(runner.loop);
    runner.RunWith([&] {
      received = Client::Tcp(server.port()).ReceiveExactly(1);
      received_afterwards = Client::Tcp(server.port()).ReceiveExactly(1);
    });
  };
  EXPECT_NONFATAL_FAILURE(run(), "the condition never held");
  EXPECT_EQ(received, "");
  EXPECT_EQ(received_afterwards, "");
}

TEST(LoopTest, SigpipeIsIgnored) {
  Loop loop;
  struct sigaction action {};
  sigaction(SIGPIPE, nullptr, &action);
  EXPECT_EQ(action.sa_handler, SIG_IGN);
}

TEST(LoopTest, EndOfTurnThatHasMoreToDoIsCalledAgainWithoutAnyEvent) {
  // Nothing else is going on in this loop: without the "more" answer it would wait for ever after
  // the first round.
  Loop loop;
  int turns = 0;
  loop.set_end_of_turn([&] {
    if (++turns == 1000) loop.Stop();
    return turns < 1000;
  });
  loop.Run();
  EXPECT_EQ(turns, 1000);
}

TEST(LoopTest, EndOfTurnThatIsDoneLetsTheLoopWait) {
  Loop loop;
  int turns = 0;
  bool more = true;
  loop.set_end_of_turn([&] {
    ++turns;
    const bool answer = more;
    more = false;
    return answer;
  });
  Timer stop(loop, [&] { loop.Stop(); });
  stop.Start(200, 0);
  loop.Run();
  // First round (more), second round (waits for the timer), the timer's round. A loop that spins
  // makes many thousands.
  EXPECT_GE(turns, 2);
  EXPECT_LE(turns, 10);
}

TEST(LoopTest, EndOfTurnComesAfterTheRoundsTimersAndDeferredCalls) {
  Loop loop;
  std::vector<std::string> order;
  Deferred deferred(loop, [&] { order.emplace_back("deferred"); });
  Timer timer(loop, [&] {
    order.emplace_back("timer");
    deferred.Start();
  });
  timer.Start(1, 0);
  loop.set_end_of_turn([&] {
    if (!order.empty()) {
      order.emplace_back("end");
      loop.Stop();
    }
    return false;
  });
  loop.Run();
  EXPECT_THAT(order, ElementsAre("timer", "deferred", "end"));
}

TEST(LoopDeathTest, AnObjectThatOutlivesTheLoopFailsACheck) {
  EXPECT_DEATH(
      {
        auto loop = std::make_unique<Loop>();
        Timer timer(*loop, [] {});
        loop.reset();
      },
      "check failed");
}

TEST(TimerTest, FiresInTheOrderOfTheDelays) {
  LoopRunner runner;
  std::vector<int> order;
  Timer late(runner.loop, [&] { order.push_back(30); });
  Timer early(runner.loop, [&] { order.push_back(5); });
  Timer middle(runner.loop, [&] { order.push_back(15); });
  late.Start(30, 0);
  early.Start(5, 0);
  middle.Start(15, 0);
  runner.RunUntil([&] { return order.size() == 3; });
  EXPECT_THAT(order, ElementsAre(5, 15, 30));
}

TEST(TimerTest, RepeatsUntilItIsStoppedFromItsCallback) {
  LoopRunner runner;
  int calls = 0;
  Timer repeating(runner.loop, [&] {
    if (++calls == 3) repeating.Stop();
  });
  repeating.Start(1, 1);
  runner.RunUntil([&] { return calls == 3; });
  bool later = false;
  Timer after(runner.loop, [&] { later = true; });
  after.Start(20, 0);
  runner.RunUntil([&] { return later; });
  EXPECT_EQ(calls, 3);
}

TEST(TimerTest, StartingAgainReplacesTheFormerDelay) {
  LoopRunner runner;
  int calls = 0;
  Timer timer(runner.loop, [&] { ++calls; });
  timer.Start(60'000, 0);
  timer.Start(1, 0);
  runner.RunUntil([&] { return calls == 1; });
  EXPECT_EQ(calls, 1);
}

TEST(TimerTest, StoppedAndDestroyedTimersNeverFire) {
  LoopRunner runner;
  bool fired = false;
  bool passed = false;
  Timer stopped(runner.loop, [&] { fired = true; });
  auto destroyed = std::make_unique<Timer>(runner.loop, [&] { fired = true; });
  Timer after(runner.loop, [&] { passed = true; });
  stopped.Start(1, 0);
  destroyed->Start(1, 0);
  after.Start(10, 0);
  stopped.Stop();
  destroyed.reset();
  runner.RunUntil([&] { return passed; });
  EXPECT_FALSE(fired);
}

TEST(TimerTest, MayBeDestroyedFromItsCallback) {
  LoopRunner runner;
  bool fired = false;
  std::unique_ptr<Timer> timer;
  auto captured = std::make_shared<std::string>("lives until the callback has returned");
  timer = std::make_unique<Timer>(runner.loop, [&fired, &timer, captured] {
    timer.reset();
    EXPECT_EQ(*captured, "lives until the callback has returned");
    fired = true;
  });
  captured.reset();
  timer->Start(1, 1);
  runner.RunUntil([&] { return fired; });
}

TEST(TimerTest, RestartingItselfWithoutDelayLeavesRoomForTheRestOfTheLoop) {
  LoopRunner runner;
  int calls = 0;
  Timer again(runner.loop, [&] {
    ++calls;
    again.Start(0, 0);
  });
  again.Start(0, 0);
  runner.RunUntil([&] {
    EXPECT_LE(calls, runner.rounds);
    return calls >= 3;
  });
}

TEST(DeferredTest, RunsOnceInTheNextRoundHoweverOftenItIsAskedFor) {
  LoopRunner runner;
  int calls = 0;
  bool passed = false;
  Deferred deferred(runner.loop, [&] { ++calls; });
  deferred.Start();
  deferred.Start();
  EXPECT_EQ(calls, 0);
  runner.RunUntil([&] { return calls == 1; });
  Timer after(runner.loop, [&] { passed = true; });
  after.Start(10, 0);
  runner.RunUntil([&] { return passed; });
  EXPECT_EQ(calls, 1);
}

TEST(DeferredTest, AskedForInEndOfTurnItRunsWithoutAnyEvent) {
  Loop loop;
  int calls = 0;
  Deferred deferred(loop, [&] {
    if (++calls == 3) loop.Stop();
  });
  loop.set_end_of_turn([&] {
    deferred.Start();
    return false;
  });
  loop.Run();
  EXPECT_EQ(calls, 3);
}

TEST(DeferredTest, MayBeDestroyedFromItsCallbackAndBeforeIt) {
  LoopRunner runner;
  int calls = 0;
  std::unique_ptr<Deferred> first;
  auto second = std::make_unique<Deferred>(runner.loop, [&] { ++calls; });
  first = std::make_unique<Deferred>(runner.loop, [&] {
    first.reset();
    ++calls;
  });
  first->Start();
  second->Start();
  second.reset();
  runner.RunUntil([&] { return calls > 0; });
  runner.RunIdle();
  EXPECT_EQ(calls, 1);
}

TEST(WakeupTest, NoSignalOfManyThreadsIsLost) {
  constexpr int kThreads = 4;
  constexpr int kSignals = 20'000;
  LoopRunner runner;
  std::vector<std::atomic<int>> written(kThreads);
  int seen = 0;
  int calls = 0;
  Wakeup wakeup(runner.loop, [&] {
    ++calls;
    seen = 0;
    for (const std::atomic<int>& count : written) seen += count.load(std::memory_order_relaxed);
  });
  std::vector<std::thread> threads;
  for (std::atomic<int>& count : written) {
    threads.emplace_back([&count, &wakeup] {
      for (int i = 1; i <= kSignals; ++i) {
        count.store(i, std::memory_order_relaxed);
        wakeup.Signal();
      }
    });
  }
  // A callback must follow each thread's last signal and see what it wrote before.
  runner.RunUntil([&] { return seen == kThreads * kSignals; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(calls, kThreads * kSignals);
}

TEST(WakeupTest, PlainWritesBeforeASignalAreVisibleToTheCallback) {
  LoopRunner runner;
  int value = 0;  // not atomic: ThreadSanitizer judges
  int seen = 0;
  Wakeup wakeup(runner.loop, [&] { seen = value; });
  std::thread thread([&] {
    value = 42;
    wakeup.Signal();
  });
  runner.RunUntil([&] { return seen == 42; });
  thread.join();
}

TEST(WakeupTest, ASignalThatComesDuringTheCallbackBringsAnother) {
  LoopRunner runner;
  int calls = 0;
  Wakeup wakeup(runner.loop, [&] {
    if (++calls == 1) wakeup.Signal();
  });
  wakeup.Signal();
  runner.RunUntil([&] { return calls == 2; });
}

TEST(WakeupTest, MayBeDestroyedFromItsCallback) {
  LoopRunner runner;
  bool called = false;
  std::unique_ptr<Wakeup> wakeup;
  wakeup = std::make_unique<Wakeup>(runner.loop, [&] {
    wakeup.reset();
    called = true;
  });
  wakeup->Signal();
  runner.RunUntil([&] { return called; });
}

TEST(SignalWatcherTest, CallsBackOnTheLoopForEachWatcher) {
  LoopRunner runner;
  int first_calls = 0;
  int second_calls = 0;
  SignalWatcher first(runner.loop, SIGUSR1, [&] { ++first_calls; });
  SignalWatcher second(runner.loop, SIGUSR1, [&] { ++second_calls; });
  raise(SIGUSR1);
  EXPECT_EQ(first_calls, 0);
  runner.RunUntil([&] { return first_calls == 1 && second_calls == 1; });
}

TEST(SignalWatcherTest, WakeupMaySignalFromASignalHandler) {
  LoopRunner runner;
  static Wakeup* shared = nullptr;
  bool called = false;
  Wakeup wakeup(runner.loop, [&] { called = true; });
  shared = &wakeup;
  struct sigaction action {};
  struct sigaction former {};
  action.sa_handler = [](int) { shared->Signal(); };
  sigaction(SIGUSR2, &action, &former);
  raise(SIGUSR2);
  sigaction(SIGUSR2, &former, nullptr);
  runner.RunUntil([&] { return called; });
}

TEST(SignalWatcherTest, MayBeDestroyedFromItsCallback) {
  LoopRunner runner;
  int calls = 0;
  std::unique_ptr<SignalWatcher> watcher;
  watcher = std::make_unique<SignalWatcher>(runner.loop, SIGUSR1, [&] {
    ++calls;
    watcher.reset();
  });
  raise(SIGUSR1);
  runner.RunUntil([&] { return calls == 1; });
}

}  // namespace
}  // namespace cairn::net
