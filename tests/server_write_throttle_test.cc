// Back-pressure: free while there is room, smooth when there is little, never past the budget.
#include <algorithm>
#include <cstdint>

#include <gtest/gtest.h>

#include "server/write_throttle.h"

namespace cairn::server {
namespace {

constexpr uint64_t kMiB = 1ULL << 20;
constexpr uint64_t kBudget = 256 * kMiB;
constexpr int64_t kTurnUs = 1'000;

TEST(ServerWriteThrottle, FreeWhileThereIsRoom) {
  WriteThrottle throttle;
  EXPECT_TRUE(throttle.MayWrite());
  throttle.Update(1'000, kBudget / 4, kBudget, 1);
  EXPECT_FALSE(throttle.limited());
  throttle.OnWrite(100 * kMiB);
  EXPECT_TRUE(throttle.MayWrite());
  // What was free is not charged for later.
  throttle.Update(2'000, kBudget / 8, kBudget, 100 * kMiB);
  EXPECT_TRUE(throttle.MayWrite());
}

TEST(ServerWriteThrottle, LimitedWhenThereIsLittle) {
  WriteThrottle throttle;
  throttle.Update(1'000, kBudget / 8, kBudget, 100 * kMiB);
  EXPECT_TRUE(throttle.limited());
  EXPECT_TRUE(throttle.MayWrite());
  throttle.OnWrite(50 * kMiB);
  EXPECT_FALSE(throttle.MayWrite());
  throttle.Update(2'000, kBudget / 2, kBudget, 100 * kMiB);
  EXPECT_FALSE(throttle.limited());
  EXPECT_TRUE(throttle.MayWrite());
}

TEST(ServerWriteThrottle, NothingWhenThereIsNoRoom) {
  WriteThrottle throttle;
  for (int64_t us = 0; us < 1'000'000; us += kTurnUs) throttle.Update(us, 0, kBudget, 100 * kMiB);
  EXPECT_FALSE(throttle.MayWrite());
}

TEST(ServerWriteThrottle, ALargeWriteIsPaidFor) {
  WriteThrottle throttle;
  const uint64_t room = kBudget / 8;  // half the rate
  int64_t now_us = kTurnUs;
  throttle.Update(now_us, room, kBudget, 100 * kMiB);
  throttle.OnWrite(10 * kMiB);
  int64_t turns = 0;
  while (!throttle.MayWrite()) {
    now_us += kTurnUs;
    throttle.Update(now_us, room, kBudget, 100 * kMiB);
    ++turns;
  }
  // 10 MiB at 50 MiB/s.
  EXPECT_NEAR(static_cast<double>(turns * kTurnUs) / 1e6, 0.2, 0.01);
}

// Turns may be a few microseconds long: what each gives must not be rounded away.
TEST(ServerWriteThrottle, ShortTurnsGiveTheirShare) {
  WriteThrottle throttle;
  const uint64_t room = kBudget / 4 / 1024;  // a 1024th of the rate: 102,400 bytes a second
  uint64_t written = 0;
  for (int64_t us = 1; us <= 1'000'000; us += 2) {
    throttle.Update(us, room, kBudget, 100 * kMiB);
    if (!throttle.MayWrite()) continue;
    throttle.OnWrite(100);
    written += 100;
  }
  EXPECT_NEAR(static_cast<double>(written), 102'400, 1024);
}

// What a pause saves up is bounded, so that no burst follows it.
TEST(ServerWriteThrottle, PausesSaveUpLittle) {
  WriteThrottle throttle;
  throttle.Update(kTurnUs, kBudget / 8, kBudget, 100 * kMiB);
  throttle.Update(60'000'000, kBudget / 8, kBudget, 100 * kMiB);
  uint64_t written = 0;
  while (throttle.MayWrite()) {
    throttle.OnWrite(1024);
    written += 1024;
  }
  EXPECT_LE(written, 50 * kMiB / 50 + 1024);  // 20 ms of 50 MiB/s
}

TEST(ServerWriteThrottle, TimeThatGoesBackGivesNothing) {
  WriteThrottle throttle;
  throttle.Update(5'000'000, kBudget / 8, kBudget, 100 * kMiB);
  while (throttle.MayWrite()) throttle.OnWrite(1024);
  throttle.Update(1'000'000, kBudget / 8, kBudget, 100 * kMiB);
  EXPECT_FALSE(throttle.MayWrite());
}

// Writers that take all they are given against a checkpointer that frees memory in steps.
struct Simulation {
  uint64_t drain_rate = 50 * kMiB;  // bytes a second
  int64_t step_us = 100'000;        // memory is freed so often
  uint64_t write_bytes = 1000;
  uint64_t free_speed = 500 * kMiB;  // bytes a second that writers make when nothing stops them

  uint64_t least_room = kBudget;
  uint64_t total_written = 0;
  uint64_t written_in_last_second = 0;
  int64_t longest_stall_us = 0;

  void Run(int seconds) {
    WriteThrottle throttle;
    uint64_t room = kBudget;
    uint64_t to_free = 0;
    int64_t stalled_since_us = 0;
    for (int64_t us = 1; us < seconds * 1'000'000LL; us += kTurnUs) {
      if (us % step_us < kTurnUs) room = std::min(kBudget, room + to_free);
      if (us % step_us < kTurnUs) to_free = drain_rate * static_cast<uint64_t>(step_us) / 1'000'000;
      throttle.Update(us, room, kBudget, drain_rate);
      uint64_t written = 0;
      while (throttle.MayWrite() && written < free_speed / 1000) {
        throttle.OnWrite(write_bytes);
        written += write_bytes;
      }
      // A write may be larger than what is left, but then it is the last.
      ASSERT_LT(written, room + write_bytes);
      room -= std::min(room, written);
      total_written += written;
      least_room = std::min(least_room, room);
      if (us > (seconds - 1) * 1'000'000LL) written_in_last_second += written;
      if (written != 0) stalled_since_us = us;
      longest_stall_us = std::max(longest_stall_us, us - stalled_since_us);
    }
  }
};

TEST(ServerWriteThrottle, WritersMeetTheCheckpointer) {
  Simulation simulation;
  simulation.Run(30);
  // The budget holds with much to spare, writers get what is freed, and nobody waits long.
  EXPECT_GT(simulation.least_room, kBudget / 8);
  EXPECT_NEAR(static_cast<double>(simulation.written_in_last_second),
              static_cast<double>(simulation.drain_rate), 0.05 * 50 * kMiB);
  EXPECT_LE(simulation.longest_stall_us, 2 * kTurnUs);
}

// Room comes back in few, large pieces: a whole overlay at a time.
TEST(ServerWriteThrottle, RareStepsAreBridged) {
  Simulation simulation{.drain_rate = 40 * kMiB, .step_us = 2'000'000};
  simulation.Run(60);
  EXPECT_GT(simulation.least_room, kBudget / 100);
  EXPECT_LE(simulation.longest_stall_us, 5 * kTurnUs);
}

TEST(ServerWriteThrottle, ACheckpointerThatStandsStillIsNotOutrun) {
  Simulation simulation{.drain_rate = 0};  // unknown, and nothing is freed
  simulation.Run(60);
  EXPECT_LT(simulation.total_written, kBudget + simulation.write_bytes);
  EXPECT_LE(simulation.written_in_last_second, simulation.write_bytes);
}

}  // namespace
}  // namespace cairn::server
