//! Dumps in PostgreSQL's own formats, by the client programs that are installed.
//!
//! The programs get the login by libpq's variables, which the caller makes: nothing of it stands in the process list.
//! A dump is SQL, and runs with the rights of the role that restores it. What psql could do beyond that, its backslash
//! commands with a shell among them, is locked by psql itself (`\restrict`), not by looking for them here.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::Row;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::error::{BackupError, Result};
use super::folder::{self, MadeOf, Note};
use super::make::Written;
use super::manifest::{Contents, Subject};
use super::postgres;
use super::shape::quoted;
use super::tape::hex;
use crate::db::Database;

/// The two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// SQL.
    Plain,
    /// PostgreSQL's archive of one file.
    Custom,
}

/// What is to be dumped.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// In which format.
    pub format: Format,
    /// Rows, tables, or both.
    pub contents: Contents,
    /// Only these tables; the whole database when empty.
    pub tables: Vec<String>,
}

/// The environment that a program runs in: the caller's, with the login in libpq's variables.
pub type Environment = BTreeMap<String, String>;

const LAST_LINE: &[u8] = b"-- PostgreSQL database dump complete";
/// How much of what a program complains about is shown.
const COMPLAINT: usize = 2000;

/// Runs `pg_dump` and hands its output on.
///
/// # Errors
/// [`BackupError::Program`] when it is missing, older than the server, or fails; what `sink` answers.
pub async fn dump(
    database: &Database,
    wanted: &Wanted,
    env: &Environment,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<Written> {
    check_version("pg_dump", server_version(database).await?, env).await?;
    let mut command = program("pg_dump", env);
    command.args(["--no-password", "--no-owner"]);
    command.arg(if wanted.format == Format::Plain { "--format=plain" } else { "--format=custom" });
    match wanted.contents {
        Contents::All => {}
        Contents::Schema => drop(command.arg("--schema-only")),
        Contents::Data => drop(command.arg("--data-only")),
    }
    command.args(wanted.tables.iter().map(|table| format!("--table={}", quoted(table))));
    let mut child = start("pg_dump", command.stdout(Stdio::piped()))?;
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut tail = Vec::new();
    let out = child.stdout.take().ok_or(BackupError::Worker)?;
    let complaint = complaint(&mut child);
    let copy = async {
        // Closed when this ends, however it ends: that is what stops the program.
        let mut out = out;
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = out.read(&mut buffer).await?;
            if count == 0 {
                return Ok::<(), io::Error>(());
            }
            hash.update(&buffer[..count]);
            size += count as u64;
            tail.extend_from_slice(&buffer[..count]);
            tail.drain(..tail.len().saturating_sub(4096));
            sink(&buffer[..count])?;
        }
    };
    let (copied, complaint) = tokio::join!(copy, complaint);
    copied.map_err(BackupError::io("writing the backup"))?;
    ended("pg_dump", child.wait().await, &complaint)?;
    if wanted.format == Format::Plain && !contains(&tail, LAST_LINE) {
        return Err(failed("pg_dump", "its output does not end as it should"));
    }
    Ok(Written { size, sha256: hex(&hash.finalize()) })
}

/// Leaves beside a dump what it does not say itself, so that it can be listed and pruned.
///
/// # Errors
/// [`BackupError::Io`].
pub fn leave_note(path: &Path, database: &Database, wanted: &Wanted, at: DateTime<Utc>, made: &Written) -> Result<()> {
    let mut tables = wanted.tables.clone();
    tables.sort();
    let (database, engine) = (database.name().to_owned(), database.engine());
    let subject = Subject { database, engine, contents: wanted.contents, tables };
    let mut note = Note::about(path, &made.sha256)?;
    note.made = Some(MadeOf { created_at: at, subject });
    folder::write_note(path, &note)
}

/// Reads a dump to its end without a database: whether it is whole, as far as that can be told.
///
/// # Errors
/// [`BackupError::Damaged`]; [`BackupError::Program`] when `pg_restore` is missing.
pub async fn check(path: &Path, format: Format, env: &Environment) -> Result<()> {
    if format == Format::Custom {
        let mut command = program("pg_restore", env);
        let command = command.args(["--no-owner", "--file=-"]).arg(path).stdout(Stdio::null());
        let mut child = start("pg_restore", command)?;
        let complaint = complaint(&mut child).await;
        return match child.wait().await {
            Ok(status) if status.success() => Ok(()),
            _ => Err(BackupError::archive(last_words(&complaint, "pg_restore cannot read it"))),
        };
    }
    let mut file = std::fs::File::open(path).map_err(BackupError::io("reading the backup"))?;
    let len = file.metadata().map_err(BackupError::io("reading the backup"))?.len();
    let mut tail = Vec::new();
    io::Seek::seek(&mut file, io::SeekFrom::Start(len.saturating_sub(4096)))
        .and_then(|_| io::Read::read_to_end(&mut file, &mut tail))
        .map_err(BackupError::io("reading the backup"))?;
    if contains(&tail, LAST_LINE) { Ok(()) } else { Err(BackupError::archive("it ends before the dump does")) }
}

/// How a dump is restored.
#[derive(Clone, Debug)]
pub struct Restore<'a> {
    /// The dump.
    pub path: &'a Path,
    /// Its format.
    pub format: Format,
    /// Tables that are dropped first.
    pub dropped: Vec<String>,
    /// Only these tables; custom format only.
    pub tables: Vec<String>,
    /// Whether it shall last.
    pub commit: bool,
}

/// Runs a dump in one transaction. When it fails, the database is as it was.
///
/// # Errors
/// [`BackupError::Program`].
pub async fn restore(database: &Database, wanted: &Restore<'_>, env: &Environment) -> Result<()> {
    let server = server_version(database).await?;
    check_restricted(env).await?;
    let mut psql = program("psql", env);
    psql.args(["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--file=-"]);
    let mut psql = start("psql", psql.stdin(Stdio::piped()).stdout(Stdio::null()))?;
    let mut reader = None;
    let mut lines: BufReader<Box<dyn tokio::io::AsyncRead + Unpin + Send>> = match wanted.format {
        Format::Plain => {
            let file = tokio::fs::File::open(wanted.path).await.map_err(BackupError::io("reading the backup"))?;
            BufReader::new(Box::new(file))
        }
        Format::Custom => {
            check_version("pg_restore", server, env).await?;
            let mut command = program("pg_restore", env);
            command.args(["--no-owner", "--file=-"]);
            command.args(wanted.tables.iter().map(|table| format!("--table={table}"))).arg(wanted.path);
            let mut child = start("pg_restore", command.stdout(Stdio::piped()))?;
            let out = child.stdout.take().ok_or(BackupError::Worker)?;
            reader = Some(child);
            BufReader::new(Box::new(out))
        }
    };
    let input = psql.stdin.take().ok_or(BackupError::Worker)?;
    let complaint = complaint(&mut psql);
    let key = uuid::Uuid::new_v4().simple().to_string();
    let mut head = format!("\\restrict {key}\nBEGIN;\nSET LOCAL skyteam.maintenance = 'on';\n");
    if !wanted.dropped.is_empty() {
        let list: Vec<String> = wanted.dropped.iter().map(|table| quoted(table)).collect();
        head.push_str(&format!("DROP TABLE {};\n", list.join(", ")));
        // A dump of the whole database brings the bookkeeping too. Without CASCADE: what others keep there stops it.
        for statement in postgres::drop_functions()? {
            head.push_str(&format!("{statement};\n"));
        }
        head.push_str("DROP TABLE IF EXISTS skyteam.migrations, skyteam.verifications;\n");
        head.push_str("DROP SCHEMA IF EXISTS skyteam;\n");
    }
    let feed = async {
        // Closed when this ends, however it ends: that is what psql waits for.
        let mut input = input;
        input.write_all(head.as_bytes()).await?;
        copy_lines(&mut lines, &mut input).await?;
        // A dump by pg_restore that failed must not be committed.
        let whole = match reader {
            None => true,
            Some(mut reader) => reader.wait().await?.success(),
        };
        let end = if wanted.commit && whole { "COMMIT" } else { "ROLLBACK" };
        input.write_all(format!("{end};\n\\unrestrict {key}\n").as_bytes()).await?;
        input.shutdown().await?;
        Ok::<bool, io::Error>(whole)
    };
    let (fed, complaint) = tokio::join!(feed, complaint);
    ended("psql", psql.wait().await, &complaint)?;
    match fed {
        Ok(true) => Ok(()),
        Ok(false) => Err(failed("pg_restore", "it could not read the dump to its end")),
        Err(error) => Err(BackupError::io("feeding psql")(error)),
    }
}

/// Copies a dump, without its own locks: ours is on already.
async fn copy_lines(
    from: &mut (impl AsyncBufReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut in_copy = false;
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let is_lock = !in_copy && (line.starts_with(b"\\restrict ") || line.starts_with(b"\\unrestrict "));
        if in_copy {
            in_copy = line != b"\\.\n";
        } else {
            in_copy = line.starts_with(b"COPY ") && line.ends_with(b" FROM stdin;\n");
        }
        if !is_lock {
            to.write_all(&line).await?;
        }
    }
}

async fn server_version(database: &Database) -> Result<u32> {
    let Some(pool) = database.postgres() else {
        return Err(failed("pg_dump", "it knows PostgreSQL only, and this database is SQLite"));
    };
    let row = sqlx::query("SELECT current_setting('server_version_num')::int4 AS number").fetch_one(pool).await?;
    Ok(row.try_get::<i32, _>("number")?.unsigned_abs())
}

fn program(name: &str, env: &Environment) -> Command {
    let mut command = Command::new(name);
    command.env_clear().envs(env).stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

fn start(name: &'static str, command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BackupError::Program {
            program: name,
            why: "it is not installed".into(),
            fix: Some("apt-get install postgresql-client".into()),
        },
        _ => failed(name, &format!("it cannot be started: {error}")),
    })
}

/// `15.18` of `pg_dump (PostgreSQL) 15.18 (Debian …)`.
async fn version(name: &'static str, env: &Environment) -> Result<(u32, u32)> {
    let mut command = program(name, env);
    let child = start(name, command.arg("--version").stdout(Stdio::piped()))?;
    let out = child.wait_with_output().await.map_err(|error| failed(name, &error.to_string()))?;
    let text = String::from_utf8_lossy(&out.stdout);
    let number =
        text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default();
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0);
    let mut parts = number.split('.');
    Ok((parts.next().map_or(0, digits), parts.next().map_or(0, digits)))
}

async fn check_version(name: &'static str, server: u32, env: &Environment) -> Result<()> {
    let (major, _) = version(name, env).await?;
    let server = server / 10_000;
    if major >= server {
        return Ok(());
    }
    Err(BackupError::Program {
        program: name,
        why: format!("it is of version {major}, and the server of version {server}: it must be as new"),
        fix: Some(format!("apt-get install postgresql-client-{server}")),
    })
}

/// Whether psql can be locked: since August 2025, in every branch.
async fn check_restricted(env: &Environment) -> Result<()> {
    let (major, minor) = version("psql", env).await?;
    let locks = match major {
        13 => minor >= 22,
        14 => minor >= 19,
        15 => minor >= 14,
        16 => minor >= 10,
        17 => minor >= 6,
        newer => newer >= 18,
    };
    if locks {
        return Ok(());
    }
    Err(BackupError::Program {
        program: "psql",
        why: format!("version {major}.{minor} cannot be kept from running shell commands that stand in a dump"),
        fix: Some("apt-get install --only-upgrade postgresql-client".into()),
    })
}

/// The end of what a program says on its standard error.
async fn complaint(child: &mut Child) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(mut err) = child.stderr.take() {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = err.read(&mut buffer).await {
            said.extend_from_slice(&buffer[..count]);
            said.drain(..said.len().saturating_sub(COMPLAINT));
        }
    }
    said
}

fn ended(name: &'static str, status: io::Result<ExitStatus>, complaint: &[u8]) -> Result<()> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(name, &last_words(complaint, &format!("it ended with {status}")))),
        Err(error) => Err(failed(name, &error.to_string())),
    }
}

fn last_words(complaint: &[u8], otherwise: &str) -> String {
    let text = String::from_utf8_lossy(complaint);
    let text = text.trim();
    if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

fn failed(program: &'static str, why: &str) -> BackupError {
    BackupError::Program { program, why: why.to_owned(), fix: None }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
