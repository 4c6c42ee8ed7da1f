// The replies of COMMAND and its subcommands, made from the rows of a table.
//
// Shapes, and the order of everything in them, are those of redis-server 7.0.15 (7.2 adds
// display_text, which is written too): maps and sets in RESP3, flat arrays in RESP2. Differences:
// no `history`, and no `since` of single arguments.
//
// Pure functions of the table, which they do not change; the reply writer's thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "exec/command_table.h"
#include "resp/reply_writer.h"

namespace cairn::exec {

// COMMAND, and COMMAND INFO without names: an array with one entry of ten elements for each command
// (name, arity, flags, first key, last key, step, ACL categories, tips, key specifications,
// subcommands); subcommands stand inside their container.
void ReplyAllCommandInfo(const CommandTable& table, resp::ReplyWriter& reply);
// COMMAND INFO name ...: the entries of these commands ("config|get" is a name too), null for
// unknown ones.
void ReplyCommandInfo(const CommandTable& table, std::span<const std::string_view> names,
                      resp::ReplyWriter& reply);

// COMMAND DOCS [name ...]: a map from names to maps. Without names, all commands; unknown names are
// left out.
void ReplyCommandDocs(const CommandTable& table, std::span<const std::string_view> names,
                      resp::ReplyWriter& reply);

// COMMAND COUNT: an integer; subcommands are not counted.
void ReplyCommandCount(const CommandTable& table, resp::ReplyWriter& reply);

// COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]: an array of names,
// subcommands included. `options` = what follows LIST; anything else in it is a syntax error.
void ReplyCommandList(const CommandTable& table, std::span<const std::string_view> options,
                      resp::ReplyWriter& reply);

// COMMAND GETKEYS / GETKEYSANDFLAGS: the keys of `request` (a whole command, not empty), as an
// array of names or of [name, set of flags]. Errors: no such command, a command without keys, a
// wrong number of arguments.
void ReplyCommandKeys(const CommandTable& table, std::span<const std::string_view> request,
                      resp::ReplyWriter& reply);
void ReplyCommandKeysAndFlags(const CommandTable& table, std::span<const std::string_view> request,
                              resp::ReplyWriter& reply);

}  // namespace cairn::exec
