#include "exec/command_docs.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/glob.h"
#include "exec/acl_categories.h"
#include "exec/args.h"
#include "exec/syntax.h"
#include "resp/errors.h"

namespace cairn::exec {
namespace {

using resp::ReplyWriter;
using Entry = CommandTable::Entry;

struct FlagName {
  uint32_t flag;
  std::string_view name;
};

// In the order of Redis' replies. Flags that are not printed are missing.
constexpr FlagName kFlagNames[] = {
    {kWrite, "write"},
    {kReadonly, "readonly"},
    {kDenyOom, "denyoom"},
    {kAdmin, "admin"},
    {kPubsub, "pubsub"},
    {kNoscript, "noscript"},
    {kBlocking, "blocking"},
    {kLoading, "loading"},
    {kStale, "stale"},
    {kSkipMonitor, "skip_monitor"},
    {kSkipSlowlog, "skip_slowlog"},
    {kFast, "fast"},
    {kNoAuth, "no_auth"},
    {kNoMandatoryKeys, "no_mandatory_keys"},
    {kNoAsyncLoading, "no_async_loading"},
    {kNoMulti, "no_multi"},
    {kMovableKeys, "movablekeys"},
    {kAllowBusy, "allow_busy"},
};

constexpr std::string_view kVariableFlags = "variable_flags";

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

void WriteStatusSet(const std::vector<std::string_view>& words, ReplyWriter& reply) {
  reply.Set(words.size());
  for (const std::string_view word : words) reply.Simple(word);
}

void WriteField(std::string_view name, std::string_view value, ReplyWriter& reply) {
  reply.Bulk(name);
  reply.Bulk(value);
}

void WriteField(std::string_view name, int64_t value, ReplyWriter& reply) {
  reply.Bulk(name);
  reply.Integer(value);
}

// What is told when no names are given: commands that clients can call, without subcommands.
std::vector<const Entry*> TopLevel(const CommandTable& table) {
  std::vector<const Entry*> commands;
  for (const Entry& entry : table.entries()) {
    if (!entry.removed && !IsSubcommand(*entry.row)) commands.push_back(&entry);
  }
  return commands;
}

int KeySpecCount(const CommandRow& row) {
  return (row.keys.first != 0 ? 1 : 0) + (row.keys2.first != 0 ? 1 : 0);
}

// ---- COMMAND INFO

std::vector<std::string_view> PrintedFlags(const CommandRow& row) {
  std::vector<std::string_view> names;
  for (const FlagName& flag : kFlagNames) {
    if ((row.flags & flag.flag) != 0) names.push_back(flag.name);
  }
  return names;
}

// First key, last key and step. Two specifications are told as one range when the second goes on
// where the first ends.
void WriteKeyRange(const CommandRow& row, ReplyWriter& reply) {
  const bool joined = row.keys2.first != 0 && row.keys.last > 0 &&
                      row.keys2.first == row.keys.last + 1 && row.keys.step == row.keys2.step;
  reply.Integer(row.keys.first);
  reply.Integer(joined ? row.keys2.last : row.keys.last);
  reply.Integer(row.keys.step);
}

void WriteKeySpec(const Keys& keys, ReplyWriter& reply) {
  reply.Map(keys.notes.empty() ? 3 : 4);
  if (!keys.notes.empty()) WriteField("notes", keys.notes, reply);
  reply.Bulk("flags");
  WriteStatusSet(Words(keys.flags), reply);

  reply.Bulk("begin_search");
  reply.Map(2);
  WriteField("type", "index", reply);
  reply.Bulk("spec");
  reply.Map(1);
  WriteField("index", keys.first, reply);

  reply.Bulk("find_keys");
  reply.Map(2);
  WriteField("type", "range", reply);
  reply.Bulk("spec");
  reply.Map(3);
  WriteField("lastkey", keys.last < 0 ? keys.last : keys.last - keys.first, reply);
  WriteField("keystep", keys.step, reply);
  WriteField("limit", 0, reply);
}

void WriteInfo(const Entry& entry, ReplyWriter& reply) {
  const CommandRow& row = *entry.row;
  reply.Array(10);
  reply.Bulk(row.name);
  reply.Integer(row.arity);
  WriteStatusSet(PrintedFlags(row), reply);
  WriteKeyRange(row, reply);

  const std::vector<std::string_view> categories = AclCategories(row);
  reply.Set(categories.size());
  for (const std::string_view category : categories) reply.Simple("@" + std::string(category));

  const std::vector<std::string_view> tips = Words(row.tips);
  reply.Set(tips.size());
  for (const std::string_view tip : tips) reply.Bulk(tip);

  reply.Set(static_cast<size_t>(KeySpecCount(row)));
  if (row.keys.first != 0) WriteKeySpec(row.keys, reply);
  if (row.keys2.first != 0) WriteKeySpec(row.keys2, reply);

  // Redis writes subcommands as an array, but their absence as an empty set.
  if (entry.subcommands.empty()) {
    reply.Set(0);
    return;
  }
  reply.Array(entry.subcommands.size());
  for (const Entry* subcommand : entry.subcommands) WriteInfo(*subcommand, reply);
}

// ---- COMMAND DOCS

std::vector<std::string_view> ArgumentFlags(const Argument& argument) {
  std::vector<std::string_view> flags;
  if (argument.optional) flags.emplace_back("optional");
  if (argument.multiple) flags.emplace_back("multiple");
  if (argument.multiple_token) flags.emplace_back("multiple_token");
  return flags;
}

void WriteArguments(const std::vector<Argument>& arguments, ReplyWriter& reply);

void WriteArgument(const Argument& argument, ReplyWriter& reply) {
  const std::vector<std::string_view> flags = ArgumentFlags(argument);
  const bool is_group =
      argument.type == ArgumentType::kOneof || argument.type == ArgumentType::kBlock;
  size_t fields = 3;  // name, type, and display_text or arguments
  if (argument.key_spec_index >= 0) ++fields;
  if (!argument.token.empty()) ++fields;
  if (!flags.empty()) ++fields;
  reply.Map(fields);
  WriteField("name", argument.name, reply);
  WriteField("type", ArgumentTypeName(argument.type), reply);
  if (!is_group) WriteField("display_text", argument.name, reply);
  if (argument.key_spec_index >= 0) WriteField("key_spec_index", argument.key_spec_index, reply);
  if (!argument.token.empty()) WriteField("token", argument.token, reply);
  if (!flags.empty()) {
    reply.Bulk("flags");
    WriteStatusSet(flags, reply);
  }
  if (is_group) {
    reply.Bulk("arguments");
    WriteArguments(argument.arguments, reply);
  }
}

void WriteArguments(const std::vector<Argument>& arguments, ReplyWriter& reply) {
  reply.Array(arguments.size());
  for (const Argument& argument : arguments) WriteArgument(argument, reply);
}

std::vector<std::string_view> DocFlags(const CommandRow& row) {
  std::vector<std::string_view> flags;
  if (!row.replaced_by.empty()) flags.emplace_back("deprecated");
  if ((row.flags & kProtected) != 0) flags.emplace_back("syscmd");
  return flags;
}

// `lines` as CommandRow::history holds them: a set of pairs.
void WriteHistory(std::string_view lines, ReplyWriter& reply) {
  const auto count = static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n')) + 1;
  reply.Set(count);
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    const size_t blank = std::min(line.find(' '), line.size() - 1);
    reply.Array(2);
    reply.Bulk(line.substr(0, blank));
    reply.Bulk(line.substr(blank + 1));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

void WriteDocs(const Entry& entry, ReplyWriter& reply) {
  const CommandRow& row = *entry.row;
  const auto arguments = ParseSyntax(row.syntax, KeySpecCount(row));
  CAIRN_CHECK(arguments.ok());
  const std::vector<std::string_view> doc_flags = DocFlags(row);

  using Field = std::pair<std::string_view, std::string_view>;
  const Field head[] = {{"summary", row.summary},
                        {"since", row.since},
                        {"group", row.group},
                        {"complexity", row.complexity}};
  const Field deprecation[] = {{"deprecated_since", row.deprecated_since},
                               {"replaced_by", row.replaced_by}};
  size_t fields = 0;
  for (const Field& field : head) fields += field.second.empty() ? 0 : 1;
  for (const Field& field : deprecation) fields += field.second.empty() ? 0 : 1;
  fields += (doc_flags.empty() ? 0 : 1) + (row.history.empty() ? 0 : 1) +
            (arguments->empty() ? 0 : 1) + (entry.subcommands.empty() ? 0 : 1);

  reply.Bulk(row.name);
  reply.Map(fields);
  for (const auto& [name, value] : head) {
    if (!value.empty()) WriteField(name, value, reply);
  }
  if (!doc_flags.empty()) {
    reply.Bulk("doc_flags");
    WriteStatusSet(doc_flags, reply);
  }
  for (const auto& [name, value] : deprecation) {
    if (!value.empty()) WriteField(name, value, reply);
  }
  if (!row.history.empty()) {
    reply.Bulk("history");
    WriteHistory(row.history, reply);
  }
  if (!arguments->empty()) {
    reply.Bulk("arguments");
    WriteArguments(*arguments, reply);
  }
  if (!entry.subcommands.empty()) {
    reply.Bulk("subcommands");
    reply.Map(entry.subcommands.size());
    for (const Entry* subcommand : entry.subcommands) WriteDocs(*subcommand, reply);
  }
}

// ---- COMMAND GETKEYS

// The keys of a request, or an error in the reply and nothing.
struct RequestKeys {
  const CommandRow* row = nullptr;  // null: the reply is an error
  std::vector<KeyArgument> keys;
};

RequestKeys FindRequestKeys(const CommandTable& table, std::span<const std::string_view> request,
                            ReplyWriter& reply) {
  bool unknown_subcommand = false;
  const Entry* entry = table.FindRequest(request, &unknown_subcommand);
  if (entry == nullptr || unknown_subcommand) {
    reply.Error(resp::errors::kInvalidCommandSpecified);
    return {};
  }
  const CommandRow& row = *entry->row;
  if (KeySpecCount(row) == 0) {
    reply.Error(resp::errors::kNoKeyArguments);
    return {};
  }
  if (!ArityFits(row, request.size())) {
    reply.Error(resp::errors::kInvalidArgumentCount);
    return {};
  }
  std::vector<KeyArgument> keys = FindKeys(row, request);
  if (keys.empty() && (row.flags & kNoMandatoryKeys) == 0) {
    reply.Error(resp::errors::kInvalidArguments);
    return {};
  }
  return {.row = &row, .keys = std::move(keys)};
}

}  // namespace

void ReplyAllCommandInfo(const CommandTable& table, ReplyWriter& reply) {
  const std::vector<const Entry*> commands = TopLevel(table);
  reply.Array(commands.size());
  for (const Entry* entry : commands) WriteInfo(*entry, reply);
}

void ReplyCommandInfo(const CommandTable& table, std::span<const std::string_view> names,
                      ReplyWriter& reply) {
  reply.Array(names.size());
  for (const std::string_view name : names) {
    const Entry* entry = table.Find(name);
    if (entry == nullptr) {
      reply.Null();
    } else {
      WriteInfo(*entry, reply);
    }
  }
}

void ReplyCommandDocs(const CommandTable& table, std::span<const std::string_view> names,
                      ReplyWriter& reply) {
  std::vector<const Entry*> wanted;
  if (names.empty()) wanted = TopLevel(table);
  for (const std::string_view name : names) {
    const Entry* entry = table.Find(name);
    if (entry != nullptr) wanted.push_back(entry);
  }
  reply.Map(wanted.size());
  for (const Entry* entry : wanted) WriteDocs(*entry, reply);
}

void ReplyCommandCount(const CommandTable& table, ReplyWriter& reply) {
  reply.Integer(static_cast<int64_t>(TopLevel(table).size()));
}

void ReplyCommandList(const CommandTable& table, std::span<const std::string_view> options,
                      ReplyWriter& reply) {
  enum class Filter : uint8_t { kNone, kNothing, kCategory, kPattern };
  Filter filter = Filter::kNone;
  if (options.size() == 3 && EqualsIgnoreCase(options[0], "FILTERBY")) {
    // No modules, so none of the commands comes from one.
    if (EqualsIgnoreCase(options[1], "MODULE")) filter = Filter::kNothing;
    if (EqualsIgnoreCase(options[1], "ACLCAT")) filter = Filter::kCategory;
    if (EqualsIgnoreCase(options[1], "PATTERN")) filter = Filter::kPattern;
  }
  if (filter == Filter::kNone && !options.empty()) return reply.Error(resp::errors::kSyntax);

  std::vector<std::string_view> names;
  for (const Entry& entry : table.entries()) {
    const CommandRow& row = *entry.row;
    if (entry.removed || filter == Filter::kNothing) continue;
    if (filter == Filter::kCategory && !InAclCategory(row, options[2])) continue;
    if (filter == Filter::kPattern && !base::GlobMatch(options[2], row.name, /*nocase=*/true)) {
      continue;
    }
    names.push_back(row.name);
  }
  reply.Array(names.size());
  for (const std::string_view name : names) reply.Bulk(name);
}

void ReplyCommandKeys(const CommandTable& table, std::span<const std::string_view> request,
                      ReplyWriter& reply) {
  const RequestKeys found = FindRequestKeys(table, request, reply);
  if (found.row == nullptr) return;
  reply.Array(found.keys.size());
  for (const KeyArgument& key : found.keys) reply.Bulk(request[key.index]);
}

void ReplyCommandKeysAndFlags(const CommandTable& table, std::span<const std::string_view> request,
                              ReplyWriter& reply) {
  const RequestKeys found = FindRequestKeys(table, request, reply);
  if (found.row == nullptr) return;
  reply.Array(found.keys.size());
  for (const KeyArgument& key : found.keys) {
    std::vector<std::string_view> flags = Words(key.flags);
    std::erase(flags, kVariableFlags);
    reply.Array(2);
    reply.Bulk(request[key.index]);
    WriteStatusSet(flags, reply);
  }
}

}  // namespace cairn::exec
