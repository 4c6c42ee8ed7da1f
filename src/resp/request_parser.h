// Parses client requests, RESP arrays of bulk strings or inline commands, from bytes that arrive in
// any pieces.
//
// Cost is linear in the bytes, however they are split: nothing that has been looked at is looked at
// again, small arguments are viewed where they lie in the input, and a bulk string of kLargeBulk
// bytes or more is read from the socket straight into the buffer it will be used from. A buffer
// grows with the bytes that have come, never at once with a length that a client only claims.
//
// Use: ReadBuffer() gives the place for the next socket read, Filled(n) tells how much came, then
// Next() is called until it says kNeedMore. The views of a request are valid until the next call of
// any function. One parser belongs to one connection and one thread. An idle parser owns no buffer.
// As in Redis, a header line ends with CR and any one byte, and so do any two bytes end a bulk
// string; such a request is carried out but is not canonical (raw()). Requests without arguments
// are passed over. Source: RESP specification; limits and error texts as Redis 7.2, compared with
// redis-server 7.0.15.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "resp/input_buffer.h"

namespace cairn::resp {

struct RequestLimits {
  uint64_t max_bulk_bytes = 512ULL << 20;  // proto-max-bulk-len
  uint64_t max_arguments = 1'048'576;      // of one request
  uint64_t max_inline_bytes = 64 * 1024;   // of an inline line, and of a header line
  // client-query-buffer-limit: of one unfinished request and what follows it.
  uint64_t max_query_bytes = 1ULL << 30;
  bool authenticated = true;  // before AUTH: 10 arguments, 16 KiB bulk strings at most
};

enum class ParseResult : uint8_t {
  kRequest,   // args() holds a request (never empty)
  kNeedMore,  // every byte has been used
  kError,     // error() says why; the connection must be closed after the reply
};

enum class ParseError : uint8_t {
  // The client is told "-ERR Protocol error: " + error(), then the connection is closed.
  kProtocol,
  // max_query_bytes is passed: the connection is closed without a reply, the log gets error().
  kQueryLimit,
};

class RequestParser {
 public:
  static constexpr size_t kLargeBulk = 32 * 1024;
  static constexpr size_t kReadSize = 64 * 1024;

  // `limits` is read at each request and outlives the parser.
  explicit RequestParser(const RequestLimits* limits) : limits_(limits) {}

  // Other limits from the next header on (AUTH).
  void set_limits(const RequestLimits* limits) { limits_ = limits; }

  // Where to put the next bytes. `shared` (at least kReadSize bytes, owned by the caller, used for
  // many connections) is given back when nothing is pending; then Next() must be called to
  // kNeedMore before `shared` is used for another parser.
  std::span<char> ReadBuffer(std::span<char> shared);
  void Filled(size_t size);
  // For callers that have the bytes already (replay, tests): parses from `data`, which must stay in
  // place until Next() has said kNeedMore; what is left over is copied.
  void Feed(std::string_view data);

  ParseResult Next();

  // The next request when it lies complete in the input, in canonical form; false otherwise, which
  // says nothing (Next does). The views of all requests taken so in a row stay valid until another
  // function but PutBack is called. This lets a session look at several pipelined requests before
  // it runs the first.
  bool NextWhole() { return searched_ == 0 && !failed_ && ParseWhole(); }
  // `raw` = raw() of a request taken by NextWhole: it and all behind it are to be parsed again.
  void PutBack(std::string_view raw) { input_.PutBack(raw.data()); }

  [[nodiscard]] std::span<const std::string_view> args() const {
    return {args_.data(), arg_count_};
  }
  // The request's own bytes when they are a RESP array in canonical form, which is what writing
  // args() anew would give; empty otherwise (inline requests, line ends that are not CR LF).
  [[nodiscard]] std::string_view raw() const { return raw_; }
  // What went wrong, without "ERR Protocol error: " and line end. It may hold any byte that the
  // client sent, so it goes through ReplyWriter::Error. Valid after kError, which Next() then says
  // for ever.
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] ParseError error_kind() const { return error_kind_; }

  // Bytes held back in the parser's own memory, and the allocated size of all its buffers.
  [[nodiscard]] size_t pending_bytes() const { return input_.held(); }
  [[nodiscard]] size_t buffer_bytes() const;
  // True while input that could be a further request has not been parsed yet.
  [[nodiscard]] bool HasInput() const { return !waiting_ && !failed_ && !input_.empty(); }
  // The session stops before the input is used up (a command waits): copies what is left out of
  // `shared`.
  void Detach() { input_.Hold(); }

  // Bytes copied, and bytes looked at again after a request did not come in one piece, since the
  // parser was made. Tests hold it against the bytes that came: the cost is linear.
  [[nodiscard]] uint64_t work_bytes() const { return input_.moved_bytes() + searched_bytes_; }

 private:
  enum class Step : uint8_t { kDone, kSkipped, kNeedMore, kFailed };
  // An argument of a request that is not complete: its place from the beginning of the request,
  // since memory may move.
  struct Span {
    size_t offset;
    size_t size;
  };
  static constexpr size_t kUnknown = SIZE_MAX;
  // Room for arguments that an idle parser keeps.
  static constexpr size_t kKeepArguments = 128;

  bool ParseWhole();
  Step ParsePiece();
  Step ParseInline();
  Step ParseMultibulk();
  Step ParseMultibulkHeader();
  Step ParseBulkHeader();
  Step ParseBulkBody();
  Step FindLineEnd(char wanted, std::string_view too_long, size_t& at);
  Step TakeHeaderLine(std::string_view too_long, std::string_view& line);
  Step Fail(ParseError kind, std::string_view text);
  void FinishMultibulk();
  void EndRequest();
  void Idle();
  size_t MissingOfLargeBulk() const;
  std::string_view* Arguments(size_t count);

  const RequestLimits* limits_;
  InputBuffer input_;  // begins with the current request while that is not complete
  std::vector<std::string_view> args_;
  size_t arg_count_ = 0;
  std::string_view raw_;
  bool waiting_ = true;  // nothing has come since kNeedMore
  bool failed_ = false;
  ParseError error_kind_ = ParseError::kProtocol;
  std::string error_;

  // The current request, when it did not come in one piece. Places count from its beginning.
  size_t parsed_ = 0;            // everything before is understood
  size_t searched_ = 0;          // where the search for a line end goes on; 0 = nothing seen yet
  uint64_t bulks_left_ = 0;      // 0 = before the header
  size_t bulk_size_ = kUnknown;  // of the bulk string at parsed_
  bool canonical_ = true;
  std::vector<Span> spans_;
  std::vector<std::string> inline_args_;
  uint64_t searched_bytes_ = 0;
};

}  // namespace cairn::resp
