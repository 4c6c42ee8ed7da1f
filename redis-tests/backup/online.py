"""BACKUP: a copy that is made under load is what the server held at one moment, and a server of its own."""

import os
import shutil
import subprocess
import tempfile
import threading
import unittest

from support import testing
from support.server import Server, cairn_binary

KEYS = 5000
# Small enough that overlays are sealed and checkpoints made all the time.
SMALL = (("write-buffer-size", "8mb"), ("log-segment-size", "1mb"), ("repl-backlog-size", "1mb"))


class Writer(threading.Thread):
    """Writes i = 1, 2, 3, ... to the key i modulo KEYS, and i to `last` with it, each pair as one MSET."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.acknowledged = 0
        self.failure = None
        self.over = threading.Event()

    def run(self):
        try:
            with self.server.client() as client:
                while not self.over.is_set():
                    first = self.acknowledged + 1
                    batch = [("MSET", f"k{i % KEYS}", f"{i}{'x' * (i % 300)}", "last", str(i))
                             for i in range(first, first + 100)]
                    if any(reply != b"+OK\r\n" for reply in client.pipeline(batch)):
                        raise AssertionError("a write was refused")
                    self.acknowledged += 100
        except Exception as failure:  # told by the test's own thread
            self.failure = failure

    def finish(self):
        """Ends the load and returns how many writes were acknowledged."""
        self.over.set()
        self.join()
        if self.failure:
            raise self.failure
        return self.acknowledged


def state_after(last):
    """What the keys hold after the write with number `last`."""
    return {b"k%d" % (i % KEYS): b"%d%s" % (i, b"x" * (i % 300)) for i in range(max(1, last - KEYS + 1), last + 1)}


class Backups(unittest.TestCase):
    """Each test has a server of its own."""

    def setUp(self):
        if testing.is_stand_in():
            self.skipTest("a redis-server stands in Cairn's place")
        self.folder = tempfile.mkdtemp(prefix="cairn-redis-tests-")
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, directory=None, options=SMALL):
        server = Server(cairn_binary(), options=options, directory=directory)
        self.addCleanup(server.close)
        return server.start()

    def new_folder(self, name):
        return os.path.join(self.folder, name)

    def info(self, client):
        lines = client.value("INFO", "persistence").split(b"\r\n")
        return dict(line.split(b":", 1) for line in lines if b":" in line)

    def await_end(self, client):
        self.assertTrue(testing.wait_until(lambda: self.info(client)[b"backup_in_progress"] == b"0", limit_s=60))
        return self.info(client)

    def dump(self, client):
        """Every key with its value, by range; DBSIZE must agree."""
        found, bound = {}, "-"
        while bound:
            bound, items = client.value("SCANRANGE", bound, "+", "WITHVALUES", "LIMIT", "1000")
            found.update(zip(items[::2], items[1::2]))
        self.assertEqual(client.value("DBSIZE"), len(found))
        return found

    def test_under_load(self):
        """backups one after another while a client writes: each is the state after some write, and none too old"""
        server = self.start()
        writer = Writer(server)
        writer.start()
        backups = []
        with server.client() as client:
            for round_ in range(6):
                self.assertTrue(testing.wait_until(lambda: writer.acknowledged > 20_000 * round_, limit_s=60))
                before = writer.acknowledged
                path = self.new_folder(f"backup{round_}")
                self.assertEqual(client.call("BACKUP", path), b"+Background backup started\r\n")
                info = self.await_end(client)
                self.assertEqual(info[b"backup_last_status"], b"ok", info)
                self.assertEqual(info[b"backup_dir"].decode(), path)
                backups.append((path, before, int(info[b"backup_log_offset"])))
            original_id = dict(line.split(b":", 1) for line in client.value("INFO", "replication").split(b"\r\n")
                               if b":" in line)[b"master_replid"]
        total = writer.finish()
        server.kill()
        for path, before, offset in backups:
            copy = self.start(directory=path)
            with copy.client() as client:
                found = self.dump(client)
                last = int(found.pop(b"last"))
                self.assertGreaterEqual(last, before)
                self.assertLessEqual(last, total)
                self.assertEqual(found, state_after(last))
                replication = client.value("INFO", "replication")
                self.assertIn(b"master_repl_offset:%d\r\n" % offset, replication)
                self.assertNotIn(original_id, replication)
                # It is a server like any other: it takes writes and survives.
                client.call("SET", "after", "backup")
            copy.kill()
            copy.start()
            with copy.client() as client:
                self.assertEqual(client.value("GET", "after"), b"backup")
                new_id = client.value("INFO", "replication")
                self.assertNotIn(original_id, new_id)
                self.assertEqual(client.call("SAVE"), b"+OK\r\n")
                self.assertTrue(testing.wait_until(lambda: not os.path.exists(os.path.join(path, "BACKUP"))))
            copy.kill()
        # The original goes on as if nothing had been.
        server.start()
        with server.client() as client:
            found = self.dump(client)
            last = int(found.pop(b"last"))
            self.assertGreaterEqual(last, total)
            self.assertEqual(found, state_after(last))

    def test_databases_and_expiry(self):
        """several databases, times to live, long keys and large values come along"""
        server = self.start()
        long_key = "l" * 5000
        with server.client() as client:
            client.call("SET", long_key, "v" * 3_000_000)
            client.call("SET", "soon", "v", "PX", "600000")
            client.call("SELECT", "7")
            client.call("SET", "seven", "v", "EXAT", "33177117420")
            client.call("SAVE")
            client.call("SET", "only in the log", "v")
            path = self.new_folder("backup")
            client.call("BACKUP", path)
            self.assertEqual(self.await_end(client)[b"backup_last_status"], b"ok")
        copy = self.start(directory=path)
        with copy.client() as client:
            self.assertEqual(client.value("GET", long_key), b"v" * 3_000_000)
            self.assertGreater(client.value("PTTL", "soon"), 0)
            client.call("SELECT", "7")
            self.assertEqual(client.value("EXPIRETIME", "seven"), 33177117420)
            self.assertEqual(client.value("GET", "only in the log"), b"v")

    def test_refusals(self):
        """a path that is not absolute, a folder with something in it, a second one at a time, none to give up"""
        server = self.start()
        with server.client() as client:
            self.assertTrue(client.call("BACKUP", "relative").startswith(b"-ERR the folder of a backup is an absolute"))
            full = self.new_folder("full")
            os.mkdir(full)
            with open(os.path.join(full, "file"), "w", encoding="ascii") as file:
                file.write("mine")
            self.assertIn(b"is not empty", client.call("BACKUP", full))
            self.assertTrue(client.call("BACKUP", self.new_folder("no/such/parent")).startswith(b"-ERR"))
            self.assertEqual(client.call("BACKUP", "ABORT"), b"-ERR No backup in progress.\r\n")
            self.assertEqual(client.call("BACKUP"), b"-ERR wrong number of arguments for 'backup' command\r\n")
            # Enough for several chunks, so that it is still running when the second one comes.
            for first in range(0, 200_000, 1000):
                client.pipeline([("SET", f"key{i}", "v") for i in range(first, first + 1000)])
            client.call("SAVE")
            replies = client.pipeline([("BACKUP", self.new_folder("one")), ("BACKUP", self.new_folder("two")),
                                       ("BACKUP", "ABORT")])
            self.assertEqual(replies, [b"+Background backup started\r\n", b"-ERR a backup is in progress already\r\n",
                                       b"+OK\r\n"])
            self.assertEqual(self.info(client)[b"backup_last_status"], b"err")
            self.assertFalse(os.path.exists(os.path.join(self.folder, "one", "BACKUP")))
            client.call("BACKUP", self.new_folder("three"))
            self.assertEqual(self.await_end(client)[b"backup_last_status"], b"ok")

    def test_tool(self):
        """cairn-backup waits for the end, tells what it made, and says why it cannot"""
        server = self.start(options=SMALL + (("requirepass", "secret"),))
        with server.client() as client:
            client.call("AUTH", "secret")
            client.pipeline([("SET", f"key{i}", "v") for i in range(1000)])
        path = self.new_folder("backup")
        words = [os.environ["CAIRN_BACKUP"], "-p", str(server.port), path]
        refused = subprocess.run(words, capture_output=True, timeout=60, check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn(b"NOAUTH", refused.stderr)
        environment = {**os.environ, "REDISCLI_AUTH": "secret"}
        done = subprocess.run(words, capture_output=True, timeout=60, check=False, env=environment)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(path.encode() + b": 0 records, log to offset", done.stdout)
        again = subprocess.run(words, capture_output=True, timeout=60, check=False, env=environment)
        self.assertEqual(again.returncode, 2)
        self.assertIn(b"is not empty", again.stderr)
        self.assertEqual(subprocess.run(words[:1], capture_output=True, timeout=60, check=False).returncode, 1)
        copy = self.start(directory=path, options=SMALL)
        with copy.client() as client:
            self.assertEqual(client.value("DBSIZE"), 1000)

    def restore(self, *words, code=0):
        """Runs cairn-restore; what it prints."""
        done = subprocess.run([os.environ["CAIRN_RESTORE"], *map(str, words)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout)
        return done.stdout

    def test_point_in_time(self):
        """a backup and the kept log lead to any command after it, by offset and by time; never past it"""
        server = self.start(options=SMALL[:2] + (("log-retention-time", "3600"), ("repl-backlog-size", "1mb")))
        log = os.path.join(server.directory, "log")
        path = self.new_folder("backup")
        with server.client() as client:
            client.pipeline([("SET", f"before{i}", "v" * 100) for i in range(1000)])
            client.call("BACKUP", path)
            self.assertEqual(self.await_end(client)[b"backup_last_status"], b"ok")
            # Much more log than the backlog keeps, so that it is the retention time that keeps it.
            places = []
            for i in range(1, 31):
                client.pipeline([("SET", f"filler{j}", "x" * 1000) for j in range(200)])
                client.call("SET", "n", str(i))
                offset = int(client.value("INFO", "replication").split(b"master_repl_offset:")[1].split(b"\r\n")[0])
                seconds, micros = map(int, client.value("TIME"))
                places.append((i, offset, seconds * 1000 + micros // 1000 + 1))
                # The next write comes at a later millisecond.
                self.assertTrue(testing.wait_until(lambda: self.later(client, places[-1][2])))
            client.call("FLUSHALL")  # the accident
        server.kill()
        for i, offset, time_ms in (places[0], places[14], places[29]):
            for words in (("--to", offset), ("--until", f"{time_ms / 1000:.3f}")):
                copy = self.new_folder(f"copy-{i}-{words[0]}")
                shutil.copytree(path, copy)
                self.assertIn(b"to %d," % offset, self.restore(copy, "--log", log, *words))
                restored = self.start(directory=copy, options=SMALL)
                with restored.client() as client:
                    self.assertEqual(client.value("GET", "n"), b"%d" % i)
                    self.assertEqual(client.value("DBSIZE"), 1201)
                restored.kill()
        # Again and further: what was added once stays, and goes on in the middle of a record too.
        copy = self.new_folder("copy")
        shutil.copytree(path, copy)
        for _, offset, _ in places[:3]:
            self.restore(copy, "--log", log, "--to", offset - 1)
            self.restore(copy, "--log", log, "--to", offset)
        restored = self.start(directory=copy, options=SMALL)
        with restored.client() as client:
            self.assertEqual(client.value("GET", "n"), b"3")
        self.assertIn(b"in use", self.restore(copy, "--log", log, code=2))
        restored.kill()
        self.assertIn(b"older backup", self.restore(copy, "--log", log, "--to", places[0][1], code=2))
        # Everything, the accident included.
        self.restore(copy, "--log", log)
        self.restore(copy, code=1)
        other = self.start(options=SMALL)
        self.assertIn(b"different servers", self.restore(path, "--log", os.path.join(other.directory, "log"), code=2))

    def later(self, client, time_ms):
        """The server's clock is past that millisecond."""
        seconds, micros = map(int, client.value("TIME"))
        return seconds * 1000 + micros // 1000 > time_ms

    def test_killed(self):
        """kill -9 in the middle of a backup: the server is as it was, and what lies there is no good backup"""
        server = self.start()
        with server.client() as client:
            for first in range(0, 200_000, 1000):
                client.pipeline([("SET", f"key{i}", "v") for i in range(first, first + 1000)])
            client.call("SAVE")
            path = self.new_folder("backup")
            client.call("BACKUP", path)
        server.kill()
        self.assertFalse(os.path.exists(os.path.join(path, "BACKUP")))
        server.start()
        with server.client() as client:
            self.assertEqual(client.value("DBSIZE"), 200_000)
            self.assertEqual(self.info(client)[b"backup_in_progress"], b"0")


if __name__ == "__main__":
    testing.main()
