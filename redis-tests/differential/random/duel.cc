#include "differential/random/duel.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace cairn::redis_tests {
namespace {

constexpr int kDatabases = 16;
// Far below the distance of two relative expiry times, so this hides nothing.
constexpr int64_t kToleranceSeconds = 60;
static_assert(10 * kToleranceSeconds < kSlotSeconds);

std::optional<int64_t> Integer(std::string_view reply) {
  const std::vector<Scalar> scalars = Scalars(reply);
  if (scalars.size() != 1 || scalars[0].type != ':') return std::nullopt;
  int64_t value = 0;
  std::from_chars(scalars[0].text.data(), scalars[0].text.data() + scalars[0].text.size(), value);
  return value;
}

// `unit`: how many make a second.
bool TimesAgree(std::string_view reference, std::string_view cairn, int64_t unit) {
  const std::optional<int64_t> a = Integer(reference);
  const std::optional<int64_t> b = Integer(cairn);
  // -1 and -2 are answers of their own.
  if (!a || !b || *a < 0 || *b < 0) return false;
  // A point in time that a command gave. (A time to live is never in this range: it counts from
  // now.)
  const bool given = *a >= kFarSeconds * unit && *a < (kFarSeconds + kFarSpan) * unit;
  return !given && std::abs(*a - *b) <= kToleranceSeconds * unit;
}

std::vector<std::string> SortedItems(std::string_view reply) {
  std::vector<std::string> items;
  for (const Scalar& scalar : Scalars(reply)) items.emplace_back(scalar.text);
  std::sort(items.begin(), items.end());
  return items;
}

}  // namespace

bool Agree(Judgement judgement, std::string_view reference, std::string_view cairn) {
  if (reference == cairn) return !reference.empty();
  if (reference.empty() || cairn.empty() || reference[0] != cairn[0]) return false;
  switch (judgement) {
    case Judgement::kExact:
      return false;
    case Judgement::kSortedKeys:
      return reference[0] == '*' && SortedItems(reference) == SortedItems(cairn);
    case Judgement::kSeconds:
      return TimesAgree(reference, cairn, 1);
    case Judgement::kMilliseconds:
      return TimesAgree(reference, cairn, 1000);
    case Judgement::kSameType:
      return reference[0] != '-';
  }
  return false;
}

void Duel::Connect() {
  for (int side = 0; side < 2; ++side) {
    if (!clients_[side].Connect(ports_[side]))
      throw std::runtime_error("a server does not listen any more");
  }
}

void Duel::Reset() {
  Connect();
  for (RawClient& client : clients_) client.Call({"FLUSHALL"});
}

std::optional<Difference> Duel::Run(std::span<const RandomCommand> commands, size_t batch) {
  std::vector<std::string> replies[2];
  std::string requests;
  for (size_t first = 0; first < commands.size(); first += batch) {
    const std::span<const RandomCommand> part =
        commands.subspan(first, std::min(batch, commands.size() - first));
    requests.clear();
    for (const RandomCommand& command : part) AppendCommand(command.words, &requests);
    for (int side = 0; side < 2; ++side) {
      replies[side].clear();
      clients_[side].Exchange(requests, part.size(), &replies[side]);
      replies[side].resize(part.size());
    }
    for (size_t i = 0; i < part.size(); ++i) {
      if (Agree(part[i].judgement, replies[0][i], replies[1][i])) continue;
      return Difference{first + i, replies[0][i], replies[1][i]};
    }
    if (between_batches_) between_batches_(first / batch + 1);
  }
  return std::nullopt;
}

std::optional<std::string> Duel::CompareDumps(bool encodings, size_t* keys) {
  for (int db = 0; db < kDatabases; ++db) {
    std::optional<std::string> difference = CompareDatabase(db, encodings, keys);
    if (difference) return "database " + std::to_string(db) + ": " + *difference;
  }
  return std::nullopt;
}

std::optional<std::string> Duel::CompareDatabase(int db, bool encodings, size_t* keys) {
  for (RawClient& client : clients_) {
    client.Call({"RESET"});
    client.Call({"SELECT", std::to_string(db)});
  }
  const auto differ = [this](const Command& command,
                             Judgement judgement) -> std::optional<std::string> {
    const std::string a = clients_[0].Call(command);
    const std::string b = clients_[1].Call(command);
    if (Agree(judgement, a, b)) return std::nullopt;
    return Shown(command) + "\n  redis-server: " + Shown(a) + "\n  cairn:        " + Shown(b);
  };
  if (auto difference = differ({"DBSIZE"}, Judgement::kExact)) return difference;
  if (auto difference = differ({"KEYS", "*"}, Judgement::kSortedKeys)) return difference;
  const std::string all = clients_[1].Call({"KEYS", "*"});
  for (const Scalar& key : Scalars(all)) {
    const std::string name(key.text);
    ++*keys;
    if (auto difference = differ({"TYPE", name}, Judgement::kExact)) return difference;
    if (auto difference = differ({"GET", name}, Judgement::kExact)) return difference;
    const Judgement encoding = encodings ? Judgement::kExact : Judgement::kSameType;
    if (auto difference = differ({"OBJECT", "ENCODING", name}, encoding)) return difference;
    if (auto difference = differ({"PEXPIRETIME", name}, Judgement::kMilliseconds))
      return difference;
  }
  return std::nullopt;
}

}  // namespace cairn::redis_tests
