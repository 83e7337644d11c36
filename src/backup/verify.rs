//! Proving a backup: it is restored into a scratch database, what came of it is read back, and both are compared
//! row for row; then the ledger that came out of it is audited.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use sea_orm::{ConnectionTrait, Statement};

use super::backend::postgres;
use super::column_mapping;
use super::create::{Snapshot, Wanted};
use super::error::{BackupError, Result};
use super::format::archive::{Archive, Progress};
use super::format::crypt::{Identities, Recipients};
use super::format::digest;
use super::format::manifest::{Subject, TableEntry};
use super::identity::Identity;
use super::maker::Trusted;
use super::plan::{self, Plan};
use super::restore::RestoreOptions;
use super::spool::Spools;
use super::store::{Store, folder};
use super::{restore, version};
use crate::consent::Approval;
use crate::db::{Database, Engine};
use crate::entity::types::Timestamp;
use crate::ledger::audit;

/// What a proof found.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// What differs between the backup and what came out of it.
    pub differences: Vec<String>,
    /// What the audit of the ledger found. This is about the data as it was, and no fault of the backup.
    pub findings: u64,
}

/// Restores the archive into an empty scratch database, reads it back, compares and audits.
///
/// # Errors
/// Those of [`restore::bring`]; what differs is no error but part of the [`Proof`].
pub async fn prove(
    archive: &Arc<Archive>,
    scratch: &Database,
    folder: &Path,
    at: DateTime<Utc>,
    progress: Progress,
    approval: Approval,
) -> Result<Proof> {
    let state = restore::inspect(scratch).await?;
    let plan = Plan::new(archive, &state, &plan::Wanted { scratch: true, ..plan::Wanted::default() })?;
    let latest = version::latest()?.migration.version() == plan.version.migration.version();
    restore::bring(scratch, Arc::clone(archive), plan, RestoreOptions::default(), progress.clone(), approval).await?;
    let snapshot = Snapshot::take(scratch, &[]).await?;
    let spools = Spools::new(folder, archive.encrypted());
    let made = snapshot.read(scratch, &Wanted::default(), at, &spools, progress.clone()).await?;
    let mut file = tempfile::tempfile_in(folder).map_err(BackupError::io("making room for the comparison"))?;
    // What was encrypted stays so while it lies on the disk.
    let (recipients, identities) =
        if archive.encrypted() { Identities::ephemeral()? } else { (Recipients::default(), Identities::default()) };
    made.write(&mut file, &recipients)?;
    let original = Arc::clone(archive);
    let compare = move || {
        let restored = Archive::open(file, &identities)?;
        differences(&original, &restored, &progress)
    };
    let differences = tokio::task::spawn_blocking(compare).await.map_err(|_| BackupError::Worker)??;
    // The audit knows the newest schema only.
    let findings = if latest && archive.manifest().subject().is_whole() { count_findings(scratch).await? } else { 0 };
    Ok(Proof { differences, findings })
}

fn differences(original: &Archive, restored: &Archive, progress: &Progress) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let known = version::known()?;
    for table in &original.manifest().tables {
        let columns = known.table(&table.name).into_iter().flat_map(|table| &table.columns);
        let textual = columns.filter(|column| column_mapping::kind(&column.kind).is_none());
        let types = textual.map(|column| (column.name.clone(), column.kind.clone())).collect();
        let Some(twin) = restored.manifest().table(&table.name) else {
            found.push(format!("{} was not restored", table.name));
            continue;
        };
        let wanted = digest::of(original, table, &types, |rows| progress(rows))?;
        let got = digest::of(restored, twin, &types, |rows| progress(rows))?;
        let column_names = |entry: &TableEntry| -> Vec<String> {
            let mut names: Vec<String> = entry.columns.iter().map(|column| column.name.clone()).collect();
            names.sort();
            names
        };
        // The two databases' own words, where they speak the same and of the same columns.
        let said = match (&table.digest, &twin.digest) {
            (Some(source), Some(scratch)) if source.method == scratch.method => {
                column_names(table) != column_names(twin) || source == scratch
            }
            _ => true,
        };
        if wanted.rows != got.rows {
            found.push(format!("{}: {} rows came back instead of {}", table.name, got.rows, wanted.rows));
        } else if wanted != got || !said {
            found.push(format!("{}: other values came back", table.name));
        }
    }
    Ok(found)
}

/// Audits the ledger of a scratch database that a dump was restored into; `None` where it is not of the newest version,
/// which is the only one that the audit knows.
///
/// # Errors
/// The driver's.
pub(crate) async fn audited(scratch: &Database) -> Result<Option<u64>> {
    let at = restore::inspect(scratch).await?.version;
    let latest = version::latest()?;
    match at.is_some_and(|at| at.version == latest.migration.version()) {
        true => count_findings(scratch).await.map(Some),
        false => Ok(None),
    }
}

async fn count_findings(scratch: &Database) -> Result<u64> {
    let txn = scratch.begin_read().await?;
    let count = {
        let findings = std::pin::pin!(audit::audit(&txn, None).await?);
        findings.try_fold(0, |count, _| async move { Ok(count + 1) }).await?
    };
    txn.rollback().await?;
    Ok(count)
}

/// Whether restoring the archive can be planned at all: its version is known, and its tables have what they need.
///
/// # Errors
/// [`BackupError::Misfit`], [`BackupError::TooNew`].
pub(crate) fn check_plan(archive: &Archive) -> Result<()> {
    Plan::new(archive, &restore::nothing(), &plan::Wanted { scratch: true, ..plan::Wanted::default() }).map(drop)
}

/// Whether verifying the archive proves that this database can be restored: it is of this one, and of all of it.
pub(crate) fn is_of(archive: &Archive, identity: &Identity) -> bool {
    let subject = archive.manifest().subject();
    subject.is_whole() && subject.identity.as_ref() == Some(identity)
}

/// When the newest whole backup of a database in a store was made.
pub(crate) fn newest_in(store: &dyn Store, identity: &Identity, now: DateTime<Utc>) -> Option<Timestamp> {
    let is_of = |subject: &Subject| subject.is_whole() && subject.identity.as_ref() == Some(identity);
    let entries = store.list().ok()?.entries.into_iter();
    let made = entries.filter(|entry| {
        entry.damage.is_none() && !folder::is_future(entry.created_at, now) && entry.subject.as_ref().is_some_and(is_of)
    });
    made.map(|entry| entry.created_at.into()).max()
}

/// When the newest backup of a database in a store was made that was proved since, by the notes beside them.
pub(crate) fn newest_proved_in(
    store: &dyn Store,
    identity: &Identity,
    trusted: &Trusted,
    now: DateTime<Utc>,
) -> Option<Timestamp> {
    let is_of = |subject: &Subject| subject.is_whole() && subject.identity.as_ref() == Some(identity);
    let entries = store.list().ok()?.entries.into_iter();
    let proved = entries.filter(|entry| {
        entry.damage.is_none()
            && !folder::is_future(entry.created_at, now)
            && entry.subject.as_ref().is_some_and(is_of)
            && entry.verified.as_ref().is_some_and(|verified| verified.deep && verified.sound)
            // A note proves nothing by itself: everyone with write access can leave one.
            && trusted.of_entry(entry, store).is_ok_and(|maker| !maker.is_unknown())
    });
    proved.map(|entry| entry.created_at.into()).max()
}

/// Remembers in the database itself that a backup of it was proved, for `db doctor`.
///
/// # Errors
/// The driver's: a role that may only read cannot.
pub(crate) async fn remember(
    database: &Database,
    identity: &Identity,
    archive: &Archive,
    sha256: &str,
    at: DateTime<Utc>,
    sound: bool,
) -> Result<()> {
    let engine = database.engine();
    let make: &[&str] = match engine {
        Engine::Postgres => &[
            r#"CREATE TABLE IF NOT EXISTS skyteam.verifications ("verifiedAt" timestamp NOT NULL, "createdAt" timestamp NOT NULL, sha256 text NOT NULL, rows bigint NOT NULL, sound boolean NOT NULL, identity text)"#,
            "ALTER TABLE skyteam.verifications ADD COLUMN IF NOT EXISTS identity text",
        ],
        Engine::Sqlite => &[
            r#"CREATE TABLE IF NOT EXISTS _skyteam_verifications ("verifiedAt" TEXT NOT NULL, "createdAt" TEXT NOT NULL, sha256 TEXT NOT NULL, rows INTEGER NOT NULL, sound INTEGER NOT NULL) STRICT"#,
            "ALTER TABLE _skyteam_verifications ADD COLUMN identity TEXT",
        ],
    };
    let begin = async || {
        let txn = database.begin().await?;
        if engine == Engine::Postgres {
            txn.execute_unprepared("SET LOCAL lock_timeout = '3s'").await?;
        }
        Ok::<_, BackupError>(txn)
    };
    let mut txn = begin().await?;
    // Made by the first proof; older versions made it without the identity.
    if newest(&txn, engine, identity, None).await.is_err() {
        txn.rollback().await?;
        txn = begin().await?;
        for sql in make {
            txn.execute_unprepared(sql).await?;
        }
        if engine == Engine::Postgres {
            txn.execute_unprepared(&migration::history::share_with_readers("verifications")).await?;
        }
    }
    insert(&txn, identity, archive, sha256, at, sound).await?;
    Ok(txn.commit().await?)
}

fn verifications(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "skyteam.verifications",
        Engine::Sqlite => "_skyteam_verifications",
    }
}

async fn insert(
    txn: &impl ConnectionTrait,
    identity: &Identity,
    archive: &Archive,
    sha256: &str,
    at: DateTime<Utc>,
    sound: bool,
) -> Result<()> {
    let engine = Engine::of(txn);
    let sql = format!(
        r#"INSERT INTO {} ("verifiedAt", "createdAt", sha256, rows, sound, identity) VALUES ($1, $2, $3, $4, $5, $6)"#,
        verifications(engine)
    );
    let values: [sea_orm::Value; 6] = [
        Timestamp::from(at).into(),
        Timestamp::from(archive.manifest().created_at).into(),
        sha256.into(),
        i64::try_from(archive.manifest().rows()).unwrap_or(i64::MAX).into(),
        sound.into(),
        identity.to_string().into(),
    ];
    txn.execute_raw(Statement::from_sql_and_values(engine.backend(), sql, values)).await?;
    Ok(())
}

/// The newest backup of this database that was proved, of those that were made until then.
async fn newest(
    connection: &impl ConnectionTrait,
    engine: Engine,
    identity: &Identity,
    until: Option<Timestamp>,
) -> Result<Option<Timestamp>> {
    let sql = format!(
        r#"SELECT max("createdAt") AS at FROM {} WHERE sound AND identity = $1 AND ($2 IS NULL OR "createdAt" <= $2)"#,
        verifications(engine)
    );
    let sql = if engine == Engine::Postgres { sql.replace("$2", "$2::timestamp") } else { sql };
    let values: [sea_orm::Value; 2] = [identity.to_string().into(), until.into()];
    let row = connection.query_one_raw(Statement::from_sql_and_values(engine.backend(), sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "at")).transpose()?.flatten())
}

/// How the names of scratch databases on a server begin.
pub(crate) const SCRATCH: &str = "skyteam_verify_";

/// What killed commands have left on a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leftovers {
    /// The schema in which a restore left its tables, where no restore is running.
    pub schema: Option<&'static str>,
    /// Scratch databases of proofs, of this role, without a connection.
    pub databases: Vec<String>,
    /// Roles that dumps were proved by, whose database is gone.
    pub roles: Vec<String>,
}

/// Looks for them.
///
/// # Errors
/// The driver's.
pub(crate) async fn leftovers(database: &Database) -> Result<Leftovers> {
    let Some(pool) = database.postgres() else { return Ok(Leftovers::default()) };
    let schema = postgres::is_left_over(pool).await?.then_some(postgres::STAGE);
    let sql = format!(
        "SELECT datname::text AS name FROM pg_database d WHERE starts_with(datname, '{SCRATCH}')
            AND pg_get_userbyid(datdba) = current_user
            AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid) ORDER BY datname"
    );
    let found = database.conn().query_all_raw(Statement::from_string(database.engine().backend(), sql)).await?;
    let databases = found.iter().map(|row| row.try_get("", "name")).collect::<Result<_, _>>()?;
    let sql = format!(
        "SELECT rolname::text AS name FROM pg_roles r WHERE starts_with(rolname, '{SCRATCH}')
            AND NOT EXISTS (SELECT FROM pg_database d WHERE d.datname = r.rolname)
            AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.usesysid = r.oid) ORDER BY rolname"
    );
    let found = database.conn().query_all_raw(Statement::from_string(database.engine().backend(), sql)).await?;
    let roles = found.iter().map(|row| row.try_get("", "name")).collect::<Result<_, _>>()?;
    Ok(Leftovers { schema, databases, roles })
}

/// When the newest backups of a database were made that were proved since.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Proved {
    /// The newest of those that were made until now.
    pub newest: Option<Timestamp>,
    /// One that is dated in the future, by a wrong clock.
    pub future: Option<Timestamp>,
}

/// Looks up what proofs are remembered in the database; nothing where none ever was, or nothing is known.
pub(crate) async fn newest_proved(database: &Database, identity: &Identity, now: DateTime<Utc>) -> Proved {
    let ask = async |until| newest(database.conn(), database.engine(), identity, until).await.ok().flatten();
    let Some(any) = ask(None).await else { return Proved::default() };
    if !folder::is_future(any.0.and_utc(), now) {
        return Proved { newest: Some(any), future: None };
    }
    Proved { newest: ask(Some(now.into())).await, future: Some(any) }
}
