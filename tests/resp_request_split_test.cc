// Input that comes in pieces: the same requests however it is cut, at linear cost, in bounded
// memory.
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "resp/request_parser.h"
#include "resp_testing.h"

namespace cairn::resp::testing {
namespace {

using ::testing::ElementsAre;

constexpr size_t kLarge = RequestParser::kLargeBulk;

// Every kind of request behind one another.
std::string MixedPipeline() {
  std::string input = Encode({"SET", "key:1", "value"});
  input += "PING\r\n";
  input += "*0\r\n\r\n*-1\r\n";
  input += Encode({"MSET", "a", "", "b", "line\r\nbreak", "*1", "$3"});
  input += "SET \"quoted key\" 'v'\n";
  input += "*2\r\n$3\r\nGET\r\n$5\rXkey:1ab";  // not canonical
  input += Encode({""});
  input += Encode({"SET", "k", std::string(300, 'z')});
  input += "\n";
  input += Encode({"GET", "k"});
  return input;
}

TEST(RequestSplitTest, EveryCutInTwoGivesTheSameRequests) {
  const std::string input = MixedPipeline();
  const Parsed whole = ParseReceived({input});
  ASSERT_EQ(whole.requests.size(), 8U);
  ASSERT_EQ(whole.error, "");
  for (size_t cut = 0; cut <= input.size(); ++cut) {
    const std::string_view view(input);
    ASSERT_EQ(ParseReceived({view.substr(0, cut), view.substr(cut)}), whole) << cut;
    ASSERT_EQ(ParseFed({view.substr(0, cut), view.substr(cut)}), whole) << cut;
  }
}

TEST(RequestSplitTest, ByteByByteGivesTheSameRequests) {
  const std::string input = MixedPipeline() + MixedPipeline();
  const Parsed whole = ParseReceived({input});
  EXPECT_EQ(ParseReceived(EveryByte(input)), whole);
  EXPECT_EQ(ParseFed(EveryByte(input)), whole);
}

TEST(RequestSplitTest, RandomPiecesGiveTheSameRequests) {
  base::Random random(11);
  for (int round = 0; round < 300; ++round) {
    std::string input = MixedPipeline();
    for (uint64_t i = random.Below(4); i > 0; --i) {
      input += Encode({"SET", "k", std::string(random.Below(3 * kLarge), 'L')}) + MixedPipeline();
    }
    const Parsed whole = ParseFed({input});
    std::vector<std::string_view> pieces;
    const uint64_t longest = uint64_t{1} << (1 + random.Below(17));
    for (std::string_view rest = input; !rest.empty();) {
      pieces.push_back(rest.substr(0, 1 + random.Below(longest)));
      rest.remove_prefix(pieces.back().size());
    }
    ASSERT_EQ(ParseReceived(pieces), whole);
    ASSERT_EQ(ParseFed(pieces), whole);
  }
}

TEST(RequestSplitTest, EveryErrorIsTheSameAtEveryCut) {
  const std::string ping = Encode({"PING"});
  for (const std::string_view bad : {"*x\r\n", "*1\r\n$x\r\n", "*1\r\nfoo\r\n", "\"a\r\n",
                                     "*2\r\n$1\r\na\r\n$-1\r\n", "*1\r\n\r\n"}) {
    const std::string input = ping + std::string(bad) + ping;
    const Parsed whole = ParseReceived({input});
    ASSERT_NE(whole.error, "");
    ASSERT_EQ(whole.requests.size(), 1U);
    for (size_t cut = 0; cut <= input.size(); ++cut) {
      const std::string_view view(input);
      EXPECT_EQ(ParseReceived({view.substr(0, cut), view.substr(cut)}), whole) << bad << cut;
    }
  }
}

// Gives `input` to a connection in pieces of `size` bytes and returns the work that the parser had
// beyond reading it.
uint64_t WorkInPieces(std::string_view input, size_t size, size_t expected_requests) {
  const RequestLimits limits;
  Connection connection(&limits);
  for (; !input.empty(); input.remove_prefix(std::min(size, input.size()))) {
    connection.Receive(input.substr(0, size));
  }
  EXPECT_EQ(connection.parsed().requests.size(), expected_requests);
  return connection.parser().work_bytes();
}

TEST(RequestSplitTest, ALargeValueInSmallPiecesCostsLinearWork) {
  const std::string input = Encode({"SET", "k", std::string(8 << 20, 'v')});
  EXPECT_LT(WorkInPieces(input, 1000, 1), 3 * input.size());
  EXPECT_LT(WorkInPieces(input, 100'000, 1), 3 * input.size());
}

TEST(RequestSplitTest, AMediumValueByteByByteCostsLinearWork) {
  const std::string input = Encode({"SET", "k", std::string(20'000, 'v')});
  EXPECT_LT(WorkInPieces(input, 1, 1), 4 * input.size());
}

TEST(RequestSplitTest, AMillionArgumentsInSmallPiecesCostLinearWork) {
  const std::string input = Encode(Request(1'000'000, "ab"));
  EXPECT_LT(WorkInPieces(input, 1000, 1), 4 * input.size());
  EXPECT_LT(WorkInPieces(input, 64 * 1024, 1), 4 * input.size());
}

TEST(RequestSplitTest, LongLinesByteByByteCostLinearWork) {
  const std::string line = "ECHO " + std::string(60'000, 'x') + "\r\n";
  EXPECT_LT(WorkInPieces(line, 1, 1), 5 * line.size());
  const std::string count = "*" + std::string(60'000, '1') + "\r\n";
  EXPECT_LT(WorkInPieces(count, 1, 0), 5 * count.size());
}

TEST(RequestSplitTest, AStreamOfRequestsCutAnywhereCostsLittle) {
  std::string input;
  size_t requests = 0;
  for (; input.size() < (4 << 20); ++requests)
    input += Encode({"SET", "key:000001", std::string(100, 'v')});
  EXPECT_LT(WorkInPieces(input, 64 * 1024, requests), input.size() / 50);
  EXPECT_LT(WorkInPieces(input, 1000, requests), input.size() / 2);
}

TEST(RequestSplitTest, ALargeValueIsReadWhereItIsUsed) {
  const RequestLimits limits;
  RequestParser parser(&limits);
  std::vector<char> shared(RequestParser::kReadSize);
  const std::string input = Encode({"SET", "k", std::string(500'000, 'v')}) + Encode({"PING"});
  std::string_view rest = input;
  const auto read = [&](size_t most) {
    const std::span<char> room = parser.ReadBuffer(shared);
    const size_t size = std::min({room.size(), rest.size(), most});
    std::memcpy(room.data(), rest.data(), size);
    parser.Filled(size);
    rest.remove_prefix(size);
    return room;
  };
  read(1000);
  ASSERT_EQ(parser.Next(), ParseResult::kNeedMore);
  // Below the trusted size all of the rest is asked for, and not a byte of the next request.
  const std::span<char> room = read(input.size());
  EXPECT_EQ(rest, Encode({"PING"}));
  ASSERT_EQ(parser.Next(), ParseResult::kRequest);
  const std::string_view value = parser.args()[2];
  EXPECT_EQ(value, std::string(500'000, 'v'));
  EXPECT_EQ(room.data() + room.size(), value.data() + value.size() + 2);
  EXPECT_EQ(parser.raw().size(), input.size() - rest.size());
  ASSERT_EQ(parser.Next(), ParseResult::kNeedMore);
  EXPECT_LT(parser.buffer_bytes(), 10'000U);
  EXPECT_EQ(read(100).data(), shared.data());
  EXPECT_EQ(parser.Next(), ParseResult::kRequest);
}

TEST(RequestSplitTest, MemoryFollowsTheBytesThatCome) {
  const RequestLimits limits;
  Connection connection(&limits);
  connection.Receive("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n");
  EXPECT_LT(connection.parser().buffer_bytes(), 100'000U);
  size_t came = 0;
  const std::string piece(100'000, 'v');
  while (came < 20'000'000) {
    connection.Receive(piece);
    came += piece.size();
    ASSERT_LT(connection.parser().buffer_bytes(), 2 * came + (2 << 20));
    ASSERT_GT(connection.parser().pending_bytes(), came);
  }
  // The same for a request that claims many arguments.
  Connection many(&limits);
  many.Receive("*1048576\r\n$1\r\na\r\n");
  EXPECT_LT(many.parser().buffer_bytes(), 200'000U);
}

TEST(RequestSplitTest, AnIdleParserOwnsNoMemory) {
  const RequestLimits limits;
  Connection connection(&limits);
  EXPECT_EQ(connection.parser().buffer_bytes(), 0U);
  const std::string input = Encode(Request(5000, "argument")) + "ECHO inline\n" +
                            Encode({"SET", "k", std::string(200'000, 'v')});
  for (size_t at = 0; at < input.size(); at += 777)
    connection.Receive(std::string_view(input).substr(at, 777));
  EXPECT_EQ(connection.parsed().requests.size(), 3U);
  EXPECT_EQ(connection.parser().pending_bytes(), 0U);
  EXPECT_LE(connection.parser().buffer_bytes(), 128 * sizeof(std::string_view));
}

// After one large request a client that never leaves the parser idle must not keep the large
// buffer.
TEST(RequestSplitTest, ALargeBufferShrinksUnderAStream) {
  const RequestLimits limits;
  Connection connection(&limits);
  const std::string small = Encode({"SET", "key", std::string(100, 'v')});
  connection.Receive(Encode({"MSET", "k", std::string(4 << 20, 'v'), "l", "w"}) +
                     small.substr(0, 10));
  std::string_view rest = small;
  rest.remove_prefix(10);
  for (int i = 0; i < 3000; ++i) {
    connection.Receive(std::string(rest) + small.substr(0, 10));
  }
  EXPECT_EQ(connection.parsed().requests.size(), 3001U);
  EXPECT_EQ(connection.parser().pending_bytes(), 10U);
  EXPECT_LT(connection.parser().buffer_bytes(), 512U * 1024);
}

TEST(RequestSplitTest, DetachedInputWaits) {
  const RequestLimits limits;
  RequestParser parser(&limits);
  std::vector<char> shared(RequestParser::kReadSize);
  const std::string input = MixedPipeline();
  const Parsed whole = ParseReceived({input});
  for (size_t cut = 1; cut <= input.size(); ++cut) {
    RequestParser detached(&limits);
    const std::span<char> room = detached.ReadBuffer(shared);
    std::memcpy(room.data(), input.data(), cut);
    detached.Filled(cut);
    EXPECT_TRUE(detached.HasInput());
    Parsed parsed;
    if (detached.Next() == ParseResult::kRequest) {
      parsed.requests.emplace_back(detached.args().begin(), detached.args().end());
      parsed.raws.emplace_back(detached.raw());
    }
    detached.Detach();
    std::fill(shared.begin(), shared.end(), '#');
    ASSERT_TRUE(TakeAll(detached, parsed));
    EXPECT_FALSE(detached.HasInput());
    detached.Feed(std::string_view(input).substr(cut));
    ASSERT_TRUE(TakeAll(detached, parsed));
    ASSERT_EQ(parsed, whole) << cut;
  }
}

// The session takes one request a turn while further ones come in.
TEST(RequestSplitTest, TakingOneRequestATurnCostsLinearWork) {
  const RequestLimits limits;
  RequestParser parser(&limits);
  std::vector<char> shared(RequestParser::kReadSize);
  const std::string request = Encode({"SET", "key", std::string(50, 'v')});
  uint64_t came = 0;
  for (int turn = 0; turn < 2000; ++turn) {
    const std::span<char> room = parser.ReadBuffer(shared);
    std::string_view piece(request);
    std::string doubled;
    if (turn % 2 == 0) piece = doubled = request + request;
    ASSERT_GE(room.size(), piece.size());
    std::memcpy(room.data(), piece.data(), piece.size());
    parser.Filled(piece.size());
    came += piece.size();
    ASSERT_EQ(parser.Next(), ParseResult::kRequest);
    ASSERT_EQ(parser.args()[2], std::string(50, 'v'));
    parser.Detach();
  }
  EXPECT_GT(parser.pending_bytes(), 50'000U);
  EXPECT_LT(parser.work_bytes(), 4 * came);
  EXPECT_TRUE(parser.HasInput());
  int left = 0;
  while (parser.Next() == ParseResult::kRequest) ++left;
  EXPECT_EQ(left, 1000);
  EXPECT_FALSE(parser.HasInput());
}

TEST(RequestSplitTest, ReadsThatBringNothingChangeNothing) {
  const RequestLimits limits;
  RequestParser parser(&limits);
  std::vector<char> shared(RequestParser::kReadSize);
  parser.ReadBuffer(shared);
  parser.Filled(0);
  EXPECT_FALSE(parser.HasInput());
  EXPECT_EQ(parser.Next(), ParseResult::kNeedMore);
  parser.Feed("");
  EXPECT_EQ(parser.Next(), ParseResult::kNeedMore);
  parser.Feed("PI");
  EXPECT_EQ(parser.Next(), ParseResult::kNeedMore);
  parser.ReadBuffer(shared);
  parser.Filled(0);
  parser.ReadBuffer(shared);
  EXPECT_EQ(parser.Next(), ParseResult::kNeedMore);
  EXPECT_EQ(parser.pending_bytes(), 2U);
  parser.Feed("NG\n");
  ASSERT_EQ(parser.Next(), ParseResult::kRequest);
  EXPECT_EQ(parser.args()[0], "PING");
}

}  // namespace
}  // namespace cairn::resp::testing
