#include "commands/filter.h"

#include "base/glob.h"
#include "exec/args.h"
#include "keyspace/key_codec.h"

namespace cairn::commands {

using keyspace::Bound;

void KeyFilter::set_pattern(std::string_view pattern) {
  pattern_.assign(pattern);
  base::GlobPrefix prefix = base::LiteralPrefix(pattern);
  prefix_ = std::move(prefix.literal);
  prefix_decides_ = prefix.rest == base::GlobPrefix::Rest::kAnything;
}

bool KeyFilter::Matches(std::string_view key, const keyspace::Value& value) const {
  if (type_ && !exec::EqualsIgnoreCase(*type_, keyspace::TypeName(value.type))) {
    return false;
  }
  // The walk is narrowed to the prefix, so a pattern that is only a prefix needs no further look;
  // but a walk may also be used without Narrow, so the prefix is compared all the same.
  if (prefix_decides_) return key.starts_with(prefix_);
  return base::GlobMatch(pattern_, key);
}

void KeyFilter::Narrow(Bound* min, Bound* max) const {
  if (prefix_.empty()) return;
  if (min->AdmitsFromBelow(prefix_)) *min = {.kind = Bound::Kind::kInclusive, .key = prefix_};
  const std::string end = keyspace::KeyCodec::PrefixEnd(prefix_);
  if (!end.empty() && max->AdmitsFromAbove(end)) {
    *max = {.kind = Bound::Kind::kExclusive, .key = end};
  }
}

}  // namespace cairn::commands
