"""What the operator does to a running server: signals, SHUTDOWN, CONFIG REWRITE, a unix socket."""

import os
import pathlib
import shutil
import signal
import socket
import tempfile
import threading
import unittest

from support import testing
from support.resp import decode, encode
from support.server import Server, cairn_binary, free_port


class Signals(unittest.TestCase):
    """What the operator sends."""

    def start(self, *options):
        server = Server(cairn_binary(), options=options, persist=True)
        self.addCleanup(server.close)
        return server.start()

    def test_sigterm(self):
        """SIGTERM and SIGINT end the server with 0 and keep everything"""
        server = self.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            with server.client() as client:
                client.call("INCR", "n")
            server.process.send_signal(number)
            self.assertEqual(server.wait(), 0)
            server.start()
        with server.client() as client:
            self.assertEqual(client.value("GET", "n"), b"2")

    def test_shutdown(self):
        """SHUTDOWN ends the server with 0; no reply comes, the connection closes"""
        server = self.start()
        for words in (("SHUTDOWN",), ("SHUTDOWN", "NOSAVE"), ("SHUTDOWN", "SAVE", "NOW", "FORCE")):
            if server.redis and "SAVE" in words:
                continue  # It would write an RDB file that the next start does not read.
            with server.client() as client:
                client.call("INCR", "n")
                client.send(encode(*words))
                self.assertTrue(client.at_end())
            self.assertEqual(server.wait(), 0)
            server.start()
        with server.client() as client:
            self.assertEqual(client.value("GET", "n"), b"2" if server.redis else b"3")

    def test_sighup(self):
        """SIGHUP opens the log file anew, as logrotate needs it"""
        server = self.start()
        if server.redis:
            self.skipTest("a redis-server stands in Cairn's place")
        os.rename(server.log_file, server.log_file + ".1")
        server.process.send_signal(signal.SIGHUP)
        self.assertTrue(testing.wait_until(lambda: os.path.exists(server.log_file)))
        server.stop()
        self.assertGreater(os.path.getsize(server.log_file), 0)

    def test_sighup_during_recovery(self):
        """SIGHUP while the log is replayed: the start goes on"""
        server = self.start(("write-buffer-size", "1gb"))
        if server.redis:
            self.skipTest("a redis-server stands in Cairn's place")
        with server.client() as client:
            for _ in range(20):
                client.pipeline([("SET", f"k{i}", "v") for i in range(10_000)])
        server.kill()
        lines = self.log_text(server).count("starts, process")

        def rotate():
            if testing.wait_until(lambda: self.log_text(server).count("starts, process") > lines):
                server.process.send_signal(signal.SIGHUP)

        # The other way round the server would end with the thread that started it.
        rotation = threading.Thread(target=rotate)
        rotation.start()
        server.start()
        rotation.join()
        with server.client() as client:
            self.assertEqual(client.value("DBSIZE"), 10_000)

    def log_text(self, server):
        """All that the server has logged."""
        return pathlib.Path(server.log_file).read_text(encoding="utf-8")

    def test_unix_socket(self):
        """unixsocket: the same server behind a path, which is gone after the end"""
        path = os.path.join(tempfile.mkdtemp(prefix="cairn-redis-tests-"), "sock")
        self.addCleanup(shutil.rmtree, os.path.dirname(path))
        server = self.start(("unixsocket", path), ("unixsocketperm", "700"))
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(path)
            raw.sendall(encode("SET", "k", "v") + encode("PING"))
            received = b""
            while len(received) < 12:
                received += raw.recv(100)
            self.assertEqual(received, b"+OK\r\n+PONG\r\n")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o700)
        with server.client() as client:
            self.assertEqual(client.value("GET", "k"), b"v")
        server.stop()
        self.assertFalse(os.path.exists(path))

    def test_config_rewrite(self):
        """CONFIG REWRITE keeps comments and what is set survives a restart"""
        directory = tempfile.mkdtemp(prefix="cairn-redis-tests-")
        self.addCleanup(shutil.rmtree, directory)
        path = pathlib.Path(directory, "test.conf")
        port = free_port()
        binary = cairn_binary()
        server = Server(binary, directory=directory, port=port)
        self.addCleanup(server.close)
        if server.redis:
            self.skipTest("a redis-server stands in Cairn's place")
        path.write_text(f"# The first comment.\nport {port}\ndir {directory}\n# About idle clients.\ntimeout 0\n",
                        encoding="utf-8")
        server.command_line = lambda: [binary, str(path)]
        server.start()
        with server.client() as client:
            self.assertEqual(client.call("CONFIG", "SET", "timeout", "123", "maxclients", "77"), b"+OK\r\n")
            self.assertEqual(client.call("CONFIG", "REWRITE"), b"+OK\r\n")
        text = path.read_text(encoding="utf-8")
        for line in ("# The first comment.", "# About idle clients.", "timeout 123", "maxclients 77"):
            self.assertIn(line + "\n", text)
        server.stop()
        server.start()
        with server.client() as client:
            self.assertEqual(decode(client.call("CONFIG", "GET", "maxclients")), [b"maxclients", b"77"])


if __name__ == "__main__":
    testing.main()
