// cairn-backup: asks a running server for a backup (BACKUP), shows how it goes and waits for its
// end.
//
// Exit codes: 0 the backup is complete; 1 wrong usage; 2 it has failed or was given up.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include <unistd.h>

#include "CLI/CLI.hpp"
#include "bench/client.h"
#include "bench/socket.h"
#include "fmt/format.h"

namespace cairn::backup {
namespace {

using bench::Client;

constexpr int kUsage = 1;
constexpr int kFailed = 2;
constexpr auto kPoll = std::chrono::milliseconds(100);
constexpr int kBarWidth = 40;

struct Options {
  std::string host = "127.0.0.1";
  uint16_t port = 6379;
  std::string socket;
  std::string user;
  std::string password;
  std::string dir;
};

std::string Text(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

uint64_t Number(const std::string& digits) {
  uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// A value of INFO's text; empty when it is not there.
std::string Field(std::string_view info, std::string_view name) {
  const std::string wanted = fmt::format("\r\n{}:", name);
  const size_t at = info.find(wanted);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = info.substr(at + wanted.size());
  return std::string(rest.substr(0, rest.find("\r\n")));
}

// On a terminal only: in a file or a journal a bar is noise.
class Bar {
 public:
  ~Bar() {
    if (shown_) fmt::print(stderr, "\n");
  }
  void Show(uint64_t done, uint64_t total) {
    if (isatty(STDERR_FILENO) == 0) return;
    const uint64_t all = std::max<uint64_t>(total, 1);
    const auto filled = static_cast<size_t>(std::min(done, all) * kBarWidth / all);
    fmt::print(stderr, "\r[{:<{}}] {} of {} records", std::string(filled, '#'), kBarWidth, done,
               total);
    std::fflush(stderr);
    shown_ = true;
  }

 private:
  bool shown_ = false;
};

absl::StatusOr<Client> Connect(const Options& options) {
  auto fd = bench::ConnectTo(options.socket.empty() ? options.host : options.socket, options.port);
  if (!fd.ok()) return fd.status();
  auto client = Client::Over(*std::move(fd));
  if (!client.ok() || options.password.empty()) return client;
  const std::string user = options.user.empty() ? "default" : options.user;
  if (const auto reply = client->Call({"AUTH", user, options.password}); !reply.ok()) {
    return reply.status();
  }
  return client;
}

absl::StatusOr<std::string> Persistence(Client& client) {
  const auto reply = client.Call({"INFO", "persistence"});
  if (!reply.ok()) return reply.status();
  if (reply->size() != 1) return absl::InternalError("INFO has an unexpected shape");
  return std::string(reply->front());
}

absl::Status Run(const Options& options) {
  auto client = Connect(options);
  if (!client.ok()) return client.status();
  if (const auto reply = client->Call({"BACKUP", options.dir}); !reply.ok()) return reply.status();
  Bar bar;
  while (true) {
    const auto info = Persistence(*client);
    if (!info.ok()) return info.status();
    const uint64_t done = Number(Field(*info, "backup_done_records"));
    bar.Show(done, Number(Field(*info, "backup_total_records")));
    if (Field(*info, "backup_dir") != options.dir) {
      return absl::InternalError("another backup was begun meanwhile");
    }
    if (Field(*info, "backup_in_progress") == "0") {
      if (Field(*info, "backup_last_status") != "ok") {
        return absl::InternalError(Field(*info, "backup_last_error"));
      }
      fmt::print("backup in {}: {} records, log to offset {}, {} ms\n", options.dir, done,
                 Field(*info, "backup_log_offset"), Field(*info, "backup_last_msec"));
      return absl::OkStatus();
    }
    if (const auto interrupted = bench::CheckInterrupted(); !interrupted.ok()) {
      // The connection it came over may have a reply on its way.
      if (auto other = Connect(options); other.ok()) {
        other->Call({"BACKUP", "ABORT"}).status().IgnoreError();
      }
      return interrupted;
    }
    std::this_thread::sleep_for(kPoll);
  }
}

int Main(int argc, char** argv) {
  CLI::App app("Makes a backup of a running Cairn server, on the server's host", "cairn-backup");
  app.set_help_flag("--help", "Print this help and exit");
  Options options;
  app.add_option("-h,--host", options.host, "Server's host")->capture_default_str();
  app.add_option("-p,--port", options.port, "Server's port")->capture_default_str();
  app.add_option("-s,--socket", options.socket, "Server's Unix socket, instead of host and port");
  app.add_option("--user", options.user, "User name, with a password");
  app.add_option("-a,--pass", options.password,
                 "Password; better in the environment, where others do not see it")
      ->envname("REDISCLI_AUTH");
  app.add_option("dir", options.dir, "New folder for the backup, a path on the server's host")
      ->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  options.dir = std::filesystem::absolute(options.dir).lexically_normal().string();
  bench::CatchInterrupts();
  if (const absl::Status status = Run(options); !status.ok()) {
    fmt::print(stderr, "cairn-backup: {}\n", Text(status));
    return kFailed;
  }
  return 0;
}

}  // namespace
}  // namespace cairn::backup

int main(int argc, char** argv) {
  return cairn::backup::Main(argc, argv);
}
