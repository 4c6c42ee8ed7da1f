"""What the Python tests share: one Cairn for a class of tests, and a main that prints what is run."""

import os
import subprocess
import sys
import threading
import unittest

from support.server import Server, cairn_binary, is_redis

TOOL_LIMIT_S = 120


def is_stand_in():
    """True if a redis-server stands in Cairn's place."""
    return is_redis(cairn_binary())


def wait_until(condition, limit_s=20):
    """Polls until condition() is true; False when that does not come."""
    poll = threading.Event()
    for _ in range(int(limit_s / 0.01)):
        if condition():
            return True
        poll.wait(0.01)
    return False


class ServerTest(unittest.TestCase):
    """A class of tests that work on one server; every test starts with empty databases."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cairn_binary(), options=cls.options, persist=True)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def setUp(self):
        with self.server.client() as client:
            self.assertEqual(client.call("FLUSHALL"), b"+OK\r\n")

    def need_cairn(self):
        """Ends the test when another server stands in Cairn's place that lacks Cairn's extension."""
        if is_stand_in():
            self.skipTest("a redis-server stands in Cairn's place")

    def tool(self, name, *arguments, stdin=None, check=True):
        """Runs redis-cli or redis-benchmark against the server; its standard output as bytes."""
        path = os.environ.get(name.upper().replace("-", "_"), name)
        done = subprocess.run([path, "-h", "127.0.0.1", "-p", str(self.server.port), *map(str, arguments)],
                              input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TOOL_LIMIT_S, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout


class _Result(unittest.TextTestResult):
    """Shows the end of the server's log with each failure."""

    def addError(self, test, err):
        super().addError(test, err)
        self._log(test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._log(test)

    def _log(self, test):
        server = getattr(test, "server", None)
        if server is not None:
            self.stream.writeln(f"--- log of the server:\n{server.log_tail()}\n---")


def main():
    """Runs the tests of the calling module, each with its name and first line of documentation."""
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=_Result)
    unittest.main(module="__main__", testRunner=runner)
