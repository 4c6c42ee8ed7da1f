#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "resp/reply_writer.h"

namespace cairn::resp {
namespace {

std::string Written(Version version, const std::function<void(ReplyWriter&)>& write) {
  std::string out = "before";
  ReplyWriter writer(out);
  writer.set_version(version);
  write(writer);
  EXPECT_EQ(out.substr(0, 6), "before");
  EXPECT_EQ(writer.size(), out.size());
  return out.substr(6);
}

// Expects `resp2` and `resp3` from the same calls.
void Expect(const std::function<void(ReplyWriter&)>& write, const std::string& resp2,
            const std::string& resp3) {
  EXPECT_EQ(Written(Version::kResp2, write), resp2);
  EXPECT_EQ(Written(Version::kResp3, write), resp3);
}

void ExpectBoth(const std::function<void(ReplyWriter&)>& write, const std::string& text) {
  Expect(write, text, text);
}

TEST(ReplyWriterTest, WritesLines) {
  ExpectBoth([](ReplyWriter& w) { w.Ok(); }, "+OK\r\n");
  ExpectBoth([](ReplyWriter& w) { w.Simple("PONG"); }, "+PONG\r\n");
  ExpectBoth([](ReplyWriter& w) { w.Error("ERR syntax error"); }, "-ERR syntax error\r\n");
  ExpectBoth([](ReplyWriter& w) { w.Error("ERR a\r\nb\n\rc\r\n"); }, "-ERR a  b  c\r\n");
  ExpectBoth([](ReplyWriter& w) { w.Error(""); }, "-\r\n");
  ExpectBoth([](ReplyWriter& w) { w.Raw("raw"); }, "raw");
}

TEST(ReplyWriterTest, ErrorsTouchNothingBeforeThem) {
  ExpectBoth(
      [](ReplyWriter& w) {
        w.Bulk("a\r\nb");
        w.Error("ERR x\ny");
        w.Ok();
      },
      "$4\r\na\r\nb\r\n-ERR x y\r\n+OK\r\n");
}

TEST(ReplyWriterTest, WritesIntegers) {
  ExpectBoth([](ReplyWriter& w) { w.Integer(0); }, ":0\r\n");
  ExpectBoth([](ReplyWriter& w) { w.Integer(-12); }, ":-12\r\n");
  ExpectBoth([](ReplyWriter& w) { w.Integer(std::numeric_limits<int64_t>::max()); },
             ":9223372036854775807\r\n");
  ExpectBoth([](ReplyWriter& w) { w.Integer(std::numeric_limits<int64_t>::min()); },
             ":-9223372036854775808\r\n");
  ExpectBoth([](ReplyWriter& w) { w.BulkInteger(-5); }, "$2\r\n-5\r\n");
  ExpectBoth([](ReplyWriter& w) { w.BulkInteger(std::numeric_limits<int64_t>::min()); },
             "$20\r\n-9223372036854775808\r\n");
}

TEST(ReplyWriterTest, WritesBulkStringsOfEverySize) {
  for (const size_t size : {0, 1, 9, 10, 63, 64, 65, 99, 100, 1000, 100'000}) {
    const std::string data(size, '\n');
    ExpectBoth([&](ReplyWriter& w) { w.Bulk(data); },
               "$" + std::to_string(size) + "\r\n" + data + "\r\n");
  }
  ExpectBoth([](ReplyWriter& w) { w.Bulk(std::string_view("a\0b", 3)); },
             std::string("$3\r\na\0b\r\n", 9));
  ExpectBoth([](ReplyWriter& w) { w.Bulk({}); }, "$0\r\n\r\n");
}

TEST(ReplyWriterTest, WritesNulls) {
  Expect([](ReplyWriter& w) { w.Null(); }, "$-1\r\n", "_\r\n");
  Expect([](ReplyWriter& w) { w.NullArray(); }, "*-1\r\n", "_\r\n");
}

TEST(ReplyWriterTest, WritesDoubles) {
  Expect([](ReplyWriter& w) { w.Double(3); }, "$1\r\n3\r\n", ",3\r\n");
  Expect([](ReplyWriter& w) { w.Double(0.1); }, "$3\r\n0.1\r\n", ",0.1\r\n");
  Expect([](ReplyWriter& w) { w.Double(1e20); }, "$5\r\n1e+20\r\n", ",1e+20\r\n");
  Expect([](ReplyWriter& w) { w.Double(HUGE_VAL); }, "$3\r\ninf\r\n", ",inf\r\n");
  Expect([](ReplyWriter& w) { w.Double(-HUGE_VAL); }, "$4\r\n-inf\r\n", ",-inf\r\n");
  Expect([](ReplyWriter& w) { w.Double(std::nan("")); }, "$3\r\nnan\r\n", ",nan\r\n");
}

TEST(ReplyWriterTest, WritesTheOtherScalars) {
  Expect([](ReplyWriter& w) { w.Boolean(true); }, ":1\r\n", "#t\r\n");
  Expect([](ReplyWriter& w) { w.Boolean(false); }, ":0\r\n", "#f\r\n");
  Expect([](ReplyWriter& w) { w.BigNumber("-123"); }, "$4\r\n-123\r\n", "(-123\r\n");
  Expect([](ReplyWriter& w) { w.Verbatim("txt", "a\nb"); }, "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n");
}

TEST(ReplyWriterTest, WritesAggregates) {
  ExpectBoth([](ReplyWriter& w) { w.Array(0); }, "*0\r\n");
  ExpectBoth([](ReplyWriter& w) { w.Array(12); }, "*12\r\n");
  Expect([](ReplyWriter& w) { w.Map(3); }, "*6\r\n", "%3\r\n");
  Expect([](ReplyWriter& w) { w.Set(3); }, "*3\r\n", "~3\r\n");
  Expect([](ReplyWriter& w) { w.Push(3); }, "*3\r\n", ">3\r\n");
}

TEST(ReplyWriterTest, ClosesArraysOfUnknownSize) {
  ExpectBoth(
      [](ReplyWriter& w) {
        w.Ok();
        const size_t outer = w.BeginArray();
        w.Integer(1);
        const size_t inner = w.BeginArray();
        w.Integer(2);
        w.EndArray(inner, 1);
        const size_t empty = w.BeginArray();
        w.EndArray(empty, 0);
        w.EndArray(outer, 3);
      },
      "+OK\r\n*3\r\n:1\r\n*1\r\n:2\r\n*0\r\n");
}

TEST(ReplyWriterTest, TakesAReplyBack) {
  ExpectBoth(
      [](ReplyWriter& w) {
        w.Ok();
        const size_t before = w.size();
        w.Array(2);
        w.Bulk("half");
        w.Rewind(before);
        w.Error("ERR x");
      },
      "+OK\r\n-ERR x\r\n");
}

TEST(ReplyWriterTest, TheVersionChangesBetweenReplies) {
  std::string out;
  ReplyWriter writer(out);
  EXPECT_FALSE(writer.resp3());
  writer.Null();
  writer.set_version(Version::kResp3);
  EXPECT_EQ(writer.version(), Version::kResp3);
  writer.Null();
  EXPECT_EQ(out, "$-1\r\n_\r\n");
}

}  // namespace
}  // namespace cairn::resp
