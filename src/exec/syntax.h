// The notation of a row's `syntax`, and the tree of arguments that it means. COMMAND DOCS prints
// the tree.
//
//   key value                 arguments, one word each; the name tells the type (see ArgumentType)
//   LEN  EX seconds           without lower-case letters: a token, of the argument behind it
//   [GET]  [EX sec | PX ms]   optional; alternatives make a oneof, several arguments a block
//   <EX seconds | PERSIST>    the same, mandatory
//   [LIMIT offset count]      a block that begins with a token owns it
//   key [key ...]             one or more; several words make a block; a token inside repeats too
//   filter ...                the same for one item
//
// That is redis.io's notation. What it leaves out, and COMMAND DOCS wants, may be added:
//
//   expiration:[EX seconds]   the name of a oneof or block (else the names inside, joined by '_');
//                             a named group is a block even if it holds one argument only
//   increment(double)         the type of an argument whose name does not tell it
//
// Pure functions; thread-safe. Source: the pages "Redis command arguments" and "COMMAND DOCS" of
// the Redis documentation, and what redis-server 7.0.15 replies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace cairn::exec {

// Without "(type)": key: key, key1, newkey, source, destination. unix-time: names that begin with
// it. pattern: pattern. integer: counts, times, indexes, numbers of databases and clients
// (syntax.cc has the list). string: all others.
enum class ArgumentType : uint8_t {
  kString,
  kInteger,
  kDouble,
  kKey,
  kPattern,
  kUnixTime,
  kPureToken,  // the token is all there is
  kOneof,      // one of `arguments`
  kBlock,      // all of `arguments`
};

struct Argument {
  std::string name;
  ArgumentType type = ArgumentType::kString;
  std::string token;  // empty = none
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;  // the token stands before every repetition
  int key_spec_index = -1;      // of a key: which of the row's key specifications finds it
  std::vector<Argument> arguments;

  bool operator==(const Argument&) const = default;
};

// The name that COMMAND DOCS prints ("pure-token").
std::string_view ArgumentTypeName(ArgumentType type);

// The arguments that `syntax` describes, in order. `key_specs` = how many key specifications the
// row has: keys are numbered by them in order, and the last one takes all keys that are left over.
// kInvalidArgument says what is wrong and at which byte.
absl::StatusOr<std::vector<Argument>> ParseSyntax(std::string_view syntax, int key_specs);

}  // namespace cairn::exec
