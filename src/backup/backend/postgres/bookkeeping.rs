//! What surrounds the tables: the record of applied migrations, and trigger functions.

use std::collections::BTreeSet;
use std::time::Instant;

use migration::{Engine, Migration, history};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::job::{Job, run};
use super::read::RECORD;
use crate::backup::error::{BackupError, Result};
use crate::backup::version;
use crate::db::quote;
use crate::schema::dialect::postgres::HOME;

/// Makes schema and record where they are missing and writes the lines up to the version that was restored.
///
/// # Errors
/// The driver's.
pub(super) async fn write(connection: &mut PgConnection, job: &Job) -> Result<()> {
    let schema = format!(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{HOME}') THEN CREATE SCHEMA {HOME}; \
         END IF; END $$; \
         DO $$ BEGIN IF NOT EXISTS ({RECORD}) THEN {}; END IF; END $$; \
         DELETE FROM {HOME}.migrations",
        history::create_table(Engine::Postgres)
    );
    run(connection, [schema]).await?;
    let manifest = job.archive.manifest();
    for migration in migration::all().iter().filter(|m| m.version() <= job.plan.version.migration.version()) {
        let line = manifest.migrations.iter().find(|line| line.version == migration.version());
        let applied_at = line.map(|line| line.applied_at.as_str());
        let (took_ms, via) = line.map_or((0, "baseline"), |line| (line.took_ms, line.via.as_str()));
        record(connection, migration, applied_at, took_ms, via).await?;
    }
    Ok(())
}

/// Writes a line of the record; without `applied_at` it happens now.
///
/// # Errors
/// The driver's.
pub(super) async fn record(
    connection: &mut PgConnection,
    migration: &Migration,
    applied_at: Option<&str>,
    took_ms: i64,
    via: &str,
) -> Result<()> {
    let sql = format!(
        r#"INSERT INTO {HOME}.migrations (version, name, checksum, "appliedAt", "tookMs", via)
           VALUES ($1, $2, $3, coalesce($4::timestamp, now() AT TIME ZONE 'UTC'), $5, $6)"#
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(migration.version())
        .bind(migration.name())
        .bind(migration.checksum(Engine::Postgres))
        .bind(applied_at.and_then(|at| at.parse::<crate::entity::types::Timestamp>().ok()).map(|at| at.0))
        .bind(i32::try_from(took_ms).unwrap_or(i32::MAX))
        .bind(via)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes away the functions that any version of ours has: an older version's script makes them again.
///
/// # Errors
/// As [`version::all`].
pub(crate) fn drop_functions() -> Result<Vec<String>> {
    let versions = version::all()?;
    let names: BTreeSet<&str> =
        versions.iter().flat_map(|version| &version.schema.functions).map(|function| function.name.as_str()).collect();
    Ok(names.into_iter().map(|name| format!("DROP FUNCTION IF EXISTS {HOME}.{}()", quote(name))).collect())
}

/// Takes what was restored on to the newest version.
pub(super) async fn onward(connection: &mut PgConnection, job: &Job) -> Result<()> {
    for migration in job.plan.onward() {
        let begun = Instant::now();
        let failed = |source| BackupError::Onward { version: migration.folder(), source };
        for sql in version::script(migration, Engine::Postgres)? {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.map_err(failed)?;
        }
        let took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        record(connection, migration, None, took_ms, "migrate").await?;
    }
    Ok(())
}
