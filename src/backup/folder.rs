//! The backups in a folder: which files are skyteam's, told by content, and what each is.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::archive::Archive;
use super::content::{self, Content};
use super::crypt::{self, Identities};
use super::error::{BackupError, Result};
use super::file;

/// The ending of the file beside a backup that says what is known of it.
const NOTE: &str = ".json";
const NOTE_LIMIT: u64 = 1 << 20;

/// What is kept beside a backup: for `pg_dump`'s formats, which say too little of themselves, and for the last
/// verification.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Bytes of the backup that this is about: another size is another file.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// What it was made of, where it does not say so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<MadeOf>,
    /// The last verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
}

/// What a dump by `pg_dump` was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeOf {
    /// When.
    pub created_at: DateTime<Utc>,
    /// Name of the database.
    pub database: String,
}

/// The outcome of a verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it was restored for it.
    pub deep: bool,
    /// Whether nothing was wrong.
    pub sound: bool,
}

/// One backup of a folder.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where.
    pub path: PathBuf,
    /// Which kind.
    pub content: Content,
    /// Bytes.
    pub size: u64,
    /// When its snapshot was taken.
    pub created_at: DateTime<Utc>,
    /// Name of the database.
    pub database: String,
    /// All rows, where it says so.
    pub rows: Option<u64>,
    /// Version of the schema, where it says so.
    pub schema_version: Option<String>,
    /// The last verification of exactly this file.
    pub verified: Option<Verified>,
    /// What is wrong with it, as far as its frame tells.
    pub damage: Option<String>,
}

/// Skyteam's backups in a folder, newest first.
///
/// # Errors
/// [`BackupError::Io`] when the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Entry>> {
    let doing = || format!("reading {}", folder.display());
    let mut entries = Vec::new();
    for found in fs::read_dir(folder).map_err(BackupError::io(doing()))? {
        let found = found.map_err(BackupError::io(doing()))?;
        if found.file_type().map_err(BackupError::io(doing()))?.is_file()
            && let Some(entry) = look(&found.path())
        {
            entries.push(entry);
        }
    }
    entries.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.path.cmp(&b.path)));
    Ok(entries)
}

/// One file, if it is a backup that skyteam made.
fn look(path: &Path) -> Option<Entry> {
    let mut file = File::open(path).ok()?;
    let content = content::of(&mut file).ok()?;
    let size = file.metadata().ok()?.len();
    let note = read_note(path).filter(|note| note.size == size);
    let verified = note.as_ref().and_then(|note| note.verified.clone());
    let entry = |created_at, database, rows, schema_version, damage| Entry {
        path: path.to_owned(),
        content,
        size,
        created_at,
        database,
        rows,
        schema_version,
        verified: verified.clone(),
        damage,
    };
    match content {
        Content::Archive => Some(match Archive::open(file, &Identities::default()) {
            Ok(archive) => {
                let manifest = archive.manifest();
                entry(
                    manifest.created_at,
                    manifest.database.clone(),
                    Some(manifest.rows()),
                    manifest.schema_version.clone(),
                    None,
                )
            }
            Err(damage) => entry(time_of(path)?, String::new(), None, None, Some(damage.to_string())),
        }),
        // Only with our own stanza in its header; other files of the age format are not ours.
        Content::Encrypted => crypt::summary(file).ok().flatten().map(|summary| {
            entry(summary.created_at, summary.database, Some(summary.rows), summary.schema_version, None)
        }),
        // Only with our note beside it: anybody can have run pg_dump here.
        Content::Custom | Content::Plain => {
            let made = note.as_ref()?.made.clone()?;
            Some(entry(made.created_at, made.database, None, None, None))
        }
    }
}

/// When a file was made, by its name, else by the file system.
fn time_of(path: &Path) -> Option<DateTime<Utc>> {
    let by_name = path.file_name().and_then(|name| file::time_in_name(&name.to_string_lossy()));
    let modified = || fs::metadata(path).and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    Some(by_name.unwrap_or_else(|| modified().into()))
}

/// Where the note of a backup stands.
pub fn note_path(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(NOTE);
    name.into()
}

/// The note beside a backup; `None` when there is none that can be read.
pub fn read_note(backup: &Path) -> Option<Note> {
    let mut text = String::new();
    File::open(note_path(backup)).ok()?.take(NOTE_LIMIT).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Writes the note beside a backup.
///
/// # Errors
/// [`BackupError::Io`].
pub fn write_note(backup: &Path, note: &Note) -> Result<()> {
    use std::io::Write;
    let path = note_path(backup);
    let mut pending = file::PendingFile::create(&path)?;
    let text = serde_json::to_string_pretty(note).unwrap_or_default();
    writeln!(pending, "{text}").map_err(BackupError::io(format!("writing {}", path.display())))?;
    pending.commit().map(drop)
}

/// Removes a backup and its note.
///
/// # Errors
/// [`BackupError::Io`].
pub fn remove(backup: &Path) -> Result<()> {
    fs::remove_file(backup).map_err(BackupError::io(format!("removing {}", backup.display())))?;
    match fs::remove_file(note_path(backup)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BackupError::io(format!("removing the note of {}", backup.display()))(error))
        }
        _ => Ok(()),
    }
}
