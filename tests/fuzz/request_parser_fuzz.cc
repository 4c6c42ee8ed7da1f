// Requests come out the same however their bytes are split, and the work is linear in them.
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "resp/request_parser.h"

namespace cairn::fuzz {
namespace {

struct Outcome {
  std::vector<std::vector<std::string>> requests;
  std::string error;

  bool operator==(const Outcome&) const = default;
};

// `split` = the size of the next piece, from the piece before.
Outcome Parse(std::string_view bytes, const resp::RequestLimits& limits, uint64_t split,
              bool look_ahead) {
  resp::RequestParser parser(&limits);
  Outcome outcome;
  const size_t whole = bytes.size();
  while (true) {
    const size_t piece = split == 0 ? bytes.size() : split % 17 + 1;
    parser.Feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    split = split * 6364136223846793005ULL + (split != 0 ? 1442695040888963407ULL : 0);
    while (true) {
      if (look_ahead && parser.NextWhole()) {
        outcome.requests.emplace_back(parser.args().begin(), parser.args().end());
        continue;
      }
      const resp::ParseResult result = parser.Next();
      if (result == resp::ParseResult::kNeedMore) break;
      if (result == resp::ParseResult::kError) {
        outcome.error = parser.error();
        return outcome;
      }
      Require(!parser.args().empty(), "a request has arguments");
      outcome.requests.emplace_back(parser.args().begin(), parser.args().end());
    }
    if (bytes.empty()) break;
  }
  Require(parser.work_bytes() <= 8 * whole + 4096, "work is linear");
  return outcome;
}

}  // namespace
}  // namespace cairn::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cairn::fuzz::Input input(data, size);
  const uint64_t split = input.Byte() | 1U;
  const uint8_t kind = input.Byte();
  cairn::resp::RequestLimits limits;
  limits.authenticated = (kind & 1) == 0;
  if ((kind & 2) != 0) limits.max_bulk_bytes = 100;
  if ((kind & 4) != 0) limits.max_query_bytes = 1000;
  if ((kind & 8) != 0) limits.max_arguments = 5;
  const std::string_view bytes = input.Rest();
  const auto whole = cairn::fuzz::Parse(bytes, limits, 0, false);
  const auto ahead = cairn::fuzz::Parse(bytes, limits, 0, true);
  const auto pieces = cairn::fuzz::Parse(bytes, limits, split, false);
  cairn::fuzz::Require(whole == ahead, "looking ahead changes nothing");
  // The limit on unfinished input judges what has come so far, so only there pieces may differ.
  if ((kind & 4) == 0) cairn::fuzz::Require(whole == pieces, "splitting changes nothing");
  return 0;
}
