//! Somebody else's session that holds a lock for as long as the value lives.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::postgres::binary;
use super::{Engine, World};

/// An open transaction of `psql` or `sqlite3`.
#[derive(Debug)]
pub struct Holder(Child);

impl Holder {
    /// Runs this statement in a transaction on the world's database, and leaves it open. On SQLite the transaction alone
    /// holds the file, and the statement may be empty.
    pub fn takes(world: &World, statement: &str) -> Self {
        let (mut program, begin) = match world.engine() {
            Engine::Postgres => {
                let mut psql = Command::new(binary("psql"));
                psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", &world.url()]).env("PGAPPNAME", "a patient reader");
                (psql, "BEGIN")
            }
            Engine::Sqlite => {
                let mut sqlite = Command::new("sqlite3");
                sqlite.arg(world.work().join("skyteam.db"));
                (sqlite, "BEGIN IMMEDIATE")
            }
        };
        let program = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut program = program.expect("psql and sqlite3 run: apt-get install postgresql sqlite3");
        let script = format!("{begin};\n{statement};\nSELECT 'held';\n");
        program.stdin.as_mut().unwrap().write_all(script.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n", "{statement}");
        Self(program)
    }

    /// Commits what it has done.
    pub fn commits(mut self) {
        let mut input = self.0.stdin.take().unwrap();
        input.write_all(b"COMMIT;\n").unwrap();
        drop(input);
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}
