"""ioredis and node-redis at work: installs them by `npm ci` into the build folder and runs node's test runner.

    CAIRN_SERVER=... NODE_CLIENTS_DIR=<where to install> python3 -m clients.node_clients

What is installed is kept: npm runs again only when package-lock.json has changed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from support.server import cairn_binary, free_port

SOURCE = pathlib.Path(__file__).parent / "node"
TESTS = ("ioredis_test.js", "node_redis_test.js")
NPM_LIMIT_S = 300
TEST_LIMIT_S = 240


def install(target):
    """Copies the tests to `target` and makes node_modules there match the lock file."""
    target.mkdir(parents=True, exist_ok=True)
    for path in SOURCE.iterdir():
        shutil.copy(path, target)
    lock = (SOURCE / "package-lock.json").read_text(encoding="utf-8")
    stamp = target / "installed-lock.json"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == lock:
        return
    print("npm ci", flush=True)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=target,
                   check=True, timeout=NPM_LIMIT_S, stdin=subprocess.DEVNULL)
    stamp.write_text(lock, encoding="utf-8")


def run(target, test):
    """Runs one test file with a data directory of its own; its exit code."""
    directory = tempfile.mkdtemp(prefix="cairn-redis-tests-")
    environment = dict(os.environ, CAIRN_SERVER=os.path.abspath(shutil.which(cairn_binary()) or cairn_binary()),
                       CAIRN_PORT=str(free_port()), CAIRN_DIR=directory)
    try:
        print(f"node {test}", flush=True)
        done = subprocess.run(["node", test], cwd=target, env=environment, check=False, timeout=TEST_LIMIT_S,
                              stdin=subprocess.DEVNULL)
        return done.returncode
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main():
    target = pathlib.Path(os.environ.get("NODE_CLIENTS_DIR", "build/redis-tests/node")).resolve()
    install(target)
    codes = [run(target, test) for test in TESTS]
    sys.exit(max(abs(code) for code in codes))


if __name__ == "__main__":
    main()
