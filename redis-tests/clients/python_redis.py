"""redis-py (Debian's python3-redis 4.3, which speaks RESP2 only) at work."""

import threading

import redis

from support import testing

BIG = 20_000_000


class PythonRedis(testing.ServerTest):

    def setUp(self):
        super().setUp()
        self.redis = redis.Redis(port=self.server.port, socket_timeout=60)
        self.addCleanup(self.redis.close)

    def test_strings(self):
        """set, get, counters, ranges, mset, mget"""
        self.assertTrue(self.redis.set("k", "v"))
        self.assertEqual(self.redis.get("k"), b"v")
        self.assertIsNone(self.redis.get("missing"))
        self.assertIsNone(self.redis.set("k", "w", nx=True))
        self.assertEqual(self.redis.set("k", "w", get=True), b"v")
        self.assertEqual(self.redis.append("k", "xyz"), 4)
        self.assertEqual(self.redis.getrange("k", 1, -1), b"xyz")
        self.assertEqual(self.redis.incr("n", 5), 5)
        self.assertEqual(self.redis.incrbyfloat("f", 1.5), 1.5)
        self.assertTrue(self.redis.mset({"a": 1, "b": 2}))
        self.assertEqual(self.redis.mget("a", "missing", "b"), [b"1", None, b"2"])
        self.assertFalse(self.redis.msetnx({"a": 1, "c": 2}))
        self.assertEqual(self.redis.getdel("a"), b"1")
        self.assertEqual(self.redis.exists("a", "b", "k"), 2)
        self.assertEqual(self.redis.type("k"), b"string")
        self.assertEqual(self.redis.object("encoding", "n"), b"int")

    def test_expiry(self):
        """ex, px, exat, ttl, pttl, persist, and a key that goes"""
        self.redis.set("k", "v", ex=1000)
        self.assertIn(self.redis.ttl("k"), (999, 1000))
        self.assertTrue(self.redis.persist("k"))
        self.assertEqual(self.redis.ttl("k"), -1)
        self.assertEqual(self.redis.ttl("missing"), -2)
        self.assertTrue(self.redis.expireat("k", 20_000_000_000))
        self.assertEqual(self.redis.execute_command("EXPIRETIME", "k"), 20_000_000_000)
        self.redis.set("short", "v", px=20)
        self.assertTrue(testing.wait_until(lambda: self.redis.get("short") is None))

    def test_pipeline(self):
        """10,000 commands in one pipeline, errors among them"""
        pipe = self.redis.pipeline(transaction=False)
        for i in range(5000):
            pipe.set(f"p:{i}", i)
            pipe.incr(f"p:{i}")
        replies = pipe.execute()
        self.assertEqual(replies[1::2], list(range(1, 5001)))
        pipe.set("text", "abc").incr("text").get("text")
        replies = pipe.execute(raise_on_error=False)
        self.assertTrue(replies[0])
        self.assertIsInstance(replies[1], redis.ResponseError)
        self.assertEqual(replies[2], b"abc")

    def test_errors(self):
        """errors come as exceptions with Redis' text"""
        self.redis.set("k", "abc")
        with self.assertRaisesRegex(redis.ResponseError, "value is not an integer or out of range"):
            self.redis.incr("k")
        with self.assertRaisesRegex(redis.ResponseError, "(?i)unknown command"):
            self.redis.execute_command("NOSUCHCOMMAND", "x")
        with self.assertRaisesRegex(redis.ResponseError, "DB index is out of range"):
            self.redis.execute_command("SELECT", 99)
        self.assertEqual(self.redis.get("k"), b"abc")

    def test_scan_iter(self):
        """scan_iter: each key exactly once, with match and type"""
        names = {b"it:%d" % i for i in range(3000)}
        pipe = self.redis.pipeline(transaction=False)
        for name in names:
            pipe.set(name, "v")
        pipe.set("else", "v")
        pipe.execute()
        found = list(self.redis.scan_iter(match="it:*", count=100))
        self.assertEqual(set(found), names)
        self.assertEqual(len(self.redis.keys("it:*")), 3000)
        self.assertEqual(len(set(self.redis.scan_iter(count=7, _type="string"))), 3001)
        self.assertEqual(list(self.redis.scan_iter(_type="hash")), [])

    def test_binary(self):
        """every byte in keys and values"""
        every = bytes(range(256))
        self.redis.set(every, every * 3)
        self.assertEqual(self.redis.get(every), every * 3)
        self.assertEqual(self.redis.keys("*"), [every])
        self.redis.set("", "")
        self.assertEqual(self.redis.get(""), b"")

    def test_big_values(self):
        """20 MB there and back"""
        value = bytes(range(250)) * (BIG // 250)
        self.redis.set("big", value)
        self.assertEqual(self.redis.strlen("big"), BIG)
        self.assertEqual(self.redis.get("big"), value)
        self.assertEqual(self.redis.getrange("big", BIG - 5, -1), value[-5:])

    def test_databases(self):
        """clients of several databases, MOVE and SWAPDB, FLUSHDB"""
        one = redis.Redis(port=self.server.port, db=1)
        self.addCleanup(one.close)
        self.redis.set("k", "zero")
        one.set("k", "one")
        self.assertEqual(self.redis.get("k"), b"zero")
        self.assertTrue(self.redis.swapdb(0, 1))
        self.assertEqual(self.redis.get("k"), b"one")
        self.assertEqual(one.dbsize(), 1)
        one.flushdb()
        self.assertEqual((one.dbsize(), self.redis.dbsize()), (0, 1))

    def test_server_commands(self):
        """info, config_get, client_list, client_setname, time, command_count as the library parses them"""
        info = self.redis.info()
        self.assertTrue(info["redis_version"].startswith("7."))
        self.assertEqual(info["tcp_port"], self.server.port)
        self.assertEqual(self.redis.config_get("databases"), {"databases": "16"})
        self.assertTrue(self.redis.client_setname("tester"))
        self.assertEqual(self.redis.client_getname(), "tester")
        names = [client["name"] for client in self.redis.client_list()]
        self.assertIn("tester", names)
        self.assertEqual(len(self.redis.time()), 2)
        self.assertGreater(self.redis.command_count(), 50)
        self.assertIn("get", self.redis.command())

    def test_threads(self):
        """16 threads on one pool: INCR of one counter loses nothing"""
        def work():
            for _ in range(500):
                self.redis.incr("shared")
        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(int(self.redis.get("shared")), 8000)

    def test_scanrange(self):
        """SCANRANGE, COUNTRANGE and DELRANGE through execute_command"""
        self.need_cairn()
        self.redis.mset({f"word:{i:04}": i for i in range(2500)})
        keys, bound = [], "[word:"
        while bound:
            bound, page = self.redis.execute_command("SCANRANGE", bound, "(word;", "LIMIT", 400)
            keys += page
        self.assertEqual(keys, [b"word:%04d" % i for i in range(2500)])
        _, flat = self.redis.execute_command("SCANRANGE", "[word:0001", "[word:0002", "WITHVALUES")
        self.assertEqual(flat, [b"word:0001", b"1", b"word:0002", b"2"])
        self.assertEqual(self.redis.execute_command("COUNTRANGE", "(word:0999", "+"), 1500)
        self.assertEqual(self.redis.execute_command("DELRANGE", "-", "(word:1000"), 1000)
        self.assertEqual(self.redis.dbsize(), 1500)

    def test_reconnect(self):
        """the same client object goes on after kill -9 and a restart, and finds its data"""
        self.redis.set("before", "1")
        self.server.kill()
        with self.assertRaises(redis.ConnectionError):
            self.redis.get("before")
        self.server.start()
        self.assertEqual(self.redis.get("before"), b"1")
        self.assertEqual(self.redis.incr("before"), 2)


if __name__ == "__main__":
    testing.main()
