#include "config/list_values.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "absl/strings/ascii.h"
#include "base/numbers.h"
#include "base/status.h"
#include "config/notify_events.h"
#include "config/numbers.h"
#include "config/quote.h"
#include "config/text.h"

namespace cairn::config {
namespace {

using Args = std::span<const std::string>;

// ---- bind

constexpr size_t kMaxBindAddresses = 16;  // as Redis

bool LooksLikeAddress(std::string_view text) {
  constexpr std::string_view kMarks = ".:%*-_";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           kMarks.find(c) != std::string_view::npos;
  });
}

absl::Status SetBind(Args args, Source, ServerOptions& options) {
  if (args.size() > kMaxBindAddresses) {
    return base::InvalidArgument("Too many bind addresses specified.");
  }
  for (const std::string& address : args) {
    if (!LooksLikeAddress(address)) {
      return base::InvalidArgument(fmt::format(
          "'{}' is not an address: give IP addresses or host names with one blank between them",
          address));
    }
  }
  options.bind.assign(args.begin(), args.end());
  return absl::OkStatus();
}

std::string GetBind(const ServerOptions& options) {
  return fmt::format("{}", fmt::join(options.bind, " "));
}

std::vector<std::string> BindLines(const ServerOptions& options) {
  return {options.bind.empty() ? "\"\"" : GetBind(options)};
}

// ---- save

absl::Status SetSave(Args args, Source source, ServerOptions& options) {
  const absl::Status bad = base::InvalidArgument("Invalid save parameters");
  if (args.size() % 2 != 0) return bad;
  std::vector<SaveRule> rules;
  for (size_t i = 0; i < args.size(); i += 2) {
    const absl::StatusOr<int64_t> seconds = ParseInteger(args[i]);
    const absl::StatusOr<int64_t> changes = ParseInteger(args[i + 1]);
    if (!seconds.ok() || !changes.ok() || *seconds < 1 || *changes < 0) return bad;
    rules.push_back({*seconds, *changes});
  }
  if (source == Source::kRuntime || rules.empty()) options.save.clear();
  options.save.insert(options.save.end(), rules.begin(), rules.end());
  return absl::OkStatus();
}

std::vector<std::string> SaveLines(const ServerOptions& options) {
  if (options.save.empty()) return {"\"\""};
  std::vector<std::string> lines;
  for (const SaveRule& rule : options.save) {
    lines.push_back(fmt::format("{} {}", rule.seconds, rule.changes));
  }
  return lines;
}

std::string GetSave(const ServerOptions& options) {
  return options.save.empty() ? "" : fmt::format("{}", fmt::join(SaveLines(options), " "));
}

// ---- client-output-buffer-limit

struct ClientClass {
  std::string_view name;  // printed
  std::string_view alias;
  OutputBufferLimit OutputBufferLimits::*field;
};

// CONFIG GET prints the old name, as Redis 7.2 does.
constexpr ClientClass kClientClasses[] = {
    {"normal", "", &OutputBufferLimits::normal},
    {"slave", "replica", &OutputBufferLimits::replica},
    {"pubsub", "", &OutputBufferLimits::pubsub},
};

const ClientClass* FindClientClass(std::string_view name) {
  for (const ClientClass& known : kClientClasses) {
    if (EqualsIgnoreCase(name, known.name)) return &known;
    if (!known.alias.empty() && EqualsIgnoreCase(name, known.alias)) return &known;
  }
  return nullptr;
}

absl::Status SetOutputBuffer(Args args, Source, ServerOptions& options) {
  constexpr size_t kGroup = 4;
  if (args.size() % kGroup != 0) {
    return base::InvalidArgument("Wrong number of arguments in buffer limit configuration.");
  }
  OutputBufferLimits limits = options.client_output_buffer_limit;
  for (size_t i = 0; i < args.size(); i += kGroup) {
    const ClientClass* found = FindClientClass(args[i]);
    if (found == nullptr) {
      return base::InvalidArgument("Invalid client class specified in buffer limit configuration.");
    }
    const absl::StatusOr<int64_t> hard = ParseMemory(args[i + 1]);
    const absl::StatusOr<int64_t> soft = ParseMemory(args[i + 2]);
    const absl::StatusOr<int64_t> seconds = ParseInteger(args[i + 3]);
    if (!hard.ok() || !soft.ok() || !seconds.ok() || *seconds < 0 ||
        *seconds > std::numeric_limits<int32_t>::max()) {
      return base::InvalidArgument(
          "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    limits.*found->field = {*hard, *soft, *seconds};
  }
  options.client_output_buffer_limit = limits;
  return absl::OkStatus();
}

std::string GetOutputBuffer(const ServerOptions& options) {
  std::vector<std::string> classes;
  for (const ClientClass& known : kClientClasses) {
    const OutputBufferLimit& limit = options.client_output_buffer_limit.*known.field;
    classes.push_back(
        fmt::format("{} {} {} {}", known.name, limit.hard_bytes, limit.soft_bytes, limit.soft_s));
  }
  return fmt::format("{}", fmt::join(classes, " "));
}

std::vector<std::string> OutputBufferLines(const ServerOptions& options) {
  std::vector<std::string> lines;
  for (const ClientClass& known : kClientClasses) {
    const OutputBufferLimit& limit = options.client_output_buffer_limit.*known.field;
    lines.push_back(fmt::format("{} {} {} {}", known.alias.empty() ? known.name : known.alias,
                                FormatMemory(limit.hard_bytes), FormatMemory(limit.soft_bytes),
                                limit.soft_s));
  }
  return lines;
}

// ---- latency-tracking-info-percentiles

absl::Status SetPercentiles(Args args, Source, ServerOptions& options) {
  std::vector<double> percentiles;
  for (const std::string& text : args) {
    const std::optional<double> value = base::ParseDouble(text);
    if (!value) {
      return base::InvalidArgument("Invalid latency-tracking-info-percentiles parameters");
    }
    if (*value < 0 || *value > 100) {
      return base::InvalidArgument(
          "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
    }
    // What is kept is what is shown, so that a rewritten file reads back as the same value. Adding
    // 0 turns -0 into 0.
    percentiles.push_back(base::ParseDouble(FormatDecimal(*value + 0.0)).value_or(*value));
  }
  options.latency_tracking_info_percentiles = std::move(percentiles);
  return absl::OkStatus();
}

std::string GetPercentiles(const ServerOptions& options) {
  std::vector<std::string> texts;
  for (double value : options.latency_tracking_info_percentiles) {
    texts.push_back(FormatDecimal(value));
  }
  return fmt::format("{}", fmt::join(texts, " "));
}

std::vector<std::string> PercentilesLines(const ServerOptions& options) {
  return {options.latency_tracking_info_percentiles.empty() ? "\"\"" : GetPercentiles(options)};
}

// ---- notify-keyspace-events

absl::Status SetNotify(std::string_view letters, ServerOptions& options) {
  const std::optional<uint32_t> events = ParseNotifyEvents(letters);
  if (!events) {
    return base::InvalidArgument("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
  }
  options.notify_keyspace_events = *events;
  return absl::OkStatus();
}

std::string GetNotify(const ServerOptions& options) {
  return FormatNotifyEvents(options.notify_keyspace_events);
}

// ---- rename-command

absl::Status SetRename(Args args, Source, ServerOptions& options) {
  if (args.size() != 2 || args[0].empty()) {
    return base::InvalidArgument(
        "two arguments are needed: the command's name and its new name (\"\" takes the command "
        "away)");
  }
  for (const RenamedCommand& earlier : options.renamed_commands) {
    if (EqualsIgnoreCase(earlier.from, args[0])) {
      return base::InvalidArgument(
          fmt::format("the command '{}' has been renamed already", args[0]));
    }
  }
  options.renamed_commands.push_back({args[0], args[1]});
  return absl::OkStatus();
}

std::vector<std::string> RenameLines(const ServerOptions& options) {
  std::vector<std::string> lines;
  for (const RenamedCommand& renamed : options.renamed_commands) {
    lines.push_back(fmt::format("{} {}", Quote(renamed.from), Quote(renamed.to)));
  }
  return lines;
}

std::string GetRename(const ServerOptions& options) {
  return fmt::format("{}", fmt::join(RenameLines(options), " "));
}

}  // namespace

constinit const ListKind kBindKind = {&SetBind, &GetBind, &BindLines, ""};
constinit const ListKind kSaveKind = {&SetSave, &GetSave, &SaveLines, "\"\""};
constinit const ListKind kOutputBufferKind = {&SetOutputBuffer, &GetOutputBuffer,
                                              &OutputBufferLines, ""};
constinit const ListKind kPercentilesKind = {&SetPercentiles, &GetPercentiles, &PercentilesLines,
                                             ""};
constinit const WordKind kNotifyKind = {&SetNotify, &GetNotify};
constinit const ListKind kRenameKind = {&SetRename, &GetRename, &RenameLines, ""};

}  // namespace cairn::config
