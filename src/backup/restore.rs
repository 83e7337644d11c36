//! Bringing an archive into a database, whichever engine it is on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::backend::engine::Job;
use super::backend::{self, sqlite};
use super::error::{BackupError, Result};
use super::format::archive::{Archive, Progress};
use super::plan::{Plan, State, Way};
use super::store::file;
use crate::consent::Approval;
use crate::db::{Database, Engine};

/// What the database has of skyteam's tables.
///
/// # Errors
/// [`BackupError::Pooler`]; the driver's.
pub async fn inspect(database: &Database) -> Result<State> {
    backend::of(database).state().await
}

/// How a plan is carried out.
#[derive(Clone, Copy, Debug)]
pub struct RestoreOptions {
    /// Whether the changes are committed; otherwise all is done and then undone.
    pub commit: bool,
    /// Longest wait for a table that others use.
    pub lock_timeout: Duration,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self { commit: true, lock_timeout: Duration::from_secs(10) }
    }
}

/// Whether the migrations to the newest version run within the restore: where rows are replaced, so that their loss is
/// not for nothing, and where nothing is committed, so that a failure is seen. Into an empty database what was restored is
/// committed first, and stays when it cannot be migrated: it may be all that there is.
fn goes_onward(plan: &Plan, commit: bool) -> bool {
    plan.way == Way::Replace || (!commit && plan.way == Way::Fresh)
}

/// Carries out a plan. When it fails, the database is as it was.
///
/// # Errors
/// [`BackupError`]: those of reading the archive, and of the driver.
pub async fn bring(
    database: &Database,
    archive: Arc<Archive>,
    plan: Plan,
    manner: RestoreOptions,
    progress: Progress,
    _approval: Approval,
) -> Result<()> {
    let RestoreOptions { commit, lock_timeout } = manner;
    let onward = goes_onward(&plan, commit);
    backend::of(database).restore(Job { archive, plan, commit, onward, lock_timeout, progress }).await
}

/// What a file has that is not there yet.
pub(crate) fn nothing() -> State {
    State { engine: Engine::Sqlite, existing: Vec::new(), version: None }
}

/// How the names of files begin that a restore is making.
const RESTORING: &str = ".skyteam-restoring-";
/// Between a file's making and its locking lies much less.
const ABANDONED: Duration = Duration::from_secs(60);

/// Removes what killed restores left in a folder: what is not locked, and not just made.
fn clear_abandoned(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_string_lossy().starts_with(RESTORING) && entry.file_type()?.is_file();
        if is_ours && entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age > ABANDONED) {
            let file = std::fs::File::open(entry.path())?;
            if file.try_lock().is_ok() {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// Makes a new SQLite file. It has its name only when it is whole, and never replaces one that came in between.
///
/// # Errors
/// Those of reading the archive, and the file system's.
pub(crate) async fn build(
    path: &Path,
    archive: Arc<Archive>,
    plan: Plan,
    commit: bool,
    progress: Progress,
) -> Result<()> {
    debug_assert_eq!(plan.way, Way::Fresh, "a new file holds nothing");
    let folder = file::folder_of(path);
    let doing = || format!("making {}", path.display());
    crate::db::make_folder(folder).map_err(BackupError::io(doing()))?;
    clear_abandoned(folder).map_err(BackupError::io(doing()))?;
    let pending = tempfile::Builder::new().prefix(RESTORING).tempfile_in(folder);
    let pending = pending.map_err(BackupError::io(doing()))?;
    // Held while this process lives, so that others recognise what a killed one left behind.
    pending.as_file().lock().map_err(BackupError::io(doing()))?;
    let onward = goes_onward(&plan, commit);
    let lock_timeout = RestoreOptions::default().lock_timeout;
    let job = Job { archive, plan, commit, onward, lock_timeout, progress };
    sqlite::build(pending.path(), &job).await.map_err(|error| match &error {
        BackupError::Database(sqlx::Error::Database(refusal)) if refusal.code().as_deref() == Some("13") => {
            BackupError::io(doing())(std::io::ErrorKind::StorageFull.into())
        }
        _ => error,
    })?;
    if !commit {
        return Ok(());
    }
    pending.as_file().sync_all().map_err(BackupError::io(doing()))?;
    pending.persist_noclobber(path).map_err(|error| BackupError::io(doing())(error.error))?;
    file::sync_folder(folder)
}
