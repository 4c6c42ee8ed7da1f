"""Damaged files and full disks: refused or reported, and nothing that was acknowledged is lost."""

import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
import time
import unittest

from support import testing
from support.resp import RawClient, encode
from support.server import Server, StartFailed, cairn_binary, free_port

EXIT_LIMIT_S = 30


class Damage(unittest.TestCase):
    """Files of a stopped server that are damaged: refused with the place, or cut where only the tail is torn."""

    def setUp(self):
        # fsync always and small segments, so that what was written is in several files.
        options = (("appendfsync", "always"), ("log-segment-size", "1mb"), ("repl-backlog-size", "100mb"))
        self.server = Server(cairn_binary(), options=() if testing.is_stand_in() else options)
        self.addCleanup(self.server.close)
        if self.server.redis:
            self.skipTest("a redis-server stands in Cairn's place")
        self.server.start()

    def write(self, count, prefix="k"):
        with self.server.client() as client:
            replies = client.pipeline([("SET", f"{prefix}:{i}", "v" * 1000) for i in range(count)])
            self.assertEqual(set(replies), {b"+OK\r\n"})

    def vouch(self):
        """a later record, which says that all before it was synced: without one, what is missing could be a torn tail"""
        self.write(1, prefix="later")

    def files(self, folder):
        return sorted(path for path in pathlib.Path(self.server.directory, folder).iterdir() if path.is_file())

    def refused_start(self, *names):
        with self.assertRaises(StartFailed) as caught:
            self.server.start()
        self.assertIsNotNone(caught.exception.exit_code, "the server hangs")
        self.assertGreater(caught.exception.exit_code, 0, caught.exception.output)
        for name in names:
            self.assertIn(str(name), caught.exception.output)

    def test_log_damaged_in_the_middle(self):
        """one byte of an old log record that is not in the store yet: refused, with the file's name"""
        self.write(3000)
        self.vouch()
        self.server.kill()
        segment = self.files("log")[0]
        _flip(segment, segment.stat().st_size // 2)
        self.refused_start(segment.name)

    def test_log_segment_missing(self):
        """a segment in the middle is gone: refused"""
        self.write(4000)
        self.vouch()
        self.server.kill()
        segments = [path for path in self.files("log") if path.stat().st_size > 100_000]
        self.assertGreater(len(segments), 2)
        segments[1].unlink()
        self.refused_start()

    def test_torn_tail(self):
        """the last record half written: cut, reported, and all before it is there"""
        self.server.options = [("appendfsync", "no")]
        self.server.kill()
        self.server.start()
        self.write(100)
        with self.server.client() as client:
            client.call("SET", "last", "x" * 100_000)
        self.server.kill()
        segments = self.files("log")
        last = max(segments, key=lambda path: path.name)
        content = last.read_bytes()
        end = content.rindex(b"x" * 1000) + 1000
        os.truncate(last, end - 50_000)
        self.server.start()
        self.assertIn(last.name, self.server.log_tail())
        with self.server.client() as client:
            self.assertEqual(client.value("DBSIZE"), 100)
            self.assertEqual(client.value("GET", "k:99"), b"v" * 1000)
            self.assertEqual(client.call("SET", "after", "1"), b"+OK\r\n")
        self.server.kill()
        self.server.start()
        with self.server.client() as client:
            self.assertEqual(client.value("DBSIZE"), 101)

    def test_store_damaged(self):
        """the store's first pages are overwritten: refused, with the file's name"""
        self.write(1000)
        with self.server.client() as client:
            self.assertEqual(client.call("DEBUG", "CHECKPOINT"), b"+OK\r\n")
        self.server.kill()
        store = max(self.files("store"), key=lambda path: path.stat().st_size)
        with open(store, "r+b") as file:
            file.write(b"\xa5" * 8192)
        self.refused_start("store")

    def restarted_after(self, change):
        """Checkpoint, 100 acknowledged keys behind it, kill -9, `change` to the log folder, start"""
        self.write(10, prefix="early")
        with self.server.client() as client:
            self.assertEqual(client.call("DEBUG", "CHECKPOINT"), b"+OK\r\n")
        self.write(100)
        self.server.kill()
        change(pathlib.Path(self.server.directory, "log"))

    def test_log_deleted(self):
        """the folder log/ is gone: refused, for what was acknowledged since the last checkpoint is nowhere else"""
        self.restarted_after(shutil.rmtree)
        self.refused_start(os.path.join(self.server.directory, "log"), "--accept-log-loss")
        self.refused_start("--accept-log-loss")

    def test_log_emptied(self):
        """the folder log/ is there but empty, as when its disk is not mounted: refused"""
        self.restarted_after(lambda log: [path.unlink() for path in log.iterdir()])
        self.refused_start(os.path.join(self.server.directory, "log"), "--accept-log-loss")

    def test_log_deleted_before_the_first_checkpoint(self):
        """the same on a store that has no checkpoint yet: refused, not a new, empty server"""
        self.write(100)
        self.server.kill()
        shutil.rmtree(os.path.join(self.server.directory, "log"))
        self.refused_start("--accept-log-loss")

    def test_log_of_another_server(self):
        """log/ of another server, whose offsets fit: refused, and the right one is served when it is back"""
        log = pathlib.Path(self.server.directory, "log")
        kept = pathlib.Path(self.server.directory, "kept")
        with Server(cairn_binary(), options=self.server.options) as other:
            with other.client() as client:
                for _ in range(3000):
                    client.send(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$4\r\nelse\r\n")
                for _ in range(3000):
                    self.assertEqual(client.reply(), b"+OK\r\n")
            other.kill()

            def exchange(folder):
                folder.rename(kept)
                shutil.copytree(os.path.join(other.directory, "log"), folder)

            self.restarted_after(exchange)
        self.refused_start(log, "--accept-log-loss")
        shutil.rmtree(log)
        kept.rename(log)
        self.server.start()
        with self.server.client() as client:
            self.assertEqual(client.value("DBSIZE"), 110)

    def test_store_deleted(self):
        """store/ is gone, the log is there: refused, and nothing is written that would hinder its return"""
        store = pathlib.Path(self.server.directory, "store")
        kept = pathlib.Path(self.server.directory, "kept")
        self.restarted_after(lambda log: store.rename(kept))
        self.refused_start(store)
        self.refused_start(store)
        self.assertFalse(store.exists())
        kept.rename(store)
        self.server.start()
        with self.server.client() as client:
            self.assertEqual(client.value("DBSIZE"), 110)

    def test_unknown_format(self):
        """files of a later format version: refused"""
        self.write(10)
        self.server.kill()
        segment = self.files("log")[0]
        # Wherever the version stands in the header, one of these changes it or its checksum.
        for offset in range(0, 32):
            original = segment.read_bytes()
            _flip(segment, offset)
            self.refused_start(segment.name)
            segment.write_bytes(original)
        self.server.start()
        with self.server.client() as client:
            self.assertEqual(client.value("DBSIZE"), 10)


def _flip(path, offset):
    """Changes one byte of a file."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0xff]))


class FailingStore(unittest.TestCase):
    """The store's file cannot grow any more, while the log can be written."""

    def test_writes_are_refused_when_there_is_no_room(self):
        """an error in place of a wait without end, a line in the log, and all is well again with the disk"""
        options = (("log-segment-size", "1mb"), ("checkpoint-log-size", "1mb"), ("write-buffer-size", "8mb"))
        server = Server(cairn_binary(), options=() if testing.is_stand_in() else options)
        self.addCleanup(server.close)
        if server.redis:
            self.skipTest("a redis-server stands in Cairn's place")
        server.start()
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (5_000_000, resource.RLIM_INFINITY))
        acknowledged = 0
        with server.client() as client:
            reply = b"+OK\r\n"
            while reply == b"+OK\r\n" and acknowledged < 50_000:
                reply = client.call("SET", f"k{acknowledged}", "v" * 1000)
                acknowledged += reply == b"+OK\r\n"
            self.assertTrue(reply.startswith(b"-MISCONF Cairn cannot write its store"), reply)
            self.assertEqual(client.value("GET", "k7"), b"v" * 1000)
            self.assertTrue(testing.wait_until(lambda: "a checkpoint fails" in server.log_tail()))
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            self.assertTrue(testing.wait_until(lambda: client.call("SET", "again", "v") == b"+OK\r\n", limit_s=60))
            self.assertTrue(testing.wait_until(lambda: "checkpoints work again" in server.log_tail(), limit_s=60))
        server.kill()
        server.start()
        with server.client() as client:
            self.assertEqual(client.value("DBSIZE"), acknowledged + 1)

    def test_the_end_without_saving(self):
        """the log cannot be written: SHUTDOWN is refused, SHUTDOWN NOSAVE ends the server; what was acknowledged stays"""
        server = Server(cairn_binary())
        self.addCleanup(server.close)
        if server.redis:
            self.skipTest("a redis-server stands in Cairn's place")
        server.start()
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        with server.client() as client:
            acknowledged = 0
            while client.call("SET", f"k{acknowledged}", "v" * 1000) == b"+OK\r\n":
                acknowledged += 1
                self.assertLess(acknowledged, 1000)
            self.assertTrue(client.call("SHUTDOWN").startswith(b"-ERR Errors trying to SHUTDOWN"))
            client.send(encode("SHUTDOWN", "NOSAVE"))
            self.assertTrue(client.at_end())
        self.assertEqual(server.wait(), 0)
        server.start()
        with server.client() as client:
            self.assertEqual(client.value("DBSIZE"), acknowledged)


class FullDisk(unittest.TestCase):
    """A data directory on a file system of its own that has no room. Skipped without the right to mount (root)."""

    def setUp(self):
        if testing.is_stand_in():
            self.skipTest("a redis-server stands in Cairn's place")
        self.folder = tempfile.mkdtemp(prefix="cairn-redis-tests-")
        self.addCleanup(shutil.rmtree, self.folder)
        if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("mounting is not allowed here")
        self.process = None
        self.port = free_port()

    def tearDown(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def launch(self, size, *more):
        """Starts the server with a tmpfs of that size as its data directory, which only it sees."""
        command = " ".join(["mount -t tmpfs -o mode=700,size=" + size, "none", self.folder, "&&", *more, "exec", '"$0"', '"$@"'])
        self.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", command, cairn_binary(), "--port", str(self.port), "--bind", "127.0.0.1",
             "--dir", self.folder, "--write-buffer-size", "8mb", "--log-segment-size", "1mb"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def connect(self):
        deadline = time.monotonic() + EXIT_LIMIT_S
        while True:
            try:
                return RawClient(self.port)
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.01)

    def test_full_at_the_start(self):
        """no room at all: an error, and no start"""
        self.launch("1m", f"head -c 1048576 /dev/zero > {self.folder}/filler;", "sync;")
        output, _ = self.process.communicate(timeout=EXIT_LIMIT_S)
        self.assertGreater(self.process.returncode, 0, output)
        self.assertIn(b"no space left", output.lower())

    def test_full_while_running(self):
        """writes are refused with MISCONF, reads go on, and writes too once there is room again"""
        self.launch("24m")
        acknowledged = 0
        with self.connect() as client:
            client.call("SET", "first", "1")
            filler = f"/proc/{self.process.pid}/root{self.folder}/filler"
            with open(filler, "wb") as file:
                try:
                    while True:
                        file.write(b"\0" * 65536)
                        file.flush()
                except OSError:
                    pass
            reply = b"+OK\r\n"
            for acknowledged in range(20_000):
                reply = client.call("SET", f"k:{acknowledged}", "v" * 1000)
                if reply != b"+OK\r\n":
                    break
            self.assertTrue(reply.startswith(b"-MISCONF"), reply)
            self.assertEqual(client.call("GET", "first"), b"$1\r\n1\r\n")
            os.unlink(filler)
            self.assertTrue(testing.wait_until(lambda: client.call("SET", "again", "1") == b"+OK\r\n"))
            if acknowledged > 0:
                self.assertEqual(client.value("GET", f"k:{acknowledged - 1}"), b"v" * 1000)


if __name__ == "__main__":
    testing.main()
