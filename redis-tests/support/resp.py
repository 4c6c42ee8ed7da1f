"""A Redis client that shows bytes: what goes to the socket and exactly what comes back.

RESP2 and RESP3 framing is read only to find where a reply ends. A RawClient is used by one thread.
"""

import socket

CLOSED = b"<connection closed>"
_LENGTH_PREFIXED = b"$=!"
_AGGREGATES = {b"*": 1, b"~": 1, b">": 1, b"%": 2}


class ConnectionClosed(Exception):
    """The server closed the connection before or within a reply."""


class RespError(Exception):
    """An error reply; str() is its text without the leading `-`."""


def encode(*args):
    """One command as an array of bulk strings. Arguments: bytes, str (UTF-8) or int."""
    out = [b"*%d\r\n" % len(args)]
    for arg in args:
        if not isinstance(arg, (bytes, bytearray)):
            arg = str(arg).encode()
        out.append(b"$%d\r\n" % len(arg))
        out.append(arg)
        out.append(b"\r\n")
    return b"".join(out)


class RawClient:
    """One connection to 127.0.0.1."""

    def __init__(self, port, timeout_s=30, receive_buffer=None):
        """`receive_buffer`: size of the kernel's receive buffer in bytes (for tests of slow readers)."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if receive_buffer:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.settimeout(timeout_s)
            self.socket.connect(("127.0.0.1", port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            self.socket.close()
            raise
        self._file = self.socket.makefile("rb", buffering=1 << 16)

    def send(self, data):
        """Sends raw bytes."""
        self.socket.sendall(data)

    def reply(self):
        """The exact bytes of one whole reply; raises ConnectionClosed at the end of the stream."""
        parts = []
        try:
            self._read_frame(parts)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise ConnectionClosed() from error
        return b"".join(parts)

    def call(self, *args):
        """Sends one command and returns the exact bytes of its reply."""
        self.send(encode(*args))
        return self.reply()

    def value(self, *args):
        """Sends one command and returns its reply as Python values (see decode); raises RespError for an error."""
        value = decode(self.call(*args))
        if isinstance(value, RespError):
            raise value
        return value

    def pipeline(self, commands):
        """Sends all commands (tuples of arguments) at once and returns the list of raw replies."""
        self.send(b"".join(encode(*command) for command in commands))
        return [self.reply() for _ in commands]

    def at_end(self):
        """True if the server has closed the connection and nothing is left to read; blocks until either is known."""
        try:
            return self._file.read(1) == b""
        except (ConnectionResetError, BrokenPipeError):
            return True

    def close(self):
        self._file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _read_frame(self, parts):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionClosed()
        parts.append(line)
        kind = line[:1]
        if kind in _LENGTH_PREFIXED:
            length = int(line[1:])
            if length >= 0:
                body = self._file.read(length + 2)
                if len(body) != length + 2:
                    raise ConnectionClosed()
                parts.append(body)
        elif kind == b"|":  # Attributes stand before the reply that they describe.
            for _ in range(2 * int(line[1:]) + 1):
                self._read_frame(parts)
        elif kind in _AGGREGATES:
            for _ in range(_AGGREGATES[kind] * int(line[1:])):
                self._read_frame(parts)


def decode(raw):
    """A raw reply as Python values: bytes, int, float, bool, None, list (arrays, sets, pushes), list of pairs as dict
    (maps), RespError. Simple strings come as bytes too."""
    value, end = _decode_at(raw, 0)
    if end != len(raw):
        raise ValueError(f"{len(raw) - end} bytes after the reply")
    return value


def _decode_at(raw, at):
    line_end = raw.index(b"\r\n", at)
    kind, rest, after = raw[at:at + 1], raw[at + 1:line_end], line_end + 2
    if kind == b"+":
        return rest, after
    if kind == b"-":
        return RespError(rest.decode("utf-8", "replace")), after
    if kind in (b":", b"("):
        return int(rest), after
    if kind == b",":
        return float(rest), after
    if kind == b"#":
        return rest == b"t", after
    if kind == b"_":
        return None, after
    if kind in _LENGTH_PREFIXED:
        return _decode_bulk(raw, kind, int(rest), after)
    if kind in _AGGREGATES:
        return _decode_aggregate(raw, kind, int(rest), after)
    raise ValueError(f"unknown reply type {kind!r}")


def _decode_bulk(raw, kind, length, after):
    if length < 0:
        return None, after
    body = raw[after:after + length]
    if kind == b"=":
        body = body[4:]  # A verbatim string starts with its format, as in "txt:".
    if kind == b"!":
        body = RespError(body.decode("utf-8", "replace"))
    return body, after + length + 2


def _decode_aggregate(raw, kind, count, after):
    if count < 0:
        return None, after
    items = []
    for _ in range(count * _AGGREGATES[kind]):
        item, after = _decode_at(raw, after)
        items.append(item)
    if kind == b"%":
        return dict(zip(items[::2], items[1::2])), after
    return items, after
