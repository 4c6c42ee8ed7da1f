#include "bench/scan.h"

#include <string>
#include <string_view>
#include <vector>

#include "bench/socket.h"
#include "fmt/format.h"

namespace cairn::bench {
namespace {

// One page of SCAN. Updates `cursor`; "0" = the end.
absl::Status ScanPage(Client& client, bool with_values, std::string& cursor, ScanResult& result) {
  absl::StatusOr<Client::Leaves> page = client.Call({"SCAN", cursor, "COUNT", "1000"});
  if (!page.ok()) return page.status();
  if (page->empty()) return absl::InternalError("SCAN answered with an empty array");
  cursor = std::string(page->front());
  const Client::Leaves found = page->subspan(1);
  result.keys += found.size();
  if (!with_values || found.empty()) return absl::OkStatus();

  const std::vector<std::string> keys(found.begin(), found.end());  // the next call ends the views
  std::vector<std::string_view> args = {"MGET"};
  args.insert(args.end(), keys.begin(), keys.end());
  const absl::StatusOr<Client::Leaves> values = client.Call(args);
  if (!values.ok()) return values.status();
  if (values->size() != keys.size()) {
    return absl::InternalError("MGET answered with another number of values");
  }
  for (std::string_view value : *values) result.value_bytes += value.size();
  return absl::OkStatus();
}

// One page of SCANRANGE. Updates `bound` (empty = the end) and `last`, the greatest key so far.
absl::Status RangePage(Client& client, bool with_values, std::string& bound, std::string& last,
                       ScanResult& result) {
  std::vector<std::string_view> args = {"SCANRANGE", bound, "+", "LIMIT", "1000"};
  if (with_values) args.emplace_back("WITHVALUES");
  const absl::StatusOr<Client::Leaves> page = client.Call(args);
  if (!page.ok()) return page.status();
  const size_t step = with_values ? 2 : 1;
  if (page->empty() || (page->size() - 1) % step != 0) {
    return absl::InternalError("SCANRANGE answered with half a pair");
  }
  std::string_view previous = last;
  for (size_t i = 1; i < page->size(); i += step) {
    if ((*page)[i] <= previous) return absl::InternalError("SCANRANGE gave keys out of order");
    previous = (*page)[i];
    ++result.keys;
    if (with_values) result.value_bytes += (*page)[i + 1].size();
  }
  last = std::string(previous);
  bound = std::string(page->front());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ScanResult> ScanAll(Client& client, ScanWay way, uint64_t expected) {
  const bool with_values = way == ScanWay::kScanAndMget || way == ScanWay::kScanRangeValues;
  const bool is_range = way == ScanWay::kScanRange || way == ScanWay::kScanRangeValues;
  ScanResult result;
  std::string position = is_range ? "-" : "0";
  std::string last;
  uint64_t pages = 0;
  const uint64_t start_ns = NowNs();
  do {
    if (absl::Status s = CheckInterrupted(); !s.ok()) return s;
    const absl::Status status = is_range ? RangePage(client, with_values, position, last, result)
                                         : ScanPage(client, with_values, position, result);
    if (!status.ok()) return status;
    if (++pages > expected + 1000 || result.keys > 2 * expected) {
      return absl::InternalError("the scan does not end");
    }
  } while (position != (is_range ? "" : "0"));
  result.seconds = static_cast<double>(NowNs() - start_ns) * 1e-9;
  if (result.keys < expected || (is_range && result.keys != expected)) {
    return absl::InternalError(fmt::format("the scan gave {} keys, not {}", result.keys, expected));
  }
  return result;
}

}  // namespace cairn::bench
