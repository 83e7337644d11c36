//! The backups in a folder: which files are skyteam's, by their content, and what each is.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::file::{self, PendingFile};
use crate::backup::detect;
use crate::backup::detect::Content;
use crate::backup::error::{BackupError, Result};
use crate::backup::format::archive::Archive;
use crate::backup::format::crypt::Identities;
use crate::backup::format::manifest::{Manifest, Signature, Subject};
use crate::backup::format::{container, crypt};
use crate::backup::source::ReadSeek;

/// The ending of the file beside a backup that says what is known of it.
pub(crate) const NOTE: &str = ".json";
pub(crate) const NOTE_LIMIT: u64 = 1 << 20;
/// How such a file says that it is one.
const NOTE_FORMAT: &str = "skyteam-note";
/// How much of a file's beginning and of its end distinguishes it from another: an archive's manifest with the checksums of
/// all that follows, an encrypted one's header, which is never the same twice.
const ENDS: u64 = 64 << 10;

/// What is kept beside a backup: for `pg_dump`'s formats, which say too little of themselves, and for the last
/// verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Note {
    format: String,
    /// Bytes of the backup that this is about: another size is another file.
    pub size: u64,
    /// SHA-256 of its beginning and its end, which is looked at whenever the folder is listed.
    ends: String,
    /// Its SHA-256.
    pub sha256: String,
    /// What it was made of, where it does not say so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<MadeOf>,
    /// The last verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// Who vouches for a dump, which has no place for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

impl Note {
    /// A note about the file as it is now, whose SHA-256 the caller knows.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub(crate) fn about(backup: &Path, sha256: &str) -> Result<Self> {
        let doing = || BackupError::io(format!("reading {}", backup.display()));
        let mut file = File::open(backup).map_err(doing())?;
        let size = file.metadata().map_err(doing())?.len();
        let ends = ends(&mut file).map_err(doing())?;
        Ok(Self::of(size, ends, sha256.to_owned()))
    }

    /// A note about a backup of this size, with this beginning and end ([`ends`]) and SHA-256.
    pub(crate) fn of(size: u64, ends: String, sha256: String) -> Self {
        let format = NOTE_FORMAT.into();
        Self { format, size, ends, sha256, made: None, verified: None, signature: None }
    }

    /// Reads a note; `None` for what is none of skyteam's.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|note: &Self| note.format == NOTE_FORMAT)
    }

    /// The text that [`Note::parse`] reads.
    pub(crate) fn to_text(&self) -> String {
        format!("{}\n", serde_json::to_string_pretty(self).unwrap_or_default())
    }
}

/// What a dump by `pg_dump` was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MadeOf {
    /// When.
    pub created_at: DateTime<Utc>,
    /// What of which database.
    #[serde(flatten)]
    pub subject: Subject,
}

/// The outcome of a verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verified {
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it was restored for it.
    pub deep: bool,
    /// Whether nothing was wrong.
    pub sound: bool,
}

/// One backup of a folder.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where: a path, or the URL of an object.
    pub path: PathBuf,
    /// Which kind.
    pub content: Content,
    /// Bytes.
    pub size: u64,
    /// When its snapshot was taken.
    pub created_at: DateTime<Utc>,
    /// What it is of; `None` for a file that has the name or the beginning of a backup and cannot be read:
    /// nothing says that it may go.
    pub subject: Option<Subject>,
    /// All rows, where it says so.
    pub rows: Option<u64>,
    /// Version of the schema, where it says so.
    pub schema_version: Option<String>,
    /// Its SHA-256 when it was made or last verified, where that was noted.
    pub sha256: Option<String>,
    /// The last verification of exactly this file.
    pub verified: Option<Verified>,
    /// What is wrong with it, as far as its frame shows.
    pub damage: Option<String>,
    /// A digest of its beginning and its end.
    pub(crate) ends: String,
}

/// What is in a folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    /// Skyteam's backups, newest first.
    pub entries: Vec<Entry>,
    /// Files with the name of a backup that this user may not read.
    pub unreadable: Vec<PathBuf>,
}

/// Skyteam's backups in a folder.
///
/// # Errors
/// [`BackupError::Io`] when the folder cannot be read; those of [`file::check_folder`].
pub(crate) fn list(folder: &Path) -> Result<Listing> {
    file::check_folder(folder)?;
    let doing = || format!("reading {}", folder.display());
    let mut entries = Vec::new();
    let mut unreadable = Vec::new();
    for found in fs::read_dir(folder).map_err(BackupError::io(doing()))? {
        let found = found.map_err(BackupError::io(doing()))?;
        if !found.file_type().map_err(BackupError::io(doing()))?.is_file() {
            continue;
        }
        let path = found.path();
        match look(&path) {
            Some(entry) => entries.push(entry),
            None if is_unreadable(&path) => unreadable.push(path),
            None => {}
        }
    }
    let mut listing = Listing { entries, unreadable };
    listing.sort();
    Ok(listing)
}

impl Listing {
    /// The newest first.
    pub(super) fn sort(&mut self) {
        self.entries.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.path.cmp(&b.path)));
        self.unreadable.sort();
    }
}

/// Whether a file has the name of a backup and may not be read.
fn is_unreadable(path: &Path) -> bool {
    let by_name = path.file_name().and_then(|name| file::time_in_name(&name.to_string_lossy())).is_some();
    (by_name || has_our_name(path))
        && File::open(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// One file, if it is a backup that skyteam made, or goes by the name of one.
pub(crate) fn look(path: &Path) -> Option<Entry> {
    let modified: DateTime<Utc> = modified(path).into();
    let open = || {
        let file = File::open(path).map_err(BackupError::io(format!("reading {}", path.display())))?;
        Ok(Box::new(file) as Box<dyn ReadSeek>)
    };
    look_into(path, modified, read_note(path), &open).ok().flatten()
}

/// As [`look`], for a backup wherever it is. `path` is its place, `note` what is kept beside it.
///
/// # Errors
/// The I/O error of reading.
pub(crate) fn look_into(
    path: &Path,
    modified: DateTime<Utc>,
    note: Option<Note>,
    open: &dyn Fn() -> Result<Box<dyn ReadSeek>>,
) -> Result<Option<Entry>> {
    let mut file = open()?;
    let Ok(content) = detect::of(&mut file) else { return Ok(None) };
    let reading = || BackupError::io(format!("reading {}", path.display()));
    let size = file.seek(SeekFrom::End(0)).map_err(reading())?;
    let ends = ends(&mut file).map_err(reading())?;
    let note = note.filter(|note| note.size == size && note.ends == ends);
    let mut entry = Entry {
        path: path.to_owned(),
        content,
        size,
        created_at: time_in(path).unwrap_or(modified),
        subject: None,
        rows: None,
        schema_version: None,
        sha256: note.as_ref().map(|note| note.sha256.clone()),
        verified: note.as_ref().and_then(|note| note.verified.clone()),
        damage: None,
        ends,
    };
    match content {
        Content::Archive => match Archive::open(open()?, &Identities::default()) {
            Ok(archive) => entry.describe(archive.manifest()),
            Err(damage) => {
                entry.damage = Some(damage.to_string());
                match Archive::manifest_of(file) {
                    Some(manifest) => entry.describe(&manifest),
                    // Any tar may begin with a manifest.json: without our name it is no business of ours.
                    None if has_our_name(path) => {}
                    None => return Ok(None),
                }
            }
        },
        // Only with our own stanza in its header; other files of the age format are not ours.
        Content::Encrypted => {
            let Ok(Some(summary)) = crypt::summary(open()?) else { return Ok(None) };
            entry.damage = summary.check_length(&mut file).err().map(|damage| damage.to_string());
            entry.created_at = summary.created_at;
            entry.rows = Some(summary.rows);
            entry.schema_version = summary.schema_version;
            entry.subject = Some(summary.subject);
        }
        // Only with our note beside it: anyone can have run pg_dump here.
        Content::Custom | Content::Plain => {
            let Some(made) = note.and_then(|note| note.made) else { return Ok(None) };
            entry.created_at = made.created_at;
            entry.subject = Some(made.subject);
        }
    }
    Ok(Some(entry))
}

/// How far a clock may be ahead before what it dates is from the future.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Whether a time is so far ahead that a clock must have been wrong.
pub(crate) fn is_future(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at.signed_duration_since(now) > AHEAD
}

impl Entry {
    /// Whether it was made with a wrong clock, or is read with one.
    pub(crate) fn is_from_the_future(&self, now: DateTime<Utc>) -> bool {
        is_future(self.created_at, now)
    }

    fn describe(&mut self, manifest: &Manifest) {
        self.created_at = manifest.created_at;
        self.subject = Some(manifest.subject());
        self.rows = Some(manifest.rows());
        self.schema_version = manifest.schema_version.clone();
    }

    /// Reads the whole file, as far as that can be done without a key, and compares the checksums.
    ///
    /// # Errors
    /// [`BackupError::Damaged`]; [`BackupError::Io`].
    pub(crate) fn check_bytes(&self, file: Box<dyn ReadSeek>) -> Result<()> {
        let doing = || BackupError::io(format!("reading {}", self.path.display()));
        if self.content == Content::Archive {
            return Archive::open(file, &Identities::default())?.check_members(|_| {});
        }
        let Some(wanted) = &self.sha256 else { return Ok(()) };
        let (_, found) = container::sha256(file).map_err(doing())?;
        if found == *wanted { Ok(()) } else { Err(BackupError::archive("its checksum is wrong")) }
    }
}

/// A digest of a file's beginning and end.
///
/// # Errors
/// The I/O error of reading.
pub(crate) fn ends(file: &mut impl ReadSeek) -> io::Result<String> {
    let len = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let (_, first) = container::sha256(Read::by_ref(file).take(ENDS))?;
    file.seek(SeekFrom::Start(len.saturating_sub(ENDS)))?;
    let (_, last) = container::sha256(Read::by_ref(file).take(ENDS))?;
    file.seek(SeekFrom::Start(0))?;
    Ok(format!("{first}{last}"))
}

pub(crate) fn has_our_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == file::EXTENSION)
}

/// When a file was made, by its name, else by the file system.
pub(crate) fn time_of(path: &Path) -> DateTime<Utc> {
    time_in(path).unwrap_or_else(|| modified(path).into())
}

fn time_in(path: &Path) -> Option<DateTime<Utc>> {
    path.file_name().and_then(|name| file::time_in_name(&name.to_string_lossy()))
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Gives a finished backup its name, and takes away the note of another file that had it before. Unless it `replaces`
/// that other file, it gets the next name that is free. Returns the name it got.
///
/// # Errors
/// [`BackupError::Io`].
pub(crate) fn commit(pending: PendingFile, replaces: bool) -> Result<PathBuf> {
    if replaces {
        // First: a note must never vouch for a file that it has not seen.
        remove_note(pending.target())?;
        return pending.commit();
    }
    let path = pending.commit_beside()?;
    remove_note(&path)?;
    Ok(path)
}

/// Where the note of a backup is.
fn note_path(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(NOTE);
    name.into()
}

/// The note beside a backup; `None` when there is none, or what is there is not skyteam's.
pub(crate) fn read_note(backup: &Path) -> Option<Note> {
    let mut text = Vec::new();
    File::open(note_path(backup)).ok()?.take(NOTE_LIMIT).read_to_end(&mut text).ok()?;
    Note::parse(&text)
}

/// Writes the note beside a backup.
///
/// # Errors
/// [`BackupError::Foreign`] when another file has its name; [`BackupError::Io`].
pub(crate) fn write_note(backup: &Path, note: &Note) -> Result<()> {
    use std::io::Write;
    let path = note_path(backup);
    if path.exists() && read_note(backup).is_none() {
        return Err(BackupError::Foreign { path });
    }
    let mut pending = PendingFile::create(&path)?;
    write!(pending, "{}", note.to_text()).map_err(BackupError::io(format!("writing {}", path.display())))?;
    pending.commit().map(drop)
}

/// Removes a backup and its note.
///
/// # Errors
/// [`BackupError::Io`].
pub(crate) fn remove(backup: &Path) -> Result<()> {
    // While the backup is there, because nothing would say any more what a note without its backup is about.
    remove_note(backup)?;
    fs::remove_file(backup).map_err(BackupError::io(format!("removing {}", backup.display())))
}

fn remove_note(backup: &Path) -> Result<()> {
    if read_note(backup).is_none() {
        return Ok(());
    }
    match fs::remove_file(note_path(backup)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BackupError::io(format!("removing the note of {}", backup.display()))(error))
        }
        _ => Ok(()),
    }
}
