#include "resp/errors.h"

#include <fmt/format.h>

#include "absl/strings/ascii.h"

namespace cairn::resp::errors {
namespace {

// Redis shows at most this much of a name, and of all arguments together.
constexpr size_t kMaxShown = 128;

// Redis formats these texts with C's "%.*s": they end at a NUL byte.
std::string_view Shown(std::string_view text, size_t limit) {
  text = text.substr(0, limit);
  return text.substr(0, text.find('\0'));
}

}  // namespace

std::string InvalidExpire(std::string_view command) {
  return fmt::format("ERR invalid expire time in '{}' command", command);
}

std::string WrongArity(std::string_view command) {
  return fmt::format("ERR wrong number of arguments for '{}' command", command);
}

std::string UnknownCommand(std::string_view name, const std::string_view* args, size_t arg_count) {
  std::string shown;
  for (size_t i = 0; i < arg_count && shown.size() < kMaxShown; ++i) {
    const std::string_view arg = Shown(args[i], kMaxShown - shown.size());
    shown.append("'").append(arg).append("' ");
  }
  return fmt::format("ERR unknown command '{}', with args beginning with: {}",
                     Shown(name, kMaxShown), shown);
}

std::string UnknownSubcommand(std::string_view command, std::string_view name) {
  std::string upper(command);
  absl::AsciiStrToUpper(&upper);
  return fmt::format("ERR unknown subcommand '{}'. Try {} HELP.", Shown(name, kMaxShown), upper);
}

std::string LogFailed(std::string_view reason) {
  return fmt::format(
      "MISCONF Cairn cannot write its log, so commands that change data are refused until it can: "
      "{}",
      reason);
}

std::string StoreFailed(std::string_view reason) {
  return fmt::format(
      "MISCONF Cairn cannot write its store and the memory for writes is used up, so commands that "
      "change data are refused until it can: {}",
      reason);
}

std::string ReadFailed(std::string_view reason) {
  return fmt::format("ERR the data on disk could not be read: {}", reason);
}

}  // namespace cairn::resp::errors
