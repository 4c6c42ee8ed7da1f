// What a request is, and what is an error. Expected behaviour: redis-server 7.0.15 over a raw
// socket.
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "resp/request_parser.h"
#include "resp_testing.h"

namespace cairn::resp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kPing = "*1\r\n$4\r\nPING\r\n";

// Parses in one piece and byte by byte, both ways of input, and expects no difference.
Parsed Parse(std::string_view input, const RequestLimits& limits = {}) {
  const Parsed whole = ParseReceived({input}, limits);
  EXPECT_EQ(ParseReceived(EveryByte(input), limits), whole) << input.substr(0, 100);
  EXPECT_EQ(ParseFed({input}, limits), whole) << input.substr(0, 100);
  return whole;
}

std::string ErrorOf(std::string_view input, const RequestLimits& limits = {}) {
  return Parse(input, limits).error;
}

TEST(RequestParserTest, ReadsMultibulkRequests) {
  const std::string input = Encode({"SET", "key", "a\r\nb\0c"}) + Encode({"", ""}) +
                            Encode({"GET", std::string(300, 'x')});
  const Parsed parsed = Parse(input);
  EXPECT_THAT(parsed.requests,
              ElementsAre(ElementsAre("SET", "key", "a\r\nb\0c"), ElementsAre("", ""),
                          ElementsAre("GET", std::string(300, 'x'))));
  EXPECT_EQ(parsed.raws[0] + parsed.raws[1] + parsed.raws[2], input);
  EXPECT_EQ(parsed.error, "");
}

TEST(RequestParserTest, ReadsInlineRequests) {
  const Parsed parsed = Parse("PING\r\nset a \"b c\"\n  get\ta  \r\nECHO ''\n");
  EXPECT_THAT(parsed.requests, ElementsAre(ElementsAre("PING"), ElementsAre("set", "a", "b c"),
                                           ElementsAre("get", "a"), ElementsAre("ECHO", "")));
  EXPECT_THAT(parsed.raws, ElementsAre("", "", "", ""));
  EXPECT_THAT(Parse("PING\rX\n").requests, ElementsAre(ElementsAre("PING", "X")));
  EXPECT_THAT(Parse("PING\r\r\n").requests, ElementsAre(ElementsAre("PING")));
}

TEST(RequestParserTest, MixesInlineAndMultibulk) {
  const Parsed parsed = Parse(std::string(kPing) + "ECHO a\n" + std::string(kPing) + "ECHO b\r\n");
  EXPECT_THAT(parsed.requests, ElementsAre(ElementsAre("PING"), ElementsAre("ECHO", "a"),
                                           ElementsAre("PING"), ElementsAre("ECHO", "b")));
  EXPECT_THAT(parsed.raws, ElementsAre(kPing, "", kPing, ""));
}

TEST(RequestParserTest, PassesOverEmptyRequests) {
  for (const std::string_view empty : {"*0\r\n", "*-1\r\n", "*-100\r\n", "\r\n", "\n", "  \t\r\n",
                                       "*0\r\n\r\n*-1\r\n\n", "*0\rX"}) {
    const Parsed parsed = Parse(std::string(empty) + std::string(kPing));
    EXPECT_THAT(parsed.requests, ElementsAre(ElementsAre("PING"))) << empty;
    EXPECT_THAT(parsed.raws, ElementsAre(kPing)) << empty;
    EXPECT_THAT(Parse(empty).requests, IsEmpty()) << empty;
  }
}

TEST(RequestParserTest, OtherLineEndsAreNotCanonical) {
  for (const std::string_view input : {"*1\rX$4\r\nPING\r\n", "*1\r\n$4\rXPING\r\n",
                                       "*1\r\n$4\r\nPINGab", "*1\r\n$4\r\nPING\r\r"}) {
    const Parsed parsed = Parse(std::string(input) + std::string(kPing));
    EXPECT_THAT(parsed.requests, ElementsAre(ElementsAre("PING"), ElementsAre("PING"))) << input;
    EXPECT_THAT(parsed.raws, ElementsAre("", kPing)) << input;
  }
}

TEST(RequestParserTest, RefusesBadMultibulkLengths) {
  for (const std::string_view input :
       {"*abc\r\n", "*\r\n", "*01\r\n", "*+1\r\n", "*-0\r\n", "* 1\r\n", "*1 \r\n", "*1048577\r\n",
        "*99999999999999999999\r\n", "*9223372036854775808\r\n"}) {
    EXPECT_EQ(ErrorOf(input), "protocol: invalid multibulk length") << input;
  }
  EXPECT_EQ(ErrorOf("*1048576\r\n"), "");
}

TEST(RequestParserTest, RefusesBadBulkLengths) {
  for (const std::string_view length :
       {"abc", "", "-1", "-0", "03", "+3", " 3", "3 ", "536870913", "1e3"}) {
    const std::string input = "*2\r\n$1\r\na\r\n$" + std::string(length) + "\r\n";
    EXPECT_EQ(ErrorOf(input), "protocol: invalid bulk length") << input;
  }
  EXPECT_EQ(ErrorOf("*1\r\n$536870912\r\n"), "");
}

TEST(RequestParserTest, RefusesOtherTypesThanBulkStrings) {
  EXPECT_EQ(ErrorOf("*1\r\nfoo\r\n"), "protocol: expected '$', got 'f'");
  EXPECT_EQ(ErrorOf("*1\r\n:1\r\n"), "protocol: expected '$', got ':'");
  EXPECT_EQ(ErrorOf("*1\r\n\r\n"), "protocol: expected '$', got '\r'");
  EXPECT_EQ(ErrorOf("*1\r\n\x80\r\n"), "protocol: expected '$', got '\x80'");
  EXPECT_EQ(ErrorOf("*1\r\nfoo"), "");  // as Redis: only once the line is complete
}

TEST(RequestParserTest, RefusesUnbalancedQuotes) {
  for (const std::string_view input : {"\"abc\r\n", "\"abc\"d\r\n", "'abc\n", "ECHO ''x\n"}) {
    EXPECT_EQ(ErrorOf(input), "protocol: unbalanced quotes in request") << input;
  }
}

TEST(RequestParserTest, RefusesLinesWithoutEnd) {
  const std::string digits(65536, '1');
  EXPECT_EQ(ErrorOf("*" + digits.substr(1)), "");
  EXPECT_EQ(ErrorOf("*" + digits), "protocol: too big mbulk count string");
  EXPECT_EQ(ErrorOf("*1\r\n$" + digits.substr(1)), "");
  EXPECT_EQ(ErrorOf("*1\r\n$" + digits), "protocol: too big bulk count string");
  EXPECT_EQ(ErrorOf(digits), "");
  EXPECT_EQ(ErrorOf(digits + "1"), "protocol: too big inline request");
  EXPECT_THAT(Parse(digits + "\n").requests, ElementsAre(ElementsAre(digits)));
  EXPECT_EQ(ErrorOf("*" + digits.substr(1) + "\r\n"), "protocol: invalid multibulk length");
}

TEST(RequestParserTest, RequestsBeforeAnErrorAreCarriedOut) {
  const Parsed parsed = Parse(std::string(kPing) + "ECHO a\n*x\r\n" + std::string(kPing));
  EXPECT_THAT(parsed.requests, ElementsAre(ElementsAre("PING"), ElementsAre("ECHO", "a")));
  EXPECT_EQ(parsed.error, "protocol: invalid multibulk length");
}

TEST(RequestParserTest, AnErrorIsForEver) {
  const RequestLimits limits;
  RequestParser parser(&limits);
  parser.Feed("*x\r\n");
  EXPECT_EQ(parser.Next(), ParseResult::kError);
  EXPECT_FALSE(parser.HasInput());
  EXPECT_EQ(parser.pending_bytes(), 0U);
  parser.Feed(kPing);
  EXPECT_EQ(parser.Next(), ParseResult::kError);
  EXPECT_EQ(parser.error(), "invalid multibulk length");
  EXPECT_THAT(parser.args(), IsEmpty());
}

TEST(RequestParserTest, LimitsClientsThatAreNotAuthenticated) {
  RequestLimits limits;
  limits.authenticated = false;
  const Request ten(10, "a");
  const Request eleven(11, "a");
  EXPECT_THAT(Parse(Encode(ten), limits).requests, ElementsAre(ten));
  EXPECT_THAT(Parse(Encode(ten), limits).raws, ElementsAre(Encode(ten)));
  EXPECT_EQ(ErrorOf(Encode(eleven), limits), "protocol: unauthenticated multibulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$16384\r\n", limits), "");
  EXPECT_EQ(ErrorOf("*1\r\n$16385\r\n", limits), "protocol: unauthenticated bulk length");
}

TEST(RequestParserTest, TakesOtherLimitsBetweenRequests) {
  RequestLimits before;
  before.authenticated = false;
  const RequestLimits after;
  RequestParser parser(&before);
  const Request eleven(11, "a");
  const std::string input = Encode({"AUTH", "secret"}) + Encode(eleven);
  parser.Feed(input);
  ASSERT_EQ(parser.Next(), ParseResult::kRequest);
  parser.set_limits(&after);
  EXPECT_EQ(parser.Next(), ParseResult::kRequest);
  EXPECT_EQ(parser.args().size(), 11U);
}

TEST(RequestParserTest, KeepsTheLimitsOfItsOwner) {
  RequestLimits limits;
  limits.max_bulk_bytes = 10;
  limits.max_arguments = 3;
  EXPECT_EQ(ErrorOf(Encode({"a", "1234567890", ""}), limits), "");
  EXPECT_EQ(ErrorOf(Encode({"a", "12345678901"}), limits), "protocol: invalid bulk length");
  EXPECT_EQ(ErrorOf(Encode({"a", "b", "c", "d"}), limits), "protocol: invalid multibulk length");
}

TEST(RequestParserTest, BoundsAnUnfinishedRequest) {
  RequestLimits limits;
  limits.max_query_bytes = 1000;
  const std::string request = Encode({"SET", "k", std::string(2000, 'v')});
  EXPECT_EQ(ErrorOf(request.substr(0, 1000), limits), "");
  EXPECT_EQ(ErrorOf(request.substr(0, 1001), limits),
            "limit: the unfinished request exceeds client-query-buffer-limit");
  // A pipeline of complete requests is not held back, so it may be longer.
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += kPing;
  EXPECT_EQ(ParseReceived({pings}, limits).requests.size(), 1000U);
}

}  // namespace
}  // namespace cairn::resp::testing
