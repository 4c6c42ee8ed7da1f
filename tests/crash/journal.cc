#include "crash/journal.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "base/file.h"

namespace cairn::crash {
namespace {

int64_t ToInteger(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string Integer(int64_t value) {
  return ":" + std::to_string(value) + "\r\n";
}

std::string Bulk(std::string_view text) {
  return fmt::format("${}\r\n{}\r\n", text.size(), text);
}

constexpr std::string_view kOk = "+OK\r\n";
constexpr std::string_view kNull = "$-1\r\n";
constexpr std::string_view kNoSuchKey = "-ERR no such key\r\n";

XXH128_hash_t HashOf(std::string_view key, const KeyValue& value) {
  const std::string whole =
      fmt::format("{}:{}:{}:{}", key.size(), key, value.expire_ms, value.value);
  return XXH3_128bits(whole.data(), whole.size());
}

bool IsVolatile(std::string_view key) {
  return key.starts_with(kVolatilePrefix);
}

}  // namespace

void StateHash::Add(std::string_view key, const KeyValue& value) {
  const XXH128_hash_t hash = HashOf(key, value);
  low += hash.low64;
  high += hash.high64;
}

void StateHash::Subtract(std::string_view key, const KeyValue& value) {
  const XXH128_hash_t hash = HashOf(key, value);
  low -= hash.low64;
  high -= hash.high64;
}

// ---- Model

void Model::Set(const std::string& key, KeyValue value) {
  Erase(key);
  hash_.Add(key, value);
  keys_.emplace(key, std::move(value));
}

bool Model::Erase(const std::string& key) {
  const auto it = keys_.find(key);
  if (it == keys_.end()) return false;
  hash_.Subtract(key, it->second);
  keys_.erase(it);
  return true;
}

std::string Model::Expire(const std::string& key, int64_t at_ms) {
  const auto it = keys_.find(key);
  if (it == keys_.end()) return Integer(0);
  if (at_ms == kNoExpiry && it->second.expire_ms == kNoExpiry) return Integer(0);
  Set(key, {.value = std::string(it->second.value), .expire_ms = at_ms});
  return Integer(1);
}

// APPEND, SETRANGE and INCR: a change of what is there, whose expiry stays.
std::string Model::Edit(const Command& command) {
  const auto it = keys_.find(command[1]);
  KeyValue value = it == keys_.end() ? KeyValue() : it->second;
  std::string reply;
  if (command[0] == "INCR") {
    value.value = std::to_string(ToInteger(value.value) + 1);
    reply = ":" + value.value + "\r\n";
  } else if (command[0] == "APPEND") {
    value.value += command[2];
    reply = Integer(static_cast<int64_t>(value.value.size()));
  } else {
    const auto at = static_cast<size_t>(ToInteger(command[2]));
    value.value.resize(std::max(value.value.size(), at + command[3].size()));
    command[3].copy(value.value.data() + at, command[3].size());
    reply = Integer(static_cast<int64_t>(value.value.size()));
  }
  Set(command[1], std::move(value));
  return reply;
}

std::string Model::Move(const std::string& from, const std::string& to) {
  const auto it = keys_.find(from);
  if (it == keys_.end()) return std::string(kNoSuchKey);
  if (from == to) return std::string(kOk);
  KeyValue value = it->second;
  Erase(from);
  Set(to, std::move(value));
  return std::string(kOk);
}

std::string Model::Apply(const Command& command) {
  const std::string& name = command[0];
  if (name == "SET") {
    const int64_t expire_ms = command.size() > 4 ? ToInteger(command[4]) : kNoExpiry;
    if (!IsVolatile(command[1])) Set(command[1], {.value = command[2], .expire_ms = expire_ms});
    return std::string(kOk);
  }
  if (name == "MSET") {
    for (size_t i = 1; i + 1 < command.size(); i += 2) Set(command[i], {.value = command[i + 1]});
    return std::string(kOk);
  }
  if (name == "INCR" && command[1] == kSharedCounter) return {};
  if (name == "INCR" || name == "APPEND" || name == "SETRANGE") return Edit(command);
  if (name == "DEL") {
    int64_t deleted = 0;
    for (size_t i = 1; i < command.size(); ++i) deleted += Erase(command[i]) ? 1 : 0;
    return Integer(deleted);
  }
  if (name == "PEXPIREAT") return Expire(command[1], ToInteger(command[2]));
  if (name == "PERSIST") return Expire(command[1], kNoExpiry);
  if (name == "RENAME") return Move(command[1], command[2]);
  if (name == "GET" || name == "GETDEL") {
    const auto it = keys_.find(command[1]);
    std::string reply = it == keys_.end() ? std::string(kNull) : Bulk(it->second.value);
    if (name == "GETDEL") Erase(command[1]);
    return reply;
  }
  if (name == "FLUSHDB") {
    keys_.clear();
    hash_ = {};
    return std::string(kOk);
  }
  if (name == "SELECT" || name == "SAVE") return std::string(kOk);
  return {};
}

// ---- Journal

void Journal::Append(Command command) {
  std::string expected = model_.Apply(command);
  if (command[0] == "SET" && IsVolatile(command[1])) {
    volatile_.insert_or_assign(
        command[1], Volatile{.set_at = entries_.size(), .expire_ms = ToInteger(command[4])});
  }
  if (command[0] == "FLUSHDB") {
    for (auto& [key, key_times] : volatile_) {
      key_times.gone_at = std::min(key_times.gone_at, entries_.size());
    }
  }
  entries_.push_back({.command = std::move(command), .expected = std::move(expected)});
  states_.push_back(model_.hash());
}

absl::Status Journal::NoteReply(size_t index, std::string_view reply) {
  Entry& entry = entries_[index];
  const bool counts_shared = entry.command[0] == "INCR" && entry.command[1] == kSharedCounter;
  if (counts_shared) entry.shared = ToInteger(reply.substr(1));
  const bool is_right = entry.expected.empty() ? !reply.starts_with('-') : reply == entry.expected;
  if (is_right && (!counts_shared || entry.shared > 0)) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("{} was answered {}, not {}", redis_tests::Shown(entry.command),
                  redis_tests::Shown(reply), redis_tests::Shown(std::string_view(entry.expected))));
}

void Journal::AcknowledgeAll() {
  for (Entry& entry : entries_) entry.acked = 0;
}

void Journal::SettleAcks() {
  uint64_t next = kNever;
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    next = std::min(next, entry->acked);
    entry->acked = next;
  }
}

Model Journal::StateAfter(size_t count) const {
  Model model;
  for (size_t i = 0; i < count; ++i) model.Apply(entries_[i].command);
  return model;
}

size_t Journal::AckedBefore(uint64_t stamp) const {
  const auto first_later = std::partition_point(
      entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.acked < stamp; });
  return static_cast<size_t>(first_later - entries_.begin());
}

std::string Journal::JudgeVolatile(const FoundDatabase& found, size_t count,
                                   int64_t wall_ms) const {
  for (const auto& [key, expire_ms] : found.volatile_times) {
    const auto it = volatile_.find(key);
    if (it == volatile_.end() || it->second.set_at >= count || it->second.gone_at < count) {
      return fmt::format("`{}` is there, but should not be", key);
    }
    if (it->second.expire_ms != expire_ms) return fmt::format("`{}` has another expiry", key);
  }
  for (const auto& [key, wanted] : volatile_) {
    const bool lives =
        wanted.set_at < count && wanted.gone_at >= count && wanted.expire_ms > wall_ms;
    if (lives && !found.volatile_times.contains(key)) {
      return fmt::format("`{}` is gone before its time", key);
    }
  }
  return {};
}

absl::StatusOr<size_t> Journal::Match(const FoundDatabase& found, size_t least, int64_t shared,
                                      int64_t wall_ms) const {
  // What the shared counter says: which of its increments are in.
  size_t low = least;
  size_t high = entries_.size();
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].shared == 0) continue;
    if (entries_[i].shared <= shared) low = std::max(low, i + 1);
    if (entries_[i].shared > shared) high = std::min(high, i);
  }
  std::string problem;
  for (size_t count = high + 1; count-- > low;) {
    if (states_[count] != found.hash) continue;
    problem = JudgeVolatile(found, count, wall_ms);
    if (problem.empty()) return count;
  }
  if (!problem.empty()) return absl::DataLossError(problem);
  const auto anywhere = std::find(states_.rbegin(), states_.rend(), found.hash);
  const std::string is = anywhere == states_.rend()
                             ? std::string("in no state that any number of them leads to")
                             : fmt::format("as after {} of them", states_.rend() - anywhere - 1);
  return absl::DataLossError(
      fmt::format("{} of {} commands must be in ({} were lasting, the shared counter is {}, which "
                  "allows {} to {}), but the database is {}",
                  low, entries_.size(), least, shared, low, high, is));
}

void Journal::Truncate(size_t count) {
  std::vector<Entry> kept(
      std::make_move_iterator(entries_.begin()),
      std::make_move_iterator(entries_.begin() + static_cast<std::ptrdiff_t>(count)));
  *this = Journal();
  for (Entry& entry : kept) {
    Append(std::move(entry.command));
    entries_.back().acked = entry.acked;
    entries_.back().shared = entry.shared;
  }
}

// ---- files

absl::Status Journal::Save(const std::string& file) const {
  std::ofstream out(file, std::ios::binary);
  for (const Entry& entry : entries_) {
    std::string request;
    redis_tests::AppendCommand(entry.command, &request);
    out << entry.acked << ' ' << entry.shared << ' ' << request.size() << '\n' << request;
  }
  out.close();
  return out ? absl::OkStatus() : absl::InternalError(fmt::format("cannot write `{}`", file));
}

absl::StatusOr<Journal> Journal::Load(const std::string& file) {
  auto bytes = base::PosixFileSystem().ReadAll(file);
  if (!bytes.ok()) return bytes.status();
  Journal journal;
  for (std::string_view rest = *bytes; !rest.empty();) {
    const size_t line_end = std::min(rest.find('\n'), rest.size() - 1);
    const std::string_view line = rest.substr(0, line_end);
    const size_t first = line.find(' ');
    const size_t second = line.find(' ', first + 1);
    uint64_t acked = 0;
    std::from_chars(line.data(), line.data() + first, acked);
    const int64_t shared = ToInteger(line.substr(first + 1, second - first - 1));
    const auto size = static_cast<size_t>(ToInteger(line.substr(second + 1)));
    const std::string_view request = rest.substr(line_end + 1, size);
    Command command;
    for (const redis_tests::Scalar& word : redis_tests::Scalars(request)) {
      command.emplace_back(word.text);
    }
    if (request.size() != size || command.empty()) {
      return absl::DataLossError(fmt::format("`{}` is not a whole journal", file));
    }
    journal.Append(std::move(command));
    journal.entries_.back().acked = acked;
    journal.entries_.back().shared = shared;
    rest.remove_prefix(line_end + 1 + size);
  }
  return journal;
}

}  // namespace cairn::crash
