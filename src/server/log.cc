#include "server/log.h"

#include <memory>
#include <utility>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/status.h"

namespace cairn::server {
namespace {

struct Sink {
  std::string path;
  std::shared_ptr<spdlog::logger> logger;
};

// The one process-wide state of this program: a log line may be written from anywhere, at any time.
Sink& TheSink() {
  static Sink sink;
  return sink;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::trace;
    case LogLevel::kVerbose:
      return spdlog::level::debug;
    case LogLevel::kNotice:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kNothing:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> MakeLogger(const std::string& path) {
  spdlog::sink_ptr sink;
  if (path.empty()) {
    sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
  }
  auto logger = std::make_shared<spdlog::logger>("cairn", sink);
  logger->set_pattern("%P %d %b %Y %H:%M:%S.%e %^%l%$ %v");
  logger->flush_on(spdlog::level::trace);
  return logger;
}

}  // namespace

absl::Status OpenLog(const std::string& path) {
  Sink& sink = TheSink();
  const auto level = sink.logger == nullptr ? spdlog::level::info : sink.logger->level();
  try {
    sink.logger = MakeLogger(path);
  } catch (const spdlog::spdlog_ex& error) {
    return base::InvalidArgument(fmt::format("logfile {}: {}", path, error.what()));
  }
  sink.path = path;
  sink.logger->set_level(level);
  return absl::OkStatus();
}

void ReopenLog() {
  if (TheSink().path.empty()) return;
  const absl::Status status = OpenLog(TheSink().path);
  if (!status.ok()) LogWarning("the log file could not be opened again: {}", base::Message(status));
}

void SetLogLevel(LogLevel level) {
  if (TheSink().logger != nullptr) TheSink().logger->set_level(ToSpdlog(level));
}

bool LogEnabled(LogLevel level) {
  const auto& logger = TheSink().logger;
  return logger != nullptr && logger->should_log(ToSpdlog(level));
}

void WriteLog(LogLevel level, std::string_view text) {
  const auto& logger = TheSink().logger;
  if (logger != nullptr) logger->log(ToSpdlog(level), "{}", text);
}

}  // namespace cairn::server
