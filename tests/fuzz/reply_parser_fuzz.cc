// Replies come out the same however their bytes are split.
#include <string>

#include "fuzz/fuzz.h"
#include "resp/reply_parser.h"

namespace cairn::fuzz {
namespace {

std::string Parse(std::string_view bytes, uint64_t split) {
  resp::ReplyLimits limits;
  limits.max_bulk_bytes = 1 << 20;
  resp::ReplyParser parser(limits);
  std::string outcome;
  const size_t whole = bytes.size();
  while (true) {
    const size_t piece = split == 0 ? bytes.size() : split % 13 + 1;
    parser.Feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    split = split * 6364136223846793005ULL + (split != 0 ? 1442695040888963407ULL : 0);
    while (true) {
      const resp::ReplyResult result = parser.Next();
      if (result == resp::ReplyResult::kNeedMore) break;
      if (result == resp::ReplyResult::kError) return outcome + "E" + parser.error();
      const resp::Reply reply = parser.reply();
      outcome += std::to_string(static_cast<int>(reply.type()));
      outcome += reply.text();
      outcome += std::to_string(reply.size());
      outcome += ';';
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
  const std::string_view bytes = input.Rest();
  cairn::fuzz::Require(cairn::fuzz::Parse(bytes, 0) == cairn::fuzz::Parse(bytes, split),
                       "splitting changes nothing");
  return 0;
}
