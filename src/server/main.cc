// cairn-server: reads its settings, opens its data, serves.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "config/parser.h"
#include "server/log.h"
#include "server/process.h"
#include "server/server.h"
#include "server/version.h"

namespace {

using cairn::base::Message;
using cairn::config::ServerOptions;

struct CommandLine {
  std::string config_file;
  bool test_config = false;
  std::vector<std::string> overrides;
};

bool IsOwnFlag(std::string_view word) {
  return word == "-h" || word == "--help" || word == "-v" || word == "--version" ||
         word == "--test-config";
}

// This program's own words stand before the first `--directive`; its flags may also stand among the
// directives.
CommandLine ParseCommandLine(CLI::App& app, int argc, char** argv) {
  CommandLine line;
  std::vector<std::string> own;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool directive = !line.overrides.empty() || (word.starts_with("--") && word.size() > 2);
    (directive && !IsOwnFlag(word) ? line.overrides : own).emplace_back(word);
  }
  app.add_option("config", line.config_file, "Configuration file; - reads standard input");
  app.add_flag("--test-config", line.test_config, "Check the configuration and exit");
  app.set_version_flag("--version,-v",
                       fmt::format("Cairn server v={} (commands of Redis {})",
                                   cairn::server::kCairnVersion, cairn::server::kRedisVersion));
  app.footer(
      "Every directive of the configuration file may also be given as --directive value, after the "
      "file.\n"
      "Example: cairn-server conf/cairn.conf --port 6380 --appendfsync always");
  std::reverse(own.begin(), own.end());  // CLI11 takes them from the back
  app.parse(own);
  return line;
}

absl::Status LoadConfig(cairn::base::FileSystem& fs, const CommandLine& line,
                        ServerOptions& options) {
  if (!line.config_file.empty()) {
    const auto directives =
        line.config_file == "-"
            ? cairn::config::ParseText(
                  fs, std::string(std::istreambuf_iterator<char>(std::cin), {}), "standard input")
            : cairn::config::ParseFile(fs, line.config_file);
    if (!directives.ok()) return directives.status();
    if (auto status = cairn::config::Apply(*directives, options); !status.ok()) return status;
  }
  const auto overrides = cairn::config::ParseOverrides(fs, line.overrides);
  if (!overrides.ok()) return overrides.status();
  return cairn::config::Apply(*overrides, options);
}

std::string Absolute(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

int Fail(cairn::server::Daemon& daemon, const absl::Status& status) {
  cairn::server::LogWarning("cannot start: {}", Message(status));
  std::cerr << "cairn-server: " << Message(status) << '\n';
  daemon.Report(Message(status));
  return EXIT_FAILURE;
}

void AnnounceReady(const cairn::server::Server& server) {
  const ServerOptions& options = server.options();
  for (const std::string& address : server.ListeningOn()) {
    cairn::server::LogNotice("listening on {}", address);
  }
  if (options.port != 0) {
    cairn::server::LogNotice("ready: connect with `redis-cli -p {}`", options.port);
  } else {
    cairn::server::LogNotice("ready: connect with `redis-cli -s {}`", options.unixsocket);
  }
}

int Serve(const CommandLine& line, ServerOptions options, const char* program) {
  // Until the server watches for it: a log rotation during a long recovery must not end it.
  std::signal(SIGHUP, SIG_IGN);
  // A file that may not grow (ulimit -f) is an error like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  cairn::base::FileSystem& fs = cairn::base::PosixFileSystem();
  cairn::server::Daemon daemon = cairn::server::Daemon::Start(options.daemonize);
  if (auto status = cairn::server::OpenLog(options.logfile); !status.ok()) {
    return Fail(daemon, status);
  }
  cairn::server::SetLogLevel(static_cast<cairn::server::LogLevel>(options.loglevel));
  cairn::server::LogNotice("Cairn {} starts, process {}", cairn::server::kCairnVersion, getpid());
  const std::string pid_file = options.pidfile;
  auto server = cairn::server::Server::Create(
      fs, {.options = std::move(options),
           .config_file = line.config_file.empty() || line.config_file == "-"
                              ? std::string()
                              : Absolute(line.config_file),
           .executable = Absolute(program)});
  if (!server.ok()) return Fail(daemon, server.status());
  if (auto status = cairn::server::WritePidFile(pid_file); !status.ok()) {
    return Fail(daemon, status);
  }
  AnnounceReady(**server);
  daemon.Report({});
  cairn::server::NotifyReady();
  const int code = (*server)->Run();
  cairn::server::NotifyStopping();
  server->reset();
  cairn::server::RemovePidFile(pid_file);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Cairn: a persistent, ordered key-value server that speaks the Redis protocol",
               "cairn-server");
  CommandLine line;
  try {
    line = ParseCommandLine(app, argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  ServerOptions options;
  if (auto status = LoadConfig(cairn::base::PosixFileSystem(), line, options); !status.ok()) {
    std::cerr << "cairn-server: " << Message(status) << '\n';
    return EXIT_FAILURE;
  }
  options.dir = Absolute(options.dir);
  if (line.test_config) {
    std::cout << "the configuration is good\n";
    return EXIT_SUCCESS;
  }
  return Serve(line, std::move(options), argv[0]);
}
