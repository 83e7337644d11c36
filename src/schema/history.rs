//! Which migration a schema equals, and the note of it: so that `migrate` after `push`, and `push` after `migrate`, find
//! nothing to do.

use migration::Migration;
use migration::history::{self, Applied, Via};
use sea_orm::{ConnectionTrait, Statement};

use super::dialect::literal;
use super::error::SchemaError;
use super::live::{LiveError, Rights};
use super::model::Schema;
use super::snapshot;
use crate::db::{Database, Engine};

/// The migrations up to the one whose snapshot is `schema`; none where no snapshot is.
///
/// # Errors
/// [`SchemaError::Snapshot`].
pub(crate) fn equal(schema: &Schema) -> Result<&'static [Migration], SchemaError> {
    let all = migration::all();
    for (at, migration) in all.iter().enumerate().rev() {
        if snapshot::of(migration)? == *schema {
            return Ok(&all[..=at]);
        }
    }
    Ok(&[])
}

/// The migrations that `schema` equals and `record` does not have.
///
/// # Errors
/// [`SchemaError::Snapshot`].
pub(crate) fn unrecorded(schema: &Schema, record: &[Applied]) -> Result<Vec<&'static Migration>, SchemaError> {
    let has = |migration: &&Migration| record.iter().any(|line| line.version == migration.version());
    Ok(equal(schema)?.iter().filter(|migration| !has(migration)).collect())
}

/// The record of applied migrations as far as the role may read it; refuses a table of another program in its place, and a
/// record that is ahead of this build: what a newer skyteam made would be taken for something to undo.
///
/// # Errors
/// [`SchemaError::Ahead`]; [`LiveError::ForeignRecord`]; the driver's.
pub(crate) async fn read_known(txn: &impl ConnectionTrait, rights: &Rights) -> Result<Vec<Applied>, SchemaError> {
    refuse_foreign(txn).await?;
    if !rights.read_record {
        return Ok(Vec::new());
    }
    let record = history::lines(txn).await?;
    let is_known = |line: &&Applied| migration::all().iter().any(|known| known.version() == line.version);
    let newer: Vec<String> =
        record.iter().filter(|line| !is_known(line)).map(|line| format!("{}_{}", line.version, line.name)).collect();
    if newer.is_empty() { Ok(record) } else { Err(SchemaError::Ahead(newer)) }
}

/// Refuses what only a build that knows all applied migrations may do, such as replacing what is there.
///
/// # Errors
/// [`SchemaError::Ahead`]; [`LiveError::ForeignRecord`]; the driver's.
pub(crate) async fn refuse_newer(database: &Database) -> Result<(), SchemaError> {
    let txn = database.begin_read().await?;
    if history::is_installed(&txn).await? && history::is_readable(&txn).await? {
        read_known(&txn, &Rights { read_record: true, ..Rights::all() }).await?;
    }
    txn.rollback().await?;
    Ok(())
}

/// Refuses a table that has the name of the record and lacks its columns.
///
/// # Errors
/// [`LiveError::ForeignRecord`]; the driver's.
pub(crate) async fn refuse_foreign(txn: &impl ConnectionTrait) -> Result<(), LiveError> {
    const COLUMNS: [&str; 6] = ["version", "name", "checksum", "appliedAt", "tookMs", "via"];
    let names = COLUMNS.map(literal).join(", ");
    let (sql, name) = match Engine::of(txn) {
        Engine::Postgres => (
            format!(
                "SELECT count(*) FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'skyteam' \
                 AND c.relname = 'migrations' AND NOT a.attisdropped AND a.attname IN ({names})"
            ),
            "skyteam.migrations",
        ),
        Engine::Sqlite => (
            format!("SELECT count(*) FROM pragma_table_info('_skyteam_migrations') WHERE name IN ({names})"),
            "_skyteam_migrations",
        ),
    };
    if !history::is_installed(txn).await? {
        return Ok(());
    }
    let row = txn.query_one_raw(Statement::from_string(Engine::of(txn).backend(), sql)).await?;
    let found: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
    if usize::try_from(found).is_ok_and(|found| found == COLUMNS.len()) {
        return Ok(());
    }
    Err(LiveError::ForeignRecord(name))
}

/// Notes, in the caller's transaction, the migrations that a database with this schema is at. Returns their versions.
///
/// # Errors
/// [`SchemaError`].
pub(crate) async fn note(txn: &impl ConnectionTrait, schema: &Schema, via: Via) -> Result<Vec<String>, SchemaError> {
    history::install(txn).await?;
    let record = history::read(txn).await?;
    let mut noted = Vec::new();
    for migration in unrecorded(schema, &record)? {
        history::record(txn, migration, 0, via).await?;
        noted.push(migration.version().to_owned());
    }
    Ok(noted)
}
