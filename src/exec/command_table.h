// All rows of a server, found by name; and what can be said of a request from its row alone.
//
// Built once at start from the families' tables; immutable afterwards, so any thread may read it.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "exec/row.h"

namespace cairn::exec {

class CommandTable {
 public:
  // CHECKs that names are unique and in lower case, that subcommands have a container, and that
  // every row has what it needs.
  explicit CommandTable(std::span<const RowTable> families);

  // rename-command: clients find `from` as `to` only; an empty `to` takes it away. The stream keeps
  // the row's name. kInvalidArgument when there is no such command, or `to` is one already.
  absl::Status Rename(std::string_view from, std::string_view to);

  struct Entry {
    const CommandRow* row = nullptr;
    bool renamed = false;                   // clients know it by another name
    bool removed = false;                   // clients do not know it
    size_t index = 0;                       // dense, for per-command statistics
    std::vector<const Entry*> subcommands;  // of a container, in table order
  };

  // By name, in any case; null when there is none.
  [[nodiscard]] const Entry* Find(std::string_view name) const;
  // The entry that runs a request: a container's subcommand when the second argument names one.
  // `*unknown_subcommand` is set when the container exists and the subcommand does not (the
  // container is returned).
  [[nodiscard]] const Entry* FindRequest(std::span<const std::string_view> argv,
                                         bool* unknown_subcommand) const;

  // The same by the rows' own names, whatever clients call them: for the stream.
  [[nodiscard]] const Entry* FindCanonical(std::span<const std::string_view> argv) const;

  // All entries; containers before their subcommands.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  const Entry* FindIn(const absl::flat_hash_map<std::string_view, Entry*>& names,
                      std::span<const std::string_view> argv, bool* unknown_subcommand) const;

  absl::flat_hash_map<std::string_view, Entry*> by_name_;    // as clients know them
  std::deque<std::string> given_names_;                      // those of Rename
  absl::flat_hash_map<std::string_view, Entry*> canonical_;  // as the rows say
};

// True when `argc` arguments (the name counted) fit the row.
bool ArityFits(const CommandRow& row, size_t argc);

// Indexes of the key arguments of a request that fits the row's arity, with the flags of their
// specification.
struct KeyArgument {
  size_t index;
  std::string_view flags;
};
std::vector<KeyArgument> FindKeys(const CommandRow& row, std::span<const std::string_view> argv);

}  // namespace cairn::exec
