// Replies that wait for the log: order, partial sends, and errors in place of what must not be
// said.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "server/reply_buffer.h"

namespace cairn::server {
namespace {

constexpr std::string_view kError = "-MISCONF no\r\n";

void Read(ReplyBuffer& buffer, std::string_view reply) {
  buffer.bytes() += reply;
}

void Write(ReplyBuffer& buffer, std::string_view reply) {
  const size_t begin = buffer.size();
  buffer.bytes() += reply;
  buffer.NoteWrite(begin);
}

TEST(ServerReplyBuffer, NothingGoesBeforeItsMark) {
  ReplyBuffer buffer;
  Write(buffer, "+OK\r\n");
  EXPECT_EQ(buffer.Releasable(UINT64_MAX), "");
  EXPECT_FALSE(buffer.holds());
  buffer.Mark(10);
  EXPECT_TRUE(buffer.holds());
  EXPECT_EQ(buffer.Releasable(9), "");
  EXPECT_EQ(buffer.Releasable(10), "+OK\r\n");
  EXPECT_FALSE(buffer.holds());
}

TEST(ServerReplyBuffer, MarksGoInOrder) {
  ReplyBuffer buffer;
  Read(buffer, "a");
  buffer.Mark(1);
  Read(buffer, "b");
  buffer.Mark(1);  // the same offset
  Read(buffer, "c");
  buffer.Mark(5);
  buffer.Mark(7);  // nothing new to mark
  EXPECT_EQ(buffer.Releasable(1), "ab");
  EXPECT_EQ(buffer.Releasable(4), "ab");
  EXPECT_EQ(buffer.Releasable(5), "abc");
}

TEST(ServerReplyBuffer, PartialSendsKeepTheRest) {
  ReplyBuffer buffer;
  Read(buffer, "abcd");
  buffer.Mark(1);
  Read(buffer, "efgh");
  buffer.Mark(2);
  ASSERT_EQ(buffer.Releasable(1), "abcd");
  buffer.Consume(3);
  EXPECT_EQ(buffer.Releasable(1), "d");
  EXPECT_EQ(buffer.Releasable(2), "defgh");
  buffer.Consume(5);
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_EQ(buffer.Releasable(2), "");
}

TEST(ServerReplyBuffer, HeldWritesBecomeErrors) {
  ReplyBuffer buffer;
  Write(buffer, "+safe\r\n");
  buffer.Mark(1);
  Read(buffer, "$1\r\nx\r\n");
  Write(buffer, "+lost\r\n");
  Write(buffer, ":1\r\n");
  Read(buffer, "$1\r\ny\r\n");
  buffer.Mark(2);
  buffer.FailHeld(1, kError);
  EXPECT_EQ(buffer.Releasable(1), "+safe\r\n$1\r\nx\r\n-MISCONF no\r\n-MISCONF no\r\n$1\r\ny\r\n");
  EXPECT_FALSE(buffer.holds());
}

TEST(ServerReplyBuffer, AWriteWithoutReplyGetsNoError) {
  ReplyBuffer buffer;
  Write(buffer, "");  // CLIENT REPLY OFF
  Read(buffer, "+PONG\r\n");
  buffer.Mark(2);
  buffer.FailHeld(1, kError);
  EXPECT_EQ(buffer.Releasable(1), "+PONG\r\n");
}

TEST(ServerReplyBuffer, ErrorsComeAfterAPartialSend) {
  ReplyBuffer buffer;
  Write(buffer, "+first\r\n");
  buffer.Mark(1);
  Write(buffer, "+second\r\n");
  buffer.Mark(2);
  ASSERT_EQ(buffer.Releasable(1), "+first\r\n");
  buffer.Consume(4);  // the kernel took half of it
  buffer.FailHeld(1, kError);
  EXPECT_EQ(buffer.Releasable(1), "st\r\n-MISCONF no\r\n");
  buffer.Consume(buffer.size());
  Write(buffer, "+third\r\n");
  buffer.Mark(3);
  EXPECT_EQ(buffer.Releasable(3), "+third\r\n");
}

TEST(ServerReplyBuffer, TrimGivesMemoryBack) {
  ReplyBuffer buffer;
  Read(buffer, std::string(1 << 20, 'x'));
  buffer.Mark(1);
  buffer.Consume(buffer.Releasable(1).size());
  buffer.Trim(4096);
  EXPECT_LE(buffer.bytes().capacity(), 4096U);
}

// The same, without any cleverness: a list of replies.
class Model {
 public:
  void Add(std::string text, bool write) {
    replies_.push_back({.text = std::move(text), .write = write, .offset = kUnmarked});
  }
  void Mark(uint64_t offset) {
    for (Reply& reply : replies_) {
      if (reply.offset == kUnmarked) reply.offset = offset;
    }
  }
  void Fail(uint64_t durable, std::string_view error) {
    for (Reply& reply : replies_) {
      if (reply.offset <= durable) continue;
      if (reply.write && !reply.text.empty()) reply.text = error;
      reply.offset = 0;
    }
  }
  std::string Releasable(uint64_t durable) {
    std::string out;
    for (const Reply& reply : replies_) {
      if (reply.offset > durable) break;
      out += reply.text;
    }
    return out.substr(sent_);
  }
  void Consume(size_t size) {
    sent_ += size;
    while (!replies_.empty() && sent_ >= replies_.front().text.size() &&
           replies_.front().offset != kUnmarked) {
      sent_ -= replies_.front().text.size();
      replies_.erase(replies_.begin());
    }
  }
  [[nodiscard]] bool holds(uint64_t durable) const {
    bool held = false;
    for (const Reply& reply : replies_) {
      held = held || (reply.offset > durable && reply.offset != kUnmarked && !reply.text.empty());
    }
    return held;
  }

 private:
  static constexpr uint64_t kUnmarked = UINT64_MAX;
  struct Reply {
    std::string text;
    bool write;
    uint64_t offset;
  };
  std::vector<Reply> replies_;
  size_t sent_ = 0;  // of the first one
};

// A turn of a server: replies, the log grows, becomes durable, perhaps fails; the socket takes
// some.
void RandomTurn(base::Random& random, ReplyBuffer& buffer, Model& model, uint64_t* appended,
                uint64_t* durable) {
  for (uint64_t replies = random.Below(5); replies > 0; --replies) {
    const bool write = random.Below(2) == 0;
    const std::string text(random.Below(8), static_cast<char>('a' + random.Below(26)));
    model.Add(text, write);
    if (write) {
      Write(buffer, text);
      *appended += 1 + random.Below(20);
    } else {
      Read(buffer, text);
    }
  }
  buffer.Mark(*appended);
  model.Mark(*appended);
  *durable += random.Below(*appended - *durable + 1);
  if (random.Below(8) == 0) {
    buffer.FailHeld(*durable, kError);
    model.Fail(*durable, kError);
  }
  const std::string_view ready = buffer.Releasable(*durable);
  ASSERT_EQ(ready, model.Releasable(*durable));
  ASSERT_EQ(buffer.holds(), model.holds(*durable));
  const size_t taken = random.Below(3) == 0 ? random.Below(ready.size() + 1) : ready.size();
  buffer.Consume(taken);
  model.Consume(taken);
}

TEST(ServerReplyBuffer, BehavesAsAListOfReplies) {
  base::Random random(19);
  for (int run = 0; run < 300; ++run) {
    ReplyBuffer buffer;
    Model model;
    uint64_t appended = 0;
    uint64_t durable = 0;
    for (int turn = 0; turn < 60; ++turn) {
      RandomTurn(random, buffer, model, &appended, &durable);
      if (HasFatalFailure()) FAIL() << "run " << run << ", turn " << turn;
    }
  }
}

}  // namespace
}  // namespace cairn::server
