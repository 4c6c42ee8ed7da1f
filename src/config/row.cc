#include "config/row.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/split_args.h"
#include "base/status.h"
#include "config/numbers.h"
#include "config/quote.h"
#include "config/text.h"

namespace cairn::config {
namespace {

absl::Status SetValue(const BoolKind& kind, std::string_view text, ServerOptions& options) {
  const bool yes = EqualsIgnoreCase(text, "yes");
  if (!yes && !EqualsIgnoreCase(text, "no")) {
    return base::InvalidArgument("argument must be 'yes' or 'no'");
  }
  options.*kind.field = yes;
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ParseNumber(NumberForm form, std::string_view text) {
  switch (form) {
    case NumberForm::kMemory:
      return ParseMemory(text);
    case NumberForm::kOctal:
      return ParseOctal(text);
    case NumberForm::kDecimal:
      break;
  }
  return ParseInteger(text);
}

absl::Status SetValue(const NumberKind& kind, std::string_view text, ServerOptions& options) {
  const absl::StatusOr<int64_t> value = ParseNumber(kind.form, text);
  if (!value.ok()) return value.status();
  if (*value < kind.min || *value > kind.max) {
    return base::InvalidArgument(
        kind.form == NumberForm::kOctal
            ? fmt::format("argument must be between {:o} and {:o} inclusive", kind.min, kind.max)
            : fmt::format("argument must be between {} and {} inclusive", kind.min, kind.max));
  }
  kind.set(options, *value);
  return absl::OkStatus();
}

absl::Status SetValue(const EnumKind& kind, std::string_view text, ServerOptions& options) {
  for (const EnumName& known : kind.names) {
    if (!EqualsIgnoreCase(known.name, text)) continue;
    kind.set(options, known.value);
    return absl::OkStatus();
  }
  std::vector<std::string_view> names;
  for (const EnumName& known : kind.names) names.push_back(known.name);
  return base::InvalidArgument(
      fmt::format("argument(s) must be one of the following: {}", fmt::join(names, ", ")));
}

absl::Status SetValue(const StringKind& kind, std::string_view text, ServerOptions& options) {
  options.*kind.field = text;
  return absl::OkStatus();
}

absl::Status SetValue(const WordKind* kind, std::string_view text, ServerOptions& options) {
  return kind->set(text, options);
}

const ListKind* AsList(const Row& row) {
  const auto* list = std::get_if<const ListKind*>(&row.kind);
  return list == nullptr ? nullptr : *list;
}

absl::Status SetWords(const Row& row, std::span<const std::string> args, Source source,
                      ServerOptions& options) {
  return std::visit(
      [&](const auto& kind) {
        if constexpr (std::is_same_v<decltype(kind), const ListKind* const&>) {
          return kind->set(args, source, options);
        } else {
          if (args.size() != 1) return base::InvalidArgument("wrong number of arguments");
          return SetValue(kind, args[0], options);
        }
      },
      row.kind);
}

// Sets and checks on a copy, so that a refused value leaves no trace.
absl::Status SetChecked(const Row& row, std::span<const std::string> args, Source source,
                        ServerOptions& options) {
  ServerOptions candidate = options;
  absl::Status status = SetWords(row, args, source, candidate);
  if (status.ok() && row.check != nullptr) status = row.check(candidate);
  if (status.ok()) options = std::move(candidate);
  return status;
}

std::string GetValue(const BoolKind& kind, const ServerOptions& options) {
  return options.*kind.field ? "yes" : "no";
}

std::string GetValue(const NumberKind& kind, const ServerOptions& options) {
  const int64_t value = kind.get(options);
  return kind.form == NumberForm::kOctal ? fmt::format("{:o}", value) : std::to_string(value);
}

std::string GetValue(const EnumKind& kind, const ServerOptions& options) {
  const int value = kind.get(options);
  for (const EnumName& known : kind.names) {
    if (known.value == value) return std::string(known.name);
  }
  CAIRN_CHECK(false && "an enum value without a name");
  return "";
}

std::string GetValue(const StringKind& kind, const ServerOptions& options) {
  return options.*kind.field;
}

std::string GetValue(const WordKind* kind, const ServerOptions& options) {
  return kind->get(options);
}

std::string GetValue(const ListKind* kind, const ServerOptions& options) {
  return kind->get(options);
}

}  // namespace

absl::Status SetFromFile(const Row& row, std::span<const std::string> args,
                         ServerOptions& options) {
  // `save "60 1"` means `save 60 1`: the one argument of a list directive is split again.
  if (args.size() == 1 && AsList(row) != nullptr) {
    std::optional<std::vector<std::string>> words = base::SplitArgs(args[0]);
    if (!words) return base::InvalidArgument("unbalanced quotes");
    return SetChecked(row, *words, Source::kFile, options);
  }
  return SetChecked(row, args, Source::kFile, options);
}

absl::Status SetAtRuntime(const Row& row, std::string_view value, ServerOptions& options) {
  std::vector<std::string> words;
  if (AsList(row) == nullptr) {
    words.emplace_back(value);
  } else if (!value.empty()) {
    words = Split(value, ' ');
  }
  return SetChecked(row, words, Source::kRuntime, options);
}

std::string Get(const Row& row, const ServerOptions& options) {
  return std::visit([&](const auto& kind) { return GetValue(kind, options); }, row.kind);
}

std::vector<std::string> FileLines(const Row& row, const ServerOptions& options) {
  if (const ListKind* list = AsList(row)) return list->lines(options);
  const auto* number = std::get_if<NumberKind>(&row.kind);
  if (number != nullptr && number->form == NumberForm::kMemory) {
    return {FormatMemory(number->get(options))};
  }
  return {Quote(Get(row, options))};
}

}  // namespace cairn::config
