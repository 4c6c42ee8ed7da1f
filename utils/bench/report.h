// Turns the figures into tables, as aligned text or as Markdown. Thread-safe: no state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/dataset.h"
#include "bench/throughput.h"

namespace cairn::bench {

enum class Format : uint8_t { kText, kMarkdown };

class Table {
 public:
  // The first `left_columns` are aligned left, the others right.
  Table(std::vector<std::string> header, size_t left_columns) : left_columns_(left_columns) {
    rows_.push_back(std::move(header));
  }
  // As many cells as the header has.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::string Render(Format format) const;

 private:
  size_t left_columns_;
  std::vector<std::vector<std::string>> rows_;  // the header first
};

// The middle one; of an even number the mean of the middle two; 0 when there are none.
double Median(std::vector<double> values);

// Each ends with a line end, notes included. Cells without a complete run show `-`.
std::string RenderLines(const std::vector<std::string>& lines, Format format);
std::string RenderThroughput(const std::vector<Cell>& cells, Format format);
std::string RenderDataset(const Dataset& dataset, Format format);

}  // namespace cairn::bench
