"""Starts that must be refused: a clear line, an exit code, and a running server goes on unharmed."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from support import testing
from support.server import cairn_binary, free_port

EXIT_LIMIT_S = 30


def run_to_end(*arguments, stdin=None):
    """Runs cairn-server with arguments that it should refuse (or answer); its exit code and output."""
    done = subprocess.run([cairn_binary(), *map(str, arguments)], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=EXIT_LIMIT_S, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


class Refusals(testing.ServerTest):
    """Starts that must fail with a clear line and an exit code, while a running server goes on unharmed."""

    def setUp(self):
        super().setUp()
        self.need_cairn()
        self.folder = tempfile.mkdtemp(prefix="cairn-redis-tests-")
        self.addCleanup(shutil.rmtree, self.folder)

    def refused(self, *arguments, names, stdin=None):
        """The start must end with an exit code that is not 0 and an output that has all of `names`."""
        code, output = run_to_end(*arguments, stdin=stdin)
        self.assertGreater(code, 0, output)
        for name in names:
            self.assertIn(str(name).lower(), output.lower())
        self.assertNotIn("terminate called", output)

    def config_file(self, text, name="test.conf"):
        path = pathlib.Path(self.folder, name)
        path.write_text(text, encoding="utf-8")
        return path

    def test_port_in_use(self):
        """a port that another process listens on"""
        self.refused("--port", self.server.port, "--bind", "127.0.0.1", "--dir", self.folder,
                     names=[self.server.port, "in use"])
        with self.server.client() as client:
            self.assertEqual(client.call("PING"), b"+PONG\r\n")

    def test_address_that_is_not_here(self):
        """a bind address of another machine"""
        self.refused("--port", free_port(), "--bind", "192.0.2.1", "--dir", self.folder, names=["192.0.2.1"])

    def test_second_process_on_a_folder(self):
        """the data directory of a running server"""
        with self.server.client() as client:
            client.call("SET", "k", "v")
        self.refused("--port", free_port(), "--dir", self.server.directory, names=[self.server.directory, "in use"])
        with self.server.client() as client:
            self.assertEqual(client.call("GET", "k"), b"$1\r\nv\r\n")
            self.assertEqual(client.call("SET", "k", "w"), b"+OK\r\n")

    def test_folder_that_cannot_be(self):
        """data directories that cannot be made or written"""
        inside_nothing = os.path.join(self.folder, "missing", "deeper")
        self.refused("--port", free_port(), "--dir", inside_nothing, names=[inside_nothing])
        file = self.config_file("", "file")
        self.refused("--port", free_port(), "--dir", file, names=[file])
        self.refused("--port", free_port(), "--dir", "/proc", names=["/proc"])

    def test_folder_that_everybody_may_write(self):
        """a data directory in which any user could replace the files"""
        path = os.path.join(self.folder, "open")
        os.mkdir(path)
        os.chmod(path, 0o777)
        self.refused("--port", free_port(), "--dir", path, names=[path, "chmod o-w"])
        self.assertEqual(os.listdir(path), [])

    def test_log_file_that_cannot_be(self):
        """a log file below a file"""
        path = os.path.join(self.config_file("", "file"), "server.log")
        self.refused("--port", free_port(), "--dir", self.folder, "--logfile", path, names=[path])

    def test_config_errors(self):
        """unknown directives, bad values, unbalanced quotes: file, line and what would be right"""
        port = free_port()
        for line, wanted in (("prot 6379", ["prot", "port"]), ("port 70000", ["70000", "65535"]),
                             ("appendfsync sometimes", ["sometimes", "everysec"]), ("port", ["port"]),
                             ("maxclients many", ["many"]), ("requirepass \"abc", ["quote"]),
                             ("databases 0", ["databases"]), ("write-buffer-size 1xb", ["1xb"]),
                             ("include missing.conf", ["missing.conf"]), ("appendonly no", ["appendonly"])):
            with self.subTest(line):
                path = self.config_file(f"# a comment\nport {port}\ndir {self.folder}\n{line}\n")
                self.refused(path, names=[f"{path}:4", *wanted])
                self.refused(path, "--test-config", names=[f"{path}:4"])

    def test_command_line_errors(self):
        """unknown options, bad values, a config file that is not there"""
        self.refused("--no-such-option", "1", names=["no-such-option"])
        self.refused("--port", "abc", names=["port", "abc"])
        self.refused("--appendfsync", "sometimes", names=["appendfsync", "sometimes"])
        missing = os.path.join(self.folder, "missing.conf")
        self.refused(missing, names=[missing])
        self.refused("-", names=["1"], stdin=b"nonsense yes\n")

    def test_good_config(self):
        """--test-config, --help and --version end with 0; standard input and overrides are read"""
        path = self.config_file(f"port {free_port()}\ndir {self.folder}\n")
        self.assertEqual(run_to_end(path, "--test-config")[0], 0)
        self.assertEqual(run_to_end("-", "--test-config", stdin=b"port 0\n")[0], 0)
        code, output = run_to_end("--help")
        self.assertEqual(code, 0)
        self.assertIn("--test-config", output)
        code, output = run_to_end("--version")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"\d+\.\d+\.\d+")


if __name__ == "__main__":
    testing.main()
