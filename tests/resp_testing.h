// Helpers for the tests of src/resp: requests built and parsed in any pieces.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "resp/reply_writer.h"
#include "resp/request_parser.h"

namespace cairn::resp::testing {

using Request = std::vector<std::string>;

// A request in canonical RESP.
inline std::string Encode(const Request& args) {
  std::string out;
  ReplyWriter writer(out);
  writer.Array(args.size());
  for (const std::string& arg : args) writer.Bulk(arg);
  return out;
}

// All that a parser made of some input.
struct Parsed {
  std::vector<Request> requests;
  std::vector<std::string> raws;  // raw() of each request
  std::string error;              // with its kind in front; empty = none

  bool operator==(const Parsed&) const = default;
};

// Takes what is ready; false after an error.
inline bool TakeAll(RequestParser& parser, Parsed& parsed) {
  while (true) {
    switch (parser.Next()) {
      case ParseResult::kRequest:
        parsed.requests.emplace_back(parser.args().begin(), parser.args().end());
        parsed.raws.emplace_back(parser.raw());
        break;
      case ParseResult::kNeedMore:
        return true;
      case ParseResult::kError:
        parsed.error = (parser.error_kind() == ParseError::kProtocol ? "protocol: " : "limit: ") +
                       parser.error();
        return false;
    }
  }
}

// Parses `pieces` as a connection does: through one shared read buffer, which others overwrite
// between two reads.
class Connection {
 public:
  explicit Connection(const RequestLimits* limits)
      : parser_(limits), shared_(RequestParser::kReadSize) {}

  // Hands over one piece, in several reads when the parser offers less room.
  bool Receive(std::string_view piece) {
    while (!piece.empty() && open_) {
      const std::span<char> room = parser_.ReadBuffer(shared_);
      const size_t size = std::min(room.size(), piece.size());
      std::memcpy(room.data(), piece.data(), size);
      parser_.Filled(size);
      piece.remove_prefix(size);
      open_ = TakeAll(parser_, parsed_);
      std::fill(shared_.begin(), shared_.end(), '#');
    }
    return open_;
  }

  RequestParser& parser() { return parser_; }
  const Parsed& parsed() const { return parsed_; }

 private:
  RequestParser parser_;
  std::vector<char> shared_;
  Parsed parsed_;
  bool open_ = true;
};

inline Parsed ParseReceived(const std::vector<std::string_view>& pieces,
                            const RequestLimits& limits = {}) {
  Connection connection(&limits);
  for (const std::string_view piece : pieces) {
    if (!connection.Receive(piece)) break;
  }
  return connection.parsed();
}

// The same through Feed; each piece is gone after it has been parsed.
inline Parsed ParseFed(const std::vector<std::string_view>& pieces,
                       const RequestLimits& limits = {}) {
  RequestParser parser(&limits);
  Parsed parsed;
  for (const std::string_view piece : pieces) {
    const std::string copy(piece);
    parser.Feed(copy);
    if (!TakeAll(parser, parsed)) break;
  }
  return parsed;
}

inline std::vector<std::string_view> EveryByte(std::string_view input) {
  std::vector<std::string_view> pieces;
  for (size_t i = 0; i < input.size(); ++i) pieces.push_back(input.substr(i, 1));
  return pieces;
}

}  // namespace cairn::resp::testing
