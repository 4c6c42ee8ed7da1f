"""The tools that are built beside the server: cairn-log and cairn-check."""

import hashlib
import os
import pathlib
import subprocess

TOOL_LIMIT_S = 120


def run_tool(name, *arguments, stdin=None):
    """Runs a tool to its end: exit code, standard output (bytes), standard error (text). Its path comes from CAIRN_LOG
    or CAIRN_CHECK."""
    path = os.environ.get(name.upper().replace("-", "_"), f"build/bin/{name}")
    done = subprocess.run([path, *map(str, arguments)], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TOOL_LIMIT_S, check=False)
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


def fingerprint(folder):
    """Every file below a folder with a hash of its bytes: equal when nothing was changed."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()}
