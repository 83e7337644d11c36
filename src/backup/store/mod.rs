//! Where backups are kept: a folder, or an object store off the host. Both keep whole backups only, each under a name of
//! its own, with a note beside it.

pub(crate) mod file;
pub(crate) mod folder;
mod local;
pub(crate) mod object;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::error::{BackupError, Result};
use super::source::ReadSeek;
use file::FolderLock;
use folder::{Entry, Listing, Note};

pub(crate) use local::Local;
pub(crate) use object::url::ObjectUrl;

/// A place for backups. All of it blocks: a caller that has other things to do calls it on a thread.
pub(crate) trait Store: Send + Sync {
    /// The place of a new backup that is called like this.
    fn place(&self, name: &str) -> PathBuf;

    /// The service's URL where it is another machine and nothing is encrypted on the way to it.
    fn unencrypted(&self) -> Option<&str> {
        None
    }

    /// Where large temporary files have room beside the backups; `None` where nothing but backups is kept.
    fn scratch(&self) -> Option<&Path>;

    /// Finds out whether backups can be written, as far as that is possible without writing one.
    ///
    /// # Errors
    /// [`BackupError::Store`]; those of [`file::check_folder`].
    fn check(&self) -> Result<()>;

    /// Keeps other runs out, where the place allows it. What killed runs have left in a folder is removed.
    ///
    /// # Errors
    /// Those of [`FolderLock::take`].
    fn lock(&self) -> Result<Option<FolderLock>>;

    /// The backups, newest first.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::Store`]; those of [`file::check_folder`].
    fn list(&self) -> Result<Listing>;

    /// The size of what is there in bytes; `None` where nothing is.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::Store`].
    fn size(&self, backup: &Path) -> Result<Option<u64>>;

    /// Opens a backup for reading at any position.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::Store`].
    fn open(&self, backup: &Path) -> Result<Box<dyn ReadSeek>>;

    /// Reads a backup from its beginning to its end into `out`.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::Store`].
    fn fetch(&self, backup: &Path, out: &mut dyn Write) -> Result<()>;

    /// Reads the whole backup, as far as that can be done without a key, and compares the checksums.
    ///
    /// # Errors
    /// [`BackupError::Damaged`]; [`BackupError::Io`], [`BackupError::Store`].
    fn check_bytes(&self, entry: &Entry) -> Result<()>;

    /// Begins a backup of about `size` bytes. One that `replaces` another of its name takes its place; else it gets a name
    /// that is free.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::Store`].
    fn begin(&self, backup: &Path, replaces: bool, size: u64) -> Result<Box<dyn Pending>>;

    /// What is kept beside a backup.
    ///
    /// # Errors
    /// [`BackupError::Store`].
    fn note(&self, backup: &Path) -> Result<Option<Note>>;

    /// Writes what is kept beside a backup.
    ///
    /// # Errors
    /// [`BackupError::Foreign`], [`BackupError::Io`], [`BackupError::Store`].
    fn write_note(&self, backup: &Path, note: &Note) -> Result<()>;

    /// Removes a backup and its note.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::Store`].
    fn remove(&self, backup: &Path) -> Result<()>;

    /// Uploads that were begun before `until` and neither finished nor given up, each by name and number.
    ///
    /// # Errors
    /// [`BackupError::Store`].
    fn unfinished(&self, until: DateTime<Utc>) -> Result<Vec<Unfinished>>;

    /// Gives such an upload up, with its parts.
    ///
    /// # Errors
    /// [`BackupError::Store`].
    fn give_up(&self, upload: &Unfinished) -> Result<()>;

    /// Has whatever is under way fail soon with [`BackupError::Interrupted`].
    fn interrupt(&self);
}

/// A backup on its way. Dropped, nothing of it stays.
pub(crate) trait Pending: Write + Send {
    /// Gives it its name; only from here on it is a backup.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::Store`].
    fn commit(self: Box<Self>) -> Result<Placed>;
}

/// A backup that has its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// A digest of its beginning and its end.
    pub ends: String,
}

/// An upload that was never finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfinished {
    /// The name that the backup would have had.
    pub place: PathBuf,
    /// What the service calls the upload.
    pub id: String,
    /// When it was begun.
    pub begun: DateTime<Utc>,
}

/// Opens the store of a URL. `environment` has what credentials and endpoints it is to use.
///
/// # Errors
/// [`BackupError::BadPlace`]; [`BackupError::Store`] for credentials that cannot be read.
pub(crate) fn open(url: &ObjectUrl, environment: &BTreeMap<String, String>) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(object::ObjectPlace::open(url, environment)?))
}

/// Copies a backup from a store into another and compares what arrived with the SHA-256 that it must have.
///
/// # Errors
/// [`BackupError::Damaged`] where other bytes arrived; those of either store.
pub(crate) fn copy(from: &dyn Store, backup: &Path, to: &dyn Store, sha256: &str) -> Result<Placed> {
    let size = from.size(backup)?.unwrap_or_default();
    let name = backup.file_name().unwrap_or_default().to_string_lossy();
    let mut pending = to.begin(&to.place(&name), false, size)?;
    from.fetch(backup, &mut pending)?;
    let placed = pending.commit()?;
    if let Some(note) = from.note(backup)? {
        to.write_note(&placed.path, &note)?;
    }
    check_copy(to, &placed.path, sha256)?;
    Ok(placed)
}

/// Reads a backup back and compares its SHA-256.
///
/// # Errors
/// [`BackupError::Damaged`] where it has other bytes; the store's.
pub(crate) fn check_copy(store: &dyn Store, backup: &Path, sha256: &str) -> Result<()> {
    if self::sha256(store, backup)? == sha256 {
        return Ok(());
    }
    Err(BackupError::archive(format!("{} does not have the bytes that were written", backup.display())))
}

/// The SHA-256 of a backup, which is read whole for it.
///
/// # Errors
/// The store's.
pub(crate) fn sha256(store: &dyn Store, backup: &Path) -> Result<String> {
    let mut sum = Sum::default();
    store.fetch(backup, &mut sum)?;
    Ok(sum.finish())
}

/// The SHA-256 of what is written.
#[derive(Default)]
struct Sum(sha2::Sha256);

impl Sum {
    fn finish(self) -> String {
        use sha2::Digest as _;
        super::format::hex::hex(&self.0.finalize())
    }
}

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        use sha2::Digest as _;
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
