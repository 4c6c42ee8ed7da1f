// The longest common subsequence of two strings, by dynamic programming over a table of (a+1) x
// (b+1) lengths.
//
// Pure; thread-safe. Source: the LCS page of Redis' commands; matches come in its order, from the
// end of the strings on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace cairn::types {

// A stretch that both strings have: positions of first and last byte in each, inclusive.
struct LcsMatch {
  uint32_t a_first = 0;
  uint32_t a_last = 0;
  uint32_t b_first = 0;
  uint32_t b_last = 0;
  [[nodiscard]] uint32_t size() const { return a_last - a_first + 1; }
};

struct LcsResult {
  uint32_t length = 0;
  std::string text;               // empty when it was not wanted
  std::vector<LcsMatch> matches;  // likewise
};

// `want_text`: the subsequence and its matches as well as its length. Refuses (text as Redis) when
// the table would take more than `max_table_bytes`.
absl::StatusOr<LcsResult> LongestCommonSubsequence(std::string_view a, std::string_view b,
                                                   bool want_text, uint64_t max_table_bytes);

}  // namespace cairn::types
