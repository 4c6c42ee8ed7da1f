#include "bench/options.h"

#include <cstdio>

#include <unistd.h>

#include "fmt/format.h"

namespace cairn::bench {

absl::Status Annotate(const absl::Status& status, std::string_view what) {
  if (status.ok()) return status;
  const std::string_view message(status.message().data(), status.message().size());
  return {status.code(), fmt::format("{}: {}", what, message)};
}

Progress::Progress() : on_terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  Show("");
}

void Progress::Show(std::string_view text) const {
  if (!on_terminal_) return;
  fmt::print(stderr, "\r\033[K{}", text);
  std::fflush(stderr);
}

}  // namespace cairn::bench
