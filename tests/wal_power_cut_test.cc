// Power cuts, by seeds: what was synced is there, the log opens, and what it holds is a prefix of
// what was written.
#include <string>

#include "base/random.h"
#include "gtest/gtest.h"
#include "wal/log.h"
#include "wal_testing.h"

namespace cairn::wal {
namespace {

using test::MemoryFs;

// Random work on a log, with the stream as it should be: what is appended after a crash differs
// from what stood at those offsets before it, so that bytes of another life are found out.
class Worker {
 public:
  explicit Worker(uint64_t seed) : random_(seed) {
    options_ = TestOptions();
    options_.segment_size = 200 + random_.Below(6000);
    options_.sync_every_bytes = 1 + random_.Below(8000);
    options_.max_unsynced_bytes = options_.sync_every_bytes + random_.Below(20'000);
    options_.salt_seed = seed + 1;
    uniform_ = random_.Below(2) == 0;
  }

  // Opens the log, which must hold a prefix of the stream that ends in [least, most]; the stream
  // goes on from there.
  std::unique_ptr<Log> Open(MemoryFs& fs, uint64_t least, uint64_t most, OpenReport* report) {
    auto log = OpenLog(fs, options_, report);
    if (log == nullptr) {
      return nullptr;
    }
    EXPECT_GE(report->end_offset, least);
    EXPECT_LE(report->end_offset, most);
    if (report->end_offset < least || report->end_offset > most) {
      return nullptr;
    }
    stream_.resize(report->end_offset);
    const ReadBack read = ReadFrom(*log, log->first_offset());
    EXPECT_TRUE(absl::IsOutOfRange(read.status)) << read.status;
    EXPECT_TRUE(stream_.substr(log->first_offset()) == read.bytes);
    return log;
  }

  void Step(Log& log) {
    now_ms_ += static_cast<int64_t>(random_.Below(700));
    switch (random_.Below(uniform_ ? 20 : 8)) {
      case 0:
        ASSERT_TRUE(log.SyncNow().ok());
        break;
      case 1:
        log.RequestSync();
        break;
      case 2:
        ASSERT_TRUE(log.DropBefore(random_.Below(log.written_offset() + 1)).ok());
        break;
      default:
        if (uniform_) {
          Append(log, 100);
        } else {
          for (uint64_t i = random_.Below(4); i > 0; --i) {
            Append(log, random_.Below(random_.Below(20) == 0 ? 5000 : 300));
          }
        }
        ASSERT_TRUE(log.Flush(now_ms_).ok());
    }
  }

  void Steps(Log& log, uint64_t count) {
    for (; count > 0; --count) {
      Step(log);
    }
  }

  base::Random& random() { return random_; }
  [[nodiscard]] const LogOptions& options() const { return options_; }

 private:
  void Append(Log& log, uint64_t size) {
    std::string payload;
    while (payload.size() < size) {
      payload.push_back(static_cast<char>(random_.Next()));
    }
    stream_ += payload;
    log.Append(payload);
  }

  base::Random random_;
  LogOptions options_;
  bool uniform_ = false;  // all records have one size
  std::string stream_;
  int64_t now_ms_ = 1'700'000'000'000;
};

TEST(WalPowerCutTest, SyncedDataIsThereAndTheLogAlwaysOpens) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Worker worker(seed);
    auto fs = std::make_unique<MemoryFs>();
    uint64_t synced = 0;
    uint64_t written = 0;
    for (int life = 0; life < 5; ++life) {
      OpenReport report;
      auto log = worker.Open(*fs, synced, written, &report);
      ASSERT_NE(log, nullptr);
      worker.Steps(*log, worker.random().Below(40));
      synced = log->synced_offset();
      written = log->written_offset();
      auto disk = fs->Crash(worker.random().Next());
      log.reset();
      fs = std::move(disk);
    }
  }
}

TEST(WalPowerCutTest, WhatOpenFoundIsLasting) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Worker worker(seed);
    MemoryFs fs;
    OpenReport report;
    auto log = worker.Open(fs, 0, 0, &report);
    worker.Steps(*log, 30);
    const uint64_t synced = log->synced_offset();
    const uint64_t written = log->written_offset();
    // After a power cut, or after a kill.
    auto disk = seed % 2 == 0 ? fs.Crash(seed) : fs.Kill();
    log.reset();
    log = worker.Open(*disk, seed % 2 == 0 ? synced : written, written, &report);
    ASSERT_NE(log, nullptr);
    auto again = disk->Crash(seed + 1);
    log.reset();
    ASSERT_NE(worker.Open(*again, report.end_offset, report.end_offset, &report), nullptr);
  }
}

TEST(WalPowerCutTest, AKilledProcessLosesNothingThatWasFlushed) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Worker worker(seed);
    auto fs = std::make_unique<MemoryFs>();
    uint64_t written = 0;
    for (int life = 0; life < 4; ++life) {
      OpenReport report;
      auto log = worker.Open(*fs, written, written, &report);
      ASSERT_NE(log, nullptr);
      EXPECT_EQ(report.cut_bytes, 0U);
      worker.Steps(*log, worker.random().Below(40));
      written = log->written_offset();
      auto after = fs->Kill();
      log.reset();
      fs = std::move(after);
    }
  }
}

TEST(WalPowerCutTest, PowerCutsWhileOpening) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Worker worker(seed);
    MemoryFs fs;
    OpenReport report;
    auto log = worker.Open(fs, 0, 0, &report);
    worker.Steps(*log, 30);
    const uint64_t synced = log->synced_offset();
    const uint64_t written = log->written_offset();
    auto disk = fs.Crash(seed);
    log.reset();
    // Open is stopped at each of its calls in turn, and the power fails there.
    bool opened = false;
    for (uint64_t nth = 1; !opened; ++nth) {
      ASSERT_LT(nth, 1000U);
      auto attempt = disk->Kill();
      attempt->Inject({.op = std::nullopt, .nth = nth, .times = 1'000'000});
      opened = Log::Open(*attempt, worker.options(), &report).ok();
      auto after = attempt->Crash(seed * 1000 + nth);
      Worker checker = worker;
      ASSERT_NE(checker.Open(*after, synced, written, &report), nullptr);
    }
  }
}

// An earlier process created the folder and died before it had synced the parent.
TEST(WalPowerCutTest, AFolderThatWasThereIsMadeLasting) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    MemoryFs fs;
    ASSERT_TRUE(fs.CreateDir(kDir).ok());
    auto log = OpenLog(fs);
    AppendStream(*log, 10);
    ASSERT_TRUE(log->Flush(1).ok());
    ASSERT_TRUE(log->SyncNow().ok());
    auto disk = fs.Crash(seed);
    auto after = OpenLog(*disk);
    EXPECT_TRUE(HoldsStream(*after, 10));
  }
}

TEST(WalPowerCutTest, PowerCutsWhileALogIsCreated) {
  for (uint64_t nth = 1; nth < 30; ++nth) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(nth);
      MemoryFs fs;
      fs.Inject({.op = std::nullopt, .nth = nth, .times = 1'000'000});
      LogOptions options = TestOptions();
      options.start_offset = 500;
      OpenReport report;
      Log::Open(fs, options, &report).status().IgnoreError();
      auto after = fs.Crash(seed);
      auto log = OpenLog(*after, options, &report);
      ASSERT_NE(log, nullptr);
      EXPECT_EQ(report.first_offset, 500U);
      EXPECT_EQ(report.end_offset, 500U);
    }
  }
}

}  // namespace
}  // namespace cairn::wal
