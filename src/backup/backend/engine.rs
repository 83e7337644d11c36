//! What backup and restore need of an engine.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::backup::error::Result;
use crate::backup::error::Unarchivable;
use crate::backup::format::archive::{Archive, Progress, Rewrite, Table};
use crate::backup::format::definitions::Definitions;
use crate::backup::format::manifest::AppliedMigration;
use crate::backup::format::table_schema::TableShape;
use crate::backup::plan::{Plan, State};
use crate::backup::spool::Spools;
use crate::backup::version::At;

/// A database, as backup and restore see it.
#[async_trait(?Send)]
pub(crate) trait Backend: Send + Sync {
    /// Takes one consistent state of the tables of these names; those that are not there are left out. `patience` is how
    /// long to wait for tables that others change the structure of.
    ///
    /// # Errors
    /// [`crate::backup::BackupError::InUse`], [`crate::backup::BackupError::Unreadable`],
    /// [`crate::backup::BackupError::Pooler`], [`crate::backup::BackupError::Encoding`]; the driver's.
    async fn snapshot(&self, names: &[&str], patience: Duration) -> Result<Box<dyn Snapshot>>;

    /// Which of skyteam's tables there are, with how many rows, at which version.
    ///
    /// # Errors
    /// [`crate::backup::BackupError::Pooler`]; the driver's.
    async fn state(&self) -> Result<State>;

    /// Carries out a plan. When it fails the database is as it was.
    ///
    /// # Errors
    /// Those of reading the archive; [`crate::backup::BackupError::InUse`]; the driver's.
    async fn restore(&self, job: Job) -> Result<()>;

    /// Cells that an archive cannot hold.
    ///
    /// # Errors
    /// The driver's.
    async fn unarchivable(&self) -> Result<Vec<Unarchivable>>;

    /// What others have defined on the tables of these names, by table.
    ///
    /// # Errors
    /// The driver's.
    async fn definitions(&self, names: &[&str]) -> Result<Vec<(String, Definitions)>>;
}

/// What a restore works with.
pub(crate) struct Job {
    /// Where from. Its members have been checked.
    pub archive: Arc<Archive>,
    /// What to do.
    pub plan: Plan,
    /// Whether the changes are committed; otherwise all is done and then undone.
    pub commit: bool,
    /// Whether the migrations to the newest version run too.
    pub onward: bool,
    /// Longest wait for a table that others use. SQLite has one lock, and its URL says how long to wait for it.
    pub lock_timeout: Duration,
    /// Called with the rows that are on their way.
    pub progress: Progress,
}

/// One consistent state of a database, held open for reading.
#[async_trait(?Send)]
pub(crate) trait Snapshot: Send {
    /// The tables that were found.
    fn shapes(&self) -> Vec<&TableShape>;

    /// The version that they are at.
    fn version(&self) -> Option<At>;

    /// `15.18 (Debian …)`, `3.50.4`.
    fn server_version(&self) -> &str;

    /// The record of the applied migrations; empty where there is none.
    fn migrations(&self) -> &[AppliedMigration];

    /// By table and column the last numbers that the database gave, where it keeps them apart from the rows.
    fn sequences(&self) -> HashMap<String, BTreeMap<String, i64>> {
        HashMap::new()
    }

    /// Tables beside those that were asked for.
    fn left_out(&self) -> &[String];

    /// What others have defined, by table.
    fn definitions(&self) -> &HashMap<String, Definitions>;

    /// Leaves out the columns that are not skyteam's.
    ///
    /// # Errors
    /// Those of [`crate::backup::version::known`].
    fn keep_ours(&mut self) -> Result<()>;

    /// The airlines' API keys.
    ///
    /// # Errors
    /// The driver's.
    async fn tokens(&mut self) -> Result<Vec<String>>;

    /// About how many rows all tables have; for progress only.
    ///
    /// # Errors
    /// The driver's.
    async fn estimate(&mut self) -> Result<u64>;

    /// Reads all rows of the selected tables into spools, in the order of [`Snapshot::shapes`], and ends the snapshot.
    ///
    /// # Errors
    /// The driver's, and the file system's.
    async fn read(
        self: Box<Self>,
        selected: &HashSet<String>,
        spools: &Spools,
        rewrite: Option<Rewrite>,
        progress: Progress,
    ) -> Result<Vec<Table>>;
}
