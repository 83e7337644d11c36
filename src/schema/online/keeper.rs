//! The session that does the work of an online push, and keeps the lock that all changes of the schema share for as long
//! as it lives.
//!
//! CONCURRENTLY and VALIDATE end one transaction and begin the next, so the lock is the session's. That the work runs in
//! the same session matters when the client is killed: the server goes on with the statement that it has begun, and the
//! lock with it, so that no other run takes an index that is still being built for one that was left behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use migration::runner::LOCK;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Statement as Query};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::db::{Database, search_path};
use crate::schema::claims::Claims;
use crate::schema::error::SchemaError;
use crate::schema::lock::{holders, in_the_way, pause};
use crate::schema::plan::Step;
use crate::schema::waiting::{LockPolicy, SessionError, Stuck, Wait, Waiting, is_locked};

/// How long a short transaction waits for its lock. A session that queues behind it waits as long at most.
const WINDOW: Duration = Duration::from_millis(10);

/// After how many tries it waits twice as long.
const PATIENT: u32 = 20;

/// How many times the lock timeout of a push all tries of one step last.
const LASTING: u32 = 20;

pub(super) struct Keeper {
    connection: PgConnection,
    pid: i32,
    policy: LockPolicy,
}

fn driver(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

impl Keeper {
    /// Opens the session and waits for the lock.
    ///
    /// # Errors
    /// [`SchemaError::Pooler`]; [`SessionError::Busy`]; the driver's.
    pub(super) async fn open(
        database: &Database,
        policy: LockPolicy,
        wait: &mut Waiting<'_>,
    ) -> Result<Self, SchemaError> {
        let Some(pool) = database.postgres().filter(|_| !database.is_behind_pooler()) else {
            return Err(SchemaError::Pooler);
        };
        let connection = pool.acquire().await.map_err(driver)?.detach();
        let mut keeper = Self { connection, pid: 0, policy };
        keeper.pid = keeper.value("SELECT pg_catalog.pg_backend_pid()").await?;
        // Behind a pooler in transaction mode of which the URL says nothing, the session that has just become free is
        // given to the next transaction of anybody.
        let other = database.begin().await?;
        let row = other.query_one_raw(Query::from_string(DbBackend::Postgres, "SELECT pg_backend_pid()")).await?;
        let next: Option<i32> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        other.rollback().await?;
        if next == Some(keeper.pid) {
            return Err(SchemaError::Pooler);
        }
        // An index may take hours, and a lock timeout would leave it unfinished.
        let path = search_path::DDL;
        keeper
            .send(&format!(
                "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0; \
                 SET idle_in_transaction_session_timeout = 0; SET default_transaction_read_only = off; \
                 SET search_path = {path}"
            ))
            .await?;
        keeper.take(database, wait).await?;
        Ok(keeper)
    }

    async fn take(&mut self, database: &Database, wait: &mut Waiting<'_>) -> Result<(), SchemaError> {
        let (class, object) = LOCK;
        let begun = Instant::now();
        let mut told: Vec<i32> = Vec::new();
        loop {
            if self.value(&format!("SELECT pg_catalog.pg_try_advisory_lock({class}, {object})")).await? {
                return Ok(());
            }
            let which = format!(
                "l.granted AND l.locktype = 'advisory' AND l.classid = {class} AND l.objid = {object} AND l.objsubid = 2"
            );
            let found = holders(database.conn(), &which).await?;
            for holder in found.iter().filter(|holder| !told.contains(&holder.pid)) {
                wait(Wait::Change(holder));
            }
            told.extend(found.iter().map(|holder| holder.pid));
            if begun.elapsed() >= self.policy.queue {
                return Err(SessionError::Busy { holders: found, waited: begun.elapsed() }.into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The process on the server.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends statements; several of them are one transaction.
    ///
    /// # Errors
    /// The driver's.
    pub(super) async fn send(&mut self, sql: &str) -> Result<(), DbErr> {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await.map(drop).map_err(driver)
    }

    async fn value<T>(&mut self, sql: &str) -> Result<T, DbErr>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await.map_err(driver)
    }

    /// Runs a short transaction that takes its locks first, in a message of its own, so that it has them for no longer
    /// than the server needs; again and again until they are free.
    ///
    /// # Errors
    /// [`SchemaError::Part`]; [`SessionError::Locked`] when the tries end.
    pub(super) async fn short(
        &mut self,
        database: &Database,
        step: &Step,
        sql: &[String],
        wait: &mut Waiting<'_>,
    ) -> Result<(), SchemaError> {
        let claims = Claims::of([step]);
        let begun = Instant::now();
        let limit = self.policy.lock_timeout * LASTING;
        let mut attempt = 0;
        loop {
            let window = if attempt < PATIENT { WINDOW } else { WINDOW * 2 };
            let mut script = format!("BEGIN; SET LOCAL lock_timeout = {}; ", window.as_millis());
            if !claims.tables().is_empty() {
                script.push_str(&format!("{};", claims.statement(window)));
            }
            for statement in sql {
                script.push_str(&format!(" {statement};"));
            }
            script.push_str(" COMMIT");
            let Err(source) = self.send(&script).await else { return Ok(()) };
            let locked = is_locked(&source);
            if let Err(lost) = self.send("ROLLBACK").await {
                return Err(lost.into());
            }
            if !locked {
                return Err(SchemaError::Part { step: Box::new(step.clone()), sql: sql.join("; "), source });
            }
            attempt += 1;
            let what = step.what.as_str();
            if begun.elapsed() >= limit {
                let holders = in_the_way(database.conn(), &claims.tables(), claims.mode()).await?;
                let what = what.to_owned();
                let stuck = Stuck {
                    what,
                    engine: crate::db::Engine::Postgres,
                    holders,
                    waited: window,
                    tries: attempt,
                    kept: true,
                    source: Some(source),
                };
                return Err(SessionError::Locked(Box::new(stuck)).into());
            }
            // Mostly it is one short transaction after the other; who is in the way for longer is named.
            if attempt % PATIENT == 0 {
                let holders = in_the_way(database.conn(), &claims.tables(), claims.mode()).await?;
                wait(Wait::Lock { what, holders: &holders, attempt, of: 0 });
            }
            tokio::time::sleep(pause(attempt)).await;
        }
    }
}
