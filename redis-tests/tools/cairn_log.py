"""cairn-log on the logs of real servers, stopped, killed, running and damaged."""

import os
import pathlib
import re
import subprocess
import threading
import unittest

from support import testing
from support.resp import encode
from support.server import Server, cairn_binary
from support.tools import fingerprint, run_tool

LINE = re.compile(rb"(\d+) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.+)")


class CairnLog(unittest.TestCase):
    """Each test has a server of its own, with small segments."""

    def setUp(self):
        if testing.is_stand_in():
            self.skipTest("a redis-server stands in Cairn's place")
        self.server = Server(cairn_binary(), options=(("appendfsync", "always"), ("log-segment-size", "1mb"),
                                                      ("repl-backlog-size", "100mb")))
        self.addCleanup(self.server.close)
        self.server.start()

    def write(self, count):
        with self.server.client() as client:
            client.pipeline([("SELECT", 2)] + [("SET", f"key {i}", f"value\r\n{i}" * 20) for i in range(count)])
            client.call("INCRBYFLOAT", "number", "1.5")
            client.call("SET", "expires", "x", "EX", 1000)

    def lines(self, *arguments):
        """offset, time and words of each line that cairn-log prints"""
        code, output, errors = run_tool("cairn-log", *arguments)
        self.assertEqual((code, errors), (0, ""))
        return [LINE.fullmatch(line).groups() for line in output.splitlines()]

    def dump(self, server, database=2):
        """all keys of a database with values and times to live"""
        with server.client() as client:
            client.call("SELECT", database)
            keys = sorted(client.value("KEYS", "*"))
            return [(key, client.value("GET", key), client.value("PEXPIRETIME", key)) for key in keys]

    def test_the_stream_makes_the_same_server(self):
        """--resp of a killed server's log, piped into another server, gives the same keys"""
        self.write(5000)
        wanted = self.dump(self.server)
        self.server.kill()
        before = fingerprint(self.server.directory)
        code, stream, errors = run_tool("cairn-log", "--resp", self.server.directory)
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(fingerprint(self.server.directory), before)
        with Server(cairn_binary()) as other:
            done = subprocess.run([os.environ.get("REDIS_CLI", "redis-cli"), "-p", str(other.port), "--pipe"],
                                  input=stream, stdout=subprocess.PIPE, timeout=60, check=False)
            self.assertIn(b"errors: 0", done.stdout)
            self.assertEqual(self.dump(other), wanted)

    def test_lines_and_offsets(self):
        """lines have rising offsets; --from and --to cut at them; words can be given back to redis-cli"""
        self.write(10_000)
        self.server.kill()
        lines = self.lines(self.server.directory)
        offsets = [int(offset) for offset, _, _ in lines]
        self.assertEqual(offsets, sorted(set(offsets)))
        self.assertEqual(lines[0][2], b"SELECT 2")
        self.assertEqual(lines[1][2][:32], b'SET "key 0" "value\\r\\n0value\\r\\n')
        log = os.path.join(self.server.directory, "log")
        self.assertGreater(len(os.listdir(log)), 1)
        self.assertEqual(self.lines("--from", offsets[100], "--to", offsets[2000], log), lines[100:2000])
        code, stream, _ = run_tool("cairn-log", "--resp", "--from", offsets[1], "--to", offsets[2], log)
        self.assertEqual((code, stream), (0, encode("SET", "key 0", "value\r\n0" * 20)))

    def test_times(self):
        """--since and --until cut between two writes by their times"""
        with self.server.client() as client:
            client.call("SET", "early", "1")
            seconds, microseconds = map(int, client.value("TIME"))
            # The next millisecond of the server's clock.
            self.assertTrue(testing.wait_until(
                lambda: [*map(int, client.value("TIME"))] > [seconds, microseconds + 2000]))
            client.call("SET", "late", "1")
        between = f"{seconds + (microseconds + 1000) / 1e6:.3f}"
        early = self.lines("--until", between, self.server.directory)
        late = self.lines("--since", between, self.server.directory)
        self.assertEqual([words for _, _, words in early], [b"SELECT 0", b"SET early 1"])
        self.assertEqual([words for _, _, words in late], [b"SET late 1"])
        self.assertEqual(len(self.lines("--since=-1h", self.server.directory)), 3)

    def test_beside_a_running_server(self):
        """while the server writes, drops segments and is read again and again: always a whole stretch of the stream"""
        self.server.kill()
        self.server.options = [("log-segment-size", "1mb"), ("repl-backlog-size", "1mb"), ("appendfsync", "no")]
        self.server.start()
        stop = threading.Event()

        def write():
            with self.server.client() as client:
                number = 0
                while not stop.is_set():
                    client.pipeline([("SET", f"n:{number + i}", "v" * 200) for i in range(100)])
                    number += 100
                    if number % 20_000 == 0:
                        client.call("DEBUG", "CHECKPOINT")

        writer = threading.Thread(target=write)
        writer.start()
        try:
            first = last = 0
            for _ in range(10_000):
                code, output, errors = run_tool("cairn-log", self.server.directory)
                self.assertEqual(code, 0, errors)
                lines = [LINE.fullmatch(line).groups() for line in output.splitlines()]
                numbers = [int(words.split()[1][2:]) for _, _, words in lines if words.startswith(b"SET")]
                if "dropped" not in errors:
                    self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))) if numbers else [])
                self.assertGreaterEqual(numbers[-1] if numbers else 0, last)
                first, last = (numbers[0], numbers[-1]) if numbers else (0, 0)
                if first > 10_000:
                    break
        finally:
            stop.set()
            writer.join()
        self.assertGreater(first, 10_000, "the server has dropped nothing")
        with self.server.client() as client:
            self.assertEqual(client.call("PING"), b"+PONG\r\n")

    def test_torn_tail(self):
        """a record cut short at the end: shown up to there, exit code 3, and the file is as it was"""
        self.server.kill()
        self.server.options = [("appendfsync", "no")]
        self.server.start()
        with self.server.client() as client:
            client.call("SET", "whole", "1")
            client.call("SET", "torn", "x" * 1000)
        self.server.kill()
        segment = max(pathlib.Path(self.server.directory, "log").iterdir())
        # The mark that an idle log leaves may stand behind the last record.
        end = segment.read_bytes().rindex(b"x" * 1000) + 1000
        os.truncate(segment, end - 500)
        before = fingerprint(self.server.directory)
        code, output, errors = run_tool("cairn-log", self.server.directory)
        self.assertEqual(code, 3, errors)
        self.assertEqual([line.split(b" ", 2)[2] for line in output.splitlines()], [b"SELECT 0", b"SET whole 1"])
        self.assertIn(segment.name, errors)
        self.assertIn("torn", errors)
        self.assertEqual(fingerprint(self.server.directory), before)

    def test_damage(self):
        """a changed byte in the middle: shown up to there, exit code 2, and how to read on"""
        self.write(10_000)
        self.server.kill()
        segments = sorted(pathlib.Path(self.server.directory, "log").iterdir())
        self.assertGreater(len(segments), 2)
        content = bytearray(segments[0].read_bytes())
        content[len(content) // 2] ^= 0xff
        segments[0].write_bytes(content)
        code, output, errors = run_tool("cairn-log", self.server.directory)
        self.assertEqual(code, 2, errors)
        self.assertIn(segments[0].name, errors)
        shown = len(output.splitlines())
        self.assertGreater(shown, 100)
        further = re.search(r"--from (\d+)", errors).group(1)
        self.assertEqual(int(further), int(segments[1].name[:20]))
        self.assertGreater(len(self.lines("--from", further, self.server.directory)), 100)

    def test_errors(self):
        """wrong usage is 1, what cannot be read is 4; both with a line that says what"""
        self.write(10)
        for arguments, code, text in (
                ((), 1, "dir"), (("--from", "x", "."), 1, "--from"), (("--since", "soon", "."), 1, "soon"),
                (("--no-such", "."), 1, "--no-such"), (("no/such/folder",), 4, "no/such/folder"),
                ((os.path.dirname(__file__),), 4, "neither"),
                (("--from", 10_000_000, self.server.directory), 4, "past the end")):
            with self.subTest(arguments):
                done = run_tool("cairn-log", *arguments)
                self.assertEqual(done[0], code, done)
                self.assertIn(text, done[2])
        code, output, _ = run_tool("cairn-log", "--help")
        self.assertEqual(code, 0)
        self.assertIn(b"Exit codes", output)


if __name__ == "__main__":
    testing.main()
