//! A folder as a [`Store`].

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::file::{self, FolderLock, PendingFile};
use super::folder::{self, Entry, Listing, Note};
use super::{Pending, Placed, Store, Unfinished};
use crate::backup::error::{BackupError, Result};
use crate::backup::source::ReadSeek;

/// A folder of backups.
#[derive(Clone, Debug)]
pub(crate) struct Local(PathBuf);

impl Local {
    /// The folder, which need not be there yet.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }
}

fn reading(backup: &Path) -> impl FnOnce(io::Error) -> BackupError {
    BackupError::io(format!("reading {}", backup.display()))
}

impl Store for Local {
    fn place(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn scratch(&self) -> Option<&Path> {
        Some(&self.0)
    }

    fn check(&self) -> Result<()> {
        file::check_folder(&self.0)
    }

    fn lock(&self) -> Result<Option<FolderLock>> {
        FolderLock::take(&self.0).map(Some)
    }

    fn list(&self) -> Result<Listing> {
        folder::list(&self.0)
    }

    fn size(&self, backup: &Path) -> Result<Option<u64>> {
        match std::fs::metadata(backup) {
            Ok(data) => Ok(Some(data.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(reading(backup)(error)),
        }
    }

    fn open(&self, backup: &Path) -> Result<Box<dyn ReadSeek>> {
        Ok(Box::new(File::open(backup).map_err(reading(backup))?))
    }

    fn fetch(&self, backup: &Path, out: &mut dyn Write) -> Result<()> {
        let mut file = File::open(backup).map_err(reading(backup))?;
        io::copy(&mut file, out).map_err(BackupError::io(format!("copying {}", backup.display())))?;
        Ok(())
    }

    fn check_bytes(&self, entry: &Entry) -> Result<()> {
        entry.check_bytes(self.open(&entry.path)?)
    }

    fn begin(&self, backup: &Path, replaces: bool, _size: u64) -> Result<Box<dyn Pending>> {
        Ok(Box::new(Writing { file: PendingFile::create(backup)?, replaces, size: 0 }))
    }

    fn note(&self, backup: &Path) -> Result<Option<Note>> {
        Ok(folder::read_note(backup))
    }

    fn write_note(&self, backup: &Path, note: &Note) -> Result<()> {
        folder::write_note(backup, note)
    }

    fn remove(&self, backup: &Path) -> Result<()> {
        folder::remove(backup)
    }

    fn unfinished(&self, _until: DateTime<Utc>) -> Result<Vec<Unfinished>> {
        // Unfinished files go when the folder is locked.
        Ok(Vec::new())
    }

    fn give_up(&self, _upload: &Unfinished) -> Result<()> {
        Ok(())
    }

    fn interrupt(&self) {}
}

/// A file on its way.
struct Writing {
    file: PendingFile,
    replaces: bool,
    size: u64,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Pending for Writing {
    fn commit(self: Box<Self>) -> Result<Placed> {
        let path = folder::commit(self.file, self.replaces)?;
        let mut file = File::open(&path).map_err(reading(&path))?;
        let ends = folder::ends(&mut file).map_err(reading(&path))?;
        Ok(Placed { path, size: self.size, ends })
    }
}
