// What one directive is made of: its name, its kind of value, the field of ServerOptions behind it,
// and its limits.
//
// Rows are constants that live as long as the process; the functions are pure and thread-safe.
// table.h holds the rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "config/options.h"

namespace cairn::config {

// Where a value comes from. In files, list directives add to what earlier lines gave (save); at run
// time they replace it.
enum class Source : uint8_t { kFile, kRuntime };

struct BoolKind {
  bool ServerOptions::*field;
};

enum class NumberForm : uint8_t { kDecimal, kMemory, kOctal };

// An integer field of any width.
struct NumberKind {
  int64_t (*get)(const ServerOptions&);
  void (*set)(ServerOptions&, int64_t);
  int64_t min;
  int64_t max;
  NumberForm form;
};

struct EnumName {
  std::string_view name;
  int value;
};

// An enum class field; the order of `names` is the order in which an error text lists them.
struct EnumKind {
  int (*get)(const ServerOptions&);
  void (*set)(ServerOptions&, int);
  std::span<const EnumName> names;
};

struct StringKind {
  std::string ServerOptions::*field;
};

// One word with a syntax of its own. `set` leaves the options as they were when it fails; `get`
// prints what `set` reads.
struct WordKind {
  absl::Status (*set)(std::string_view text, ServerOptions& options);
  std::string (*get)(const ServerOptions&);
};

// Several words with a syntax of their own (list_values.h).
struct ListKind {
  // Takes the directive's words; leaves the options as they were when it fails.
  absl::Status (*set)(std::span<const std::string> args, Source source, ServerOptions& options);
  // The value as CONFIG GET prints it.
  std::string (*get)(const ServerOptions&);
  // The value as arguments of configuration lines, one string a line, quoted.
  std::vector<std::string> (*lines)(const ServerOptions&);
  // Arguments of a line that undoes earlier lines; "" when each line replaces them anyway.
  std::string_view reset;
};

using Kind =
    std::variant<BoolKind, NumberKind, EnumKind, StringKind, const WordKind*, const ListKind*>;

enum RowFlags : uint8_t {
  kPlain = 0,
  kImmutable = 1,  // set at start only
  kSensitive = 2,  // its value never appears in a log line or an error text
  kFileOnly = 4,   // CONFIG GET, SET and REWRITE do not know it
};

struct Row {
  std::string_view name;
  std::string_view alias;  // a second name, "" = none
  Kind kind;
  uint8_t flags;
  std::string_view doc;  // one line
  // Judges the options after the value was set, and may adjust it: an error refuses the value, its
  // text says why. May be null.
  absl::Status (*check)(ServerOptions&) = nullptr;

  [[nodiscard]] bool Has(RowFlags flag) const { return (flags & flag) != 0; }
};

// Sets `row`'s value from the words of a configuration line. kInvalidArgument with a text that says
// what would be right (in Redis 7.2's words where it has them); the options are then unchanged.
absl::Status SetFromFile(const Row& row, std::span<const std::string> args, ServerOptions& options);

// The same for CONFIG SET: `value` is one string, which list directives split at single spaces.
absl::Status SetAtRuntime(const Row& row, std::string_view value, ServerOptions& options);

// The value as CONFIG GET prints it: sizes in bytes, "" for what is not set.
std::string Get(const Row& row, const ServerOptions& options);

// The value as arguments of configuration lines, one string a line, quoted; sizes with units. Two
// options that differ in this row differ here, and setting the lines in order gives the value back.
std::vector<std::string> FileLines(const Row& row, const ServerOptions& options);

// Makers of kinds. `kField` is a pointer to a member of ServerOptions.
template <auto kField>
constexpr Kind Number(int64_t min, int64_t max, NumberForm form = NumberForm::kDecimal) {
  return NumberKind{[](const ServerOptions& o) { return static_cast<int64_t>(o.*kField); },
                    [](ServerOptions& o, int64_t value) {
                      o.*kField = static_cast<std::remove_reference_t<decltype(o.*kField)>>(value);
                    },
                    min, max, form};
}

template <auto kField>
constexpr Kind OneOf(std::span<const EnumName> names) {
  return EnumKind{[](const ServerOptions& o) { return static_cast<int>(o.*kField); },
                  [](ServerOptions& o, int value) {
                    o.*kField = static_cast<std::remove_reference_t<decltype(o.*kField)>>(value);
                  },
                  names};
}

}  // namespace cairn::config
