"""Streams of valid and broken requests, cut at random places, to redis-server and to Cairn.

All that comes back until the server closes is compared byte for byte.

    CAIRN_SERVER=... REDIS_SERVER=... python3 -m differential.fuzz_protocol [--seed N] [--streams N]
"""

import argparse
import random
import re
import socket
import sys

from differential.run_cases import shown
from support.resp import encode
from support.server import Server, cairn_binary, redis_binary

LIMIT_S = 20
# Between Redis' limits and Cairn's (see cases/extension.txt), or so large that nothing comes of them.
TOO_LARGE = re.compile(rb"[*$]\s*[+-]?\d{7,}")
# No NUL bytes: Redis searches line ends with string functions, so a NUL in a line makes it wait for ever.
WORDS = [b"k", b"l", b"key:1", b"", b"0", b"1", b"-1", b"abc", b"\x01\xff", b"a b", b"\r\n", b"x" * 300, b"9" * 19]
NAMES = [b"SET", b"GET", b"INCR", b"ECHO", b"PING", b"APPEND", b"MGET", b"DEL", b"EXISTS", b"STRLEN", b"GETRANGE",
         b"NOSUCH", b"SELECT", b"get", b"EXPIRE", b"MSET"]
INLINE = [b"PING\r\n", b"SET k v\r\n", b"GET k\n", b"\r\n", b"  ECHO  a\r\n", b'ECHO "a\\x41\\n"\r\n',
          b"ECHO 'a b'\r\n", b'ECHO "open\r\n', b"NOSUCH a\r\n", b"*0\r\n", b"*-1\r\n", b'SET k ""\r\n', b"INCR n\r\n",
          b'ECHO "a"b\r\n']
BYTES = b"\r\n*$:+-\"' \x01\xffaZ"


def make_stream(rng):
    """A pipeline of requests, in one of two mostly broken in a few places."""
    parts = []
    for _ in range(rng.randint(1, 12)):
        if rng.random() < 0.3:
            parts.append(rng.choice(INLINE))
        else:
            parts.append(encode(rng.choice(NAMES), *rng.choices(WORDS, k=rng.randint(0, 4))))
    stream = bytearray(b"".join(parts))
    if rng.random() < 0.6:
        for _ in range(rng.randint(1, 4)):
            mutate(rng, stream)
    return bytes(stream)


def mutate(rng, stream):
    """Changes the stream in one place."""
    at = rng.randrange(len(stream) + 1)
    kind = rng.randrange(6)
    if kind == 0:
        del stream[at:at + rng.randint(1, 3)]
    elif kind == 1:
        stream[at:at] = bytes([rng.choice(BYTES)])
    elif kind == 2 and at < len(stream):
        stream[at] = rng.choice(BYTES)
    elif kind == 3:
        stream[at:at] = stream[at:at + rng.randint(1, 20)]
    elif kind == 4:
        stream[at:at + 1] = b"%d" % rng.randint(-3, 30)
    else:
        del stream[at:]


def cut(rng, stream):
    """The stream in pieces."""
    if rng.random() < 0.3:
        return [stream]
    size = rng.choice((1, 2, 5, 17, 100))
    return [stream[at:at + size] for at in range(0, len(stream), size)]


def converse(server, pieces):
    """Sends the pieces and the end, and returns all that comes until the server closes."""
    received = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # Closed by the server already: what it said is read below.
        try:
            while data := connection.recv(65536):
                received.append(data)
        except ConnectionResetError:
            # The server closed with input unread. A reset may overtake the last bytes, so they cannot be compared.
            return None
    return b"".join(received)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="0 takes one by chance")
    parser.add_argument("--streams", type=int, default=4000)
    arguments = parser.parse_args()
    seed = arguments.seed or random.SystemRandom().randrange(1, 1 << 32)
    rng = random.Random(seed)
    compared, resets, differences = 0, 0, 0
    with Server(redis_binary()) as reference, Server(cairn_binary()) as cairn:
        admins = [reference.client(), cairn.client()]
        for number in range(arguments.streams):
            stream = make_stream(rng)
            pieces = cut(rng, stream)
            if not stream or TOO_LARGE.search(stream):
                continue
            for admin in admins:
                admin.call("FLUSHALL")
            wanted, got = converse(reference, pieces), converse(cairn, pieces)
            if wanted is None or got is None:
                resets += 1
                continue
            compared += 1
            if wanted != got:
                differences += 1
                print(f"DIFFERENCE in stream {number} of seed {seed}, sent in {len(pieces)} pieces\n"
                      f"  sent:         {shown(stream)}\n  redis-server: {shown(wanted)}\n  cairn:        {shown(got)}",
                      flush=True)
            if differences == 20:
                break
        for admin in admins:
            admin.close()
    print(f"seed {seed}: {compared} streams compared, {resets} ended by a reset, {differences} differences")
    sys.exit(1 if differences or compared < resets else 0)


if __name__ == "__main__":
    main()
