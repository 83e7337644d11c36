//! Making an archive of a database, of either engine.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};
use sha2::{Digest, Sha256};

use super::backend::{self, engine};
use super::error::Unarchivable;
use super::error::{BackupError, Result};
use super::format::archive;
use super::format::archive::{Progress, Rewrite};
use super::format::crypt::Recipients;
use super::format::hex::hex;
use super::format::manifest::{Contents, FORMAT, Manifest, READING_TIMESTAMPS, TableEntry};
use super::format::table_schema::TableShape;
use super::identity::Identity;
use super::signature::SigningKey;
use super::spool::{Spool, Spools};
use super::{holders, version};
use crate::db::Database;

/// How long a snapshot waits for tables that others change the structure of.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);
/// How often a backup begins anew that gave way to a change of the tables, and how long all that was given up may have
/// taken. What took longer is not begun again: exit 11 at once, instead of hours without a word.
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
    pub(crate) identity: Option<Identity>,
    /// Changes cells on their way. What is rewritten holds no columns but skyteam's: what others mean is not known.
    pub(crate) rewrite: Option<Rewrite>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { contents: Contents::All, tables: Vec::new(), identity: None, rewrite: None }
    }
}

/// One consistent state of a database, held open for reading.
pub struct Snapshot(Box<dyn engine::Snapshot>);

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
    pub(crate) async fn take_within(database: &Database, tables: &[String], patience: Duration) -> Result<Self> {
        let all = version::known()?;
        let known: Vec<&str> = all.tables.iter().map(|table| table.name.as_str()).collect();
        let snapshot = backend::of(database).snapshot(&known, patience).await?;
        let found: Vec<String> = snapshot.shapes().iter().map(|shape| shape.name.clone()).collect();
        let missing = tables.iter().find(|table| !found.contains(table)).cloned();
        match missing {
            Some(name) => Err(BackupError::NoTable { name, known: found }),
            None if found.is_empty() => Err(BackupError::NoTable { name: known[0].to_owned(), known: found }),
            None => Ok(Self(snapshot)),
        }
    }

    /// The airlines' API keys, which are not in an anonymous copy.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) async fn tokens(&mut self) -> Result<Vec<String>> {
        self.0.tokens().await
    }

    /// About how many rows there are.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) async fn estimate(&mut self) -> Result<u64> {
        self.0.estimate().await
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
        let Self(mut this) = self;
        if wanted.rewrite.is_some() {
            this.keep_ours()?;
        }
        let Some(at_version) = this.version() else {
            let found: Vec<(&str, Vec<&str>)> = this.shapes().into_iter().map(columns).collect();
            return Err(BackupError::NoVersion { lacking: version::lacking(&found)? });
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
            changed: at_version.changed,
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
        let tables = this.read(&selected, spools, wanted.rewrite.clone(), progress).await?;
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

/// Takes a snapshot and reads it, and does both again where it gave way to a change of the tables. `prepare` is called each
/// time, may look into the snapshot, and returns what to read and where progress goes.
///
/// # Errors
/// Those of [`Snapshot::take`] and [`Snapshot::read`]; [`BackupError::GaveWay`] after the last try.
pub(crate) async fn make(
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
    Err(BackupError::GaveWay { holders: holders::in_the_way(database, "ACCESS SHARE").await })
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
            let cells = unarchivable(database).await.unwrap_or_default();
            let engine = database.engine();
            Err(if cells.is_empty() { error } else { BackupError::Unarchivable { cells, engine } })
        }
        read => read,
    }
}

/// Cells of skyteam's tables that an archive cannot hold.
///
/// # Errors
/// The driver's.
pub(crate) async fn unarchivable(database: &Database) -> Result<Vec<Unarchivable>> {
    backend::of(database).unarchivable().await
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
    /// About how many bytes the archive has.
    pub(crate) fn size(&self) -> u64 {
        let members = self.manifest.tables.iter().filter_map(|entry| entry.member.as_ref());
        members.map(|member| member.size).sum()
    }

    /// Signs it.
    pub(crate) fn sign(&mut self, key: &SigningKey) {
        key.sign_manifest(&mut self.manifest);
    }

    /// Writes the archive; returns its manifest, size and SHA-256.
    ///
    /// # Errors
    /// [`BackupError::Io`] of `out`.
    pub fn write(self, out: impl Write, recipients: &Recipients) -> Result<(Manifest, Written)> {
        let mut out = Counting { out, hash: Sha256::new(), size: 0 };
        archive::write(&mut out, &self.manifest, self.spools, recipients)?;
        let written = Written { size: out.size, sha256: hex(&out.hash.finalize()) };
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
