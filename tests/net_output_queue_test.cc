#include <algorithm>
#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "net/output_queue.h"

namespace cairn::net {
namespace {

std::string LendAll(OutputQueue& queue, size_t at_most) {
  std::vector<std::string_view> views(at_most);
  const size_t count = queue.Lend(views);
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes += views[i];
  return bytes;
}

TEST(OutputQueueTest, SmallAppendsShareAChunk) {
  OutputQueue queue;
  queue.Append("abc");
  queue.Append("def");
  EXPECT_EQ(queue.waiting_bytes(), 6U);
  std::array<std::string_view, 4> views;
  ASSERT_EQ(queue.Lend(views), 1U);
  EXPECT_EQ(views[0], "abcdef");
  EXPECT_EQ(queue.waiting_bytes(), 0U);
  queue.PopLent();
  EXPECT_TRUE(queue.empty());
}

TEST(OutputQueueTest, LentChunksStayInPlaceWhileMoreComes) {
  OutputQueue queue;
  queue.Append("first");
  std::array<std::string_view, 4> views;
  ASSERT_EQ(queue.Lend(views), 1U);
  const char* place = views[0].data();
  const std::string more(3 * OutputQueue::kMaxChunkBytes, 'x');
  queue.Append(more);
  EXPECT_EQ(views[0].data(), place);
  EXPECT_EQ(views[0], "first");
  EXPECT_EQ(queue.waiting_bytes(), more.size());
  queue.PopLent();
  EXPECT_EQ(LendAll(queue, 100), more);
}

TEST(OutputQueueTest, LargeAppendIsSplitSoThatItsMemoryComesBackInPieces) {
  OutputQueue queue;
  queue.Append(std::string(10 * OutputQueue::kMaxChunkBytes, 'x'));
  std::array<std::string_view, 1> view;
  ASSERT_EQ(queue.Lend(view), 1U);
  EXPECT_LE(view[0].size(), OutputQueue::kMaxChunkBytes + OutputQueue::kMinChunkBytes);
}

TEST(OutputQueueTest, AnyMixtureKeepsBytesAndOrder) {
  std::mt19937 random(7);
  OutputQueue queue;
  std::string given;
  std::string taken;
  for (int i = 0; i < 2000; ++i) {
    const size_t size = random() % 4 == 0 ? random() % 300'000 : random() % 100;
    const std::string data(size, static_cast<char>('a' + i % 26));
    queue.Append(data);
    given += data;
    if (random() % 3 == 0) {
      taken += LendAll(queue, 1 + random() % 4);
      const std::string late = "while lent";
      queue.Append(late);
      given += late;
      queue.PopLent();
    }
  }
  while (!queue.empty()) {
    taken += LendAll(queue, 4);
    queue.PopLent();
  }
  EXPECT_EQ(queue.waiting_bytes(), 0U);
  EXPECT_TRUE(taken == given);
}

}  // namespace
}  // namespace cairn::net
