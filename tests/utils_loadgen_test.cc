// The benchmark's clients against a server that answers from a script.
#include <array>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "bench/client.h"
#include "bench/loadgen.h"
#include "bench/reply_scanner.h"
#include "bench/scan.h"
#include "bench/socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cairn::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Serves one connection: the n-th request gets the n-th reply of the script; after the last one the
// connection is closed.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> script)
      : script_(std::move(script)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_.get(), 1), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ScriptedServer() {
    shutdown(listener_.get(), SHUT_RDWR);  // ends a wait for a client that never came
    thread_.join();
  }

  [[nodiscard]] uint16_t port() const { return port_; }
  // The bytes of all requests. Joins, so: when the client is done.
  std::string Requests() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    thread_ = std::thread([] {});
    return requests_;
  }

 private:
  void Serve() {
    const Fd client(accept(listener_.get(), nullptr, nullptr));
    ReplyScanner scanner;  // a request has the form of a reply that is an array
    std::array<char, 4096> buffer;
    for (size_t answered = 0; answered < script_.size();) {
      const ssize_t size = recv(client.get(), buffer.data(), buffer.size(), 0);
      if (size <= 0) return;
      requests_.append(buffer.data(), static_cast<size_t>(size));
      ASSERT_TRUE(scanner.Feed({buffer.data(), static_cast<size_t>(size)}));
      for (; answered < scanner.replies() && answered < script_.size(); ++answered) {
        const std::string& reply = script_[answered];
        ASSERT_EQ(send(client.get(), reply.data(), reply.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(reply.size()));
      }
    }
  }

  std::vector<std::string> script_;
  Fd listener_;
  uint16_t port_ = 0;
  std::string requests_;
  std::thread thread_;
};

absl::StatusOr<LoadResult> LoadFromOneConnection(uint16_t port, uint64_t requests, size_t depth) {
  LoadSpec spec;
  spec.port = port;
  spec.connections = 1;
  spec.depth = depth;
  spec.requests = requests;
  spec.keys = 10;
  return RunLoad(spec);
}

TEST(LoadTest, CountsRequestsAndBatches) {
  ScriptedServer server(std::vector<std::string>(7, "+OK\r\n"));
  const absl::StatusOr<LoadResult> load = LoadFromOneConnection(server.port(), 7, 3);
  ASSERT_TRUE(load.ok()) << load.status();
  EXPECT_EQ(load->requests, 7u);
  EXPECT_EQ(load->batch_ns.count(), 3u);  // 3, 3 and the last 1
  EXPECT_GT(load->seconds, 0);
  EXPECT_GE(load->seconds * 1e9, static_cast<double>(load->batch_ns.max()));
}

TEST(LoadTest, SendsExactlyTheRequests) {
  ScriptedServer server(std::vector<std::string>(5, "+OK\r\n"));
  ASSERT_TRUE(LoadFromOneConnection(server.port(), 5, 2).ok());
  ReplyScanner scanner;
  ASSERT_TRUE(scanner.Feed(server.Requests()));
  EXPECT_EQ(scanner.replies(), 5u);
}

TEST(LoadTest, AnErrorReplyFailsTheLoad) {
  ScriptedServer server({"+OK\r\n", "-ERR no space\r\n"});
  const absl::Status status = LoadFromOneConnection(server.port(), 4, 2).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("SET answered with an error: ERR no space"));
}

TEST(LoadTest, ANullFailsTheLoad) {
  ScriptedServer server({"$-1\r\n"});
  const absl::Status status = LoadFromOneConnection(server.port(), 4, 1).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
}

TEST(LoadTest, AClosedConnectionFailsTheLoad) {
  ScriptedServer server({"+OK\r\n"});
  EXPECT_TRUE(absl::IsUnavailable(LoadFromOneConnection(server.port(), 4, 1).status()));
}

TEST(LoadTest, NeedsALimit) {
  EXPECT_TRUE(absl::IsInvalidArgument(LoadFromOneConnection(1, 0, 1).status()));
}

TEST(ClientTest, GivesTheLeavesOfNestedReplies) {
  ScriptedServer server({"+OK\r\n", "*2\r\n$1\r\n7\r\n*3\r\n$2\r\nab\r\n$-1\r\n:5\r\n",
                         "-ERR bad\r\n", "+again\r\n"});
  absl::StatusOr<Client> client = Client::Connect(server.port());
  ASSERT_TRUE(client.ok());
  const std::vector<std::string_view> args = {"X", "with two", ""};
  EXPECT_THAT(*client->Call(args), ElementsAre("OK"));
  EXPECT_THAT(*client->Call(args), ElementsAre("7", "ab", "", "5"));
  EXPECT_EQ(client->Call(args).status(), absl::FailedPreconditionError("ERR bad"));
  EXPECT_THAT(*client->Call(args), ElementsAre("again"));
  EXPECT_TRUE(absl::IsUnavailable(client->Call(args).status()));
}

// A page of SCAN or SCANRANGE: where to go on, then the items.
std::string Page(std::string_view next, const std::vector<std::string_view>& items) {
  return "*2\r\n" + FormatRequest({next}).substr(4) + FormatRequest(items);
}

absl::StatusOr<ScanResult> Scan(std::vector<std::string> script, ScanWay way, uint64_t expected) {
  ScriptedServer server(std::move(script));
  absl::StatusOr<Client> client = Client::Connect(server.port());
  if (!client.ok()) return client.status();
  return ScanAll(*client, way, expected);
}

TEST(ScanTest, RangeGoesOnWhereThePageSays) {
  ScriptedServer server({Page("(b", {"a", "b"}), Page("", {"c"})});
  absl::StatusOr<Client> client = Client::Connect(server.port());
  ASSERT_TRUE(client.ok());
  const absl::StatusOr<ScanResult> scan = ScanAll(*client, ScanWay::kScanRange, 3);
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->keys, 3u);
  EXPECT_EQ(server.Requests(), FormatRequest({"SCANRANGE", "-", "+", "LIMIT", "1000"}) +
                                   FormatRequest({"SCANRANGE", "(b", "+", "LIMIT", "1000"}));
}

TEST(ScanTest, RangeWithValuesCountsPairs) {
  const auto scan = Scan({Page("(b", {"a", "11", "b", "222"}), Page("", {"c", ""})},
                         ScanWay::kScanRangeValues, 3);
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->keys, 3u);
  EXPECT_EQ(scan->value_bytes, 5u);
}

TEST(ScanTest, CursorScanFetchesValues) {
  const auto scan = Scan({Page("17", {"a", "b"}), "*2\r\n$1\r\nx\r\n$2\r\nyz\r\n", Page("3", {}),
                          Page("0", {"c"}), "*1\r\n$1\r\nz\r\n"},
                         ScanWay::kScanAndMget, 3);
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->keys, 3u);
  EXPECT_EQ(scan->value_bytes, 4u);
}

TEST(ScanTest, RefusesWhatIsWrong) {
  EXPECT_FALSE(Scan({Page("", {"b", "a"})}, ScanWay::kScanRange, 2).ok());                // order
  EXPECT_FALSE(Scan({Page("(b", {"b"}), Page("", {"b"})}, ScanWay::kScanRange, 2).ok());  // twice
  EXPECT_FALSE(Scan({Page("", {"a"})}, ScanWay::kScanRange, 2).ok());                     // missing
  EXPECT_FALSE(Scan({Page("", {"a", "b", "c"})}, ScanWay::kScanRange, 2).ok());  // too many
  EXPECT_FALSE(
      Scan({Page("", {"a", "1", "b"})}, ScanWay::kScanRangeValues, 1).ok());  // half a pair
  EXPECT_FALSE(Scan({Page("0", {"a"})}, ScanWay::kScan, 2).ok());             // missing
  EXPECT_FALSE(Scan({"-ERR unknown command\r\n"}, ScanWay::kScanRange, 1).ok());
  EXPECT_FALSE(
      Scan(std::vector<std::string>(2000, Page("1", {})), ScanWay::kScan, 5).ok());  // no end
}

}  // namespace
}  // namespace cairn::bench
