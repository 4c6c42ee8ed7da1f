// Every error text that goes over the wire, in one place, as Redis 7.2 words it.
//
// Constants and pure functions; thread-safe. Texts carry their code and no line break. Texts that
// Redis does not have are marked as Cairn's own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cairn::resp::errors {

inline constexpr std::string_view kSyntax = "ERR syntax error";
inline constexpr std::string_view kNotInteger = "ERR value is not an integer or out of range";
inline constexpr std::string_view kNotInt32 =
    "ERR value is out of range, value must between -2147483648 and 2147483647";
inline constexpr std::string_view kNotFloat = "ERR value is not a valid float";
inline constexpr std::string_view kWrongType =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view kNoSuchKey = "ERR no such key";
inline constexpr std::string_view kSameObject = "ERR source and destination objects are the same";
inline constexpr std::string_view kOutOfRange = "ERR index out of range";
inline constexpr std::string_view kOverflow = "ERR increment or decrement would overflow";
inline constexpr std::string_view kDecrOverflow = "ERR decrement would overflow";
inline constexpr std::string_view kNanOrInfinity = "ERR increment would produce NaN or Infinity";
inline constexpr std::string_view kStringTooLong =
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr std::string_view kOffsetOutOfRange = "ERR offset is out of range";
inline constexpr std::string_view kDbIndexOutOfRange = "ERR DB index is out of range";
inline constexpr std::string_view kInvalidDbIndex = "ERR invalid DB index";
inline constexpr std::string_view kInvalidFirstDbIndex = "ERR invalid first DB index";
inline constexpr std::string_view kInvalidSecondDbIndex = "ERR invalid second DB index";
inline constexpr std::string_view kInvalidCursor = "ERR invalid cursor";
inline constexpr std::string_view kNoAuth = "NOAUTH Authentication required.";
inline constexpr std::string_view kWrongPass =
    "WRONGPASS invalid username-password pair or user is disabled.";
inline constexpr std::string_view kAuthNotSet =
    "ERR AUTH <password> called without any password configured for the default user. Are you sure "
    "your configuration is correct?";
inline constexpr std::string_view kNoProto = "NOPROTO unsupported protocol version";
inline constexpr std::string_view kProtoNotInteger =
    "ERR Protocol version is not an integer or out of range";
inline constexpr std::string_view kMaxClients = "ERR max number of clients reached";
inline constexpr std::string_view kNotValidMinMaxString =
    "ERR min or max not valid string range item";
inline constexpr std::string_view kDebugNotAllowed =
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you "
    "can run it from a local connection, otherwise you need to set this option in the "
    "configuration file, and then restart the server.";
inline constexpr std::string_view kHelloNoAuth =
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
    "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
    "protocol version at the same time";
// The code is Redis', the words are Cairn's own.
inline constexpr std::string_view kProtectedMode =
    "DENIED Cairn is running in protected mode: no password is set, so only clients on this "
    "machine are served. Set requirepass, or protected-mode no if everybody who can reach this "
    "address may read and write everything.";
inline constexpr std::string_view kNoLfu =
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    "when switching between policies at runtime LRU and LFU data will take some time to adjust.";
// COMMAND GETKEYS, of the command that it is asked about.
inline constexpr std::string_view kInvalidCommandSpecified = "ERR Invalid command specified";
inline constexpr std::string_view kNoKeyArguments = "ERR The command has no key arguments";
inline constexpr std::string_view kInvalidArgumentCount =
    "ERR Invalid number of arguments specified for command";
inline constexpr std::string_view kInvalidArguments = "ERR Invalid arguments specified for command";
inline constexpr std::string_view kNumericOutOfRange =
    "ERR value is out of range, must be positive";

// An argument as Redis prints it into an error text: as a C string, so up to its first zero byte.
inline std::string_view Printed(std::string_view argument) {
  return argument.substr(0, argument.find('\0'));
}

// "ERR invalid expire time in 'set' command"; `command` in lower case.
std::string InvalidExpire(std::string_view command);
// "ERR wrong number of arguments for 'get' command"; sub-commands as "config|get".
std::string WrongArity(std::string_view command);
// Redis' text for a command that does not exist, with the beginning of its arguments as Redis
// quotes them.
std::string UnknownCommand(std::string_view name, const std::string_view* args, size_t arg_count);
// "ERR unknown subcommand 'x'. Try CONFIG HELP."; `command` as the row names it (printed in upper
// case).
std::string UnknownSubcommand(std::string_view command, std::string_view name);
// MISCONF: writes are refused because the log cannot be written; `reason` is the system's text.
// (The text is Cairn's own.)
std::string LogFailed(std::string_view reason);
// The same when the store cannot be written and the memory for writes is used up.
std::string StoreFailed(std::string_view reason);
// Cairn's own: a SCAN cursor that this server did not give, or no longer knows.
inline constexpr std::string_view kUnknownCursor =
    "ERR unknown or expired SCAN cursor: start again with cursor 0, or use SCANRANGE, whose "
    "cursors last";
// Cairn's own: the data on disk could not be read; the log line says where.
std::string ReadFailed(std::string_view reason);

}  // namespace cairn::resp::errors
