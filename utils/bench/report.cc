#include "bench/report.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "bench/machine.h"
#include "fmt/format.h"

namespace cairn::bench {
namespace {

constexpr std::string_view kNothing = "-";

// Three significant digits below 100, none behind the point above.
std::string Number(double value) {
  if (value >= 99.95) return fmt::format("{:.0f}", value);
  if (value >= 9.995) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

// 1234567 -> "1,234,567".
std::string Thousands(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::vector<double> Collect(const std::vector<CellRun>& runs, double CellRun::*field) {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const CellRun& run : runs) values.push_back(run.*field);
  return values;
}

// "0.31 / 0.28": Redis' median and Cairn's.
std::string Both(const Cell& cell, double CellRun::*field) {
  PerSide<std::string> texts;
  for (Side side : kBothSides) {
    const std::vector<CellRun>& runs = cell.runs[side];
    texts[side] = runs.empty() ? std::string(kNothing) : Number(Median(Collect(runs, field)));
  }
  return fmt::format("{} / {}", texts[kRedis], texts[kCairn]);
}

std::string Worst(const std::vector<CellRun>& runs) {
  if (runs.empty()) return std::string(kNothing);
  double worst = 0;
  for (const CellRun& run : runs) worst = std::max(worst, run.max_ms);
  return Number(worst);
}

// Cairn's throughput over Redis' in each pair of runs.
std::vector<double> Ratios(const Cell& cell) {
  std::vector<double> ratios;
  const size_t pairs = std::min(cell.runs[kRedis].size(), cell.runs[kCairn].size());
  for (size_t i = 0; i < pairs; ++i) {
    ratios.push_back(cell.runs[kCairn][i].ops_per_s / cell.runs[kRedis][i].ops_per_s);
  }
  return ratios;
}

std::string Spread(const std::vector<double>& ratios) {
  if (ratios.empty()) return std::string(kNothing);
  const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
  return fmt::format("{:.2f}..{:.2f}", *low, *high);
}

// Of all runs together: background work comes in lumps, which a median would either count whole or
// leave out.
std::string CpuSecondsPerMillion(const std::vector<CellRun>& runs) {
  double cpu_s = 0;
  double requests = 0;
  for (const CellRun& run : runs) {
    cpu_s += run.cpu_s;
    requests += run.requests;
  }
  return runs.empty() ? std::string(kNothing) : Number(cpu_s * 1e6 / requests);
}

std::vector<std::string> ThroughputRow(const Cell& cell) {
  PerSide<std::string> ops;
  PerSide<std::string> busy;
  for (Side side : kBothSides) {
    const std::vector<CellRun>& runs = cell.runs[side];
    ops[side] = runs.empty() ? std::string(kNothing)
                             : Thousands(Median(Collect(runs, &CellRun::ops_per_s)));
    busy[side] = runs.empty()
                     ? std::string(kNothing)
                     : fmt::format("{:.0f}", 100 * Median(Collect(runs, &CellRun::client_share)));
  }
  const std::vector<double> ratios = Ratios(cell);
  return {std::string(PolicyName(cell.policy)),
          std::string(CommandName(cell.command)),
          std::to_string(cell.depth),
          ops[kRedis],
          ops[kCairn],
          ratios.empty() ? std::string(kNothing) : fmt::format("{:.2f}", Median(ratios)),
          Spread(ratios),
          Both(cell, &CellRun::p50_ms),
          Both(cell, &CellRun::p99_ms),
          Both(cell, &CellRun::p999_ms),
          fmt::format("{} / {}", Worst(cell.runs[kRedis]), Worst(cell.runs[kCairn])),
          fmt::format("{} / {}", CpuSecondsPerMillion(cell.runs[kRedis]),
                      CpuSecondsPerMillion(cell.runs[kCairn])),
          fmt::format("{} / {}", busy[kRedis], busy[kCairn])};
}

// How much else the machine had to do while the cells ran.
std::vector<std::string> ThroughputNotes(const std::vector<Cell>& cells) {
  std::vector<double> others;
  std::ptrdiff_t unsettled = 0;
  for (const Cell& cell : cells) {
    for (Side side : kBothSides) {
      for (const CellRun& run : cell.runs[side]) {
        others.push_back(run.others_share);
        if (!run.settled) ++unsettled;
      }
    }
  }
  if (others.empty()) return {};
  const auto disturbed =
      std::count_if(others.begin(), others.end(), [](double share) { return share > kBusyShare; });
  std::vector<std::string> notes = {
      "R / C: Redis / Cairn. Medians over the runs; ratio: median of the ratios of runs made one "
      "after the other, and "
      "their spread; max: the worst of all runs; CPU: all runs together.",
      fmt::format("During {} of {} runs something else used more than {:.0f} % of the machine "
                  "(median {:.0f} %, worst "
                  "{:.0f} %).",
                  disturbed, others.size(), 100 * kBusyShare, 100 * Median(others),
                  100 * *std::max_element(others.begin(), others.end()))};
  if (unsettled > 0) {
    notes.push_back(
        fmt::format("After {} of {} runs the server's background work had not ended in time.",
                    unsettled, others.size()));
  }
  return notes;
}

using MaybeFigure = std::optional<double>;

MaybeFigure Figure(const std::vector<double>& runs) {
  return runs.empty() ? std::nullopt : MaybeFigure(Median(runs));
}

MaybeFigure NonZero(double value) {
  return value > 0 ? MaybeFigure(value) : std::nullopt;
}

MaybeFigure Mebibytes(uint64_t bytes) {
  return NonZero(static_cast<double>(bytes) / (1024.0 * 1024.0));
}

// One row for a figure that `get` finds for each side.
template <typename Get, typename Print>
void AddFigures(Table& table, std::string name, std::string unit, const Dataset& dataset, Get get,
                Print print) {
  const MaybeFigure redis = get(dataset.sides[kRedis]);
  const MaybeFigure cairn = get(dataset.sides[kCairn]);
  const auto text = [&print](const MaybeFigure& figure) {
    return figure ? print(*figure) : std::string(kNothing);
  };
  table.AddRow({std::move(name), std::move(unit), text(redis), text(cairn),
                redis && cairn ? fmt::format("{:.3f}", *cairn / *redis) : std::string(kNothing)});
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string Table::Render(Format format) const {
  std::vector<size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  const std::string_view separator = format == Format::kMarkdown ? " | " : "  ";
  std::string out;
  for (size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i) {
      if (i > 0) line += separator;
      line += i < left_columns_ ? fmt::format("{:<{}}", rows_[r][i], widths[i])
                                : fmt::format("{:>{}}", rows_[r][i], widths[i]);
    }
    out += format == Format::kMarkdown ? fmt::format("| {} |\n", line) : line + "\n";
    if (r > 0) continue;
    std::string rule;
    for (size_t i = 0; i < widths.size(); ++i) {
      if (format == Format::kText) {
        rule += std::string(widths[i], '-') + (i + 1 < widths.size() ? "  " : "");
      } else {
        rule += std::string(i < left_columns_ ? "|---" : "|---:");
      }
    }
    out += rule + (format == Format::kMarkdown ? "|\n" : "\n");
  }
  return out;
}

std::string RenderLines(const std::vector<std::string>& lines, Format format) {
  std::string out = format == Format::kMarkdown ? "\n" : "";
  for (const std::string& line : lines) {
    out += format == Format::kMarkdown ? fmt::format("- {}\n", line) : line + "\n";
  }
  return out;
}

std::string RenderThroughput(const std::vector<Cell>& cells, Format format) {
  Table table({"policy", "command", "depth", "Redis ops/s", "Cairn ops/s", "ratio", "spread",
               "p50 ms R / C", "p99 ms R / C", "p99.9 ms R / C", "max ms R / C", "CPU s/M R / C",
               "client % R / C"},
              2);
  for (const Cell& cell : cells) table.AddRow(ThroughputRow(cell));
  return table.Render(format) + RenderLines(ThroughputNotes(cells), format);
}

std::string RenderDataset(const Dataset& dataset, Format format) {
  Table table({fmt::format("with {} keys", Thousands(static_cast<double>(dataset.keys))), "unit",
               "Redis", "Cairn", "ratio"},
              2);
  const auto add = [&](std::string name, std::string unit, auto get, auto print) {
    AddFigures(table, std::move(name), std::move(unit), dataset, get, print);
  };
  const auto seconds = [](double value) { return fmt::format("{:.3f}", value); };
  using S = DatasetSide;
  add(
      "loading them (SET, depth 16)", "keys/s", [](const S& s) { return NonZero(s.load_per_s); },
      Thousands);
  add(
      "memory after the load, without page cache", "MiB",
      [](const S& s) { return Mebibytes(s.memory_loaded.anonymous_bytes); }, Thousands);
  add(
      "memory after the load, mapped file pages included", "MiB",
      [](const S& s) { return Mebibytes(s.memory_loaded.resident_bytes); }, Thousands);
  add(
      "memory after a restart, without page cache", "MiB",
      [](const S& s) { return Mebibytes(s.memory_started.anonymous_bytes); }, Thousands);
  add(
      "disk after the load", "MiB", [](const S& s) { return Mebibytes(s.disk_loaded_bytes); },
      Thousands);
  add(
      "disk after a clean shutdown", "MiB",
      [](const S& s) { return Mebibytes(s.disk_stopped_bytes); }, Thousands);
  add(
      "start after a clean shutdown", "s", [](const S& s) { return Figure(s.start_clean_s); },
      seconds);
  add(
      "start after kill -9 while it was written to", "s",
      [](const S& s) { return Figure(s.start_killed_s); }, seconds);
  add(
      "start after BGREWRITEAOF (Redis' best case)", "s",
      [](const S& s) { return Figure(s.start_rewritten_s); }, seconds);
  add(
      "SCAN COUNT 1000", "keys/s", [](const S& s) { return Figure(s.scan_keys_per_s); }, Thousands);
  add(
      "SCAN COUNT 1000 and MGET", "values/s",
      [](const S& s) { return Figure(s.scan_mget_values_per_s); }, Thousands);
  add(
      "SCANRANGE LIMIT 1000", "keys/s", [](const S& s) { return Figure(s.range_keys_per_s); },
      Thousands);
  add(
      "SCANRANGE LIMIT 1000 WITHVALUES", "values/s",
      [](const S& s) { return Figure(s.range_values_per_s); }, Thousands);
  return table.Render(format) + RenderLines(dataset.notes, format);
}

}  // namespace cairn::bench
