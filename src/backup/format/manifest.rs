//! `manifest.json`: what an archive says of itself. Reading checks that it is one that this program can follow.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::definitions::Definitions;
use super::scalar::Scalar;
use super::server_digest::ServerDigest;
use super::table_schema::{ColumnShape, Kind, TableShape};
use crate::backup::changed::Changed;
use crate::backup::error::{BackupError, Result};
use crate::backup::identity::Identity;
use crate::db::Engine;

/// The value of `format`.
pub(crate) const FORMAT: &str = "skyteam-archive";
/// The newest version of the format that this program reads. Of version 2 is what has a column with
/// [`native`](super::table_schema::ColumnShape::native), of version 3 what has one of lists; all else is of version 1, which
/// older programs read too.
pub(crate) const FORMAT_VERSION: u32 = 3;
/// The largest manifest that is read.
pub(crate) const MANIFEST_LIMIT: u64 = 4 << 20;

/// What of the database an archive holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contents {
    /// Tables and rows.
    #[default]
    All,
    /// Tables without rows (`--schema-only`).
    Schema,
    /// Rows, to be restored into tables that exist (`--data-only`).
    Data,
}

impl Contents {
    /// The word for it in a manifest.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Schema => "schema",
            Self::Data => "data",
        }
    }
}

/// What a backup is of. Only backups of the same can take each other's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subject {
    /// Which database; nothing in older files, and where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Name of the database.
    pub database: String,
    /// Its engine: an embedded `skyteam` is not the server's.
    pub engine: Engine,
    /// Rows, tables, or both.
    pub contents: Contents,
    /// Only these tables, in alphabetical order; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
}

impl Subject {
    /// Whether it is the whole database: what alone brings one back.
    pub(crate) fn is_whole(&self) -> bool {
        self.contents == Contents::All && self.tables.is_empty()
    }
}

/// What an archive says of itself. Keys are added in later versions, never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The version of the format that it has, up to [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Version of the program that wrote it.
    pub skyteam: String,
    /// When the snapshot was taken, to the second.
    pub created_at: DateTime<Utc>,
    /// Which database it was taken of; nothing in older files, and where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Identity>,
    /// Name of that database.
    pub database: String,
    /// Its engine.
    pub engine: Engine,
    /// Its server's version.
    pub server_version: String,
    /// Version of the schema (the last applied migration's fourteen digits); `null` where the database matched none.
    pub schema_version: Option<String>,
    /// Names of keys, checks and unique indexes of that version that the source did not have: its rows may break
    /// them, so a restore leaves them out too. Also its tables and columns (`users.points`) that a push had taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Tables and columns (`users.points`) that were ahead of that version: the entities asked for them, they were pushed,
    /// and no migration made them yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
    /// What of that version's tables was otherwise than in it, with its definition: it was pushed, and no migration changes it
    /// yet. A restore makes it as it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Changed>,
    /// Tables that were beside skyteam's and are not in it, because nothing of skyteam's names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What it holds.
    pub contents: Contents,
    /// Whether it holds all of skyteam's tables (not so after `--table`).
    pub complete: bool,
    /// For readers of the Parquet files: what their values do not say by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reading: Vec<String>,
    /// Bookkeeping: the migrations that had been applied.
    pub(crate) migrations: Vec<AppliedMigration>,
    /// The tables, in the order of the members.
    pub tables: Vec<TableEntry>,
    /// Who vouches for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<Signature>,
}

/// A signature and the key that it claims to be by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signature {
    /// The public key, `ed25519:…`.
    pub key: String,
    /// The signature, in 128 hexadecimal digits.
    pub value: String,
}

/// A row of the bookkeeping of migrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppliedMigration {
    /// Fourteen digits.
    pub version: String,
    /// Its name.
    pub name: String,
    /// Checksum of its scripts.
    pub checksum: String,
    /// When, as canonical timestamp text.
    pub applied_at: String,
    /// How long it took.
    pub took_ms: i64,
    /// `migrate`, `push` or `baseline`.
    pub via: String,
}

/// One table of an archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableEntry {
    /// Name in the database.
    pub name: String,
    /// Its columns, in the order of the source.
    pub(crate) columns: Vec<ColumnShape>,
    /// How many rows; 0 in an archive of the schema only.
    pub rows: u64,
    /// Per column that the database numbers: the last number that it gave.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sequences: BTreeMap<String, i64>,
    /// What others have defined on it; nothing in older files.
    #[serde(default, skip_serializing_if = "Definitions::is_empty")]
    pub(crate) others: Definitions,
    /// Its Parquet file; `null` in an archive of the schema only.
    pub(crate) member: Option<Member>,
    /// What the database itself said of the rows; nothing in older archives, of the schema only, and where cells were
    /// changed on their way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<ServerDigest>,
}

/// A Parquet file within an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    /// Name in the tar: `<table>.parquet`.
    pub file: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of those bytes, in hexadecimal.
    pub sha256: String,
}

/// What [`Manifest::reading`] says of timestamps.
pub(crate) const READING_TIMESTAMPS: [&str; 4] = [
    "timestamps count microseconds since 1970-01-01 00:00:00 UTC, in 64 bits with a sign",
    "9223372036854775807 is infinity and -9223372036854775808 is -infinity; readers that do not know this show 294247-01-10 04:00:54.775807 and -290308-12-21 19:59:05.224192, or refuse the value",
    "times from 294247-01-10 04:00:54.775809 on, the last that PostgreSQL knows, are stored 2^64 microseconds too low: other readers show them in the years -290308 to -290278",
    "Python's datetime ends at the years 1 and 9999, nanoseconds in 64 bits at 1677 and 2262: read such columns as integers",
];

impl Manifest {
    /// Whether it has a column of timestamps.
    pub(crate) fn has_timestamps(&self) -> bool {
        self.tables.iter().flat_map(|table| &table.columns).any(|column| {
            let of = column.native.map(super::native::Native::scalar);
            column.stored == Kind::Timestamp || matches!(of, Some(Scalar::Timestamp | Scalar::Timestamptz))
        })
    }

    /// All rows.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// What it is of.
    pub(crate) fn subject(&self) -> Subject {
        let mut tables: Vec<String> = match self.complete {
            true => Vec::new(),
            false => self.tables.iter().map(|table| table.name.clone()).collect(),
        };
        tables.sort();
        let (identity, database) = (self.identity.clone(), self.database.clone());
        Subject { identity, database, engine: self.engine, contents: self.contents, tables }
    }

    /// The table of this name.
    pub(crate) fn table(&self, name: &str) -> Option<&TableEntry> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Its bytes in the archive.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Maps with other keys than text are what serde_json refuses, and there is none.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a manifest and checks everything that can be checked without the members.
    ///
    /// # Errors
    /// [`BackupError::TooNew`] for an archive of a later format; [`BackupError::Damaged`] for what is no manifest, or
    /// contradicts itself.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            format: String,
            format_version: u32,
            skyteam: String,
        }
        let broken = |error: serde_json::Error| damaged(format!("it is not what skyteam writes ({error})"));
        let head: Head = serde_json::from_slice(bytes).map_err(broken)?;
        if head.format != FORMAT {
            return Err(damaged("it is not of a skyteam archive"));
        }
        if head.format_version > FORMAT_VERSION {
            return Err(BackupError::TooNew {
                skyteam: head.skyteam,
                what: format!("archive format {}", head.format_version),
            });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(broken)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The version of the format that these tables need.
    pub(crate) fn version_for(tables: &[TableEntry]) -> u32 {
        let natives = tables.iter().flat_map(|table| &table.columns).filter_map(|column| column.native);
        natives.map(|native| if native.list().is_some() { FORMAT_VERSION } else { 2 }).max().unwrap_or(1)
    }

    fn check(&self) -> Result<()> {
        // What both engines can count to; so no sum of them overflows either.
        let rows = self.tables.iter().try_fold(0_i64, |sum, table| sum.checked_add(i64::try_from(table.rows).ok()?));
        if rows.is_none() {
            return Err(damaged("it claims to have more rows than there can be"));
        }
        let mut versions = HashSet::new();
        for line in &self.migrations {
            let digits = line.version.len() == 14 && line.version.bytes().all(|byte| byte.is_ascii_digit());
            let plain = [&line.name, &line.checksum, &line.applied_at].into_iter().all(|text| is_plain(text));
            let known = ["migrate", "push", "baseline"].contains(&line.via.as_str());
            if !digits || !plain || !known || i32::try_from(line.took_ms).is_err() || !versions.insert(&line.version) {
                return Err(damaged(format!("its line of the migration {:?} is impossible", line.version)));
            }
        }
        let mut names = HashSet::new();
        for table in &self.tables {
            let plain = !table.name.is_empty() && table.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !plain || table.name.len() > 63 || !names.insert(table.name.to_lowercase()) {
                return Err(damaged(format!("it lists a table {:?}", table.name)));
            }
            let mut columns = HashSet::new();
            let sound = |column: &ColumnShape| {
                !column.name.is_empty() && !column.name.contains('\0') && columns.insert(column.name.to_lowercase())
            };
            if table.columns.is_empty() || table.columns.len() > 1600 || !table.columns.iter().all(sound) {
                return Err(damaged(format!("its columns of {} are impossible", table.name)));
            }
            let agrees = match &table.member {
                None => self.contents == Contents::Schema && table.rows == 0,
                Some(member) => {
                    self.contents != Contents::Schema
                        && member.file == table.file()
                        && member.sha256.len() == 64
                        && member.sha256.bytes().all(|b| b.is_ascii_hexdigit())
                }
            };
            if !agrees {
                return Err(damaged(format!("its entry of {} contradicts itself", table.name)));
            }
        }
        Ok(())
    }
}

impl TableEntry {
    /// The name of its member in the tar.
    pub(crate) fn file(&self) -> String {
        format!("{}.parquet", self.name)
    }

    /// Its shape.
    pub(crate) fn shape(&self) -> TableShape {
        TableShape { name: self.name.clone(), columns: self.columns.clone() }
    }
}

/// Whether a text is one that a line of the record can have.
fn is_plain(text: &str) -> bool {
    text.len() <= 200 && !text.chars().any(char::is_control)
}

fn damaged(found: impl Into<String>) -> BackupError {
    BackupError::Damaged { part: "manifest.json".into(), found: found.into() }
}
