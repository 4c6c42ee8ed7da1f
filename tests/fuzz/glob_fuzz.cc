// The glob matcher agrees with its literal prefix, and takes bounded time.
#include <string>

#include "base/glob.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using cairn::base::GlobMatch;
  using cairn::base::GlobPrefix;
  using cairn::fuzz::Require;
  cairn::fuzz::Input input(data, size);
  const std::string pattern(input.Take(input.Byte()));
  const std::string text(input.Rest());
  const bool matches = GlobMatch(pattern, text);
  static_cast<void>(GlobMatch(pattern, text, /*nocase=*/true));
  if (text.empty()) {  // as in Redis, where not even a star matches it
    Require(matches == pattern.empty(), "nothing matches the empty pattern only");
    return 0;
  }
  const GlobPrefix prefix = cairn::base::LiteralPrefix(pattern);
  const bool begins = text.starts_with(prefix.literal);
  if (matches) Require(begins, "what matches begins with the literal prefix");
  switch (prefix.rest) {
    case GlobPrefix::Rest::kNothing:
      Require(matches == (text == prefix.literal), "a pattern without wildcards is its literal");
      break;
    case GlobPrefix::Rest::kAnything:
      Require(matches == begins, "a literal and a star match what begins with it");
      break;
    case GlobPrefix::Rest::kPattern:
      break;
  }
  Require(GlobMatch("*" + std::string("*"), text), "stars match everything");
  return 0;
}
