//! What a database consists of, as text that compares: for tests which claim that nothing, or exactly this, changed.

use std::path::Path;
use std::process::Command;

use super::postgres::binary;
use super::{Engine, World};

/// The dump of a database as Drizzle Kit left it, with rows.
pub const DRIZZLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/drizzle-postgres.sql");

impl World {
    /// Everything that the catalogue holds: `pg_dump --schema-only`, or `sqlite_schema` with one space between words.
    #[track_caller]
    pub fn catalogue(&self) -> String {
        match self.engine() {
            Engine::Postgres => {
                let dump = Command::new(binary("pg_dump"))
                    .args(["--schema-only", "--no-owner", "--dbname", &self.url()])
                    .output()
                    .unwrap();
                assert!(dump.status.success(), "pg_dump: {}", String::from_utf8_lossy(&dump.stderr));
                let text = String::from_utf8(dump.stdout).unwrap();
                // Newer ones write a random word into \restrict.
                let ours = |line: &&str| !line.starts_with('\\') && !line.starts_with("--");
                text.lines().filter(ours).collect::<Vec<_>>().join("\n")
            }
            Engine::Sqlite => {
                let text = self.query("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name");
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// Runs a script of `psql` in its database.
    #[track_caller]
    pub fn psql(&self, script: &Path) {
        let run = Command::new(binary("psql"))
            .args(["-qX", "-v", "ON_ERROR_STOP=1", "-d", &self.url(), "-f"])
            .arg(script)
            .output()
            .unwrap();
        assert!(run.status.success(), "psql: {}", String::from_utf8_lossy(&run.stderr));
    }

    /// Makes the SQLite file, empty, where it is not there yet.
    pub fn touch(&self) {
        if self.engine() == Engine::Sqlite {
            std::fs::File::options().create(true).append(true).open(self.work().join("skyteam.db")).unwrap();
        }
    }
}
