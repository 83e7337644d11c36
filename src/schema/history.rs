//! Which migration a schema equals, and the note of it: so that `migrate` after `push`, and `push` after `migrate`, find
//! nothing to do.

use migration::Migration;
use migration::history::{self, Applied, Via};
use sea_orm::ConnectionTrait;

use super::error::SchemaError;
use super::model::Schema;
use super::snapshot;

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

/// Notes, in the caller's transaction, the migrations that a database with this schema is at. Answers their versions.
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
