"""One server process, started from outside: in a directory of its own, on a free port of the loopback interface.

A `Server` is used by one thread. It never leaves a process behind when it is used as a context manager, and it only
ever signals the process that it started, by its id. Any binary that takes redis-server's options can stand in Cairn's
place (that is how the tests themselves are checked): see `cairn_binary`.
"""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from support.resp import ConnectionClosed, RawClient

READY_LIMIT_S = 30
STOP_LIMIT_S = 30
POLL_S = 0.005
# Below the range from which the kernel takes the ports of outgoing connections, so that a client of another test that
# runs at the same time cannot hold the port that was just found free.
PORT_RANGE = (20000, 32000)


class StartFailed(Exception):
    """The server ended, or did not answer in time. Carries its exit code (None: still running) and its output."""

    def __init__(self, exit_code, output):
        super().__init__(f"the server did not start (exit code {exit_code}):\n{output}")
        self.exit_code = exit_code
        self.output = output


def cairn_binary():
    """Path of the server under test, from CAIRN_SERVER."""
    return os.environ.get("CAIRN_SERVER", "build/bin/cairn-server")


def redis_binary():
    """Path of the redis-server to compare with, from REDIS_SERVER."""
    return os.environ.get("REDIS_SERVER", "redis-server")


def is_redis(binary):
    """True if `binary` is Redis' own server (the reference, or the stand-in for Cairn)."""
    version = subprocess.run([binary, "--version"], capture_output=True, timeout=10, check=True)
    return version.stdout.startswith(b"Redis server")


def _die_with_parent():
    """Runs in the child: the kernel ends the server when the test that started it is cut off."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def free_port():
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    for _ in range(200):
        port = random.SystemRandom().randrange(*PORT_RANGE)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port found")


class Server:
    """A server process; `start` may be called again after `kill` or `stop`, on the same data directory and port."""

    def __init__(self, binary, options=(), directory=None, port=None, persist=False):
        """`options`: pairs of option name and value, on top of those every test wants. `directory`: data directory
        (default: a new one, removed by close()). `persist`: with a redis-server, keep an append-only file, so that it
        survives kill -9 as Cairn always does."""
        self.binary = binary
        self.options = list(options)
        self.redis = is_redis(binary)
        self.persist = persist
        self._owned = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="cairn-redis-tests-")
        self._fixed_port = port
        self.port = port
        self.process = None
        self.log_file = os.path.join(self.directory, "server.log")
        self.output_file = os.path.join(self.directory, "output.txt")

    def command_line(self):
        """The arguments that start() uses."""
        own = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.directory,
               "--enable-debug-command", "yes", "--logfile", self.log_file]
        if self.redis:
            own += ["--save", "", "--appendonly", "yes" if self.persist else "no"]
        for name, value in self.options:
            own += [f"--{name}", str(value)]
        return [self.binary] + own

    def start(self):
        """Starts the process and returns when it answers; raises StartFailed with its output when it does not."""
        if self.process is not None:
            raise RuntimeError("already started")
        for attempt in range(5):
            if self._fixed_port is None and (self.port is None or attempt):
                self.port = free_port()
            with open(self.output_file, "ab") as output:
                self.process = subprocess.Popen(self.command_line(), stdin=subprocess.DEVNULL, stdout=output,
                                                stderr=subprocess.STDOUT, cwd=self.directory,
                                                preexec_fn=_die_with_parent)
            try:
                self._wait_ready()
                return self
            except StartFailed as failure:
                self.kill()
                port_lost = "in use" in failure.output and self._fixed_port is None
                if not port_lost or attempt == 4:
                    raise
        raise AssertionError("not reached")

    def _wait_ready(self):
        deadline = time.monotonic() + READY_LIMIT_S
        while time.monotonic() < deadline:
            code = self.process.poll()
            if code is not None:
                raise StartFailed(code, self.log_tail())
            if self._answers():
                return
            time.sleep(POLL_S)
        raise StartFailed(None, self.log_tail())

    def _answers(self):
        """True once this very process (not another one that took the port) answers."""
        try:
            with RawClient(self.port, timeout_s=READY_LIMIT_S) as client:
                reply, ping = client.pipeline([("INFO", "server"), ("PING",)])
        except (OSError, ConnectionClosed):
            return False
        if reply.startswith((b"-NOAUTH", b"-ERR max number of clients")):
            return self.process.poll() is None
        return b"process_id:%d\r\n" % self.process.pid in reply and ping == b"+PONG\r\n"

    def client(self, timeout_s=30, resp=2):
        """A new connection, switched to RESP3 when `resp` is 3."""
        client = RawClient(self.port, timeout_s=timeout_s)
        if resp == 3:
            client.call("HELLO", "3")
        return client

    def kill(self):
        """kill -9, and waits for the end. Harmless when the process has ended already."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=STOP_LIMIT_S)
        self.process = None

    def stop(self):
        """SIGTERM, and waits for the end; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        """Waits for the process' end and returns the exit code (minus the signal's number when a signal ended it)."""
        code = self.process.wait(timeout=STOP_LIMIT_S)
        self.process = None
        return code

    def log_tail(self, lines=40):
        """The last lines of what the server wrote: standard output and error, then the log file."""
        parts = []
        for path in (self.output_file, self.log_file):
            if os.path.exists(path):
                with open(path, "rb") as file:
                    text = file.read().decode("utf-8", "replace")
                parts += text.splitlines()[-lines:]
        return "\n".join(parts)

    def close(self):
        """Kills the process if it runs and removes the directory if it was made here."""
        self.kill()
        if self._owned:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            print(f"--- log of {self.binary} on port {self.port}:\n{self.log_tail()}\n---", flush=True)
        self.close()
