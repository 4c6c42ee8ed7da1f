"""The steps of the README's first screen: load a word list, read a range, kill -9, start again, read the same range.

    CAIRN_SERVER=... python3 -m first_screen.first_screen
"""

import argparse
import os
import subprocess
import sys
import time

from support.resp import RespError, decode, encode
from support.server import Server, cairn_binary

LOAD_LIMIT_S = 120


def load(server, words):
    """SET word:<word> <number> for each word, by redis-cli --pipe; what redis-cli says in the end."""
    commands = b"".join(encode("SET", b"word:" + word, number) for number, word in enumerate(words, 1))
    client = os.environ.get("REDIS_CLI", "redis-cli")
    done = subprocess.run([client, "-h", "127.0.0.1", "-p", str(server.port), "--pipe"], input=commands,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LOAD_LIMIT_S, check=True)
    return done.stdout.decode().strip().splitlines()[-1]


def read_range(server, low, high, limit):
    """All pages of a range: keys and values in one flat list."""
    items, bound = [], low
    with server.client() as client:
        while bound:
            reply = decode(client.call("SCANRANGE", bound, high, "LIMIT", limit, "WITHVALUES"))
            if isinstance(reply, RespError):
                raise AssertionError(f"SCANRANGE: {reply}")
            bound, page = reply
            items += page
    return items


def expected_range(words, low, high):
    """What read_range must give: the words from low (included) up to high (not included), in byte order."""
    numbers = {word: number for number, word in enumerate(words, 1)}
    wanted = sorted(word for word in numbers if low <= word < high)
    return [part for word in wanted for part in (b"word:" + word, b"%d" % numbers[word])]


def check(condition, what):
    """Prints what was done; ends the test when it is not as wanted."""
    print(("ok: " if condition else "FAILED: ") + what, flush=True)
    if not condition:
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", default="/usr/share/dict/american-english-huge", help="one word a line")
    arguments = parser.parse_args()
    with open(arguments.words, "rb") as file:
        words = [line for line in file.read().split(b"\n") if line]
    distinct = len(set(words))
    with Server(cairn_binary()) as server:
        if server.redis:
            print("skipped: a redis-server stands in Cairn's place, which has no SCANRANGE")
            return
        started = time.monotonic()
        said = load(server, words)
        check(said == f"errors: 0, replies: {len(words)}",
              f"redis-cli --pipe loaded {len(words)} words in {time.monotonic() - started:.1f} s ({said})")
        with server.client() as client:
            check(client.value("DBSIZE") == distinct, f"DBSIZE is {distinct}")
        before = read_range(server, "[word:stone", "(word:stonf", 50)
        wanted = expected_range(words, b"stone", b"stonf")
        check(before == wanted and len(before) > 100, f"the range from stone to stonf has {len(wanted) // 2} words")
        server.kill()
        started = time.monotonic()
        server.start()
        check(True, f"kill -9, and ready again after {time.monotonic() - started:.2f} s")
        check(read_range(server, "[word:stone", "(word:stonf", 50) == before, "the same range again is the same")
        everything = read_range(server, "[word:", "(word;", 5000)
        check(everything == expected_range(words, b"", b"\xff" * 64), f"all {distinct} words and numbers are there")
        with server.client() as client:
            check(client.value("COUNTRANGE", "[word:", "(word;") == distinct, "COUNTRANGE agrees")


if __name__ == "__main__":
    main()
