//! Backup files on the disk: their names, the lock against overlapping runs, and a file that has its name only when it is
//! whole.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use tempfile::NamedTempFile;

use crate::backup::error::{BackupError, Result};
use crate::backup::identity::Identity;
use crate::{small_file, system};

/// The ending of archives.
pub(crate) const EXTENSION: &str = "skyteam";
/// How the names of unfinished backups begin. A run that holds the folder's lock removes those of others, so nothing
/// else may be called like it.
const PARTIAL: &str = ".skyteam-partial-";
const LOCK: &str = ".skyteam-backup.lock";
/// Digits of a random suffix.
const RANDOM: usize = 8;
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// `skyteam-<database>-<identity>-<UTC time>.<extension>`, where the identity is known. What a file name cannot hold on
/// every system becomes `_`.
pub(crate) fn name(database: &str, identity: Option<&Identity>, at: DateTime<Utc>, extension: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let database: String = database.chars().map(plain).take(100).collect();
    let identity = identity.map(|identity| format!("-{}", identity.short())).unwrap_or_default();
    format!("skyteam-{database}{identity}-{}.{extension}", at.format(TIME))
}

/// Reads the time out of a name that [`name`], [`numbered`] or [`unique`] made.
pub(crate) fn time_in_name(name: &str) -> Option<DateTime<Utc>> {
    let (stem, _) = name.strip_prefix("skyteam-")?.rsplit_once('.')?;
    let time = |stem: &str| {
        let (_, time) = stem.rsplit_once('-')?;
        NaiveDateTime::parse_from_str(time, TIME).ok().map(|at| at.and_utc())
    };
    time(stem).or_else(|| {
        let (stem, suffix) = stem.rsplit_once('-')?;
        let is_random = suffix.len() == RANDOM && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_random || suffix.parse::<u32>().is_ok()).then(|| time(stem)).flatten()
    })
}

/// The same name with random digits, for a place where no one can look first whether it is free:
/// `skyteam-skyteam-20261123T020509Z-9f86d081.skyteam`.
pub(crate) fn unique(name: &str) -> String {
    let random = &uuid::Uuid::new_v4().simple().to_string()[..RANDOM];
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}-{random}.{extension}"),
        None => format!("{name}-{random}"),
    }
}

/// The same name with a number, for the second backup of one second: `skyteam-skyteam-20261123T020509Z-2.skyteam`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(format!("{}-{number}.{}", part(path.file_stem()), part(path.extension())))
}

/// What there is where a backup is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Nothing, or a file that will be replaced. Links are followed: the link stays, and what it leads to is replaced.
    File(PathBuf),
    /// A pipe or a device that takes bytes as they come.
    Stream(PathBuf),
}

/// Looks at what there is.
///
/// # Errors
/// [`BackupError::NotAFile`] for what is neither; [`BackupError::Io`].
pub(crate) fn destination(path: &Path) -> Result<Destination> {
    refuse_links_of_others(path)?;
    let doing = || BackupError::io(format!("looking at {}", path.display()));
    match fs::metadata(path) {
        Ok(data) if data.is_file() => Ok(Destination::File(fs::canonicalize(path).map_err(doing())?)),
        Ok(data) if system::takes_bytes(&data) => Ok(Destination::Stream(path.to_owned())),
        Ok(data) => {
            let what = if data.is_dir() { "a folder" } else { "no file, pipe or terminal" };
            Err(BackupError::NotAFile { path: path.to_owned(), what })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            // A link to a file that is not there yet.
            Ok(link) => destination(&folder_of(path).join(link)),
            Err(_) => Ok(Destination::File(path.to_owned())),
        },
        Err(error) => Err(doing()(error)),
    }
}

/// Refuses a path through a link that another user has made, also where a link of one's own leads to it: it could lead
/// anywhere that we may write.
fn refuse_links_of_others(path: &Path) -> Result<()> {
    /// As many as the system follows.
    const LINKS: u32 = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        for part in path.ancestors() {
            let link = fs::symlink_metadata(part).ok().filter(fs::Metadata::is_symlink);
            if link.is_some_and(|link| !system::is_ours(&link)) {
                return Err(BackupError::NotAFile { path: part.to_owned(), what: "a link that another user has made" });
            }
        }
        let Ok(link) = fs::read_link(&path) else { break };
        path = folder_of(&path).join(link);
    }
    Ok(())
}

/// The folder, when it is one.
///
/// # Errors
/// [`BackupError::NoFolder`], [`BackupError::NotAFolder`].
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    match fs::metadata(folder) {
        Ok(data) if data.is_dir() => Ok(()),
        Ok(_) => Err(BackupError::NotAFolder { path: folder.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BackupError::NoFolder { path: folder.to_owned() }),
        Err(error) => Err(BackupError::io(format!("looking at {}", folder.display()))(error)),
    }
}

/// The number of the user that a file belongs to.
pub(crate) fn owner(path: &Path) -> Option<u32> {
    fs::symlink_metadata(path).ok().map(|data| system::owner(&data))
}

/// Gives a file to the owner of its folder, where we may: so that what root has made does not keep out the user whose
/// folder it is.
fn give_to_owner_of(folder: &Path, file: &File) {
    if let (Ok(folder), Ok(data)) = (fs::metadata(folder), file.metadata())
        && system::owner(&folder) != system::owner(&data)
    {
        // Only root may; any other user keeps what they have made.
        let _ = system::give_to_owner_of(&folder, file);
    }
}

/// Held while a backup is written into a folder or its old ones are removed.
#[derive(Debug)]
pub(crate) struct FolderLock {
    // The lock goes when the file is closed, so also when the process is killed.
    _file: File,
}

impl FolderLock {
    /// Takes the lock of a folder, and removes what killed runs left unfinished in it.
    ///
    /// # Errors
    /// [`BackupError::Busy`] when another process holds it; those of [`check_folder`].
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        check_folder(folder)?;
        let path = folder.join(LOCK);
        let doing = || format!("locking {}", folder.display());
        let denied = |owner| BackupError::LockDenied { lock: path.clone(), folder: folder.to_owned(), owner };
        let (file, metadata) = small_file::open_lock(&path).map_err(|error| match (error.kind(), owner(&path)) {
            (io::ErrorKind::PermissionDenied, Some(owner)) => denied(owner),
            _ => BackupError::io(doing())(error),
        })?;
        give_to_owner_of(folder, &file);
        keep_private(&file, &metadata, folder).map_err(denied)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy { lock: path }),
            Err(TryLockError::Error(error)) => return Err(BackupError::io(doing())(error)),
        }
        remove_partials(folder).map_err(BackupError::io(format!("clearing {}", folder.display())))?;
        Ok(Self { _file: file })
    }
}

/// Takes the lock file's rights from all but its owner, as an older version did not. Fails with its owner where that is
/// neither this user, nor the folder's, nor root: a stranger could keep the lock for ever.
fn keep_private(file: &File, metadata: &fs::Metadata, folder: &Path) -> std::result::Result<(), u32> {
    let is_of_folder = fs::metadata(folder).is_ok_and(|folder| system::owner(&folder) == system::owner(metadata));
    if !is_of_folder && !system::is_ours(metadata) {
        return Err(system::owner(metadata));
    }
    if system::is_open_to_others(metadata) {
        // Only the owner and root may; then the file stays as it is, and works.
        let _ = system::set_mode(file, 0o600);
    }
    Ok(())
}

fn remove_partials(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A file that is being written beside its final name, readable by its owner only. Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct PendingFile {
    file: NamedTempFile,
    target: PathBuf,
}

impl PendingFile {
    /// Begins the file.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub(crate) fn create(target: &Path) -> Result<Self> {
        let folder = folder_of(target);
        // Mode 0600 is what tempfile gives.
        let file = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(folder);
        let file = file.map_err(BackupError::io(format!("writing into {}", folder.display())))?;
        Ok(Self { file, target: target.to_owned() })
    }

    /// The path it will have.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Gives it its name, replacing a file that has it, once its bytes and its directory entry are on the disk.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub(crate) fn commit(self) -> Result<PathBuf> {
        let doing = || format!("writing {}", self.target.display());
        self.file.as_file().sync_all().map_err(BackupError::io(doing()))?;
        let doing = doing();
        self.file.persist(&self.target).map_err(|error| BackupError::io(doing)(error.error))?;
        sync_folder(folder_of(&self.target))?;
        Ok(self.target)
    }

    /// As [`PendingFile::commit`], but never in place of another file: one that has the name already makes it the next
    /// one that is free. Returns the name it got.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub(crate) fn commit_beside(self) -> Result<PathBuf> {
        let doing = || format!("writing {}", self.target.display());
        self.file.as_file().sync_all().map_err(BackupError::io(doing()))?;
        let doing = doing();
        let mut file = self.file;
        let mut place = self.target.clone();
        for number in 2.. {
            match file.persist_noclobber(&place) {
                Ok(_) => break,
                Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => {
                    file = taken.file;
                    place = numbered(&self.target, number);
                }
                Err(error) => return Err(BackupError::io(doing)(error.error)),
            }
        }
        sync_folder(folder_of(&place))?;
        Ok(place)
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The folder a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Makes the directory entries of a folder durable.
///
/// # Errors
/// [`BackupError::Io`].
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    system::sync_folder(folder).map_err(BackupError::io(format!("syncing {}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_their_time_and_no_path() {
        let at = "2026-11-23T02:05:09Z".parse().unwrap();
        assert_eq!(name("skyteam", None, at, EXTENSION), "skyteam-skyteam-20261123T020509Z.skyteam");
        assert_eq!(name("../a b", None, at, "sql"), "skyteam-.._a_b-20261123T020509Z.sql");
        assert_eq!(time_in_name("skyteam-sky-team-20261123T020509Z.skyteam"), Some(at));
        assert_eq!(time_in_name("skyteam-x.skyteam"), None);
        let second = numbered(Path::new("b/skyteam-a-20261123T020509Z.skyteam"), 2);
        assert_eq!(second, Path::new("b/skyteam-a-20261123T020509Z-2.skyteam"));
        assert_eq!(time_in_name("skyteam-a-20261123T020509Z-2.skyteam"), Some(at));
        let random = unique("skyteam-a-20261123T020509Z.skyteam");
        assert_eq!(time_in_name(&random), Some(at), "{random}");
        assert_ne!(random, unique("skyteam-a-20261123T020509Z.skyteam"));
    }

    #[test]
    fn one_lock_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        assert!(matches!(FolderLock::take(folder.path()), Err(BackupError::Busy { .. })));
        drop(lock);
        FolderLock::take(folder.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_lock_is_its_owners_alone_and_no_link() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK);
        let elsewhere = folder.path().join("elsewhere");
        symlink(&elsewhere, &path).unwrap();
        assert!(FolderLock::take(folder.path()).is_err());
        assert!(!elsewhere.exists(), "nothing is made where a link leads");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(lock);
    }

    #[test]
    fn a_file_has_its_name_only_when_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("b.skyteam");
        let mut pending = PendingFile::create(&target).unwrap();
        pending.write_all(b"half").unwrap();
        assert!(!target.exists());
        drop(pending);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut pending = PendingFile::create(&target).unwrap();
        pending.write_all(b"whole").unwrap();
        pending.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let mut pending = PendingFile::create(&target).unwrap();
        pending.write_all(b"another").unwrap();
        assert_eq!(pending.commit_beside().unwrap(), folder.path().join("b-2.skyteam"));
        assert_eq!(fs::read(&target).unwrap(), b"whole");
    }
}
