//! Somebody else's session that holds a lock for as long as the value lives.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::World;
use super::postgres::binary;

/// An open transaction of `psql`.
#[derive(Debug)]
pub struct Holder(Child);

impl Holder {
    /// Runs this statement in a transaction on the world's PostgreSQL database, and leaves it open.
    pub fn takes(world: &World, statement: &str) -> Self {
        let mut psql = Command::new(binary("psql"))
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", &world.url()])
            .env("PGAPPNAME", "a patient reader")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let script = format!("BEGIN;\n{statement};\nSELECT 'held';\n");
        psql.stdin.as_mut().unwrap().write_all(script.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(psql.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n", "{statement}");
        Self(psql)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
