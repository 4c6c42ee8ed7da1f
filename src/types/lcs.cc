#include "types/lcs.h"

#include <algorithm>
#include <limits>

namespace cairn::types {
namespace {

// Row-major table; row 0 and column 0 are zero.
class LengthTable {
 public:
  LengthTable(size_t rows, size_t columns) : columns_(columns), cells_(rows * columns) {}
  uint32_t& At(size_t row, size_t column) { return cells_[row * columns_ + column]; }

 private:
  size_t columns_;
  std::vector<uint32_t> cells_;
};

void Fill(std::string_view a, std::string_view b, LengthTable& table) {
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      table.At(i, j) = a[i - 1] == b[j - 1] ? table.At(i - 1, j - 1) + 1
                                            : std::max(table.At(i - 1, j), table.At(i, j - 1));
    }
  }
}

// Walks back from the table's last cell: a diagonal run of equal bytes is one match.
void TraceBack(std::string_view a, std::string_view b, LengthTable& table, LcsResult& result) {
  size_t i = a.size();
  size_t j = b.size();
  while (i > 0 && j > 0) {
    if (a[i - 1] != b[j - 1]) {
      if (table.At(i - 1, j) > table.At(i, j - 1)) {
        --i;
      } else {
        --j;
      }
      continue;
    }
    LcsMatch match{.a_last = static_cast<uint32_t>(i - 1), .b_last = static_cast<uint32_t>(j - 1)};
    while (i > 0 && j > 0 && a[i - 1] == b[j - 1]) {
      result.text.push_back(a[i - 1]);
      --i;
      --j;
    }
    match.a_first = static_cast<uint32_t>(i);
    match.b_first = static_cast<uint32_t>(j);
    result.matches.push_back(match);
  }
  std::reverse(result.text.begin(), result.text.end());
}

}  // namespace

absl::StatusOr<LcsResult> LongestCommonSubsequence(std::string_view a, std::string_view b,
                                                   bool want_text, uint64_t max_table_bytes) {
  constexpr size_t kMaxSize = std::numeric_limits<uint32_t>::max() - 1;
  if (a.size() >= kMaxSize || b.size() >= kMaxSize) {
    return absl::InvalidArgumentError("ERR String too long for LCS");
  }
  // Both factors are below 2^32, so only the cell size could overflow.
  const uint64_t cells = (a.size() + 1) * (b.size() + 1);
  if (cells > max_table_bytes / sizeof(uint32_t)) {
    return absl::ResourceExhaustedError(
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  LengthTable table(a.size() + 1, b.size() + 1);
  Fill(a, b, table);
  LcsResult result{.length = table.At(a.size(), b.size()), .text = {}, .matches = {}};
  if (want_text) TraceBack(a, b, table, result);
  return result;
}

}  // namespace cairn::types
