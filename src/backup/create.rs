//! Making an archive of a database, whichever engine it is on.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};
use sha2::{Digest, Sha256};

use super::backend::{postgres, sqlite};
use super::error::{BackupError, Result};
use super::format::archive::{Progress, Rewrite};
use super::format::crypt::Recipients;
use super::format::definitions::Definitions;
use super::format::manifest::{AppliedMigration, Contents, FORMAT, Manifest, READING_TIMESTAMPS, TableEntry};
use super::format::table_schema::TableShape;
use super::format::{archive, container};
use super::identity::Identity;
use super::signature::SigningKey;
use super::spool::{Spool, Spools};
use super::version::At;
use super::{restore, unarchivable, version};
use crate::db::Database;

/// How long a snapshot waits for tables that others change the structure of.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);
/// How often a backup begins anew that gave way to a change of the tables, and how long all that was given up may have
/// taken. What took longer is for whoever started it to begin again: exit 11 at once, instead of hours without a word.
const TRIES: u32 = 5;
const GIVEN_UP: Duration = Duration::from_secs(30);

/// What is to be backed up.
#[derive(Clone)]
pub struct Wanted {
    /// Rows, tables, or both.
    pub contents: Contents,
    /// Only these tables; all when empty.
    pub tables: Vec<String>,
    /// Which database it is, where that is known and of use.
    pub identity: Option<Identity>,
    /// Changes cells on their way. What is rewritten holds no columns but skyteam's: what others stand for, nobody knows.
    pub rewrite: Option<Rewrite>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { contents: Contents::All, tables: Vec::new(), identity: None, rewrite: None }
    }
}

/// One consistent state of a database, held open for reading.
pub enum Snapshot {
    /// PostgreSQL.
    Postgres(Box<postgres::Snapshot>),
    /// SQLite.
    Sqlite(Box<sqlite::Snapshot>),
}

impl Snapshot {
    /// Takes the snapshot of skyteam's tables, or of those that are named.
    ///
    /// # Errors
    /// [`BackupError::NoTable`] when there is none, or not the one that is named; [`BackupError::InUse`]; the driver's.
    pub async fn take(database: &Database, tables: &[String]) -> Result<Self> {
        Self::take_within(database, tables, DEFAULT_PATIENCE).await
    }

    /// As [`Snapshot::take`], waiting so long for tables that others change the structure of.
    ///
    /// # Errors
    /// As there.
    pub async fn take_within(database: &Database, tables: &[String], patience: Duration) -> Result<Self> {
        let all = version::known()?;
        let known: Vec<&str> = all.tables.iter().map(|table| table.name.as_str()).collect();
        if database.is_behind_pooler() {
            return Err(BackupError::Pooler);
        }
        let snapshot = match (database.postgres(), database.sqlite()) {
            (Some(pool), _) => {
                match postgres::Snapshot::take(pool, &known, postgres::SnapshotOptions { patience }).await {
                    Ok(taken) => Self::Postgres(Box::new(taken)),
                    Err(BackupError::Database(source)) if postgres::locks::is_locked(&source) => {
                        let holders = restore::in_the_way(database, "ACCESS SHARE").await;
                        return Err(BackupError::InUse { holders, source: Some(source) });
                    }
                    Err(error) => return Err(unreadable(database, error)),
                }
            }
            (None, Some(pool)) => Self::Sqlite(Box::new(sqlite::Snapshot::take(pool, &known).await?)),
            (None, None) => return Err(BackupError::Worker),
        };
        let found: Vec<String> = snapshot.shapes().iter().map(|shape| shape.name.clone()).collect();
        let missing = tables.iter().find(|table| !found.contains(table)).cloned();
        match missing {
            Some(name) => Err(BackupError::NoTable { name, known: found }),
            None if found.is_empty() => Err(BackupError::NoTable { name: known[0].to_owned(), known: found }),
            None => Ok(snapshot),
        }
    }

    fn shapes(&self) -> Vec<&TableShape> {
        match self {
            Self::Postgres(snapshot) => snapshot.tables().iter().map(|table| &table.shape).collect(),
            Self::Sqlite(snapshot) => snapshot.tables(),
        }
    }

    fn version(&self) -> Result<Option<At>> {
        match self {
            Self::Postgres(snapshot) => postgres::version_of(snapshot.tables(), snapshot.migrations()),
            Self::Sqlite(snapshot) => snapshot.version(),
        }
    }

    fn server_version(&self) -> &str {
        match self {
            Self::Postgres(snapshot) => snapshot.server_version(),
            Self::Sqlite(snapshot) => snapshot.server_version(),
        }
    }

    fn migrations(&self) -> &[AppliedMigration] {
        match self {
            Self::Postgres(snapshot) => snapshot.migrations(),
            Self::Sqlite(snapshot) => snapshot.migrations(),
        }
    }

    /// By table and column the last numbers that the database gave. SQLite goes on from the highest that stands.
    fn sequences(&self) -> HashMap<String, BTreeMap<String, i64>> {
        match self {
            Self::Postgres(snapshot) => {
                let of = |table: &postgres::Found| (table.shape.name.clone(), table.sequences.clone());
                snapshot.tables().iter().map(of).collect()
            }
            Self::Sqlite(_) => HashMap::new(),
        }
    }

    /// Tables that nothing of skyteam's names.
    fn left_out(&self) -> &[String] {
        match self {
            Self::Postgres(snapshot) => snapshot.left_out(),
            Self::Sqlite(snapshot) => snapshot.left_out(),
        }
    }

    /// What others have defined, by table.
    fn definitions(&self) -> &HashMap<String, Definitions> {
        match self {
            Self::Postgres(snapshot) => snapshot.definitions(),
            Self::Sqlite(snapshot) => snapshot.definitions(),
        }
    }

    fn keep_ours(&mut self) -> Result<()> {
        match self {
            Self::Postgres(snapshot) => snapshot.keep_ours(),
            Self::Sqlite(snapshot) => snapshot.keep_ours(),
        }
    }

    /// The airlines' API keys, which nobody knows who has only an anonymous copy.
    ///
    /// # Errors
    /// The driver's.
    pub async fn tokens(&mut self) -> Result<Vec<String>> {
        match self {
            Self::Postgres(snapshot) => snapshot.tokens().await,
            Self::Sqlite(snapshot) => snapshot.tokens().await,
        }
    }

    /// About how many rows there are.
    ///
    /// # Errors
    /// The driver's.
    pub async fn estimate(&mut self) -> Result<u64> {
        match self {
            Self::Postgres(snapshot) => snapshot.estimate().await,
            Self::Sqlite(snapshot) => snapshot.estimate().await,
        }
    }

    /// Reads the rows, and ends the snapshot.
    ///
    /// # Errors
    /// [`BackupError::NoVersion`] for tables that no restore could make again; the driver's, and the file system's.
    pub async fn read(
        self,
        database: &Database,
        wanted: &Wanted,
        at: DateTime<Utc>,
        spools: &Spools,
        progress: Progress,
    ) -> Result<Made> {
        let mut this = self;
        if wanted.rewrite.is_some() {
            this.keep_ours()?;
        }
        let Some(at_version) = this.version()? else {
            let standing: Vec<(&str, Vec<&str>)> = this.shapes().into_iter().map(columns).collect();
            return Err(BackupError::NoVersion { lacking: version::lacking(&standing)? });
        };
        let mut manifest = Manifest {
            format: FORMAT.into(),
            format_version: 1,
            skyteam: env!("CARGO_PKG_VERSION").into(),
            created_at: at.trunc_subsecs(0),
            identity: wanted.identity.clone(),
            database: database.name().into(),
            engine: database.engine(),
            server_version: this.server_version().into(),
            schema_version: Some(at_version.version),
            missing: at_version.missing,
            pending: at_version.pending,
            left_out: this.left_out().to_vec(),
            contents: wanted.contents,
            complete: wanted.tables.is_empty(),
            signature: None,
            reading: Vec::new(),
            migrations: this.migrations().to_vec(),
            tables: Vec::new(),
        };
        let mut definitions = this.definitions().clone();
        let selected: HashSet<&str> = match wanted.tables.as_slice() {
            [] => this.shapes().iter().map(|shape| shape.name.as_str()).collect(),
            some => some.iter().map(String::as_str).collect(),
        };
        if wanted.contents == Contents::Schema {
            let shapes = this.shapes().into_iter().filter(|shape| selected.contains(shape.name.as_str()));
            let entry = |shape: &TableShape| TableEntry {
                name: shape.name.clone(),
                columns: shape.columns.clone(),
                rows: 0,
                sequences: BTreeMap::new(),
                others: definitions.get(&shape.name).cloned().unwrap_or_default(),
                member: None,
                digest: None,
            };
            manifest.tables = shapes.map(entry).collect();
            explain(&mut manifest);
            manifest.format_version = Manifest::version_for(&manifest.tables);
            return Ok(Made { manifest, spools: Vec::new() });
        }
        let selected: HashSet<String> = selected.into_iter().map(str::to_owned).collect();
        let mut sequences = this.sequences();
        let tables = match this {
            Self::Postgres(snapshot) => snapshot.read(&selected, spools, wanted.rewrite.clone(), progress).await?,
            Self::Sqlite(snapshot) => snapshot.read(&selected, spools, wanted.rewrite.clone(), progress).await?,
        };
        let (entries, spools) = tables.into_iter().map(|table| (table.entry, table.spool)).unzip();
        manifest.tables = entries;
        manifest.format_version = Manifest::version_for(&manifest.tables);
        for entry in &mut manifest.tables {
            entry.sequences = sequences.remove(&entry.name).unwrap_or_default();
            entry.others = definitions.remove(&entry.name).unwrap_or_default();
        }
        explain(&mut manifest);
        Ok(Made { manifest, spools })
    }
}

fn explain(manifest: &mut Manifest) {
    if manifest.has_timestamps() {
        manifest.reading = READING_TIMESTAMPS.map(str::to_owned).to_vec();
    }
}

/// Takes a snapshot and reads it, and does both again where it gave way to somebody who changes the tables. `prepare` is
/// asked each time how far the reading is to be told, and may look into the snapshot before.
///
/// # Errors
/// Those of [`Snapshot::take`] and [`Snapshot::read`]; [`BackupError::GaveWay`] after the last try.
pub async fn make(
    database: &Database,
    patience: Duration,
    at: DateTime<Utc>,
    spools: &Spools,
    tables: &[String],
    prepare: impl AsyncFn(&mut Snapshot) -> Result<(Wanted, Progress)>,
) -> Result<Made> {
    let begun = Instant::now();
    for tries in 1.. {
        match once(database, patience, at, spools, tables, &prepare).await {
            Err(BackupError::GaveWay { .. }) if tries < TRIES && begun.elapsed() < GIVEN_UP => {}
            Err(BackupError::GaveWay { .. }) => break,
            done => return done,
        }
    }
    Err(BackupError::GaveWay { holders: restore::in_the_way(database, "ACCESS SHARE").await })
}

async fn once(
    database: &Database,
    patience: Duration,
    at: DateTime<Utc>,
    spools: &Spools,
    tables: &[String],
    prepare: &impl AsyncFn(&mut Snapshot) -> Result<(Wanted, Progress)>,
) -> Result<Made> {
    let mut snapshot = Snapshot::take_within(database, tables, patience).await?;
    let (wanted, progress) = prepare(&mut snapshot).await?;
    match snapshot.read(database, &wanted, at, spools, progress).await {
        Err(error) if is_about_a_cell(&error) => {
            // Which one, and of which row, is asked once it is known that there is one.
            let cells = unarchivable::find(database).await.unwrap_or_default();
            let engine = database.engine();
            Err(if cells.is_empty() { error } else { BackupError::Unarchivable { cells, engine } })
        }
        read => read,
    }
}

/// Whether reading ended at a cell that does not go into an archive: one that we refuse, or that the server cannot send
/// (character_not_in_repertoire, untranslatable_character).
fn is_about_a_cell(error: &BackupError) -> bool {
    match error {
        BackupError::Cell { .. } => true,
        BackupError::Database(source) => {
            let code = source.as_database_error().and_then(|refusal| refusal.code());
            code.is_some_and(|code| matches!(code.as_ref(), "22021" | "22P05"))
        }
        _ => false,
    }
}

/// A role that may not read everything is told what it lacks, and no more: a backup needs no other right.
fn unreadable(database: &Database, error: BackupError) -> BackupError {
    let denied = match &error {
        BackupError::Database(source) => {
            source.as_database_error().filter(|refusal| refusal.code().as_deref() == Some("42501"))
        }
        _ => None,
    };
    match (denied, &database.target().role) {
        (Some(refusal), Some(role)) => {
            BackupError::Unreadable { role: role.clone(), why: refusal.message().to_owned() }
        }
        _ => error,
    }
}

fn columns(shape: &TableShape) -> (&str, Vec<&str>) {
    (&shape.name, shape.columns.iter().map(|column| column.name.as_str()).collect())
}

/// A backup whose tables are spooled.
pub struct Made {
    /// What it says of itself.
    pub manifest: Manifest,
    spools: Vec<Spool>,
}

impl Made {
    /// Signs it.
    pub(crate) fn sign(&mut self, key: &SigningKey) {
        key.sign_manifest(&mut self.manifest);
    }

    /// Writes the archive; answers its manifest, size and SHA-256.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn write(self, out: impl Write, recipients: &Recipients) -> Result<(Manifest, Written)> {
        let mut out = Counting { out, hash: Sha256::new(), size: 0 };
        archive::write(&mut out, &self.manifest, self.spools, recipients)?;
        let written = Written { size: out.size, sha256: container::hex(&out.hash.finalize()) };
        Ok((self.manifest, written))
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes.
    pub size: u64,
    /// SHA-256, as `sha256sum` prints it.
    pub sha256: String,
}

struct Counting<W> {
    out: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
