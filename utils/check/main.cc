// cairn-check: what an operator may do for a data folder that the server refuses.
//
// Exit codes: 0 done; 1 wrong usage; 4 it could not be done, and nothing was changed (the text says
// why).
#include <cstdio>
#include <string>

#include "CLI/CLI.hpp"
#include "base/file.h"
#include "base/status.h"
#include "check/lost_files.h"
#include "fmt/format.h"

namespace cairn::check {
namespace {

constexpr int kUsage = 1;
constexpr int kFailed = 4;

int Fail(const absl::Status& status) {
  fmt::print(stderr, "cairn-check: {}\n", base::Message(status));
  return kFailed;
}

int RunAcceptLogLoss(const std::string& dir) {
  const auto loss = AcceptLogLoss(base::PosixFileSystem(), dir);
  if (!loss.ok()) return Fail(loss.status());
  fmt::print("what was written after log offset {} is given up\n", loss->store_offset);
  if (!loss->moved_to.empty()) fmt::print("the old log is now in {}\n", loss->moved_to);
  fmt::print("the server will begin a new log at offset {}\n", loss->store_offset);
  return 0;
}

int RunRebuildStore(const std::string& dir) {
  const auto end = RebuildStore(base::PosixFileSystem(), dir);
  if (!end.ok()) return Fail(end.status());
  fmt::print("made a new store; the server will fill it from the log, offsets 0 to {}\n", *end);
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Looks after a Cairn data folder", "cairn-check");
  std::string dir;
  bool accept_log_loss = false;
  bool rebuild_store = false;
  app.add_option("dir", dir, "Data folder of a stopped server")->required();
  auto* actions = app.add_option_group("action");
  actions->add_flag("--accept-log-loss", accept_log_loss,
                    "The store's log is lost: give it up, with all that was written since the last "
                    "checkpoint");
  actions->add_flag("--rebuild-store", rebuild_store,
                    "The store is lost, its log is whole: make a new store");
  actions->require_option(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return accept_log_loss ? RunAcceptLogLoss(dir) : RunRebuildStore(dir);
}

}  // namespace
}  // namespace cairn::check

int main(int argc, char** argv) {
  return cairn::check::Main(argc, argv);
}
