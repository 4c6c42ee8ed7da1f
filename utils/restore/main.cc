// cairn-restore: point-in-time recovery. Takes a restored backup forward, up to an offset or a
// time.
//
// Exit codes: 0 done; 1 wrong usage; 2 it has failed (the text says why).
#include <cstdint>
#include <cstdio>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/status.h"
#include "fmt/format.h"
#include "log/time_text.h"
#include "restore/extend_log.h"

namespace cairn::restore {
namespace {

constexpr int kUsage = 1;
constexpr int kFailed = 2;

int Run(const std::string& dir, const std::string& log_dir, const Target& target) {
  const auto extended = ExtendLog(base::PosixFileSystem(), dir, log_dir, target);
  if (!extended.ok()) {
    fmt::print(stderr, "cairn-restore: {}\n", base::Message(extended.status()));
    return kFailed;
  }
  fmt::print("{}: log extended from offset {} to {}, {} records\n", dir, extended->from_offset,
             extended->to_offset, extended->records);
  if (extended->records != 0) {
    fmt::print("the last was written at {}\n", log_tool::FormatTime(extended->last_ms));
  }
  fmt::print("start a server with --dir {} to use it\n", dir);
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Takes a restored Cairn backup forward in time, by the log that was kept",
               "cairn-restore");
  std::string dir;
  std::string log_dir;
  Target target;
  app.add_option("dir", dir, "A copy of a backup; it is changed")->required();
  app.add_option("--log", log_dir, "Folder with the log's segments: `log` of the server's folder")
      ->required();
  app.add_option("--to", target.to_offset, "Offset before which to end (cairn-log shows offsets)");
  app.add_option_function<std::string>(
         "--until",
         [&target](const std::string& text) {
           const auto time = log_tool::ParseTime(text, absl::ToUnixMillis(absl::Now()));
           if (!time.has_value()) {
             throw CLI::ValidationError("--until", "`" + text + "` is not a time");
           }
           target.until_ms = *time;
         },
         "Only what was written before this time")
      ->type_name("TIME");
  app.footer(
      "TIME as for cairn-log: 2026-11-20 08:41:53 (UTC unless it says a zone), Unix seconds, or a "
      "duration before now, as in --until=-10m\n"
      "Without --to and --until everything that was kept is taken.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return Run(dir, log_dir, target);
}

}  // namespace
}  // namespace cairn::restore

int main(int argc, char** argv) {
  return cairn::restore::Main(argc, argv);
}
