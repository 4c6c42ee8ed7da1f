"""Reads the tables of cases (cases/*.txt; README.md describes the format)."""

import dataclasses
import re

_ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b", '"': b'"', "\\": b"\\"}
_REPEAT = re.compile(r"\*(\d+)")
_PLACEHOLDER = re.compile(rb"\{(id|addr|laddr|now|nowms)(?::(\w+))?([+-]\d+)?\}")


class CaseFileError(Exception):
    """A table that cannot be read; the text says file and line."""


@dataclasses.dataclass
class Step:
    """One line of a case: what is sent and how the replies are judged."""
    line: int
    text: str
    action: str  # command, raw, send, reply, closed, until, scan
    words: list
    connection: str = "main"
    rule: str = "exact"
    rule_argument: str = ""
    expected: dict = dataclasses.field(default_factory=dict)  # protocol -> the reply of Redis 7.2 or of Cairn


@dataclasses.dataclass
class Case:
    """A sequence of steps that starts with empty databases and new connections."""
    name: str
    file: str
    steps: list
    reference: str  # "" = any redis-server, "7.2" = one of at least that version, "none" = Cairn only
    only_resp: int = 0


def split_words(text):
    """Splits a line into words (bytes): "..." takes escapes, "..."*N repeats, and parts that touch are one word."""
    words, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        word = b""
        while at < len(text) and not text[at].isspace():
            if text[at] == '"':
                piece, at = _quoted(text, at + 1)
                repeat = _REPEAT.match(text, at)
                if repeat:
                    piece *= int(repeat.group(1))
                    at = repeat.end()
                word += piece
            else:
                word += text[at].encode()
                at += 1
        words.append(word)
    return words


def _quoted(text, at):
    out = bytearray()
    while True:
        if at >= len(text):
            raise ValueError("no closing quote")
        char = text[at]
        if char == '"':
            return bytes(out), at + 1
        if char != "\\":
            out += char.encode()
            at += 1
        elif text[at + 1] == "x":
            out.append(int(text[at + 2:at + 4], 16))
            at += 4
        else:
            out += _ESCAPES[text[at + 1]]
            at += 2


def fill(word, values):
    """Replaces {id:b}, {addr:b}, {laddr:b} (of connection b), {now+10} (seconds) and {nowms-5} in a word; `values`
    maps ("id", "b") and the like to bytes, and ("now", "") to an integer."""
    def one(match):
        kind, connection, offset = match.group(1).decode(), match.group(2), match.group(3)
        if kind in ("now", "nowms"):
            return b"%d" % (values[kind, ""] + int(offset or 0))
        return values[kind, connection.decode()]
    return _PLACEHOLDER.sub(one, word)


def read(path):
    """All cases of one table."""
    cases, reference = [], ""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            try:
                if not text or text.startswith("#"):
                    continue
                if text.startswith("reference:"):
                    reference = text.split(":", 1)[1].strip()
                elif text.startswith("case:"):
                    cases.append(Case(text.split(":", 1)[1].strip(), path.name, [], reference))
                elif text.startswith("only: resp"):
                    cases[-1].only_resp = int(text[len("only: resp"):])
                elif re.match(r"=[23]?> ", text):
                    _expect(cases[-1].steps[-1], text)
                else:
                    cases[-1].steps.append(_step(number, text))
            except (ValueError, IndexError, KeyError) as error:
                raise CaseFileError(f"{path}:{number}: {error}: {text}") from error
    for case in cases:
        _check(case)
    return cases


def _expect(step, text):
    protocol, literal = text[1:].split("> ", 1)
    for resp in (2, 3) if protocol == "" else (int(protocol),):
        step.expected[resp] = b"".join(split_words(literal))


def _step(number, text):
    rest, connection, rule, argument = text, "main", "exact", ""
    match = re.match(r"(\w+)> ", rest)
    if match:
        connection, rest = match.group(1), rest[match.end():]
    match = re.match(r"~(\w+)(?::(\S+))? ", rest)
    if match:
        rule, argument, rest = match.group(1), match.group(2) or "", rest[match.end():]
    action = "command"
    match = re.match(r"@(\w+)(?: |$)", rest)
    if match:
        action, rest = match.group(1), rest[match.end():]
        if action not in ("raw", "send", "reply", "closed", "until", "scan"):
            raise ValueError(f"unknown action @{action}")
    return Step(number, text, action, split_words(rest), connection, rule, argument)


def _check(case):
    if not case.steps:
        raise CaseFileError(f"{case.file}: case {case.name!r} has no steps")
    if case.reference:
        needed = {case.only_resp} if case.only_resp else {2, 3}
        for step in case.steps:
            judged = step.action not in ("send", "until")
            if judged and step.rule == "exact" and not needed <= set(step.expected):
                raise CaseFileError(f"{case.file}:{step.line}: needs its reply (=> ...): {step.text}")
