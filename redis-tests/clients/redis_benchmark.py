"""redis-benchmark's tests of the commands that Cairn has: every one ends without an error, in RESP2 and RESP3."""

import re

from support import testing


class RedisBenchmark(testing.ServerTest):

    def run_and_check(self, tests, *arguments):
        """Runs redis-benchmark quietly; every line of a result must show a rate, and no error may come."""
        out = self.tool("redis-benchmark", "-q", *arguments).decode().replace("\r", "\n")
        self.assertNotRegex(out, r"(?i)error|warning|could not")
        rates = re.findall(r"([\w() ]+): ([\d.]+) requests per second", out)
        self.assertEqual(len(rates), tests, out)
        for name, rate in rates:
            self.assertGreater(float(rate), 0, name)
            print(f"    {name}: {rate}/s", flush=True)

    def test_default_depth(self):
        """ping, set, get, incr, mset, one command in flight"""
        self.run_and_check(6, "-t", "ping,set,get,incr,mset", "-n", 20_000, "-c", 50)

    def test_pipelined(self):
        """the same at depth 16 with random keys"""
        self.run_and_check(6, "-t", "ping,set,get,incr,mset", "-n", 200_000, "-P", 16, "-r", 100_000, "-d", 100)
        with self.server.client() as client:
            # Nine in ten of the random keys, at least, were hit by the 200,000 SETs.
            self.assertGreater(client.value("DBSIZE"), 80_000)

    def test_resp3_and_threads(self):
        """-3 and two threads"""
        self.run_and_check(2, "-3", "--threads", 2, "-t", "set,get", "-n", 50_000, "-P", 4)

    def test_any_command(self):
        """commands of one's own, with __rand_int__"""
        self.run_and_check(1, "-n", 20_000, "-r", 1000, "-P", 8, "SET", "key:__rand_int__", "v", "EX", "1000")
        self.run_and_check(1, "-n", 20_000, "-r", 1000, "GETRANGE", "key:__rand_int__", "0", "0")
        with self.server.client() as client:
            self.assertEqual(client.value("DBSIZE"), 1000)

    def test_big_values(self):
        """values of 1 MB"""
        self.run_and_check(2, "-t", "set,get", "-n", 300, "-c", 10, "-d", 1_000_000)

    def test_ranges(self):
        """SCANRANGE as a command of one's own"""
        self.need_cairn()
        with self.server.client() as client:
            client.pipeline([("SET", "key:%06d" % i, "v") for i in range(10_000)])
        self.run_and_check(1, "-n", 5000, "-r", 10_000, "-P", 4,
                           "SCANRANGE", "[key:__rand_int__", "+", "LIMIT", "10", "WITHVALUES")


if __name__ == "__main__":
    testing.main()
