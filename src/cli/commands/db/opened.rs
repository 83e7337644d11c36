//! A backup that a command reads: a file, what comes through a pipe, or a copy of what is off this machine.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::place;
use crate::backup::BackupError;
use crate::backup::format::container;
use crate::backup::store::{Store, folder};
use crate::cli::context::Context;
use crate::error::{Error, Kind, Result};
use crate::message::{message, program, skyteam};
use crate::system;

/// The SHA-256 of a file.
pub(in crate::cli::commands) async fn sum(file: &mut File) -> Result<String> {
    let reading = || BackupError::io("reading the backup");
    let mut twin = file.try_clone().map_err(reading())?;
    twin.rewind().map_err(reading())?;
    let summed = tokio::task::spawn_blocking(move || container::sha256(twin)).await.map_err(|_| BackupError::Worker)?;
    let (_, sha256) = summed.map_err(reading())?;
    file.rewind().map_err(reading())?;
    Ok(sha256)
}

/// A backup that was opened.
pub(in crate::cli::commands) struct Opened {
    pub file: File,
    pub path: PathBuf,
    /// Removes the copy of what can be read only once.
    copied: Option<Copied>,
    /// Where it is, when that is not this machine.
    pub remote: Option<(Arc<dyn Store>, PathBuf)>,
}

/// A copy that goes with this.
enum Copied {
    File {
        _path: tempfile::TempPath,
    },
    /// With what is kept beside it.
    Folder {
        _path: tempfile::TempDir,
    },
}

impl Opened {
    /// Whether it has a place of its own, and did not come through a pipe.
    pub(crate) fn has_place(&self) -> bool {
        self.copied.is_none() || self.remote.is_some()
    }
}

/// Refuses what `pg_dump --format=directory` writes, with the way to restore it.
pub(super) fn refuse_directory_of_pg_dump(path: &Path, typed: &Path) -> Result<()> {
    if !path.join("toc.dat").is_file() {
        return Ok(());
    }
    let read = program("pg_restore").words("--no-owner --file=-").file(typed.display());
    Err(Error::new(Kind::Refused, "not_a_backup", message!("{} is a dump in many files", typed.display().to_string()))
        .why("it is what pg_dump --format=directory writes, and a backup is one file")
        .fix(message!("{} | {}", read, skyteam("db restore -"))))
}

/// The file; standard input is copied to the disk first, encrypted or not as it came.
pub(in crate::cli::commands) async fn open(file: &Path, cx: &Context) -> Result<Opened> {
    let copy = || {
        tempfile::NamedTempFile::new_in(scratch_folder(cx))
            .map_err(|error| in_scratch(cx, BackupError::io("making room for the backup")(error)))
    };
    if file == Path::new("-") {
        let (copy, path) = copy()?.into_parts();
        let file = cx
            .ui
            .copy_input(copy)
            .await?
            .map_err(|error| in_scratch(cx, BackupError::io("copying the backup")(error)))?;
        return Ok(Opened { file, path: path.to_path_buf(), copied: Some(Copied::File { _path: path }), remote: None });
    }
    if place::is_remote(file)? {
        return fetch(file, cx).await;
    }
    let path = cx.path(file);
    let doing = || BackupError::io(format!("reading {}", file.display()));
    let opening = path.clone();
    // On a thread of its own, so that a signal is seen while a pipe has no writer.
    let opened = tokio::task::spawn_blocking(move || File::open(opening)).await.map_err(|_| BackupError::Worker)?;
    let mut opened = opened.map_err(doing())?;
    let kind = opened.metadata().map_err(doing())?.file_type();
    if kind.is_dir() {
        refuse_directory_of_pg_dump(&path, file)?;
        return Err(is_a_folder(file));
    }
    if kind.is_file() {
        return Ok(Opened { file: opened, path, copied: None, remote: None });
    }
    // A pipe, which can be read only once and from its beginning.
    let mut copy = copy()?;
    let copied = tokio::task::spawn_blocking(move || io::copy(&mut opened, &mut copy).map(|_| copy));
    let copy = copied.await.map_err(|_| BackupError::Worker)?.map_err(|error| in_scratch(cx, doing()(error)))?;
    let (file, path) = copy.into_parts();
    Ok(Opened { file, path: path.to_path_buf(), copied: Some(Copied::File { _path: path }), remote: None })
}

/// A copy of a backup that is off this machine, and of what is kept beside it. It is read once, whatever is done with it.
async fn fetch(given: &Path, cx: &Context) -> Result<Opened> {
    let Some((store, place)) = place::object(given, cx)? else { return Err(is_a_folder(given)) };
    let folder = tempfile::tempdir_in(scratch_folder(cx))
        .map_err(|error| in_scratch(cx, BackupError::io("making room for the backup")(error)))?;
    let path = folder.path().join(place.file_name().unwrap_or_default());
    let (from, to) = (place.clone(), path.clone());
    let fetched = place::on_a_thread(cx, &store, move |store| {
        if store.size(&from)?.is_none() {
            return Ok(None);
        }
        let making = || BackupError::io("making room for the backup");
        let mut file = File::options().read(true).write(true).create_new(true).open(&to).map_err(making())?;
        store.fetch(&from, &mut file)?;
        file.rewind().map_err(making())?;
        if let Some(note) = store.note(&from)? {
            folder::write_note(&to, &note)?;
        }
        Ok(Some(file))
    });
    let Some(file) = fetched.await? else {
        let above = place::store(Some(given), cx)?;
        let listing = place::on_a_thread(cx, &above, |store| store.list()).await?;
        if !listing.entries.is_empty() {
            return Err(is_a_folder(given));
        }
        return Err(Error::new(Kind::NotFound, "no_backup", message!("there is no {}", given.display().to_string()))
            .fix(message!("{}     lists those that there are", skyteam("db backups URL"))));
    };
    Ok(Opened { file, path, copied: Some(Copied::Folder { _path: folder }), remote: Some((store, place)) })
}

fn is_a_folder(given: &Path) -> Error {
    Error::new(Kind::Usage, "usage", message!("{} is a folder", given.display().to_string()))
        .fix(message!("{}     shows what is in it", skyteam("db backups").file(given.display())))
}

/// The wording of a failure where a disk is full that large temporary files went to: not the backup's.
pub(in crate::cli::commands) fn in_scratch(cx: &Context, error: BackupError) -> Error {
    let is_full = match &error {
        BackupError::Io { source, .. } => {
            matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        }
        // SQLite's own file, full.
        BackupError::Database(sqlx::Error::Database(refusal)) => refusal.code().as_deref() == Some("13"),
        _ => false,
    };
    if !is_full {
        return error.into();
    }
    let folder = scratch_folder(cx);
    Error::new(Kind::Failure, "disk_full", message!("the disk of {} is full", folder.display()))
        .why("temporary files of this run needed room there; they are gone again")
        .fix("TMPDIR=/a/folder/with/room skyteam …     puts them elsewhere")
        .source(error)
}

/// Where large temporary files go when no folder is named.
pub(in crate::cli::commands) fn scratch_folder(cx: &Context) -> PathBuf {
    cx.env.get("TMPDIR").map_or_else(|| system::SCRATCH.into(), PathBuf::from)
}
