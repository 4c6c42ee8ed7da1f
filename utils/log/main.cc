// cairn-log: shows a log as commands. README.md beside this file explains it.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/status.h"
#include "fmt/format.h"
#include "log/show.h"
#include "log/time_text.h"

namespace cairn::log_tool {
namespace {

// Documented in README.md and in --help.
enum ExitCode : int { kWhole = 0, kUsage = 1, kDamaged = 2, kTorn = 3, kUnreadable = 4 };

absl::Status WriteOut(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size()) return absl::OkStatus();
  return base::ErrnoStatus(errno, "cannot write to", "standard output");
}

int Fail(const absl::Status& status) {
  std::fflush(stdout);
  fmt::print(stderr, "cairn-log: {}\n", base::Message(status));
  return kUnreadable;
}

int Show(const std::string& dir, const ShowOptions& options) {
  base::FileSystem& fs = base::PosixFileSystem();
  const auto folder = FindLogFolder(fs, dir);
  if (!folder.ok()) return Fail(folder.status());
  const auto shown = ShowLog(fs, *folder, options, WriteOut);
  if (!shown.ok()) return Fail(shown.status());
  if (std::fflush(stdout) != 0) {
    return Fail(base::ErrnoStatus(errno, "cannot write to", "standard output"));
  }
  for (const std::string& text : {shown->text, shown->note}) {
    if (!text.empty()) fmt::print(stderr, "cairn-log: {}\n", text);
  }
  switch (shown->end) {
    case Shown::End::kWhole:
      return kWhole;
    case Shown::End::kTorn:
      return kTorn;
    case Shown::End::kDamaged:
      return kDamaged;
  }
  return kUnreadable;
}

// Adds an option that takes a time.
void AddTime(CLI::App& app, const std::string& name, const std::string& description, int64_t* out) {
  const int64_t now_ms = absl::ToUnixMillis(absl::Now());
  app.add_option_function<std::string>(
         name,
         [name, now_ms, out](const std::string& text) {
           const auto time = ParseTime(text, now_ms);
           if (!time.has_value()) throw CLI::ValidationError(name, "`" + text + "` is not a time");
           *out = *time;
         },
         description)
      ->type_name("TIME");
}

int Main(int argc, char** argv) {
  CLI::App app("Shows a Cairn log as commands, also while a server writes to it", "cairn-log");
  std::string dir;
  ShowOptions options;
  app.add_option("dir", dir, "Data folder, or its folder `log`")->required();
  app.add_option("--from", options.from, "Offset at which to begin (default: the log's beginning)");
  app.add_option("--to", options.to, "Offset before which to end");
  AddTime(app, "--since", "Only what was written at this time or later", &options.since_ms);
  AddTime(app, "--until", "Only what was written before this time", &options.until_ms);
  app.add_flag("--resp", options.resp, "The commands' own bytes (for redis-cli --pipe)");
  app.footer(
      "TIME: 2026-11-20, 2026-11-20 08:41, 2026-11-20T08:41:53.109Z (UTC unless it says a zone), "
      "Unix seconds, or a duration before now, as in --since=-10m\n"
      "Exit codes: 0 all shown; 1 wrong usage; 2 the log is damaged; 3 its tail is torn (the next "
      "start of the server cuts it); 4 it cannot be read");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kWhole : kUsage;
  }
  return Show(dir, options);
}

}  // namespace
}  // namespace cairn::log_tool

int main(int argc, char** argv) {
  return cairn::log_tool::Main(argc, argv);
}
