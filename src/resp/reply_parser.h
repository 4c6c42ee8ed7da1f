// Parses replies, the client's side of the protocol, in RESP2 and RESP3, from bytes that arrive in
// any pieces.
//
// For the benchmark, the replication link and the monitor. Cost is linear in the bytes, however
// they are split; depth is bounded and no function calls itself; memory grows with the bytes that
// have come, never with a length that the other side only claims. Attributes are read and dropped;
// RESP3's streamed strings and aggregates (which Redis does not send) are refused. A server is held
// to the letter of the protocol: line ends are CR LF, numbers are numbers.
//
// Use: as RequestParser. The reply and its views are valid until the next call of any function. One
// parser belongs to one connection and one thread. Source: the RESP specification of the Redis
// documentation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "resp/input_buffer.h"
#include "resp/reply.h"

namespace cairn::resp {

struct ReplyLimits {
  size_t max_depth = 64;                  // aggregates inside one another
  uint64_t max_line_bytes = 1 << 20;      // of a line without its type and end
  uint64_t max_bulk_bytes = 1ULL << 32;   // of a bulk string
  uint64_t max_reply_bytes = 1ULL << 33;  // of one unfinished reply and what follows it
};

enum class ReplyResult : uint8_t {
  kReply,     // reply() holds one
  kNeedMore,  // every byte has been used
  kError,     // error() says why; nothing more can be read from this connection
};

class ReplyParser {
 public:
  static constexpr size_t kLargeBulk = 32 * 1024;
  static constexpr size_t kReadSize = 64 * 1024;

  explicit ReplyParser(const ReplyLimits& limits = {}) : limits_(limits) {}

  // Where to put the next bytes, how many came, or bytes that are there already: as in
  // RequestParser.
  std::span<char> ReadBuffer(std::span<char> shared);
  void Filled(size_t size);
  void Feed(std::string_view data);

  ReplyResult Next();

  // Valid after kReply.
  [[nodiscard]] Reply reply() const { return {base_, nodes_.data()}; }
  // Valid after kError, which Next() then says for ever.
  [[nodiscard]] const std::string& error() const { return error_; }

  // For protocols that leave RESP for a while (a full sync's payload): what has come behind the
  // last reply, valid until the next call, and to say that `size` bytes of it have been used. Only
  // between replies.
  [[nodiscard]] std::string_view Unparsed() const { return {input_.begin(), input_.size()}; }
  void Skip(size_t size);

  // The allocated size of all buffers.
  [[nodiscard]] size_t buffer_bytes() const;
  // Bytes copied, and bytes searched for line ends: linear in the bytes that came.
  [[nodiscard]] uint64_t work_bytes() const { return input_.moved_bytes() + searched_bytes_; }

 private:
  enum class Step : uint8_t { kDone, kNeedMore, kFailed };
  struct Aggregate {
    size_t node;
    uint64_t left;  // elements that have not come yet
  };
  static constexpr size_t kUnknown = SIZE_MAX;
  // Nodes that an idle parser keeps room for.
  static constexpr size_t kKeepNodes = 256;

  Step ParseElement();
  Step ParseLine(char type, std::string_view text);
  Step ParseBulkHeader(char type, std::string_view text);
  Step ParseBulkBody();
  Step ParseAggregate(char type, std::string_view text);
  Step TakeLine(char& type, std::string_view& text);
  Step Fail(std::string_view text);
  ReplyNode& AddNode(ReplyType type, std::string_view text);
  void ElementDone();
  void BeginReply();
  void Idle();
  size_t MissingOfLargeBulk() const;

  const ReplyLimits limits_;
  InputBuffer input_;  // begins with the current reply while that is not complete
  const char* base_ = nullptr;
  std::vector<ReplyNode> nodes_;
  std::vector<Aggregate> open_;
  bool waiting_ = true;
  bool complete_ = false;
  bool failed_ = false;
  std::string error_;

  // Places count from the beginning of the reply.
  size_t parsed_ = 0;
  size_t searched_ = 0;
  size_t bulk_size_ = kUnknown;  // of the bulk string at parsed_
  char bulk_type_ = '$';
  uint64_t searched_bytes_ = 0;
};

}  // namespace cairn::resp
