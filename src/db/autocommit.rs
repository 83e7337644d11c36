//! Statements that write and commit by themselves.
//!
//! An interrupt does not cut one off before its answer ([`super::shutdown`]), and on PostgreSQL they keep one connection
//! between them. sqlx asks every connection that comes back to its pool whether it still lives (sqlx-core
//! `pool/connection.rs`): for a statement that takes the server a tenth of a millisecond that is half as much again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgQueryResult, PgRow};
use sqlx::{AssertSqlSafe, Either, Executor as _, Postgres};

use super::pool_wait::Lease;
use super::{Connection, Database, is_outcome_unknown, notices, search_path, shutdown, sqlx_error};

/// A way into a database for statements that each commit by themselves, one after the other.
///
/// A caller that runs many keeps it: it keeps the connection that it took from the pool, and takes another one where
/// that broke. Where two run at once, the second takes a connection of its own. Behind a pooler in transaction mode each
/// is a transaction, as everywhere.
#[derive(Debug)]
pub(crate) struct Autocommit<'a> {
    database: &'a Database,
    kept: Mutex<Option<Kept>>,
}

/// A connection that is not in use at the moment.
#[derive(Debug)]
struct Kept {
    connection: PoolConnection<Postgres>,
    /// Dropped last, so that a connection that is given back counts as on its way.
    _lease: Lease,
}

impl<'a> Autocommit<'a> {
    pub(super) fn new(database: &'a Database) -> Self {
        Self { database, kept: Mutex::default() }
    }

    /// Gives the kept connection back, for work that takes one of its own: the pool may have no other.
    pub(crate) fn release(&self) {
        self.slot().take();
    }

    /// Which way a statement goes.
    fn way(&self, statement: Statement) -> Way<'a> {
        let connection = self.database.conn();
        if self.database.postgres().is_none() || self.database.is_behind_pooler() {
            return Way::Plain(connection, statement);
        }
        let traced = self.database.options.trace.is_some().then(|| statement.sql.clone());
        let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
        let sql = search_path::qualify(&statement.sql).into_owned();
        Way::Kept(sqlx::query_with(AssertSqlSafe(sql), SqlxValues(values)), traced)
    }

    /// Runs a statement on the kept connection; `traced` is its SQL where tracing is on.
    ///
    /// The connection is kept again only where its server has answered. Where this is dropped half-way, it goes back
    /// to the pool, which finds out what state it is in.
    async fn run(&self, query: KeptQuery, traced: Option<String>) -> Result<Done, DbErr> {
        let done = async {
            let mut kept = self.take().await?;
            let began = Instant::now();
            let done = to_its_commit(query, &mut kept.connection).await;
            if let Some((trace, sql)) = self.database.options.trace.as_ref().zip(traced) {
                trace(&sql, began.elapsed(), done.is_err());
            }
            let done = done.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))));
            if done.as_ref().err().is_none_or(answered) {
                *self.slot() = Some(kept);
            }
            done
        };
        let (done, warnings) = notices::heard(self.database.conn().shutdown().run(done)).await;
        if done.is_ok() && !warnings.is_empty() {
            // A deferred trigger runs in the commit of such a statement, and may have sent the warning. Which of the two it
            // was shows in whether the standby has, or soon gets, what was committed. The pool may have no other connection.
            self.release();
            if self.database.replicated().await.is_err() {
                return shutdown::replicated(done, warnings);
            }
        }
        done
    }

    async fn take(&self) -> Result<Kept, DbErr> {
        if let Some(kept) = self.slot().take() {
            return Ok(kept);
        }
        let connection = self.database.conn();
        let lease = connection.lease().await;
        match connection.inner().get_postgres_connection_pool().acquire().await {
            Ok(connection) => Ok(Kept { connection, _lease: lease }),
            Err(sqlx::Error::PoolTimedOut) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
            Err(sqlx::Error::PoolClosed) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(error) => Err(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))),
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a statement gets to the database.
enum Way<'a> {
    /// As all others do.
    Plain(&'a Connection, Statement),
    /// By the kept connection, with its SQL where tracing is on.
    Kept(KeptQuery, Option<String>),
}

type KeptQuery = sqlx::query::Query<'static, Postgres, SqlxValues>;

/// What a statement answered.
#[derive(Default)]
struct Done {
    result: PgQueryResult,
    rows: Vec<PgRow>,
}

/// Runs a statement to the end of its commit. What the server warns of while the statement itself runs, a trigger's own
/// words perhaps, is passed over: the commit comes after the statement is complete.
async fn to_its_commit(query: KeptQuery, connection: &mut PoolConnection<Postgres>) -> sqlx::Result<Done> {
    let mut done = Done::default();
    let mut answers = (&mut **connection).fetch_many(query);
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(result) => {
                done.result.extend([result]);
                notices::take();
            }
            Either::Right(row) => done.rows.push(row),
        }
    }
    Ok(done)
}

/// Whether an error is the server's answer, after which it waits for the next statement.
fn answered(error: &DbErr) -> bool {
    matches!(sqlx_error(error), Some(sqlx::Error::Database(_))) && !is_outcome_unknown(error)
}

#[async_trait]
impl ConnectionTrait for Autocommit<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.database.conn().get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self.way(statement) {
            Way::Plain(plain, statement) => plain.shutdown().run(plain.execute_raw(statement)).await,
            Way::Kept(query, sql) => Ok(self.run(query, sql).await?.result.into()),
        }
    }

    /// Nothing that is repeated comes without values, so this goes the plain way.
    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let plain = self.database.conn();
        plain.shutdown().run(plain.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self.way(statement) {
            Way::Plain(plain, statement) => plain.shutdown().run(plain.query_one_raw(statement)).await,
            Way::Kept(query, sql) => Ok(self.run(query, sql).await?.rows.into_iter().next().map(QueryResult::from)),
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self.way(statement) {
            Way::Plain(plain, statement) => plain.shutdown().run(plain.query_all_raw(statement)).await,
            Way::Kept(query, sql) => Ok(self.run(query, sql).await?.rows.into_iter().map(QueryResult::from).collect()),
        }
    }
}
