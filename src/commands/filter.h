// The filters of commands that walk keys: MATCH and TYPE, and the part of the keyspace that a
// pattern can match at all.
//
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "keyspace/range.h"
#include "keyspace/txn.h"

namespace cairn::commands {

class KeyFilter {
 public:
  // MATCH: a glob. The pattern "*" is no filter.
  void set_pattern(std::string_view pattern);
  // TYPE: a type's name, in any case; a name that no type has matches nothing.
  void set_type(std::string_view type) { type_.emplace(type); }

  [[nodiscard]] bool Matches(std::string_view key, const keyspace::Value& value) const;

  // Narrows a range to the keys that begin with the pattern's literal prefix, so that MATCH costs
  // what it matches.
  void Narrow(keyspace::Bound* min, keyspace::Bound* max) const;

 private:
  std::string pattern_;
  std::string prefix_;
  bool prefix_decides_ = true;  // every key with the prefix matches
  std::optional<std::string> type_;
};

// Keys looked at in one slice of a task: about a millisecond, so that other clients hardly notice.
inline constexpr uint64_t kSliceSteps = 2048;

}  // namespace cairn::commands
