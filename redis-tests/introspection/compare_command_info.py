"""Compares what COMMAND INFO and COMMAND DOCS say of every command that Cairn shares with redis-server.

    CAIRN_SERVER=... REDIS_SERVER=... python3 -m introspection.compare_command_info

INFO: all ten elements; where both agree, the bytes too, in RESP2 and RESP3. DOCS: group, since, deprecation and
arguments (names, types, tokens, flags, nesting, key specifications). Then requests of the other subcommands, byte for
byte. Differences that are meant to be stand in ACCEPTED with their reason; one that has gone must be taken out. Exit
code 0: nothing else differs; 1: something does (printed).
"""

import sys

from support.server import Server, cairn_binary, redis_binary

INFO_ELEMENTS = ("name", "arity", "flags", "first key", "last key", "step", "categories", "tips", "key specifications")
DOCS_FIELDS = ("group", "since", "doc_flags", "deprecated_since", "replaced_by", "history", "arguments")
UNORDERED = ("flags", "categories", "tips", "doc_flags")

_TIPS_7_2 = "7.2 says that all nodes are to be asked"
_DEPRECATED_7_2 = "deprecated in 7.2's documentation"
_GETKEYS_7_2 = "7.2 takes a command without arguments, and documents the arguments"

# Cairn answers as Redis 7.2, the reference is 7.0.15. (command, element) > why they differ.
ACCEPTED = {
    ("client|setname", "tips"): _TIPS_7_2,
    ("config|resetstat", "tips"): _TIPS_7_2,
    ("config|rewrite", "tips"): _TIPS_7_2,
    ("command|getkeys", "arity"): _GETKEYS_7_2,
    ("command|getkeys", "arguments"): _GETKEYS_7_2,
    ("command|getkeysandflags", "arity"): _GETKEYS_7_2,
    ("command|getkeysandflags", "arguments"): _GETKEYS_7_2,
    ("lcs", "arguments"): "7.2 calls MINMATCHLEN's argument min-match-len; 7.0 has two arguments of one name",
} | {(name, field): _DEPRECATED_7_2
     for name in ("setnx", "setex", "psetex", "quit")
     for field in ("doc_flags", "deprecated_since", "replaced_by")}

# Commands of Cairn that redis-server 7.0.15 does not have: its own, and what 7.2 brought.
CAIRN_ONLY = {"backup", "scanrange", "countrange", "delrange", "client|no-touch", "client|setinfo"}

# Requests that both answer with the same bytes.
ALIKE_REQUESTS = (
    "COMMAND COUNT x",
    "COMMAND DOCS nosuch",
    "COMMAND GETKEYS",
    "COMMAND GETKEYS GET a",
    "COMMAND GETKEYS MSET a 1 b 2",
    "COMMAND GETKEYS COPY a b REPLACE",
    "COMMAND GETKEYS OBJECT ENCODING a",
    "COMMAND GETKEYS MEMORY USAGE a",
    "COMMAND GETKEYS GET a b",
    "COMMAND GETKEYS PING a b c",
    "COMMAND GETKEYS CONFIG GET a",
    "COMMAND GETKEYS CONFIG nosuch",
    "COMMAND GETKEYS config|get a",
    "COMMAND GETKEYS nosuch a",
    "COMMAND GETKEYSANDFLAGS SET a 1",
    "COMMAND GETKEYSANDFLAGS SET a 1 EX 10 get",
    "COMMAND GETKEYSANDFLAGS RENAME a b",
    "COMMAND GETKEYSANDFLAGS LCS a b IDX",
    "COMMAND GETKEYSANDFLAGS DEL a b",
    "COMMAND GETKEYSANDFLAGS GETEX a",
    "COMMAND GETKEYSANDFLAGS ECHO a",
    "COMMAND INFO nosuch",
    "COMMAND LIST x",
    "COMMAND LIST FILTERBY PATTERN",
    "COMMAND LIST FILTERBY PATTERN GE?",
    "COMMAND LIST FILTERBY PATTERN nosuch",
    "COMMAND LIST FILTERBY MODULE nosuch",
    "COMMAND LIST FILTERBY ACLCAT nosuch",
    "COMMAND LIST FILTERBY ACLCAT @string",
    "COMMAND LIST FILTERBY SIZE 1",
    "COMMAND LIST FILTERBY PATTERN a b",
    "COMMAND nosuch",
)


def text(value):
    """Bytes as str, in depth."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [text(item) for item in value]
    if isinstance(value, dict):
        return {text(key): text(item) for key, item in value.items()}
    return value


def infos(client):
    """Every command and subcommand by name: element name > value."""
    found = {}

    def add(entry):
        found[entry[0]] = dict(zip(INFO_ELEMENTS, entry))
        for subcommand in entry[9]:
            add(subcommand)

    for entry in text(client.value("COMMAND", "INFO")):
        add(entry)
    return found


def docs(client):
    """Every command and subcommand by name: field > value."""
    found = {}

    def add(name, fields):
        found[name] = fields
        for subcommand, its_fields in fields.get("subcommands", {}).items():
            add(subcommand, its_fields)

    for name, fields in text(client.value("COMMAND", "DOCS")).items():
        add(name, fields)
    return found


def argument_shape(argument):
    """What is compared of an argument: all but the history of its options, and 7.2's display_text."""
    shape = {key: argument[key] for key in ("name", "type", "token", "key_spec_index") if key in argument}
    shape["flags"] = sorted(argument.get("flags", []))
    if "arguments" in argument:
        shape["arguments"] = [argument_shape(inner) for inner in argument["arguments"]]
    return shape


def comparable(element, value):
    if element == "arguments":
        return [argument_shape(argument) for argument in value or []]
    if element == "history":  # the texts are Cairn's own words
        return sorted(version for version, _ in value or [])
    if element in UNORDERED:
        return sorted(value or [])
    return value


def wrong_display_texts(arguments):
    """Names of arguments whose display_text is not what 7.2 gives: the name, or nothing for a oneof or block."""
    wrong = []
    for argument in arguments:
        wanted = None if argument["type"] in ("oneof", "block") else argument["name"]
        if argument.get("display_text") != wanted:
            wrong.append(argument["name"])
        wrong += wrong_display_texts(argument.get("arguments", []))
    return wrong


class Comparison:
    """Collects what differs; `accepted_seen` are the entries of ACCEPTED that were met."""

    def __init__(self):
        self.failures = []
        self.accepted_seen = set()

    def compare(self, name, element, redis, cairn):
        redis, cairn = comparable(element, redis), comparable(element, cairn)
        if redis == cairn:
            return
        if (name, element) in ACCEPTED:
            self.accepted_seen.add((name, element))
            return
        self.failures.append(f"{name}: {element}\n    redis {redis}\n    cairn {cairn}")


def compare_infos(comparison, redis, cairn):
    redis_infos, cairn_infos = infos(redis), infos(cairn)
    for name in sorted(redis_infos.keys() & cairn_infos.keys()):
        for element in INFO_ELEMENTS:
            comparison.compare(name, element, redis_infos[name][element], cairn_infos[name][element])
    return redis_infos.keys(), cairn_infos.keys()


def compare_docs(comparison, redis, cairn, shared, has_display_texts):
    redis_docs, cairn_docs = docs(redis), docs(cairn)
    for name in sorted(shared):
        for field in DOCS_FIELDS:
            comparison.compare(name, field, redis_docs[name].get(field), cairn_docs[name].get(field))
    for name, fields in cairn_docs.items():
        if not fields.get("summary"):
            comparison.failures.append(f"{name}: no summary")
        if has_display_texts:
            for argument in wrong_display_texts(fields.get("arguments", [])):
                comparison.failures.append(f"{name}: display_text of {argument}")


def compare_bytes(comparison, redis, cairn, names, protocol):
    """The whole entries of commands without subcommands, tip for tip."""
    for name in sorted(names):
        redis_raw, cairn_raw = (client.call("COMMAND", "INFO", name) for client in (redis, cairn))
        if redis_raw != cairn_raw:
            comparison.failures.append(f"{name}: bytes, RESP{protocol}\n    redis {redis_raw}\n    cairn {cairn_raw}")


def compare_requests(comparison, redis, cairn, protocol):
    for request in ALIKE_REQUESTS:
        redis_raw, cairn_raw = (client.call(*request.split()) for client in (redis, cairn))
        if redis_raw != cairn_raw:
            comparison.failures.append(f"{request}: RESP{protocol}\n    redis {redis_raw}\n    cairn {cairn_raw}")


def run(redis_server, cairn_server):
    """The failures, as texts, and how many commands were compared."""
    comparison = Comparison()
    stand_in = cairn_server.redis
    with redis_server.client(resp=3) as redis, cairn_server.client(resp=3) as cairn:
        redis_names, cairn_names = compare_infos(comparison, redis, cairn)
        shared = redis_names & cairn_names
        compare_docs(comparison, redis, cairn, shared, has_display_texts=not stand_in)
    containers = {name.split("|")[0] for name in redis_names | cairn_names if "|" in name}
    alike = {name for name in shared - containers if not any((name, element) in ACCEPTED for element in INFO_ELEMENTS)}
    if not comparison.failures:
        for protocol in (2, 3):
            with redis_server.client(resp=protocol) as redis, cairn_server.client(resp=protocol) as cairn:
                compare_bytes(comparison, redis, cairn, alike, protocol)
                compare_requests(comparison, redis, cairn, protocol)
    if not stand_in:
        for name, element in sorted(ACCEPTED.keys() - comparison.accepted_seen):
            comparison.failures.append(f"{name}: {element} is listed as different but is not")
        for name in sorted((cairn_names - redis_names) ^ CAIRN_ONLY):
            comparison.failures.append(f"{name}: not in both CAIRN_ONLY and the server")
    return comparison.failures, len(shared)


def main():
    with Server(redis_binary()) as redis_server, Server(cairn_binary()) as cairn_server:
        failures, shared = run(redis_server, cairn_server)
    for failure in failures:
        print(failure)
    print(f"{shared} shared commands and subcommands, {len(failures)} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
