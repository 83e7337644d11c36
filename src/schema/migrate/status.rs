//! The three states of the schema side by side: live, snapshot, entities.

use migration::Migration;
use migration::history::Applied;
use sea_orm::{ConnectionTrait, Statement};

use super::state::MigrationState;
use super::{MigrateError, state};
use crate::db::{Database, Engine, Transaction};
use crate::schema::desired::renames_between;
use crate::schema::diff::{self, diff};
use crate::schema::online::record::{self, Unfinished};
use crate::schema::{LockPolicy, Waiting, desired, session, snapshot};

/// Which migrations a database has, and how its live schema, the last snapshot and the entities differ.
#[derive(Clone, Debug)]
pub struct Status<'a> {
    /// The server's version, as it says it.
    pub server_version: String,
    /// Applied, pending, edited, missing, and what that is known from.
    pub(crate) outlook: MigrationState<'a>,
    /// What would have to change in the database for it to equal the snapshot of the version it is at; none where it is
    /// at no version.
    pub live_to_snapshot: Vec<String>,
    /// What would have to change in the database for it to equal the entities: what a push would do.
    pub live_to_entities: Vec<String>,
    /// What of that is not certain, because a session that only looks cannot ask: see [`crate::schema::Live::unknown`].
    pub unknown: Vec<String>,
    /// An online push that has begun and not ended.
    pub(crate) online: Option<Unfinished>,
    /// What the entities have that the newest migration of this build has not: what `generate` would write.
    pub snapshot_to_entities: Vec<String>,
}

impl Status<'_> {
    /// Whether all is applied, and live, snapshot and entities are the same.
    pub fn is_in_order(&self) -> bool {
        let standing = &self.outlook.standing;
        // Behind a record that may not be read, what the database looks like has to do.
        let recorded = standing.pending.is_empty() || self.outlook.hidden && self.outlook.pending(None).is_empty();
        recorded
            && standing.edited.is_empty()
            && standing.missing.is_empty()
            && self.live_to_snapshot.is_empty()
            && self.live_to_entities.is_empty()
            && self.snapshot_to_entities.is_empty()
    }

    /// Whether the database is what the entities ask for, ahead of all migrations: it was pushed, and the migration is still
    /// to be generated.
    pub(crate) fn is_pushed_ahead(&self) -> bool {
        self.live_to_entities.is_empty() && !self.snapshot_to_entities.is_empty()
    }

    /// Whether the database lacks nothing but what the entities ask for ahead of all migrations, or part of that: the rest
    /// is still to be pushed.
    pub(crate) fn is_behind_entities(&self) -> bool {
        !self.live_to_entities.is_empty()
            && self.live_to_entities.iter().all(|change| self.snapshot_to_entities.contains(change))
    }

    /// The lines of the record, whether this build has them as they were or edited.
    pub(crate) fn record(&self) -> Vec<&Applied> {
        let standing = &self.outlook.standing;
        let known = standing.applied.iter().chain(&standing.edited).map(|(_, line)| line);
        let mut lines: Vec<&Applied> = known.chain(&standing.missing).collect();
        lines.sort_by_key(|line| line.version.as_str());
        lines
    }
}

/// Looks at everything, without queueing behind those who change the schema. Changes nothing.
///
/// # Errors
/// [`MigrateError::Live`], [`MigrateError::Snapshot`], [`MigrateError::Session`], [`MigrateError::Driver`].
pub async fn status<'a>(
    database: &Database,
    migrations: &'a [Migration],
    patience: &LockPolicy,
    wait: &mut Waiting<'_>,
) -> Result<Status<'a>, MigrateError> {
    session::glance(database, patience, wait, async |txn| status_in(txn, migrations).await).await
}

async fn status_in<'a>(txn: &Transaction, migrations: &'a [Migration]) -> Result<Status<'a>, MigrateError> {
    let engine = Engine::of(txn);
    let outlook = state::inside(txn, migrations).await?;
    let live_to_snapshot = live_to_snapshot(txn, &outlook).await?;
    let entities = desired()?;
    let (live_to_entities, unknown) = state::difference_and_unknown(txn, &entities).await?;
    let server_version = server_version(txn).await?;
    let unfinished = record::read(txn).await?;
    // One that another command has finished is none.
    let online = unfinished.filter(|_| !(live_to_entities.is_empty() && live_to_snapshot.is_empty()));
    let snapshot_to_entities = match migrations.last() {
        Some(last) => {
            let newest = snapshot::of(last)?;
            let renames = renames_between(&newest, &entities);
            let found = diff(&newest, &entities, engine, diff::Origin::Snapshot, &renames);
            found.changes.iter().map(|change| change.what()).collect()
        }
        None => Vec::new(),
    };
    Ok(Status { server_version, outlook, live_to_snapshot, live_to_entities, unknown, online, snapshot_to_entities })
}

async fn live_to_snapshot(
    txn: &impl ConnectionTrait,
    outlook: &MigrationState<'_>,
) -> Result<Vec<String>, MigrateError> {
    match outlook.nearest() {
        Some(migration) => state::difference(txn, &snapshot::of(migration)?).await,
        None => Ok(Vec::new()),
    }
}

async fn server_version(txn: &impl ConnectionTrait) -> Result<String, MigrateError> {
    let engine = Engine::of(txn);
    let sql = match engine {
        Engine::Postgres => "SELECT current_setting('server_version')",
        Engine::Sqlite => "SELECT sqlite_version()",
    };
    let row = txn.query_one_raw(Statement::from_string(engine.backend(), sql)).await?;
    Ok(row.map_or_else(|| Ok(String::new()), |row| row.try_get_by_index(0))?)
}
