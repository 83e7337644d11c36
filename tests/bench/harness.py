"""What every part of the benchmark stands on: a throw-away server, measured processes, the table.

A thing and its peer are measured in turn, round by round, so that a busy moment of the machine falls on both.
"""

import glob
import os
import pwd
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass

SKYTEAM = os.environ["BENCH_SKYTEAM"]
RUNS = int(os.environ.get("BENCH_RUNS", "11"))


def pg_bin():
    """The folder of the server's programs, as the tests find it."""
    own = os.environ.get("SKYTEAM_TEST_PG_BIN")
    installed = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
    if not own and not installed:
        raise SystemExit("no PostgreSQL server is installed: apt-get install postgresql")
    return own or installed[-1]


class Server:
    """A PostgreSQL server with its default, durable settings, on a Unix socket and a free port."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="skyteam-bench-")
        os.chmod(self.folder, 0o755)
        self.user = None
        if os.geteuid() == 0:  # which PostgreSQL refuses
            names = {entry.pw_name: entry for entry in pwd.getpwall()}
            self.user = names.get("postgres") or names["nobody"]
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        data = os.path.join(self.folder, "data")
        self._run("initdb", "-U", "postgres", "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8", "-D", data)
        self.process = subprocess.Popen(
            [os.path.join(pg_bin(), "postgres"), "-D", data, "-k", self.folder, "-p", str(self.port)]
            + ["-c", "listen_addresses=127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as_user(),
        )
        ready = [os.path.join(pg_bin(), "pg_isready"), "-q", "-h", self.folder, "-p", str(self.port)]
        while subprocess.run(ready).returncode:
            if self.process.poll() is not None:
                raise SystemExit("the server does not start")
            time.sleep(0.02)

    def _as_user(self):
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}

    def _run(self, program, *args):
        subprocess.run([os.path.join(pg_bin(), program), *args], check=True, stdout=subprocess.DEVNULL,
                       cwd=self.folder, **self._as_user())

    def url(self, database):
        """The URL of a database, over TCP as programs come."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, statement, database="postgres"):
        """Runs SQL as the superuser; answers its output."""
        psql = [os.path.join(pg_bin(), "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        return subprocess.run([*psql, "-c", statement], check=True, capture_output=True, text=True).stdout.strip()

    def fresh(self, database):
        """Makes the database anew, empty."""
        self.sql(f'DROP DATABASE IF EXISTS "{database}"')
        self.sql(f'CREATE DATABASE "{database}" TEMPLATE template0')
        return self.url(database)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Cost:
    """One run of a program."""

    seconds: float
    megabytes: float


def gnu_time():
    """GNU time, which starts programs from a process of 2 MB. Python cannot say what they take: a child begins with the
    peak of who forked it, and keeps it over exec (getrusage(2): ru_maxrss)."""
    found = shutil.which("time")
    if not found:
        raise SystemExit("GNU time measures the memory: apt-get install time")
    return found


def cost(command, env=None, cwd=None):
    """Runs a program, which must succeed; its wall time and its peak memory (the largest process of it)."""
    with tempfile.TemporaryFile("w+") as output, tempfile.NamedTemporaryFile("r") as peak:
        timed = [gnu_time(), "--quiet", "-f", "%M", "-o", peak.name, *command]
        began = time.perf_counter()
        code = subprocess.run(timed, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode
        seconds = time.perf_counter() - began
        if code:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {code}:\n{output.read()}")
        return Cost(seconds, int(peak.read()) / 1024)


def skyteam(*args, url=None):
    """Runs skyteam in a clean environment."""
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    if url:
        env["DATABASE_URL"] = url
    return cost([SKYTEAM, *args], env=env)


def paired(*things, runs=RUNS):
    """Measures things in turn, after one round that is not counted; the medians of each, as costs."""
    rounds = [[thing() for thing in things] for _ in range(runs + 1)][1:]
    median = statistics.median
    return [Cost(median(c.seconds for c in row), median(c.megabytes for c in row)) for row in zip(*rounds)]


def table(title, header, rows):
    """Prints a Markdown table, ready for the README."""
    widths = [max(len(str(row[column])) for row in [header, *rows]) for column in range(len(header))]
    line = lambda row: "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |"
    print(f"\n{title}\n")
    print(line(header))
    print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for row in rows:
        print(line(row))
    print(flush=True)


def shown(measured):
    """`12.3 ms, 8 MB`."""
    return f"{measured.seconds * 1000:.1f} ms, {measured.megabytes:.0f} MB"


def ratio(peer, ours):
    """How many times less ours takes: `20× time, 3× memory`."""
    return f"{peer.seconds / ours.seconds:.1f}× time, {peer.megabytes / ours.megabytes:.1f}× memory"
