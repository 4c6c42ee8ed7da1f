// Reads a command's arguments one after another. The first error is latched, so a handler parses
// everything and asks once.
//
//   Args args(ctx, 2);
//   while (args.More()) {
//     if (args.Take("NX")) ...
//     else if (args.Take("EX")) seconds = args.Int();
//     else args.Syntax();
//   }
//   if (!args.ok()) return args.Reply(ctx);
//
// Lives on a handler's stack.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "exec/context.h"

namespace cairn::exec {

// ASCII case-insensitive equality; option words are compared so.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

class Args {
 public:
  // `next` = index of the first argument to read.
  Args(std::span<const std::string_view> argv, size_t next) : argv_(argv), next_(next) {}

  [[nodiscard]] bool More() const { return error_.empty() && next_ < argv_.size(); }
  [[nodiscard]] size_t left() const { return argv_.size() - next_; }
  // True, and moves on, when the next argument is this word.
  bool Take(std::string_view word);
  // Like Take, and at least `following` more arguments stand behind the word; without them, a
  // syntax error later on.
  bool TakeWith(std::string_view word, size_t following);

  // The next argument. A missing one is a syntax error.
  std::string_view Next();
  // The next argument as an integer within [min, max]; otherwise `error`.
  int64_t Int(int64_t min = std::numeric_limits<int64_t>::min(),
              int64_t max = std::numeric_limits<int64_t>::max(), std::string_view error = {});

  // The next argument as a C `int`: what Redis takes for numbers of databases.
  int Int32();

  void Syntax();
  void Error(std::string_view text);

  [[nodiscard]] bool ok() const { return error_.empty(); }
  // Writes the latched error. REQUIRES: !ok().
  Effect Reply(Context& ctx) const;

 private:
  std::span<const std::string_view> argv_;
  size_t next_;
  std::string error_;
};

}  // namespace cairn::exec
