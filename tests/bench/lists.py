"""Lists that stream: a million users through a pipe, against `psql -c "COPY … TO STDOUT"` of the same rows.

The promise: under 40 MB of memory, and at least half as fast.
"""

import os
import subprocess
import tempfile
import time

from harness import SKYTEAM, Cost, Server, gnu_time, paired, pg_bin, table

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))

USERS = f"""
INSERT INTO "users" ("userId", "username", "displayName", "miles", "avatarUrl", "createdAt", "updatedAt")
SELECT (1000000000 + n)::text, 'pilot_' || n, CASE n % 7 WHEN 0 THEN 'Капитан "' || n || '" ✈' ELSE 'Captain Pilot ' || n END,
    n % 250000, CASE n % 2 WHEN 0 THEN 'https://tr.rbxcdn.com/30DAY-AvatarHeadshot-' || md5(n::text) || '-Png/150/150' END,
    timestamp '2024-01-01' + n * interval '17.000123 seconds', timestamp '2025-01-01' + n * interval '11 seconds'
FROM generate_series(1, {ROWS}) n
"""


def piped(command, **env):
    """Runs a program whose output somebody reads as fast as it comes; its wall time and its peak memory."""
    with tempfile.NamedTemporaryFile("r") as peak:
        timed = [gnu_time(), "--quiet", "-f", "%M", "-o", peak.name, *command]
        began = time.perf_counter()
        child = subprocess.Popen(timed, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **env},
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0)
        lines, chunk = 0, bytearray(1 << 20)
        while size := child.stdout.readinto(chunk):
            lines += chunk.count(b"\n", 0, size)
        code = child.wait()
        seconds = time.perf_counter() - began
        child.stdout.close()
        if code or lines not in (ROWS, ROWS + 1):
            raise SystemExit(f"{' '.join(command)} ended with {code} after {lines} lines")
        return Cost(seconds, int(peak.read()) / 1024)


def main():
    with Server() as server:
        url = server.fresh("lists")
        subprocess.run([SKYTEAM, "db", "migrate"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "DATABASE_URL": url})
        server.sql(USERS, "lists")
        server.sql('VACUUM ANALYZE "users"', "lists")
        psql = [os.path.join(pg_bin(), "psql"), "-Xq", "-d", url, "-c"]
        copies = {
            "ndjson": 'COPY (SELECT * FROM "users") TO STDOUT',
            "csv": 'COPY (SELECT * FROM "users") TO STDOUT (FORMAT csv, HEADER)',
        }
        rows = []
        for form, copy in copies.items():
            ours, theirs = paired(
                lambda: piped([SKYTEAM, "user", "list", "-o", form], DATABASE_URL=url),
                lambda: piped([*psql, copy]),
            )
            rows.append([
                f"{ROWS} users, {form}",
                f"{ours.seconds:.2f} s, {ours.megabytes:.0f} MB",
                f"{theirs.seconds:.2f} s, {theirs.megabytes:.0f} MB",
                f"{theirs.seconds / ours.seconds:.2f}",
            ])
        table("Lists, medians", ["", "skyteam user list", "psql COPY", "speed against COPY (at least 0.5)"], rows)


if __name__ == "__main__":
    main()
