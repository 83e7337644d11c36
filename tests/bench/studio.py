"""The studio: how soon it answers, how soon a page of a large table comes, what it takes. Beside it the server of
`drizzle-kit studio`, where npm has it.

BENCH_ROWS=1000000   entries of the ledger
"""

import http.client
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

from harness import RUNS, SKYTEAM, Server, table

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
PAGES = 200
AWARDS = 50
DRIZZLE = "drizzle-kit@0.31.6"

LEDGER = f"""
INSERT INTO "users" ("userId", "username", "displayName", "miles") SELECT (1000 + n)::text, 'pilot_' || n, 'Pilot ' || n, 0
    FROM generate_series(1, 10000) n;
INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source", "createdAt")
    SELECT md5(n::text)::uuid, (1001 + n % 10000)::text, 10, 'earn', 'manual', timestamp '2025-01-01' + n * interval '11 seconds'
    FROM generate_series(1, {ROWS}) n;
UPDATE "users" u SET "miles" = (SELECT coalesce(sum("amount"), 0) FROM "milesTransactions" t WHERE t."userId" = u."userId");
"""


def environment(url):
    return {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8", "DATABASE_URL": url}


def memory(pid, name):
    """A figure of the process's status, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"no {name} of {pid}")


class Studio:
    """A running studio with a session."""

    def __init__(self, url):
        began = time.perf_counter()
        self.child = subprocess.Popen([SKYTEAM, "db", "studio", "--port", "0", "-o", "json"], env=environment(url),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        link = urlsplit(json.loads(self.child.stdout.readline())["url"])
        self.origin = f"http://{link.netloc}"
        self.connection = http.client.HTTPConnection(link.netloc)
        self.headers = {"Origin": self.origin, "Content-Type": "application/json"}
        opened = self.post("/api/session", {"code": link.fragment.removeprefix("code=")})
        self.ready = time.perf_counter() - began
        self.headers["Authorization"] = f"Bearer {opened['token']}"

    def ask(self, method, path, body=None):
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]}")
        return content

    def get(self, path):
        return json.loads(self.ask("GET", path))

    def post(self, path, body):
        return json.loads(self.ask("POST", path, json.dumps(body)))

    def stop(self):
        self.connection.close()
        self.child.send_signal(signal.SIGINT)
        self.child.wait()


def timed(work):
    began = time.perf_counter()
    answer = work()
    return (time.perf_counter() - began) * 1000, answer


def p95(times):
    return sorted(times)[int(len(times) * 0.95)]


def walk(studio, path):
    """The first pages in the order of a view, and the last one."""
    times, after = [], ""
    for _ in range(PAGES):
        took, page = timed(lambda: studio.get(f"{path}{after}"))
        times.append(took)
        after = f"&after={quote(page['next'])}"
    deep = [timed(lambda: studio.get(f"{path}&before=end"))[0] for _ in range(RUNS)]
    return times, statistics.median(deep)


def awards(studio):
    """From the request to the new balance on its page, as the page asks for it."""
    def one(number):
        action = {"award": {"users": ["1001"], "amount": "10", "note": "bench", "key": f"bench-{number}"}}
        studio.post("/api/actions", {"action": action})
        return studio.get("/api/players/1001")
    return p95([timed(lambda: one(number))[0] for number in range(AWARDS)])


def measured(url):
    """The figures of one database, as cells."""
    starts = []
    for _ in range(RUNS):
        studio = Studio(url)
        starts.append(studio.ready * 1000)
        studio.stop()
    studio = Studio(url)
    idle = memory(studio.child.pid, "VmRSS")
    first = statistics.median(timed(lambda: [studio.ask("GET", path) for path in ("/", "/studio.js", "/style.css")])[0] for _ in range(RUNS))
    times, deep = walk(studio, "/api/tables/milesTransactions/rows?limit=100")
    award = awards(studio)
    after = memory(studio.child.pid, "VmRSS")
    body = json.dumps({"table": "milesTransactions", "format": "csv"})
    took, exported = timed(lambda: len(studio.ask("POST", "/api/export", body)))
    peak = memory(studio.child.pid, "VmHWM")
    studio.stop()
    return [
        f"{statistics.median(starts):.0f} ms",
        f"{first:.1f} ms",
        f"{p95(times):.1f} ms, last page {deep:.1f} ms",
        f"{award:.0f} ms",
        f"{idle:.0f} / {after:.0f} / {peak:.0f} MB",
        f"{took / 1000:.1f} s, {exported / 1e6:.0f} MB",
    ]


def drizzle(url, folder):
    """When the peer's server says that it is up, and what it takes then; None where npm has it not."""
    (folder / "package.json").write_text('{"private": true}')
    installed = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", DRIZZLE, "drizzle-orm@0.44.7", "pg@8"],
                               cwd=folder, capture_output=True, text=True)
    if installed.returncode:
        print(f"drizzle-kit cannot be had: {installed.stderr.strip()[:200]}")
        return None
    (folder / "drizzle.config.json").write_text(json.dumps({"dialect": "postgresql", "dbCredentials": {"url": url}}))
    program = [shutil.which("node"), str(folder / "node_modules/drizzle-kit/bin.cjs"), "studio", "--port=4993"]
    starts, taken = [], 0
    for _ in range(max(3, RUNS // 3)):
        began = time.perf_counter()
        child = subprocess.Popen(program, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        said = ""
        for line in child.stdout:
            said += line
            if "is up and running" in line:
                break
        else:
            print(f"drizzle-kit studio does not start: {said.strip()[-300:]}")
            return None
        starts.append((time.perf_counter() - began) * 1000)
        taken = memory(child.pid, "VmRSS")
        child.kill()
        child.wait()
    return [f"{statistics.median(starts):.0f} ms", "from the network", "", "", f"{taken:.0f} MB idle", ""]


def main():
    header = ["", "ready", "the page's files", "100 rows by key, p95", "award to new balance, p95", "memory idle / used / peak", "export of all"]
    with Server() as server, tempfile.TemporaryDirectory(prefix="skyteam-bench-") as folder:
        folder = Path(folder)
        url = server.fresh("studio")
        lite = f"sqlite:{folder / 'studio.db'}"
        for each in (url, lite):
            subprocess.run([SKYTEAM, "db", "migrate"] if each == url else [SKYTEAM, "db", "push"], check=True, env=environment(each),
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server.sql(LEDGER, "studio")
        server.sql("VACUUM ANALYZE", "studio")
        subprocess.run([SKYTEAM, "db", "transfer", "--to", lite], env=environment(url), check=True,
                       stdout=subprocess.DEVNULL)
        rows = [["skyteam, PostgreSQL", *measured(url)], ["skyteam, SQLite", *measured(lite)]]
        peer = drizzle(url, folder)
        if peer:
            rows.append([f"{DRIZZLE} studio, PostgreSQL", *peer])
        table(f"The studio on {ROWS} entries, medians", header, rows)


if __name__ == "__main__":
    main()
