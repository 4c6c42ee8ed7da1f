"""Too many clients, too much in a request, replies that nobody takes, too many keys that expire at once."""

import pathlib
import socket
import threading
import time

from support import testing
from support.resp import ConnectionClosed, RawClient, decode, encode

MB = 1024 * 1024


def resident_bytes(pid):
    """Memory of a process that is in RAM and not backed by files."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no RssAnon")


class Clients(testing.ServerTest):
    """Clients that come in too great a number, without the password, or with too much."""

    options = (("maxclients", 40), ("requirepass", "secret"))

    def setUp(self):
        # The server may not have seen yet that the connections of the test before are gone, and they count.
        self.assertTrue(testing.wait_until(self._connects))
        self.client = self.connect()
        self.assertTrue(testing.wait_until(self._is_alone), "connections of the test before are still there")
        self.assertEqual(self.client.call("FLUSHALL"), b"+OK\r\n")

    def connect(self):
        client = RawClient(self.server.port)
        self.addCleanup(client.close)
        self.assertEqual(client.call("AUTH", "secret"), b"+OK\r\n")
        return client

    def test_maxclients(self):
        """one connection too many gets Redis' text and is closed; a place that is given back is had again"""
        clients = [self.client] + [self.connect() for _ in range(39)]
        with RawClient(self.server.port) as late:
            self.assertEqual(late.reply(), b"-ERR max number of clients reached\r\n")
            self.assertTrue(late.at_end())
        for client in clients:
            self.assertEqual(client.call("PING"), b"+PONG\r\n")
        clients.pop().close()
        self.assertTrue(testing.wait_until(self._connects))
        info = clients[0].value("INFO", "stats")
        self.assertRegex(info, rb"rejected_connections:[1-9]")

    def test_turned_away_do_not_count(self):
        """clients that were turned away, and do not go, take nobody's place"""
        clients = [self.client] + [self.connect() for _ in range(39)]
        away = []
        for _ in range(60):
            raw = socket.create_connection(("127.0.0.1", self.server.port))
            self.addCleanup(raw.close)
            raw.sendall(b"PING\r\n" * 5)  # what the server has not read keeps the connection open for a while
            away.append(raw)
        for raw in away[:10]:
            self.assertEqual(raw.recv(100), b"-ERR max number of clients reached\r\n")
        connected = int(decode(self.client.call("INFO", "clients")).split(b"connected_clients:")[1].split(b"\r\n")[0])
        self.assertLessEqual(connected, 40)
        for client in clients[1:]:
            client.close()
        self.assertTrue(testing.wait_until(self._connects, limit_s=4))

    def _connects(self):
        with RawClient(self.server.port) as client:
            try:
                return client.call("AUTH", "secret") == b"+OK\r\n"
            except (ConnectionClosed, OSError):
                return False

    def _is_alone(self):
        return b"connected_clients:1\r\n" in self.client.value("INFO", "clients")

    def test_wrong_password(self):
        """nothing but AUTH, HELLO, QUIT and RESET works without the password"""
        with RawClient(self.server.port) as client:
            self.assertTrue(client.call("AUTH", "wrong").startswith(b"-WRONGPASS"))
            for command in (("GET", "k"), ("SET", "k", "v"), ("FLUSHALL",), ("CONFIG", "GET", "*"), ("INFO",),
                            ("SHUTDOWN",), ("DEBUG", "SLEEP", "0"), ("SCAN", "0"), ("SCANRANGE", "-", "+")):
                if self.server.redis and command[0] == "SCANRANGE":
                    continue
                self.assertEqual(client.call(*command), b"-NOAUTH Authentication required.\r\n", command)
            self.assertEqual(client.call("AUTH", "default", "secret"), b"+OK\r\n")
            self.assertEqual(client.call("EXISTS", "k"), b":0\r\n")

    def test_flood_of_connections(self):
        """connections that come and go, half of them in the middle of a command"""
        for i in range(1000):
            with socket.create_connection(("127.0.0.1", self.server.port)) as raw:
                try:
                    raw.sendall(b"*3\r\n$3\r\nSET\r\n$1" if i % 2 else encode("AUTH", "secret") + encode("INCR", "n"))
                except OSError:
                    pass  # Refused as one too many, and closed, before it could send.
        self.assertTrue(testing.wait_until(lambda: self.client.value("GET", "n") is not None))
        self.assertEqual(self.client.call("PING"), b"+PONG\r\n")


class Sizes(testing.ServerTest):
    """Requests and replies that are too large, or that nobody takes."""

    def test_query_buffer_limit(self):
        """a request beyond client-query-buffer-limit: closed, and the others do not notice"""
        with self.server.client() as admin:
            self.assertEqual(admin.call("CONFIG", "SET", "client-query-buffer-limit", "1mb"), b"+OK\r\n")
            try:
                with self.server.client() as client:
                    with self.assertRaises((ConnectionClosed, OSError)):
                        # Many arguments, none of them large, and the command never ends.
                        client.send(b"*1000000\r\n" + b"$1000\r\n" + b"x" * 1000)
                        for _ in range(5000):
                            client.send(b"\r\n$1000\r\n" + b"x" * 1000)
                        client.reply()
                self.assertEqual(admin.call("PING"), b"+PONG\r\n")
            finally:
                admin.call("CONFIG", "SET", "client-query-buffer-limit", "1gb")

    def test_big_value_in_small_pieces(self):
        """100 MB in 1 KB pieces: linear, so it is soon done"""
        size, piece = 100 * MB, 1024
        with self.server.client(timeout_s=120) as client:
            started = time.monotonic()
            client.send(b"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n" % size)
            block = b"p" * piece
            for _ in range(size // piece):
                client.send(block)
            client.send(b"\r\n")
            self.assertEqual(client.reply(), b"+OK\r\n")
            print(f"    {time.monotonic() - started:.1f} s", flush=True)
            self.assertEqual(client.value("STRLEN", "big"), size)
            self.assertEqual(client.value("GETRANGE", "big", "-5", "-1"), b"ppppp")

    def test_slow_reader_is_cut_off(self):
        """replies beyond client-output-buffer-limit: the connection ends, memory stays, others are served"""
        with self.server.client() as admin:
            admin.call("SET", "mb", b"x" * MB)
            self.assertEqual(admin.call("CONFIG", "SET", "client-output-buffer-limit", "normal 8mb 0 0"), b"+OK\r\n")
            try:
                before = resident_bytes(self.server.process.pid)
                with RawClient(self.server.port, receive_buffer=64 * 1024) as slow:
                    slow.call("CLIENT", "SETNAME", "slow")
                    try:
                        slow.send(encode("GET", "mb") * 200)
                    except OSError:
                        pass  # Cut off while it was still sending.
                    gone = testing.wait_until(lambda: b"name=slow" not in admin.value("CLIENT", "LIST"))
                    self.assertTrue(gone, "the slow reader is still there")
                    grown = resident_bytes(self.server.process.pid) - before
                    self.assertLess(grown, 100 * MB)
                self.assertEqual(admin.value("STRLEN", "mb"), MB)
            finally:
                admin.call("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")

    def test_pipeline_without_reading(self):
        """without a limit, a client that pipelines 1 GB of replies and reads late is held up, not stored"""
        self.need_cairn()
        count = 1000
        with self.server.client() as admin, RawClient(self.server.port, timeout_s=120) as late:
            admin.call("SET", "mb", b"x" * MB)
            before = resident_bytes(self.server.process.pid)
            late.send(encode("GET", "mb") * count + encode("PING"))
            # Others are served meanwhile, and what piles up stays bounded.
            for i in range(2000):
                self.assertEqual(admin.call("INCR", "n"), b":%d\r\n" % (i + 1))
            grown = resident_bytes(self.server.process.pid) - before
            self.assertLess(grown, 200 * MB)
            wanted = b"$%d\r\n" % MB + b"x" * MB + b"\r\n"
            for _ in range(count):
                self.assertEqual(late.reply() == wanted, True)
            self.assertEqual(late.reply(), b"+PONG\r\n")

    def test_many_without_reading(self):
        """many clients that ask for much and read nothing: together they are bounded, and others are served"""
        self.need_cairn()
        with self.server.client() as admin:
            admin.call("SET", "mb", b"x" * MB)
            before = resident_bytes(self.server.process.pid)
            for _ in range(40):
                late = RawClient(self.server.port, receive_buffer=64 * 1024)
                self.addCleanup(late.close)
                late.send(encode("GET", "mb") * 40)
            for i in range(100):
                self.assertEqual(admin.call("INCR", "n"), b":%d\r\n" % (i + 1))
            # 256 MB for all of them, one for each beyond that, and what allocators round up.
            grown = resident_bytes(self.server.process.pid) - before
            self.assertLess(grown, 600 * MB)

    def test_deep_pipeline(self):
        """500,000 commands sent before any reply is read: all are answered, in order"""
        count = 500_000
        with self.server.client(timeout_s=120) as client:
            sender = threading.Thread(target=client.send, args=(b"".join(encode("INCR", "n") for _ in range(count)),))
            sender.start()
            for i in range(count):
                self.assertEqual(client.reply(), b":%d\r\n" % (i + 1))
            sender.join()

    def test_too_large(self):
        """bulks and results beyond proto-max-bulk-len: an error, and the value stays as it was"""
        with self.server.client() as client:
            client.call("SET", "k", "v")
            self.assertTrue(client.call("SETRANGE", "k", 512 * MB, "x").startswith(b"-ERR string exceeds maximum"))
            self.assertEqual(client.call("GET", "k"), b"$1\r\nv\r\n")
            client.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % (512 * MB + 1))
            self.assertEqual(client.reply(), b"-ERR Protocol error: invalid bulk length\r\n")
            self.assertTrue(client.at_end())
        with self.server.client() as client:
            self.assertEqual(client.call("GET", "k"), b"$1\r\nv\r\n")


class Expiry(testing.ServerTest):
    """Many keys that expire at once."""

    def test_mass_expiry_stalls_nobody(self):
        """300,000 keys of one second: another client is served all the time, and the keys' space is given back"""
        count = 300_000
        with self.server.client() as client, self.server.client() as other:
            # They must all be there when their time comes: on a slow day they get more time.
            for lead_ms in (4000, 16_000, 64_000):
                at_ms = int(time.time() * 1000) + lead_ms
                for first in range(0, count, 10_000):
                    client.pipeline([("SET", b"gone:%d" % i, "v" * 50, "PXAT", at_ms)
                                     for i in range(first, first + 10_000)])
                there = client.value("DBSIZE")
                if there == count:
                    break
            self.assertEqual(there, count)
            self.assertEqual(client.value("SET", "stays", "1"), b"OK")
            worst, served = 0.0, 0
            deadline = time.monotonic() + lead_ms / 1000 + 60
            while client.value("DBSIZE") > 1 and time.monotonic() < deadline:
                started = time.monotonic()
                self.assertEqual(other.call("GET", "stays"), b"$1\r\n1\r\n")
                worst, served = max(worst, time.monotonic() - started), served + 1
            self.assertEqual(client.value("DBSIZE"), 1)
            print(f"    {served} GETs meanwhile, the slowest took {worst * 1000:.1f} ms", flush=True)
            # Deleting all keys in one go would let one or two through.
            self.assertGreater(served, 10)


class LongCommands(testing.ServerTest):
    """Commands that work on many keys, and what happens meanwhile."""

    COUNT = 200_000

    def setUp(self):
        super().setUp()
        self.client = self.server.client(timeout_s=60)
        self.addCleanup(self.client.close)
        self.other = self.server.client(timeout_s=60)
        self.addCleanup(self.other.close)
        for first in range(0, self.COUNT, 10_000):
            self.client.pipeline([("SET", b"key:%06d" % i, i) for i in range(first, first + 10_000)])

    def test_order_behind_a_long_command(self):
        """what is pipelined behind KEYS is executed after it, and answered in order"""
        self.need_cairn()
        replies = self.client.pipeline([
            ("KEYS", "key:*"), ("SET", "new", "1"), ("COUNTRANGE", "-", "+"), ("DELRANGE", "[key:1", "+"), ("DBSIZE",),
            ("SCANRANGE", "-", "+", "LIMIT", self.COUNT * 2), ("DEL", "key:000000"), ("COUNTRANGE", "-", "+"),
            ("ECHO", "end")])
        self.assertEqual(len(decode(replies[0])), self.COUNT)
        self.assertEqual(replies[1:5], [b"+OK\r\n", b":%d\r\n" % (self.COUNT + 1), b":%d\r\n" % (self.COUNT // 2 + 1),
                                        b":%d\r\n" % (self.COUNT // 2)])
        self.assertEqual(len(decode(replies[5])[1]), self.COUNT // 2)
        self.assertEqual(replies[6:], [b":1\r\n", b":%d\r\n" % (self.COUNT // 2 - 1), b"$3\r\nend\r\n"])

    def test_others_are_served_meanwhile(self):
        """KEYS, COUNTRANGE and DELRANGE over everything hold up nobody else"""
        self.need_cairn()
        self.client.send(b"".join(encode(*words) for words in (
            ("KEYS", "*"), ("COUNTRANGE", "-", "+"), ("DELRANGE", "-", "(key:150000"), ("DBSIZE",))))
        done = threading.Event()
        replies = []

        def read():
            replies.extend(self.client.reply() for _ in range(4))
            done.set()

        reader = threading.Thread(target=read)
        reader.start()
        worst, count = 0.0, 0
        while not done.is_set():
            started = time.monotonic()
            self.assertEqual(self.other.call("SET", "zzz", "1"), b"+OK\r\n")
            worst, count = max(worst, time.monotonic() - started), count + 1
        reader.join()
        print(f"    {count} SETs meanwhile, the slowest took {worst * 1000:.1f} ms", flush=True)
        self.assertGreater(count, 3)
        self.assertEqual(replies[2], b":150000\r\n")
        self.assertEqual(replies[3], b":50001\r\n")

    def test_the_ground_moves(self):
        """the database is flushed, swapped and changed under long commands, and clients go away in their middle"""
        for disturb in (("FLUSHALL",), ("FLUSHALL", "ASYNC"), ("SWAPDB", 0, 3), ("SWAPDB", 0, 3), ("FLUSHDB",)):
            with self.server.client(timeout_s=60) as victim:
                victim.send(encode("KEYS", "*") + encode("DBSIZE"))
                self.assertEqual(self.other.call(*disturb), b"+OK\r\n")
                self.assertTrue(victim.reply().startswith(b"*"))
                self.assertTrue(victim.reply().startswith(b":"))
        self.setUp()
        for words in (("KEYS", "*"), ("SCANRANGE", "-", "+", "LIMIT", "1000000", "WITHVALUES"),
                      ("COUNTRANGE", "-", "+"), ("DELRANGE", "[key:1", "+")):
            if self.server.redis and words[0] != "KEYS":
                continue
            leaver = self.server.client()
            number = leaver.value("CLIENT", "ID")
            leaver.send(encode(*words))
            self.assertEqual(self.other.call("CLIENT", "KILL", "ID", number), b":1\r\n")
            leaver.close()
        self.assertEqual(self.other.call("SET", "alive", "1"), b"+OK\r\n")
        # Whatever part of the DELRANGE was done, keys, counts and DBSIZE agree.
        size = self.other.value("DBSIZE")
        self.assertEqual(len(self.other.value("KEYS", "*")), size)
        self.assertGreater(size, self.COUNT // 2)


if __name__ == "__main__":
    testing.main()
