#include "exec/command_table.h"

#include <array>

#include <fmt/format.h>

#include "absl/strings/ascii.h"
#include "base/check.h"
#include "base/status.h"
#include "exec/syntax.h"

namespace cairn::exec {
namespace {

// Longest name that is looked up; anything longer is unknown. Keeps the lower-case copy on the
// stack.
constexpr size_t kMaxName = 64;

// Lower-case copy of `name` in `buffer`; empty when it is too long.
std::string_view Lower(std::string_view name, std::array<char, kMaxName>& buffer) {
  if (name.size() > buffer.size()) return {};
  for (size_t i = 0; i < name.size(); ++i) {
    buffer[i] = absl::ascii_tolower(static_cast<unsigned char>(name[i]));
  }
  return {buffer.data(), name.size()};
}

void CheckRow(const CommandRow& row) {
  CAIRN_CHECK(!row.name.empty() && row.name.size() <= kMaxName);
  std::array<char, kMaxName> buffer;
  CAIRN_CHECK(row.name == Lower(row.name, buffer));
  CAIRN_CHECK(row.arity != 0);
  CAIRN_CHECK(row.handler != nullptr || (row.flags & kContainer) != 0);
  CAIRN_CHECK(!row.summary.empty() && !row.group.empty() && !row.since.empty());
  CAIRN_CHECK((row.keys.first == 0) == row.keys.flags.empty());
  CAIRN_CHECK(ParseSyntax(row.syntax, 0).ok());
}

void AppendKeys(const Keys& keys, std::span<const std::string_view> argv,
                std::vector<KeyArgument>* out) {
  if (keys.first == 0) return;
  const auto argc = static_cast<int>(argv.size());
  const int last = keys.last < 0 ? argc + keys.last : keys.last;
  const std::string_view flags =
      keys.request_flags == nullptr ? keys.flags : keys.request_flags(argv);
  for (int i = keys.first; i <= last && i < argc; i += keys.step) {
    out->push_back({.index = static_cast<size_t>(i), .flags = flags});
  }
}

}  // namespace

CommandTable::CommandTable(std::span<const RowTable> families) {
  size_t count = 0;
  for (const RowTable family : families) count += family.size();
  entries_.reserve(count);  // entries are pointed to: no reallocation from here on
  for (const RowTable family : families) {
    for (const CommandRow& row : family) {
      CheckRow(row);
      entries_.push_back({.row = &row, .index = entries_.size(), .subcommands = {}});
      CAIRN_CHECK(canonical_.emplace(row.name, &entries_.back()).second);
    }
  }
  for (Entry& entry : entries_) {
    if (!IsSubcommand(*entry.row)) continue;
    const auto container = canonical_.find(ContainerName(entry.row->name));
    CAIRN_CHECK(container != canonical_.end());
    CAIRN_CHECK((container->second->row->flags & kContainer) != 0);
    entries_[container->second->index].subcommands.push_back(&entry);
  }
  by_name_ = canonical_;
}

absl::Status CommandTable::Rename(std::string_view from, std::string_view to) {
  std::array<char, kMaxName> buffer;
  const auto it = by_name_.find(Lower(from, buffer));
  if (it == by_name_.end() || IsSubcommand(*it->second->row)) {
    return base::InvalidArgument(fmt::format("rename-command {}: no such command", from));
  }
  Entry* entry = it->second;
  by_name_.erase(it);
  entry->renamed = true;
  for (const Entry* sub : entry->subcommands) {
    by_name_.erase(sub->row->name);  // no longer a name for COMMAND INFO
    entries_[sub->index].removed = to.empty();
  }
  if (to.empty()) {
    entry->removed = true;
    return absl::OkStatus();
  }
  given_names_.emplace_back(Lower(to, buffer));
  if (to.size() > kMaxName || !by_name_.emplace(given_names_.back(), entry).second) {
    return base::InvalidArgument(fmt::format(
        "rename-command {} {}: there is a command of that name, or it is too long", from, to));
  }
  return absl::OkStatus();
}

const CommandTable::Entry* CommandTable::Find(std::string_view name) const {
  std::array<char, kMaxName> buffer;
  const auto it = by_name_.find(Lower(name, buffer));
  return it == by_name_.end() ? nullptr : it->second;
}

const CommandTable::Entry* CommandTable::FindIn(
    const absl::flat_hash_map<std::string_view, Entry*>& names,
    std::span<const std::string_view> argv, bool* unknown_subcommand) const {
  *unknown_subcommand = false;
  std::array<char, kMaxName> buffer;
  const auto it = names.find(Lower(argv.front(), buffer));
  // "config|get" is how a row is named, not something a client may send.
  if (it == names.end() || IsSubcommand(*it->second->row)) return nullptr;
  const Entry* entry = it->second;
  if ((entry->row->flags & kContainer) == 0 || argv.size() < 2) return entry;
  for (const Entry* sub : entry->subcommands) {
    const std::string_view sub_name = sub->row->name.substr(entry->row->name.size() + 1);
    if (Lower(argv[1], buffer) == sub_name) return sub;
  }
  *unknown_subcommand = true;
  return entry;
}

const CommandTable::Entry* CommandTable::FindRequest(std::span<const std::string_view> argv,
                                                     bool* unknown_subcommand) const {
  return FindIn(by_name_, argv, unknown_subcommand);
}

const CommandTable::Entry* CommandTable::FindCanonical(
    std::span<const std::string_view> argv) const {
  bool unknown_subcommand = false;
  const Entry* entry = FindIn(canonical_, argv, &unknown_subcommand);
  return unknown_subcommand ? nullptr : entry;
}

bool ArityFits(const CommandRow& row, size_t argc) {
  const auto n = static_cast<int>(argc);
  return row.arity > 0 ? n == row.arity : n >= -row.arity;
}

std::vector<KeyArgument> FindKeys(const CommandRow& row, std::span<const std::string_view> argv) {
  std::vector<KeyArgument> found;
  AppendKeys(row.keys, argv, &found);
  AppendKeys(row.keys2, argv, &found);
  return found;
}

}  // namespace cairn::exec
