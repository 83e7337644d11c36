//! What a restore works with, and the transaction that it is.

use std::sync::Arc;
use std::time::Duration;

use migration::runner::LOCK;
use migration::{Engine as Dialect, openings};
use sea_orm::{DbErr, RuntimeErr};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, PgPool};

use crate::backup::backend::engine;
use crate::backup::error::Result;
use crate::db::{Shutdown, search_path};

/// A restore, and where it goes.
pub(super) struct Job {
    /// What is done.
    pub what: engine::Job,
    /// Where to.
    pub pool: PgPool,
    /// What an interrupt must wait for.
    pub shutdown: Shutdown,
}

impl std::ops::Deref for Job {
    type Target = engine::Job;

    fn deref(&self) -> &Self::Target {
        &self.what
    }
}

pub(super) async fn run(connection: &mut PgConnection, statements: impl IntoIterator<Item = String>) -> Result<()> {
    for sql in statements {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Begins the transaction that all changes of the schema take turns in.
pub(super) async fn begin(connection: &mut PgConnection, lock_timeout: Duration) -> Result<()> {
    let (class, object) = LOCK;
    let lock_timeout = lock_timeout.as_millis();
    let sql = format!(
        "BEGIN; SET LOCAL search_path = {}; SET LOCAL lock_timeout = {lock_timeout}; SELECT pg_advisory_xact_lock({class}, {object}); \
         SET LOCAL statement_timeout = 0; SET LOCAL standard_conforming_strings = on; SET LOCAL idle_in_transaction_session_timeout = 0; \
         SET LOCAL skyteam.maintenance = 'on'; SET LOCAL skyteam.operation = 'db restore'; SET LOCAL row_security = off",
        search_path::SAFE
    );
    run(connection, [sql]).await
}

/// Says where the transaction looks names up that have no schema.
pub(super) async fn look_in(connection: &mut PgConnection, path: &str) -> Result<()> {
    run(connection, [format!("SET LOCAL search_path = {path}")]).await
}

/// Commits, or rolls back where the job is a rehearsal.
pub(super) async fn end(connection: PgConnection, job: &Job) -> Result<()> {
    if job.commit { commit(connection, job).await } else { roll_back(connection).await }
}

pub(super) async fn commit(mut connection: PgConnection, job: &Job) -> Result<()> {
    // Deferred triggers run before the COMMIT, so that what they warn of is not taken for the standby's.
    run(&mut connection, ["SET CONSTRAINTS ALL IMMEDIATE".to_owned()]).await?;
    let driver = |error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)));
    let commit = async { sqlx::raw_sql("COMMIT").execute(&mut connection).await.map_err(driver) };
    job.shutdown.commit(commit).await?;
    Ok(connection.close().await?)
}

pub(super) async fn roll_back(mut connection: PgConnection) -> Result<()> {
    run(&mut connection, ["ROLLBACK".to_owned()]).await?;
    Ok(connection.close().await?)
}

/// Records that the ledger was replaced: its triggers were off, or it was made anew.
pub(super) async fn record_opening(connection: &mut PgConnection) -> Result<()> {
    run(
        connection,
        [openings::create_table(Dialect::Postgres).to_owned(), openings::insert(Dialect::Postgres, "db restore")],
    )
    .await
}
