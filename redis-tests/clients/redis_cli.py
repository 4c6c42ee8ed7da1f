"""redis-cli at work: one-shot commands, mass insertion, iteration, RESP3, a terminal session."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from support import testing
from support.resp import encode


class RedisCli(testing.ServerTest):

    def cli(self, *arguments, stdin=None, check=True):
        return self.tool("redis-cli", *arguments, stdin=stdin, check=check)

    def test_one_shot_commands(self):
        """SET, GET, INCR, errors, --no-raw, -n, -r, --csv, -x"""
        self.assertEqual(self.cli("SET", "k", "v"), b"OK\n")
        self.assertEqual(self.cli("GET", "k"), b"v\n")
        self.assertEqual(self.cli("--no-raw", "GET", "missing"), b"(nil)\n")
        self.assertEqual(self.cli("--no-raw", "INCR", "n"), b"(integer) 1\n")
        self.assertEqual(self.cli("-r", "3", "INCR", "n"), b"2\n3\n4\n")
        self.assertEqual(self.cli("-n", "5", "SET", "other", "db"), b"OK\n")
        self.assertEqual(self.cli("GET", "other"), b"\n")
        self.assertEqual(self.cli("-n", "5", "GET", "other"), b"db\n")
        self.assertEqual(self.cli("-x", "SET", "stdin", stdin=b"from\x00stdin"), b"OK\n")
        self.assertEqual(self.cli("GET", "stdin"), b"from\x00stdin\n")
        self.assertEqual(self.cli("--csv", "MGET", "k", "n", "missing"), b'"v","4",NULL\n')
        self.assertIn(b"ERR value is not an integer", self.cli("INCR", "k"))
        self.assertIn(b"wrong number of arguments for 'get' command", self.cli("-e", "GET", check=False))

    def test_commands_from_standard_input(self):
        """a script on standard input, with quotes and binary"""
        script = b'SET a "x y"\nAPPEND a "\\x00\\n"\nSTRLEN a\nEXPIRE a 1000\nTTL a\nSELECT 3\nDBSIZE\n'
        out = self.cli(stdin=script).split(b"\n")
        self.assertEqual(out[:4], [b"OK", b"5", b"5", b"1"])
        self.assertIn(int(out[4]), (999, 1000))
        self.assertEqual(out[5:7], [b"OK", b"0"])

    def test_resp3(self):
        """-3: maps and nulls as RESP3"""
        self.assertEqual(self.cli("-3", "--no-raw", "GET", "missing"), b"(nil)\n")
        hello = self.cli("-3", "--no-raw", "HELLO")
        self.assertIn(b'"proto" => (integer) 3', hello)
        self.assertIn(b'"server" => "redis"', hello)
        config = self.cli("-3", "--no-raw", "CONFIG", "GET", "databases")
        self.assertEqual(config, b'1# "databases" => "16"\n')

    def test_pipe(self):
        """--pipe: 200,000 commands, the count of replies and errors, and what is there afterwards"""
        count = 200_000
        data = b"".join(encode("SET", "pipe:%d" % i, "value %d" % i) for i in range(count))
        self.assertIn(b"errors: 0, replies: %d" % count, self.cli("--pipe", stdin=data))
        self.assertEqual(self.cli("DBSIZE"), b"%d\n" % count)
        self.assertEqual(self.cli("GET", "pipe:%d" % (count - 1)), b"value %d\n" % (count - 1))
        mixed = b"SET inline 1\r\n" + encode("INCR", "pipe:1") + b"GET inline\r\n"
        self.assertIn(b"errors: 1, replies: 3", self.cli("--pipe", stdin=mixed, check=False))

    def test_scan(self):
        """--scan: every key once, with and without a pattern, in both protocols"""
        names = [b"key:%d" % i for i in range(5000)] + [b"other:%d" % i for i in range(100)]
        with self.server.client() as client:
            client.pipeline([("SET", name, "v") for name in names])
        self.assertEqual(sorted(self.cli("--scan").split()), sorted(names))
        found = self.cli("-3", "--scan", "--pattern", "other:*").split()
        self.assertEqual(sorted(found), sorted(names[5000:]))

    def test_bigkeys_and_memkeys(self):
        """--bigkeys and --memkeys: SCAN, TYPE, STRLEN and MEMORY USAGE in pipelines"""
        with self.server.client() as client:
            client.pipeline([("SET", "small:%d" % i, "v") for i in range(1000)] + [("SET", "big", b"x" * 100_000)])
        out = self.cli("--bigkeys")
        self.assertIn(b"'\"big\"' has 100000 bytes", out)
        self.assertIn(b"1001 strings", out)
        self.assertIn(b'"big"', self.cli("--memkeys"))

    def test_info(self):
        """INFO: the version that clients look for, and counts of keys"""
        self.cli("-n", "2", "SET", "k", "v")
        info = self.cli("INFO").replace(b"\r", b"")
        self.assertRegex(info, rb"(?m)^redis_version:7\.")
        self.assertRegex(info, rb"(?m)^db2:keys=1,expires=0")
        if not self.server.redis:
            self.assertRegex(info, rb"(?m)^redis_version:7\.2\.")
            self.assertRegex(info, rb"(?m)^cairn_version:")
        for section in (b"Server", b"Clients", b"Memory", b"Persistence", b"Stats", b"Replication", b"CPU",
                        b"Keyspace"):
            self.assertIn(b"# " + section + b"\n", info)

    def test_scanrange(self):
        """SCANRANGE as redis-cli shows it, in both protocols"""
        self.need_cairn()
        self.cli("MSET", "a", "1", "b", "2", "c", "3")
        self.assertEqual(self.cli("--no-raw", "SCANRANGE", "-", "+", "LIMIT", "2"),
                         b'1) "(b"\n2) 1) "a"\n   2) "b"\n')
        self.assertEqual(self.cli("-3", "--no-raw", "SCANRANGE", "(b", "+", "WITHVALUES"),
                         b'1) ""\n2) 1) 1) "c"\n      2) "3"\n')

    def test_terminal(self):
        """a session at a terminal: prompts, hints and HELP from COMMAND DOCS, SELECT in the prompt"""
        port = str(self.server.port).encode()
        session = _Terminal(["redis-cli", "-h", "127.0.0.1", "-p", port.decode()])
        self.addCleanup(session.close)
        prompt = b"127.0.0.1:" + port + b"> "
        session.wait_for(prompt)
        session.type(b"set greeting hello\r")
        session.wait_for(b"OK\r\n", prompt)
        session.type(b"get greeting\r")
        session.wait_for(b'"hello"', prompt)
        session.type(b"help getdel\r")
        session.wait_for(b"6.2.0", prompt)
        session.type(b"select 4\r")
        session.wait_for(b"OK\r\n", b"127.0.0.1:" + port + b"[4]> ")
        session.type(b"dbsize\r")
        session.wait_for(b"(integer) 0")

    def test_reconnect(self):
        """a session goes on after the server was killed and started again"""
        session = _Terminal(["redis-cli", "-h", "127.0.0.1", "-p", str(self.server.port)])
        self.addCleanup(session.close)
        session.wait_for(b"> ")
        session.type(b"set survivor 1\r")
        session.wait_for(b"OK\r\n", b"> ")
        self.server.kill()
        self.server.start()
        session.type(b"get survivor\r")
        session.wait_for(b"not connected> ")
        session.type(b"get survivor\r")
        session.wait_for(b'"1"')


class _Terminal:
    """A program at a pseudo terminal."""

    LIMIT_S = 30

    def __init__(self, command):
        self._file, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        environment = dict(os.environ, TERM="xterm", HOME="/nonexistent")
        self._process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        self._seen = b""

    def type(self, text):
        self._seen = b""
        os.write(self._file, text)

    def _has(self, text, prompt):
        at = self._seen.find(text)
        return at >= 0 and self._seen.find(prompt, at + len(text)) >= 0

    def wait_for(self, text, prompt=b""):
        """Waits for `text` and, behind it, the next prompt: what is typed before the program asks for it is thrown
        away when it sets up the terminal for its next line."""
        deadline = time.monotonic() + self.LIMIT_S
        while not self._has(text, prompt):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._file], [], [], left)[0]:
                raise AssertionError(f"{text!r} does not come; there is {self._seen!r}")
            self._seen += os.read(self._file, 65536)

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._file)


if __name__ == "__main__":
    testing.main()
