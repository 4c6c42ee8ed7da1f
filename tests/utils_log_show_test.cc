// What cairn-log shows of a log.
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "log/show.h"
#include "log/time_text.h"
#include "support/memory_fs.h"
#include "wal/log.h"

namespace cairn::log_tool {
namespace {

using test::MemoryFs;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kStart = 1'700'000'000'000;

std::string Command(const std::vector<std::string>& words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return out;
}

class LogShowTest : public testing::Test {
 protected:
  // A data folder with three records, a second apart: two commands, one, one.
  void SetUp() override {
    ASSERT_TRUE(fs_.CreateDir("/data").ok());
    wal::OpenReport report;
    wal::LogOptions options{.dir = "/data/log", .identity = {.id = {'i'}}, .start_offset = 100};
    log_ = *wal::Log::Open(fs_, options, &report);
    Append({{"SELECT", "3"}, {"SET", "k", "two words\n"}}, kStart);
    Append({{"DEL", "\xff"}}, kStart + 1000);
    Append({{"APPEND", "k", std::string(70'000, 'x')}}, kStart + 2000);
    ASSERT_TRUE(log_->SyncNow().ok());
  }
  void Append(const std::vector<std::vector<std::string>>& commands, int64_t now_ms) {
    for (const auto& command : commands) {
      offsets_.push_back(log_->appended_offset());
      bytes_.push_back(Command(command));
      log_->Append(bytes_.back());
    }
    ASSERT_TRUE(log_->Flush(now_ms).ok());
  }
  Shown Show(const ShowOptions& options) {
    out_.clear();
    const auto shown = ShowLog(fs_, "/data/log", options, [this](std::string_view bytes) {
      out_ += bytes;
      return absl::OkStatus();
    });
    EXPECT_TRUE(shown.ok()) << shown.status();
    return shown.ok() ? *shown : Shown();
  }
  // The bytes of commands [first, last).
  [[nodiscard]] std::string Bytes(size_t first, size_t last) const {
    std::string joined;
    for (size_t i = first; i < last; ++i) joined += bytes_[i];
    return joined;
  }

  MemoryFs fs_;
  std::unique_ptr<wal::Log> log_;
  std::vector<uint64_t> offsets_;
  std::vector<std::string> bytes_;
  std::string out_;
};

TEST_F(LogShowTest, OneLineACommand) {
  const Shown shown = Show({.to = 400});
  EXPECT_EQ(shown.end, Shown::End::kWhole);
  EXPECT_EQ(shown.commands, 4U);
  EXPECT_EQ(out_.substr(0, out_.find("xxx")),
            "100 2023-11-14T22:13:20.000Z SELECT 3\n"
            "123 2023-11-14T22:13:20.000Z SET k \"two words\\n\"\n"
            "160 2023-11-14T22:13:21.000Z DEL \"\\xff\"\n"
            "180 2023-11-14T22:13:22.000Z APPEND k ");
  EXPECT_EQ(
      out_.size(),
      4 * 30 + std::string("SELECT 3SET k \"two words\\n\"DEL \"\\xff\"APPEND k ").size() + 70'000);
}

TEST_F(LogShowTest, RespIsTheStream) {
  EXPECT_EQ(Show({.resp = true}).commands, 4U);
  EXPECT_TRUE(out_ == Bytes(0, 4));
}

TEST_F(LogShowTest, OffsetsSelectWholeCommands) {
  for (size_t first = 0; first < 4; ++first) {
    for (size_t last = first; last < 4; ++last) {
      Show({.from = offsets_[first], .to = offsets_[last], .resp = true});
      EXPECT_EQ(out_, Bytes(first, last));
      // In the middle of a command: it is not shown by `from`, and shown by `to`.
      Show({.from = offsets_[first] + 1, .to = offsets_[last] + 1, .resp = true});
      EXPECT_EQ(out_, last < first + 1 ? "" : Bytes(first + 1, last + 1));
    }
  }
}

TEST_F(LogShowTest, TimesSelectRecords) {
  Show({.since_ms = kStart + 1, .resp = true});
  EXPECT_TRUE(out_ == Bytes(2, 4));
  Show({.until_ms = kStart + 2000, .resp = true});
  EXPECT_EQ(out_, Bytes(0, 3));
  Show({.since_ms = kStart + 1000, .until_ms = kStart + 1001, .resp = true});
  EXPECT_EQ(out_, Bytes(2, 3));
}

TEST_F(LogShowTest, OffsetsThatAreNotThereAreErrors) {
  const auto status = [this](uint64_t from) {
    return ShowLog(fs_, "/data/log", {.from = from},
                   [](std::string_view) { return absl::OkStatus(); })
        .status();
  };
  EXPECT_TRUE(absl::IsNotFound(status(99)));
  EXPECT_TRUE(status(100).ok());
  EXPECT_TRUE(status(log_->appended_offset()).ok());
  EXPECT_TRUE(absl::IsOutOfRange(status(log_->appended_offset() + 1)));
}

TEST_F(LogShowTest, AnErrorOfTheOutputEndsIt) {
  int calls = 0;
  const auto shown = ShowLog(fs_, "/data/log", {}, [&calls](std::string_view) {
    return ++calls == 2 ? absl::ResourceExhaustedError("full") : absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsResourceExhausted(shown.status()));
  EXPECT_EQ(calls, 2);
}

TEST_F(LogShowTest, ATornTailIsTold) {
  Append({{"SET", "unsynced", "value"}}, kStart + 3000);
  log_.reset();
  const std::string path = "/data/log/00000000000000000100.log";
  const std::string whole = fs_.Content(path);
  fs_.SetContent(path, whole.substr(0, whole.size() - 3));
  Shown shown = Show({.resp = true});
  EXPECT_EQ(shown.end, Shown::End::kTorn);
  EXPECT_THAT(shown.text, AllOf(HasSubstr(path), HasSubstr("torn"), HasSubstr("inside a record")));
  EXPECT_TRUE(out_ == Bytes(0, 4));
  EXPECT_EQ(fs_.Content(path).size(), whole.size() - 3);
  // Who does not come to the end does not meet it.
  shown = Show({.to = offsets_[2], .resp = true});
  EXPECT_EQ(shown.end, Shown::End::kWhole);
}

TEST_F(LogShowTest, DamageIsToldWithItsPlace) {
  log_.reset();
  const std::string path = "/data/log/00000000000000000100.log";
  std::string bytes = fs_.Content(path);
  bytes[bytes.find("two words")] = 'T';
  fs_.SetContent(path, bytes);
  const Shown shown = Show({.resp = true});
  EXPECT_EQ(shown.end, Shown::End::kDamaged);
  EXPECT_THAT(shown.text, AllOf(HasSubstr(path), HasSubstr("byte 64"), HasSubstr("checksum")));
  EXPECT_EQ(out_, "");
}

// A record whose checksum is right and that does not hold commands: our bug, and told as damage.
TEST_F(LogShowTest, ARecordThatHoldsNoCommandsIsDamage) {
  log_->Append("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI");
  ASSERT_TRUE(log_->Flush(kStart + 3000).ok());
  const Shown shown = Show({.from = offsets_[2]});
  EXPECT_EQ(shown.end, Shown::End::kDamaged);
  EXPECT_EQ(shown.commands, 3U);
  EXPECT_THAT(shown.text, HasSubstr("middle of a command"));
}

TEST_F(LogShowTest, TheFolderIsFound) {
  EXPECT_EQ(*FindLogFolder(fs_, "/data"), "/data/log");
  EXPECT_EQ(*FindLogFolder(fs_, "/data/log"), "/data/log");
  ASSERT_TRUE(fs_.CreateDir("/empty").ok());
  EXPECT_TRUE(absl::IsNotFound(FindLogFolder(fs_, "/empty").status()));
  EXPECT_TRUE(absl::IsNotFound(FindLogFolder(fs_, "/missing").status()));
}

TEST(LogTimeTest, ReadsAndWritesTimes) {
  EXPECT_EQ(FormatTime(kStart + 109), "2023-11-14T22:13:20.109Z");
  for (const std::string_view text :
       {"2023-11-14T22:13:20.109Z", "2023-11-14 22:13:20.109", "2023-11-14T23:13:20.109+01:00",
        "2023-11-14 22:13:20.109Z", "1700000000.109"}) {
    EXPECT_EQ(ParseTime(text, 0), kStart + 109) << text;
  }
  EXPECT_EQ(ParseTime("2023-11-14", 0), 1'699'920'000'000);
  EXPECT_EQ(ParseTime("2023-11-14 22:13", 0), 1'699'999'980'000);
  EXPECT_EQ(ParseTime("1700000000", 0), kStart);
  EXPECT_EQ(ParseTime("-10m", kStart), kStart - 600'000);
  EXPECT_EQ(ParseTime("-1h30m", kStart), kStart - 5'400'000);
  for (const std::string_view text : {"", "yesterday", "-", "-10", "1.2.3", "2023-13-01", "1e5"}) {
    EXPECT_EQ(ParseTime(text, kStart), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace cairn::log_tool
