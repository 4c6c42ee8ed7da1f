#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "resp/reply_parser.h"
#include "resp/reply_writer.h"

namespace cairn::resp {
namespace {

using testing::ElementsAre;

// A reply as text, with its types: `array[simple:OK integer:3]`.
std::string Dump(const Reply& reply) {
  static constexpr const char* kNames[] = {"simple", "error",   "integer", "bulk",     "null",
                                           "double", "boolean", "big",     "verbatim", "array",
                                           "map",    "set",     "push"};
  std::string out = kNames[static_cast<size_t>(reply.type())];
  if (reply.is_aggregate()) {
    out += "[";
    size_t count = 0;
    for (const Reply element : reply) {
      if (count++ > 0) out += " ";
      out += Dump(element);
    }
    EXPECT_EQ(count, reply.size());
    return out + "]";
  }
  if (reply.is_null()) return out;
  out += ":" + std::string(reply.text());
  if (reply.type() == ReplyType::kInteger) {
    EXPECT_EQ(std::to_string(reply.integer()), reply.text());
  }
  if (reply.type() == ReplyType::kVerbatim) out += "(" + std::string(reply.format()) + ")";
  return out;
}

// The replies in `pieces`, through a read buffer that is overwritten between reads; an error comes
// last.
std::vector<std::string> Parse(const std::vector<std::string_view>& pieces,
                               const ReplyLimits& limits = {}) {
  ReplyParser parser(limits);
  std::vector<char> shared(ReplyParser::kReadSize);
  std::vector<std::string> replies;
  for (std::string_view piece : pieces) {
    while (!piece.empty()) {
      const std::span<char> room = parser.ReadBuffer(shared);
      const size_t size = std::min(room.size(), piece.size());
      std::memcpy(room.data(), piece.data(), size);
      parser.Filled(size);
      piece.remove_prefix(size);
      ReplyResult result = parser.Next();
      for (; result == ReplyResult::kReply; result = parser.Next())
        replies.push_back(Dump(parser.reply()));
      std::fill(shared.begin(), shared.end(), '#');
      if (result == ReplyResult::kError) {
        EXPECT_EQ(parser.Next(), ReplyResult::kError);
        replies.push_back("failed: " + parser.error());
        return replies;
      }
    }
  }
  return replies;
}

std::vector<std::string> ParseEveryByte(std::string_view input) {
  std::vector<std::string_view> pieces;
  for (size_t i = 0; i < input.size(); ++i) pieces.push_back(input.substr(i, 1));
  return Parse(pieces);
}

TEST(ReplyParserTest, ReadsScalars) {
  EXPECT_THAT(Parse({"+OK\r\n-ERR x\r\n:-12\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n"}),
              ElementsAre("simple:OK", "error:ERR x", "integer:-12", "bulk:a\r\n", "bulk:", "null",
                          "null"));
  EXPECT_THAT(Parse({"_\r\n,1.5\r\n,inf\r\n#t\r\n#f\r\n(-123456789012345678901\r\n=7\r\ntxt:"
                     "abc\r\n!5\r\nERR x\r\n"}),
              ElementsAre("null", "double:1.5", "double:inf", "boolean:t", "boolean:f",
                          "big:-123456789012345678901", "verbatim:abc(txt)", "error:ERR x"));
}

TEST(ReplyParserTest, GivesValues) {
  ReplyParser parser;
  parser.Feed(":-12\r\n,-0.5\r\n,nan\r\n#t\r\n:+7\r\n");
  ASSERT_EQ(parser.Next(), ReplyResult::kReply);
  EXPECT_EQ(parser.reply().integer(), -12);
  ASSERT_EQ(parser.Next(), ReplyResult::kReply);
  EXPECT_EQ(parser.reply().number(), -0.5);
  EXPECT_EQ(parser.reply().integer(), 0);
  ASSERT_EQ(parser.Next(), ReplyResult::kReply);
  EXPECT_TRUE(std::isnan(parser.reply().number()));
  ASSERT_EQ(parser.Next(), ReplyResult::kReply);
  EXPECT_EQ(parser.reply().integer(), 1);
  ASSERT_EQ(parser.Next(), ReplyResult::kReply);
  EXPECT_EQ(parser.reply().integer(), 7);
  EXPECT_EQ(parser.Next(), ReplyResult::kNeedMore);
}

TEST(ReplyParserTest, ReadsAggregates) {
  EXPECT_THAT(Parse({"*0\r\n*2\r\n:1\r\n*2\r\n+a\r\n*0\r\n%1\r\n+k\r\n$1\r\nv\r\n~1\r\n_\r\n>2\r\n+"
                     "message\r\n:1\r\n"}),
              ElementsAre("array[]", "array[integer:1 array[simple:a array[]]]",
                          "map[simple:k bulk:v]", "set[null]", "push[simple:message integer:1]"));
}

TEST(ReplyParserTest, IndexesElements) {
  ReplyParser parser;
  parser.Feed("*3\r\n*2\r\n:1\r\n:2\r\n+b\r\n*1\r\n+c\r\n");
  ASSERT_EQ(parser.Next(), ReplyResult::kReply);
  const Reply reply = parser.reply();
  ASSERT_EQ(reply.size(), 3U);
  EXPECT_EQ(reply[0][1].integer(), 2);
  EXPECT_EQ(reply[1].text(), "b");
  EXPECT_EQ(reply[2][0].text(), "c");
}

TEST(ReplyParserTest, DropsAttributes) {
  EXPECT_THAT(Parse({"|1\r\n+key\r\n*2\r\n:1\r\n:2\r\n+reply\r\n"}), ElementsAre("simple:reply"));
  EXPECT_THAT(Parse({"*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n|0\r\n:2\r\n+x\r\n"}),
              ElementsAre("array[integer:1 integer:2]", "simple:x"));
}

TEST(ReplyParserTest, RefusesWhatIsNotResp) {
  for (const std::string_view bad : {"x\r\n",
                                     "\r\n",
                                     "+OK\n",
                                     "\n",
                                     ":\r\n",
                                     ":1.5\r\n",
                                     ":01\r\n",
                                     ":9223372036854775808\r\n",
                                     "$\r\n",
                                     "$-2\r\n",
                                     "$x\r\n",
                                     "$01\r\n",
                                     "$?\r\n",
                                     "$3\r\nabcd\r\n",
                                     "$3\r\nabc\rx",
                                     "*-2\r\n",
                                     "*x\r\n",
                                     "*?\r\n",
                                     "%-1\r\n",
                                     "~-1\r\n",
                                     ">-1\r\n",
                                     "!-1\r\n",
                                     "=-1\r\n",
                                     "=3\r\ntxt\r\n",
                                     "=5\r\ntxtab\r\n",
                                     "#x\r\n",
                                     "#\r\n",
                                     ",\r\n",
                                     ",x\r\n",
                                     ",1.5 \r\n",
                                     "(\r\n",
                                     "(12a\r\n",
                                     "_x\r\n",
                                     "*4294967296\r\n",
                                     "*99999999999999999999\r\n"}) {
    const std::vector<std::string> replies = Parse({"+OK\r\n", bad, "+OK\r\n"});
    ASSERT_EQ(replies.size(), 2U) << bad;
    EXPECT_EQ(replies[1].substr(0, 8), "failed: ") << bad;
    EXPECT_EQ(ParseEveryByte("+OK\r\n" + std::string(bad)), replies) << bad;
  }
}

TEST(ReplyParserTest, RefusesADepthBomb) {
  std::string bomb;
  for (int i = 0; i < 1'000'000; ++i) bomb += "*1\r\n";
  ReplyParser parser;
  parser.Feed(bomb);
  EXPECT_EQ(parser.Next(), ReplyResult::kError);
  EXPECT_EQ(parser.error(), "aggregates nested too deep");
  EXPECT_LT(parser.buffer_bytes(), 10'000U);

  ReplyLimits limits;
  limits.max_depth = 2;
  EXPECT_THAT(Parse({"*1\r\n*1\r\n:1\r\n"}, limits), ElementsAre("array[array[integer:1]]"));
  EXPECT_THAT(Parse({"*1\r\n*1\r\n*0\r\n"}, limits),
              ElementsAre("failed: aggregates nested too deep"));
}

TEST(ReplyParserTest, KeepsItsLimits) {
  ReplyLimits limits;
  limits.max_line_bytes = 10;
  limits.max_bulk_bytes = 20;
  limits.max_reply_bytes = 100;
  EXPECT_THAT(Parse({"+1234567890\r\n"}, limits), ElementsAre("simple:1234567890"));
  EXPECT_THAT(Parse({"+12345678901"}, limits), ElementsAre());
  EXPECT_THAT(Parse({"+1234567890123"}, limits), ElementsAre("failed: line too long"));
  EXPECT_THAT(Parse({"$21\r\n"}, limits), ElementsAre("failed: bad length of a bulk string"));
  EXPECT_THAT(Parse({"*100\r\n", std::string(100, '_')}, limits),
              ElementsAre("failed: line too long"));
  std::string nulls = "*100\r\n";
  for (int i = 0; i < 40; ++i) nulls += "_\r\n";
  EXPECT_THAT(Parse({nulls}, limits), ElementsAre("failed: the reply is too large"));
}

TEST(ReplyParserTest, ClaimsAllocateNothing) {
  ReplyParser parser;
  parser.Feed("*2000000000\r\n$4000000000\r\n");
  EXPECT_EQ(parser.Next(), ReplyResult::kNeedMore);
  EXPECT_LT(parser.buffer_bytes(), 100'000U);
}

// Writes a random reply that holds no others and appends what the parser should make of it.
void WriteRandomScalar(base::Random& random, ReplyWriter& writer, std::string& expected) {
  const bool resp3 = writer.resp3();
  const auto number = static_cast<int64_t>(random.Next());
  switch (random.Below(9)) {
    case 0:
      writer.Ok();
      expected += "simple:OK";
      break;
    case 1:
      writer.Error("ERR no");
      expected += "error:ERR no";
      break;
    case 2:
      writer.Integer(number);
      expected += "integer:" + std::to_string(number);
      break;
    case 3: {
      const std::string data(random.Below(200), '\n');
      writer.Bulk(data);
      expected += "bulk:" + data;
      break;
    }
    case 4:
      random.Below(2) == 0 ? writer.Null() : writer.NullArray();
      expected += "null";
      break;
    case 5: {
      const double value = static_cast<double>(number) / 1e10;
      writer.Double(value);
      expected += (resp3 ? "double:" : "bulk:") + base::FormatDouble(value);
      break;
    }
    case 6: {
      const bool value = random.Below(2) == 0;
      writer.Boolean(value);
      expected += resp3 ? "boolean:" : "integer:";
      expected += resp3 ? (value ? "t" : "f") : (value ? "1" : "0");
      break;
    }
    case 7:
      writer.BigNumber("12345678901234567890");
      expected += resp3 ? "big:12345678901234567890" : "bulk:12345678901234567890";
      break;
    default:
      writer.Verbatim("mkd", "text");
      expected += resp3 ? "verbatim:text(mkd)" : "bulk:text";
      break;
  }
}

// The same, up to `depth` levels deep.
void WriteRandom(base::Random& random, ReplyWriter& writer, int depth, std::string& expected) {
  const auto elements = [&](const char* name, uint64_t count) {
    expected += name;
    expected += "[";
    for (uint64_t i = 0; i < count; ++i) {
      if (i > 0) expected += " ";
      WriteRandom(random, writer, depth - 1, expected);
    }
    expected += "]";
  };
  const bool resp3 = writer.resp3();
  const uint64_t count = random.Below(4);
  switch (random.Below(depth > 0 ? 13 : 9)) {
    case 9:
      writer.Array(count);
      elements("array", count);
      break;
    case 10:
      writer.Map(count);
      elements(resp3 ? "map" : "array", 2 * count);
      break;
    case 11:
      writer.Set(count);
      elements(resp3 ? "set" : "array", count);
      break;
    case 12:
      writer.Push(count);
      elements(resp3 ? "push" : "array", count);
      break;
    default:
      WriteRandomScalar(random, writer, expected);
      break;
  }
}

TEST(ReplyParserTest, ReadsBackWhatTheWriterWrites) {
  base::Random random(12);
  for (int round = 0; round < 500; ++round) {
    std::string wire;
    ReplyWriter writer(wire);
    writer.set_version(round % 2 == 0 ? Version::kResp2 : Version::kResp3);
    std::vector<std::string> expected;
    for (int i = 0; i < 10; ++i) WriteRandom(random, writer, 5, expected.emplace_back());
    ASSERT_EQ(Parse({wire}), expected);
    ASSERT_EQ(ParseEveryByte(wire), expected);
    const size_t cut = random.Below(wire.size());
    ASSERT_EQ(Parse({std::string_view(wire).substr(0, cut), std::string_view(wire).substr(cut)}),
              expected);
  }
}

TEST(ReplyParserTest, EveryCutInTwoGivesTheSameReplies) {
  std::string wire = "*3\r\n%1\r\n+k\r\n=5\r\ntxt:v\r\n$4\r\na\r\nb\r\n,1e+20\r\n";
  wire += wire + "$-1\r\n!3\r\nERR\r\n|1\r\n+a\r\n+b\r\n:1\r\n";
  const std::vector<std::string> whole = Parse({wire});
  ASSERT_EQ(whole.size(), 5U);
  for (size_t cut = 0; cut <= wire.size(); ++cut) {
    EXPECT_EQ(Parse({std::string_view(wire).substr(0, cut), std::string_view(wire).substr(cut)}),
              whole)
        << cut;
  }
}

uint64_t WorkInPieces(std::string_view wire, size_t size) {
  ReplyParser parser;
  size_t replies = 0;
  for (; !wire.empty(); wire.remove_prefix(std::min(size, wire.size()))) {
    parser.Feed(wire.substr(0, size));
    while (parser.Next() == ReplyResult::kReply) ++replies;
  }
  EXPECT_EQ(replies, 1U);
  return parser.work_bytes();
}

TEST(ReplyParserTest, SmallPiecesCostLinearWork) {
  std::string wire;
  ReplyWriter writer(wire);
  writer.Bulk(std::string(4 << 20, 'v'));
  EXPECT_LT(WorkInPieces(wire, 1000), 5 * wire.size());
  wire.clear();
  writer.Array(200'000);
  for (int i = 0; i < 200'000; ++i) writer.Integer(i);
  EXPECT_LT(WorkInPieces(wire, 100), 6 * wire.size());
  wire = "+" + std::string(50'000, 'x') + "\r\n";
  EXPECT_LT(WorkInPieces(wire, 1), 6 * wire.size());
}

TEST(ReplyParserTest, ALargeBulkIsReadInPlace) {
  ReplyParser parser;
  std::vector<char> shared(ReplyParser::kReadSize);
  parser.Feed("$500000\r\nvv");
  ASSERT_EQ(parser.Next(), ReplyResult::kNeedMore);
  const std::span<char> room = parser.ReadBuffer(shared);
  ASSERT_EQ(room.size(), 500'000U);  // 499,998 bytes and CR LF
  std::memset(room.data(), 'v', room.size());
  std::memcpy(room.data() + room.size() - 2, "\r\n", 2);
  parser.Filled(room.size());
  ASSERT_EQ(parser.Next(), ReplyResult::kReply);
  EXPECT_EQ(parser.reply().text(), std::string(500'000, 'v'));
  EXPECT_EQ(parser.reply().text().data() + 2, room.data());
  EXPECT_EQ(parser.Next(), ReplyResult::kNeedMore);
  EXPECT_LT(parser.buffer_bytes(), 20'000U);
}

TEST(ReplyParserTest, LetsItsOwnerTakeWhatIsNotResp) {
  ReplyParser parser;
  parser.Feed("+FULLRESYNC\r\n$5\r\npayload+OK\r\n");
  ASSERT_EQ(parser.Next(), ReplyResult::kReply);
  EXPECT_EQ(parser.Unparsed(), "$5\r\npayload+OK\r\n");
  parser.Skip(11);
  ASSERT_EQ(parser.Next(), ReplyResult::kReply);
  EXPECT_EQ(parser.reply().text(), "OK");
  EXPECT_EQ(parser.Unparsed(), "");
  EXPECT_EQ(parser.Next(), ReplyResult::kNeedMore);
  EXPECT_EQ(parser.Unparsed(), "");
}

}  // namespace
}  // namespace cairn::resp
