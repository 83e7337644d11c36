"""Start-up, push on an empty database, push in sync: against drizzle-kit 0.31, in one run.

drizzle-kit and its driver come from npm into a temporary folder; it pushes the very schema that
`skyteam db schema -o drizzle` prints.
"""

import os
import shutil
import subprocess
import tempfile

from harness import SKYTEAM, Server, cost, paired, ratio, shown, skyteam, table

PACKAGES = ["drizzle-kit@0.31", "drizzle-orm@0.44", "postgres@3.4"]


def install(folder):
    """drizzle-kit with the schema of ours beside it."""
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, *PACKAGES]
    subprocess.run(npm, check=True, stdout=subprocess.DEVNULL)
    schema = subprocess.run([SKYTEAM, "db", "schema", "-o", "drizzle"], check=True, capture_output=True).stdout
    with open(os.path.join(folder, "schema.ts"), "wb") as file:
        file.write(schema)
    with open(os.path.join(folder, "drizzle.config.ts"), "w") as file:
        file.write(
            'export default { dialect: "postgresql", schema: "./schema.ts", dbCredentials: { url: process.env.DATABASE_URL } };\n'
        )


def main():
    drizzle = tempfile.mkdtemp(prefix="skyteam-drizzle-")
    try:
        install(drizzle)
        with Server() as server:
            kit = os.path.join(drizzle, "node_modules/drizzle-kit/bin.cjs")

            def drizzle_kit(*args, url):
                return cost(["node", kit, *args], env={**os.environ, "DATABASE_URL": url}, cwd=drizzle)

            startup = paired(
                lambda: skyteam("--help"),
                lambda: drizzle_kit("--help", url=""),
            )
            empty = paired(
                lambda: skyteam("db", "push", url=server.fresh("ours")),
                lambda: drizzle_kit("push", "--force", url=server.fresh("theirs")),
            )
            in_sync = paired(
                lambda: skyteam("db", "push", url=server.url("ours")),
                lambda: drizzle_kit("push", "--force", url=server.url("theirs")),
            )
            (embedded,) = paired(lambda: embedded_push(drizzle))
        rows = [
            [name, shown(ours), shown(theirs), ratio(theirs, ours)]
            for name, (ours, theirs) in [
                ("start-up (`--help`)", startup),
                ("push on an empty PostgreSQL", empty),
                ("push in sync on PostgreSQL", in_sync),
            ]
        ]
        rows.append(["first push, embedded SQLite", shown(embedded), "", ""])
        table("Foundation, medians", ["", "skyteam", "drizzle-kit 0.31", "skyteam takes less by"], rows)
    finally:
        shutil.rmtree(drizzle, ignore_errors=True)


def embedded_push(folder):
    """A first push that makes the file."""
    file = os.path.join(folder, "embedded.db")
    for name in [file, f"{file}-wal", f"{file}-shm"]:
        if os.path.exists(name):
            os.remove(name)
    return skyteam("db", "push", url=f"sqlite:{file}")


if __name__ == "__main__":
    main()
