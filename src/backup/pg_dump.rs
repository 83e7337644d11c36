//! Dumps in PostgreSQL's own formats, by the client programs that are installed.
//!
//! What restores them is [`super::pg_restore`]. The programs get the login by libpq's variables, which the caller makes: nothing of it is in the list of processes.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::{PgPool, Row};
use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::backend::postgres::locks;
use super::create::Written;
use super::error::{BackupError, Result};
use super::format::hex::hex;
use super::format::manifest::{Contents, Signature, Subject};
use super::holders;
use super::identity::Identity;
use super::script::{self, Line, Lines, contains};
use super::signature::SigningKey;
use super::store::Placed;
use super::store::folder::{MadeOf, Note};
use crate::db::child::ExportedSnapshot;
use crate::db::{Database, quote};
use crate::system::{self, Package};

/// The two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// SQL.
    Plain,
    /// PostgreSQL's archive of one file.
    Custom,
}

/// What is to be dumped.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// In which format.
    pub format: Format,
    /// Rows, tables, or both.
    pub contents: Contents,
    /// Only these tables; the whole database when empty.
    pub tables: Vec<String>,
    /// Whether grants go with it. They name roles that another server may not have.
    pub privileges: bool,
}

/// The environment that a program runs in: the caller's, with the login in libpq's variables.
pub(crate) type Environment = BTreeMap<String, String>;

const LAST_LINE: &[u8] = b"-- PostgreSQL database dump complete";
/// How long pg_dump waits for a table, while it holds those before it.
const LOCK_WAIT: Duration = Duration::from_millis(500);
/// How much of a dump is read at once, in bytes.
const BUFFER: usize = 256 << 10;
/// How much of what a program complains about is shown.
const COMPLAINT: usize = 2000;

/// Runs `pg_dump` and passes its output on. Until it has its locks it is tried again, as long as `patience` says.
///
/// # Errors
/// [`BackupError::Program`] when it is missing, older than the server, or fails; [`BackupError::InUse`],
/// [`BackupError::GaveWay`]; what `sink` returns.
pub(crate) async fn dump(
    database: &Database,
    wanted: &Wanted,
    env: &Environment,
    patience: Duration,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<Written> {
    check_version("pg_dump", server_version(database).await?, env).await?;
    let tries = locks::RetryBudget::within(patience);
    loop {
        let mut begun = false;
        let noted = &mut |bytes: &[u8]| {
            begun = true;
            sink(bytes)
        };
        match run(database, wanted, env, noted).await {
            Err(BackupError::InUse { .. } | BackupError::GaveWay { .. }) if !begun && tries.pause().await => {}
            done => return done,
        }
    }
}

async fn run(
    database: &Database,
    wanted: &Wanted,
    env: &Environment,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<Written> {
    // By this name its sessions are found on the server.
    let application = format!("skyteam pg_dump {}", uuid::Uuid::new_v4().simple());
    let mut command = program("pg_dump", env);
    command.env("PGAPPNAME", &application);
    // A snapshot exists in one database of one server only, so a program that got elsewhere fails in its first statement.
    let pool = database.postgres().ok_or(BackupError::Worker)?;
    let snapshot = ExportedSnapshot::of(pool).await?;
    command.arg(format!("--snapshot={}", snapshot.name));
    command.args(["--no-password", "--no-owner"]).arg(format!("--lock-wait-timeout={}", LOCK_WAIT.as_millis()));
    if !wanted.privileges {
        command.arg("--no-privileges");
    }
    command.arg(if wanted.format == Format::Plain { "--format=plain" } else { "--format=custom" });
    match wanted.contents {
        Contents::All => {}
        Contents::Schema => drop(command.arg("--schema-only")),
        Contents::Data => drop(command.arg("--data-only")),
    }
    // What this database remembers vouches for nothing in another, which may not have the table.
    command.arg("--exclude-table=skyteam.backups");
    command.args(wanted.tables.iter().map(|table| format!("--table=public.{}", quote(table))));
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
    let finished = async { tokio::join!(copy, complaint) };
    let giving_way = AtomicBool::new(false);
    let (copied, complaint) = tokio::select! {
        finished = finished => finished,
        gave_way = give_way(database, &application, &giving_way) => return Err(gave_way),
    };
    if giving_way.into_inner() {
        // The program was faster to say that its session has ended than the server was to us.
        return Err(gave_way(database).await);
    }
    snapshot.close().await;
    copied.map_err(BackupError::io("writing the backup"))?;
    let done = ended("pg_dump", child.wait().await, &complaint);
    if done.is_err() && contains(&complaint, b"LOCK TABLE") {
        // In the server's language, a lock that is denied cannot be told from one that is waited for.
        let unreadable = unreadable_tables(pool, &wanted.tables).await?;
        if !unreadable.is_empty() {
            let role: String = sqlx::query_scalar("SELECT current_user::text").fetch_one(pool).await?;
            let why = format!("pg_dump reads every table that it dumps, and {}", unreadable.join(", "));
            return Err(BackupError::Unreadable { role, why: format!("{why} may not be read") });
        }
        let holders = holders::in_the_way(database, "ACCESS SHARE").await;
        return Err(BackupError::InUse { holders, source: None });
    }
    if done.is_err() && contains(&complaint, b"no matching tables were found") {
        let known = super::version::latest()?.tables().map(str::to_owned).collect();
        return Err(BackupError::NoTable { name: wanted.tables.join(", "), known });
    }
    done?;
    if wanted.format == Format::Plain && !contains(&tail, LAST_LINE) {
        return Err(failed("pg_dump", "its output does not end as it should"));
    }
    Ok(Written { size, sha256: hex(&hash.finalize()) })
}

/// The tables that a dump of these (of all, where there are none) would hold and this role may not read. What belongs to an
/// extension is in no dump.
async fn unreadable_tables(pool: &PgPool, tables: &[String]) -> Result<Vec<String>> {
    let sql = "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          AND (pg_catalog.cardinality($1::text[]) = 0 OR (n.nspname = 'public' AND c.relname = ANY ($1::text[])))
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                          AND d.objid = c.oid AND d.deptype = 'e')
          AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))
        ORDER BY 1";
    Ok(sqlx::query_scalar(sql).bind(tables).fetch_all(pool).await?)
}

/// Ends the sessions of the program once a session waits to change a table that it reads, with all others queued
/// behind. It cannot go on from there, and what it has written is not whole.
async fn give_way(database: &Database, application: &str, giving_way: &AtomicBool) -> BackupError {
    let waits = async {
        let Some(pool) = database.postgres() else { return std::future::pending().await };
        let mut connection = pool.acquire().await?;
        let pids = locks::somebody_waits_for(&mut connection, application).await?;
        giving_way.store(true, Ordering::Relaxed);
        locks::end_sessions(&mut connection, &pids).await
    };
    match waits.await {
        Ok(()) => gave_way(database).await,
        Err(error) => error.into(),
    }
}

async fn gave_way(database: &Database) -> BackupError {
    BackupError::GaveWay { holders: holders::in_the_way(database, "ACCESS SHARE").await }
}

/// What is kept beside a dump: what it was made of, and who vouches for it.
pub(crate) fn note(
    database: &Database,
    identity: Option<Identity>,
    wanted: &Wanted,
    at: DateTime<Utc>,
    made: &Written,
    key: Option<&SigningKey>,
) -> DumpNote {
    let mut tables = wanted.tables.clone();
    tables.sort();
    let (database, engine) = (database.name().to_owned(), database.engine());
    let subject = Subject { identity, database, engine, contents: wanted.contents, tables };
    DumpNote {
        sha256: made.sha256.clone(),
        signature: key.map(|key| key.sign_dump(&made.sha256)),
        made: MadeOf { created_at: at, subject },
    }
}

/// What [`note`] returns, before the dump has its place.
pub(crate) struct DumpNote {
    sha256: String,
    signature: Option<Signature>,
    made: MadeOf,
}

impl DumpNote {
    /// The note of the dump that has its place.
    pub(crate) fn about(self, placed: &Placed) -> Note {
        let mut note = Note::of(placed.size, placed.ends.clone(), self.sha256);
        note.signature = self.signature;
        note.made = Some(self.made);
        note
    }
}

/// Reads a dump to its end without a database: whether it is whole, as far as that can be found out, and whether it is
/// nothing but what `pg_dump` writes for psql.
///
/// # Errors
/// [`BackupError::Damaged`]; [`BackupError::PsqlCommand`]; [`BackupError::NewerDump`] where this machine's programs cannot read a dump that may be
/// sound; [`BackupError::Program`] when `pg_restore` is missing.
pub(crate) async fn check(path: &Path, format: Format, env: &Environment) -> Result<()> {
    if format == Format::Custom {
        let mut command = program("pg_restore", env);
        let command = command.args(["--no-owner", "--file=-"]).arg(path).stdout(Stdio::piped());
        let mut child = start("pg_restore", command)?;
        let out = child.stdout.take().ok_or(BackupError::Worker)?;
        let script = Lines::new(BufReader::with_capacity(BUFFER, out));
        let (commands, complaint) = tokio::join!(script::refuse_commands(script), complaint(&mut child));
        return match child.wait().await {
            // It cannot go on writing where nothing reads on.
            _ if matches!(commands, Err(BackupError::PsqlCommand { .. })) => commands,
            Ok(status) if status.success() => commands,
            _ => {
                let why = last_words(&complaint, "pg_restore cannot read it");
                Err(if is_of_another_version(&why) {
                    BackupError::NewerDump { path: path.to_owned(), why }
                } else {
                    BackupError::archive(why)
                })
            }
        };
    }
    let mut file = std::fs::File::open(path).map_err(BackupError::io("reading the backup"))?;
    let len = file.metadata().map_err(BackupError::io("reading the backup"))?.len();
    let mut tail = Vec::new();
    io::Seek::seek(&mut file, io::SeekFrom::Start(len.saturating_sub(4096)))
        .and_then(|_| io::Read::read_to_end(&mut file, &mut tail))
        .map_err(BackupError::io("reading the backup"))?;
    if !contains(&tail, LAST_LINE) {
        return Err(BackupError::archive("it ends before the dump does"));
    }
    let file = tokio::fs::File::open(path).await.map_err(BackupError::io("reading the backup"))?;
    script::refuse_commands(Lines::new(BufReader::with_capacity(BUFFER, file))).await
}

/// Whether `pg_restore` complains of what it is itself: older than the program that made the dump, or built without the
/// compression that was used.
fn is_of_another_version(complaint: &str) -> bool {
    ["unsupported version", "does not support compression", "not supported in this installation", "not built with"]
        .iter()
        .any(|words| complaint.contains(words))
}

/// What a dump holds, as far as a restore must know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Toc {
    /// Names of the tables that it makes.
    pub made: Vec<String>,
    /// Names of the tables that it has rows of.
    pub filled: Vec<String>,
}

impl Toc {
    /// Whether it brings rows and nothing that would take them.
    pub(crate) fn is_data_only(&self) -> bool {
        self.made.is_empty() && !self.filled.is_empty()
    }
}

/// Reads what `pg_restore --list` prints.
pub(crate) fn listed(list: &str) -> Toc {
    let mut toc = Toc::default();
    for line in list.lines() {
        // `215; 1259 16391 TABLE public users owner`, `3344; 0 16391 TABLE DATA public users owner`
        let mut words = line.split(' ').skip(3);
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("TABLE"), Some("DATA"), _, Some(name)) => toc.filled.push(name.to_owned()),
            (Some("TABLE"), _, Some(name), _) => toc.made.push(name.to_owned()),
            _ => {}
        }
    }
    toc
}

/// Looks through a dump.
///
/// # Errors
/// [`BackupError::Io`]; [`BackupError::Program`] when `pg_restore` is missing or fails.
pub(crate) async fn toc(path: &Path, format: Format, env: &Environment) -> Result<Toc> {
    if format == Format::Custom {
        let mut command = program("pg_restore", env);
        let child = start("pg_restore", command.arg("--list").arg(path).stdout(Stdio::piped()))?;
        let out = child.wait_with_output().await.map_err(|error| failed("pg_restore", &error.to_string()))?;
        ended("pg_restore", Ok(out.status), &out.stderr)?;
        return Ok(listed(&String::from_utf8_lossy(&out.stdout)));
    }
    let mut toc = Toc::default();
    let file = tokio::fs::File::open(path).await.map_err(BackupError::io("reading the backup"))?;
    let mut lines = Lines::new(BufReader::new(file));
    while let Some(line) = lines.next().await.map_err(BackupError::io("reading the backup"))? {
        let names = |line: &[u8]| {
            let line = String::from_utf8_lossy(line).into_owned();
            let name = line.split([' ', '(']).find(|word| word.contains('.')).unwrap_or_default();
            name.rsplit('.').next().unwrap_or_default().trim_matches('"').to_owned()
        };
        match line {
            Line::Copy(line) => toc.filled.push(names(line)),
            Line::Sql(line) if line.starts_with(b"CREATE TABLE ") => toc.made.push(names(line)),
            Line::Sql(line) if line.starts_with(b"INSERT INTO ") => {
                let name = names(line);
                if toc.filled.last() != Some(&name) {
                    toc.filled.push(name);
                }
            }
            Line::Sql(_) | Line::Within(_) | Line::Row(_) | Line::Command { .. } => {}
        }
    }
    Ok(toc)
}

pub(super) async fn server_version(database: &Database) -> Result<u32> {
    let Some(pool) = database.postgres() else {
        return Err(failed("pg_dump", "it knows PostgreSQL only, and this database is SQLite"));
    };
    let row = sqlx::query("SELECT current_setting('server_version_num')::int4 AS number").fetch_one(pool).await?;
    Ok(row.try_get::<i32, _>("number")?.unsigned_abs())
}

pub(super) fn program(name: &str, env: &Environment) -> Command {
    let mut command = Command::new(name);
    command.env_clear().envs(env).stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

pub(super) fn start(name: &'static str, command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BackupError::Program {
            program: name,
            why: "it is not installed".into(),
            fix: Some(system::install(Package::PostgresClient(None))),
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

pub(super) async fn check_version(name: &'static str, server: u32, env: &Environment) -> Result<()> {
    let (major, _) = version(name, env).await?;
    let server = server / 10_000;
    if major >= server {
        return Ok(());
    }
    Err(BackupError::Program {
        program: name,
        why: format!("it is of version {major}, and the server of version {server}: it must be as new"),
        fix: Some(system::install(Package::PostgresClient(Some(server)))),
    })
}

/// Whether psql can be locked: since August 2025, in every branch.
pub(super) async fn check_restricted(env: &Environment) -> Result<()> {
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
        why: format!("version {major}.{minor} cannot be kept from running shell commands that are in a dump"),
        fix: Some(system::UPGRADE_POSTGRES_CLIENT.into()),
    })
}

/// The end of what a program says on its standard error.
pub(super) async fn complaint(child: &mut Child) -> Vec<u8> {
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

pub(super) fn ended(name: &'static str, status: io::Result<ExitStatus>, complaint: &[u8]) -> Result<()> {
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

pub(super) fn failed(program: &'static str, why: &str) -> BackupError {
    BackupError::Program { program, why: why.to_owned(), fix: None }
}

/// SHA-256 of a word, in hexadecimal.
pub(super) fn sha256_of(word: &str) -> String {
    hex(&Sha256::digest(word.as_bytes()))
}
