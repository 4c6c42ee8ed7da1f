"""Sends the tables of cases to redis-server and to Cairn, in RESP2 and in RESP3, and compares every reply.

    CAIRN_SERVER=... REDIS_SERVER=... python3 -m differential.run_cases [--only TEXT] [--verbose]

Exit code 0: no reply differs; 1: some do (each is printed with file, line, command and both replies).
"""

import argparse
import pathlib
import re
import socket
import sys
import time

from differential import case_file, rules
from support.resp import CLOSED, ConnectionClosed, RawClient, decode, encode
from support.server import Server, cairn_binary, redis_binary

UNTIL_LIMIT_S = 30
REPLY_LIMIT_S = 30
SHOWN_BYTES = 700
CASES = pathlib.Path(__file__).parent / "cases"
TYPE_NAMES = {2: "RESP2", 3: "RESP3"}


class Side:
    """One server and the connections that the running case has to it."""

    def __init__(self, server, resp, values):
        self.server, self.resp = server, resp
        self.values = dict(values)
        self.connections = {}

    def connection(self, name):
        """The connection of that name; the first use opens it."""
        if name not in self.connections:
            client = RawClient(self.server.port, timeout_s=REPLY_LIMIT_S)
            self.connections[name] = client
            if self.resp == 3:
                client.call("HELLO", "3")
            client_id = decode(client.call("CLIENT", "ID"))  # An error where the case has set a password.
            self.values["id", name] = str(client_id).encode()
            self.values["addr", name] = b"127.0.0.1:%d" % client.socket.getsockname()[1]
            self.values["laddr", name] = b"127.0.0.1:%d" % self.server.port
        return self.connections[name]

    def run(self, step):
        """The reply to one step as raw bytes (made up ones for @closed and @scan)."""
        client = self.connection(step.connection)
        words = [case_file.fill(word, self.values) for word in step.words]
        try:
            return self._act(client, step.action, words)
        except ConnectionClosed:
            return CLOSED
        except (BrokenPipeError, ConnectionResetError):
            return CLOSED
        except socket.timeout:
            return b"<no reply within %d s>" % REPLY_LIMIT_S

    def _act(self, client, action, words):
        if action == "command":
            return client.call(*words)
        if action == "raw":
            client.send(b"".join(words))
            return client.reply()
        if action == "send":
            client.send(b"".join(words))
            return b""
        if action == "reply":
            return client.reply()
        if action == "closed":
            return CLOSED if client.at_end() else b"<still open>"
        if action == "until":
            return _until(client, words[0], words[1:])
        return _scan(client, words)

    def close(self):
        for client in self.connections.values():
            client.close()


def _until(client, wanted, words):
    """Repeats a command until its reply is `wanted`; the last reply."""
    deadline = time.monotonic() + UNTIL_LIMIT_S
    reply = client.call(*words)
    while reply != wanted and time.monotonic() < deadline:
        time.sleep(0.005)
        reply = client.call(*words)
    return reply


def _scan(client, options):
    """A whole SCAN iteration: the set of keys as a sorted array, or the first error. The order and the cursors of the
    two servers differ, the set may not."""
    keys, cursor = set(), b"0"
    for _ in range(100_000):
        raw = client.call("SCAN", cursor, *options)
        reply = decode(raw)
        if not isinstance(reply, list):
            return raw
        cursor = reply[0]
        keys.update(reply[1])
        if cursor == b"0":
            return encode(*sorted(keys))
    return b"<SCAN does not end>"


def version_of(server):
    """redis_version as a tuple of integers."""
    text = decode(server.client().call("INFO", "server")).decode()
    return tuple(int(part) for part in re.search(r"redis_version:([\d.]+)", text).group(1).split("."))


class Runner:
    """Runs cases and keeps what differs."""

    def __init__(self, reference, cairn, verbose):
        self.reference, self.cairn, self.verbose = reference, cairn, verbose
        self.reference_version = version_of(reference)
        self.compared = 0
        self.differences = []

    def run(self, case, resp):
        """One case in one protocol."""
        now_ms = int(time.time() * 1000)
        values = {("now", ""): now_ms // 1000, ("nowms", ""): now_ms}
        for server in (self.reference, self.cairn):
            with server.client() as admin:
                admin.call("FLUSHALL")
        sides = [Side(self.reference, resp, values), Side(self.cairn, resp, values)]
        try:
            for step in case.steps:
                self._step(case, step, resp, *sides)
        finally:
            for side in sides:
                side.close()

    def _step(self, case, step, resp, reference, cairn):
        literal = step.expected.get(resp)
        ask_reference = case.reference == "" or (
            case.reference != "none" and self.reference_version >= tuple(map(int, case.reference.split("."))))
        wanted = reference.run(step) if ask_reference else None
        if wanted is None and self.cairn.redis:
            return  # A stand-in for Cairn cannot know what Cairn adds.
        got = cairn.run(step)
        self.compared += 1
        for expected, name in ((wanted, "redis-server"), (literal, "expected")):
            if expected is None:
                continue
            context = None
            if step.rule == "member":
                context = (reference.connection(step.connection), cairn.connection(step.connection))
            why = rules.differ(step.rule, step.rule_argument, expected, got, context)
            if why:
                self._report(case, step, resp, why, name, expected, got)

    def _report(self, case, step, resp, why, name, expected, got):
        self.differences.append((case, step, resp))
        print(f"DIFFERENCE {case.file}:{step.line} [{case.name}] {TYPE_NAMES[resp]}: {why}\n"
              f"  command:      {shown(step.text.encode())}\n  {name + ':':13} {shown(expected)}\n"
              f"  {'cairn:':13} {shown(got)}", flush=True)


def shown(raw):
    """A reply for a person: escaped, the middle of long ones left out."""
    if len(raw) <= SHOWN_BYTES:
        return repr(raw)[1:]
    half = SHOWN_BYTES // 2
    return f"{repr(raw[:half])[1:]} ... {repr(raw[-half:])[1:]} ({len(raw)} bytes)"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run the cases whose file or name contains this text")
    parser.add_argument("--verbose", action="store_true", help="print each case's name")
    arguments = parser.parse_args()
    cases = [case for path in sorted(CASES.glob("*.txt")) for case in case_file.read(path)
             if arguments.only in case.file or arguments.only in case.name]
    if not cases:
        sys.exit(f"no case has {arguments.only!r} in its name")
    with Server(redis_binary()) as reference, Server(cairn_binary()) as cairn:
        runner = Runner(reference, cairn, arguments.verbose)
        for case in cases:
            if arguments.verbose:
                print(f"{case.file}: {case.name}", flush=True)
            for resp in (2, 3):
                if case.only_resp in (0, resp):
                    runner.run(case, resp)
    print(f"{len(cases)} cases, {runner.compared} replies compared with redis-server "
          f"{'.'.join(map(str, runner.reference_version))}, {len(runner.differences)} differences")
    sys.exit(1 if runner.differences else 0)


if __name__ == "__main__":
    main()
