// The row: everything that is known of a command, in one place. COMMAND's replies, key extraction,
// gates, statistics, ACL categories, the replay test and the fuzz dictionary are all made from it.
//
// Rows are constants of the families' files (commands/, server/) and live as long as the process.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace cairn::exec {

struct Context;

// What a handler's run means for the stream. A handler that staged changes must not return kNone,
// and one that did not must; the executor checks both.
enum class Effect : uint8_t {
  kNone,      // nothing changed
  kVerbatim,  // the request as it came is deterministic: it goes into the stream itself
  kWritten,   // the handler wrote what goes into the stream to Context::effects
};

using Handler = Effect (*)(Context&);

// Command flags, by Redis' names (COMMAND INFO prints them) unless marked as Cairn's.
enum Flag : uint32_t {
  kWrite = 1U << 0,
  kReadonly = 1U << 1,
  kDenyOom = 1U << 2,
  kAdmin = 1U << 3,
  kPubsub = 1U << 4,
  kNoscript = 1U << 5,
  kBlocking = 1U << 6,
  kLoading = 1U << 7,
  kStale = 1U << 8,
  kSkipMonitor = 1U << 9,
  kSkipSlowlog = 1U << 10,
  kFast = 1U << 11,
  kNoAuth = 1U << 12,
  kMayReplicate = 1U << 13,  // not printed
  kMovableKeys = 1U << 14,
  kAllowBusy = 1U << 15,
  kNoAsyncLoading = 1U << 16,
  kNoMulti = 1U << 17,
  kNoMandatoryKeys = 1U << 18,  // keys may be missing: COMMAND GETKEYS then replies an empty array
  // Not printed: only with enable-debug-command; COMMAND DOCS says syscmd (Cairn's name).
  kProtected = 1U << 19,
  kContainer = 1U << 20,  // not printed: has subcommands (Cairn's name)
};

// ACL categories that do not follow from the flags and the group (acl_categories.cc says what
// follows).
enum Category : uint32_t {
  kCatKeyspace = 1U << 0,
  kCatString = 1U << 1,
  kCatConnection = 1U << 2,
  kCatDangerous = 1U << 3,
  kCatAdmin = 1U << 4,
};

// Where the keys stand: arguments first, first+step, ... last. A negative `last` counts from the
// end. first 0 = no keys.
struct Keys {
  int first = 0;
  int last = 0;
  int step = 0;
  // Of the key specification: "RO access", "RW access update", separated by spaces.
  std::string_view flags = {};
  std::string_view notes = {};  // a remark on the specification, printed by COMMAND INFO
  // The flags that hold for one request, where `flags` contains variable_flags (SET's depend on
  // GET).
  std::string_view (*request_flags)(std::span<const std::string_view> argv) = nullptr;
};

struct CommandRow {
  std::string_view name = {};  // lower case; a subcommand as "config|get"
  int arity = 0;               // the name counts; negative = at least so many
  uint32_t flags = 0;
  Keys keys = {};
  // A second group of keys with other access (COPY's destination); first 0 = none.
  Keys keys2 = {};
  Handler handler = nullptr;  // null for containers
  uint32_t categories = 0;
  // "string", "generic", "connection", "server"; Cairn's extension: "range".
  std::string_view group = {};
  std::string_view since = {};  // Redis version that brought it, or Cairn's
  std::string_view complexity = {};
  std::string_view summary = {};
  // What later versions added, a line each: the version, a blank, what it was.
  std::string_view history = {};
  // Arguments in redis.io's notation (syntax.h): "key value condition:[NX | XX] [GET]".
  std::string_view syntax = {};
  std::string_view tips = {};         // COMMAND INFO's tips, separated by spaces
  std::string_view replaced_by = {};  // of a deprecated command: what to use
  std::string_view deprecated_since = {};
  // Requests for the replay test, separated by newlines; run in order on a server that holds
  // nothing.
  std::string_view examples = {};
};

using RowTable = std::span<const CommandRow>;

// The row with its history, for tables whose rows are made by functions.
constexpr CommandRow WithHistory(CommandRow row, std::string_view history) {
  row.history = history;
  return row;
}

// "config|get" -> "config"; a plain name is its own container.
constexpr std::string_view ContainerName(std::string_view name) {
  return name.substr(0, name.find('|'));
}
constexpr bool IsSubcommand(const CommandRow& row) {
  return row.name.find('|') != std::string_view::npos;
}

}  // namespace cairn::exec
