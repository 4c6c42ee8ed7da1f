// The paths that every command takes allocate nothing once their buffers have grown: operator new
// is counted here.
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "resp/reply_parser.h"
#include "resp/reply_writer.h"
#include "resp/request_parser.h"
#include "resp_testing.h"

namespace {

size_t allocations = 0;

}  // namespace

void* operator new(size_t size) {
  ++allocations;
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace cairn::resp::testing {
namespace {

TEST(AllocationTest, PipelinedRequests) {
  const RequestLimits limits;
  RequestParser parser(&limits);
  std::vector<char> shared(RequestParser::kReadSize);
  std::string batch;
  for (int i = 0; i < 16; ++i) batch += Encode({"SET", "key:000000000001", std::string(100, 'v')});
  size_t requests = 0;
  const auto turn = [&] {
    const std::span<char> room = parser.ReadBuffer(shared);
    std::memcpy(room.data(), batch.data(), batch.size());
    parser.Filled(batch.size());
    while (parser.Next() == ParseResult::kRequest) requests += parser.args().size() == 3 ? 1 : 0;
  };
  turn();
  const size_t before = allocations;
  for (int i = 0; i < 100; ++i) turn();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(requests, 101U * 16);
}

TEST(AllocationTest, Replies) {
  std::string out;
  out.reserve(100'000);
  ReplyWriter writer(out);
  const std::string value(200, 'v');
  const size_t before = allocations;
  for (int i = 0; i < 100; ++i) {
    writer.Ok();
    writer.Integer(i);
    writer.Bulk("short");
    writer.Bulk(value);
    writer.BulkInteger(i);
    writer.Double(i * 0.1);
    writer.Null();
    writer.Array(3);
    writer.Error("ERR syntax error");
  }
  EXPECT_EQ(allocations, before);
  EXPECT_GT(out.size(), 20'000U);
}

TEST(AllocationTest, ParsedReplies) {
  ReplyParser parser;
  std::string wire;
  ReplyWriter writer(wire);
  for (int i = 0; i < 16; ++i) {
    writer.Array(2);
    writer.Bulk("value");
    writer.Integer(i);
  }
  size_t replies = 0;
  const auto turn = [&] {
    parser.Feed(wire);
    while (parser.Next() == ReplyResult::kReply) ++replies;
  };
  turn();
  const size_t before = allocations;
  for (int i = 0; i < 100; ++i) turn();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(replies, 101U * 16);
}

}  // namespace
}  // namespace cairn::resp::testing
