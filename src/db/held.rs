//! One connection of the pool, held for a statement, for the rows of one, or for a transaction: the one path on which a
//! statement reaches either driver.
//!
//! Transactions begin and end through sqlx's own manager, which counts them. A connection that is dropped within one rolls
//! back as soon as the pool has it again.

use std::sync::Arc;
use std::time::Instant;

use async_stream::try_stream;
use futures::TryStreamExt as _;
use sea_orm::{DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{
    AssertSqlSafe, Connection as _, Database, Either, Executor, IntoArguments, Postgres, SqlSafeStr as _, Sqlite,
};
use sqlx_core::transaction::TransactionManager as _;

use super::options::Trace;
use super::values::bound;
use super::{Rows, is_outcome_unknown, notices, sqlx_error};

type OfPostgres = <Postgres as Database>::TransactionManager;
type OfSqlite = <Sqlite as Database>::TransactionManager;

/// A connection that is in use.
#[derive(Debug)]
pub(super) struct Held {
    driver: Driver,
    trace: Option<Tracing>,
    /// Whether a transaction was begun and is not known to be over.
    open: bool,
    /// When it came from the pool.
    pub(super) taken: Instant,
}

#[derive(Debug)]
enum Driver {
    Postgres(PoolConnection<Postgres>),
    Sqlite(PoolConnection<Sqlite>),
}

/// Called after each statement.
#[derive(Clone)]
pub(super) struct Tracing(pub(super) Trace);

impl std::fmt::Debug for Tracing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tracing")
    }
}

/// What a statement answered.
pub(super) struct Done {
    pub(super) result: ExecResult,
    pub(super) rows: Vec<QueryResult>,
}

impl Held {
    pub(super) fn of_postgres(connection: PoolConnection<Postgres>, trace: Option<Tracing>) -> Self {
        Self { driver: Driver::Postgres(connection), trace, open: false, taken: Instant::now() }
    }

    pub(super) fn of_sqlite(connection: PoolConnection<Sqlite>, trace: Option<Tracing>) -> Self {
        Self { driver: Driver::Sqlite(connection), trace, open: false, taken: Instant::now() }
    }

    fn engine(&self) -> DbBackend {
        match self.driver {
            Driver::Postgres(_) => DbBackend::Postgres,
            Driver::Sqlite(_) => DbBackend::Sqlite,
        }
    }

    /// Whether its server still answers.
    pub(super) async fn lives(&mut self) -> bool {
        match &mut self.driver {
            Driver::Postgres(connection) => connection.ping().await.is_ok(),
            Driver::Sqlite(connection) => connection.ping().await.is_ok(),
        }
    }

    /// Closes it, in a task of its own.
    pub(super) fn close(mut self) {
        match &mut self.driver {
            Driver::Postgres(connection) => connection.close_on_drop(),
            Driver::Sqlite(connection) => connection.close_on_drop(),
        }
    }

    /// Runs a statement to its end, which outside a transaction is the end of its commit; keeps its rows, or the `first`
    /// of them alone.
    pub(super) async fn run(&mut self, statement: Statement, first: bool) -> Result<Done, DbErr> {
        let statement = bound(self.engine(), statement);
        let mut timer = Timer::start(self.trace.as_ref(), &statement.sql);
        let done = match &mut self.driver {
            Driver::Postgres(connection) => {
                let (result, rows) =
                    collect(query(statement), &mut **connection, first, false).await.map_err(failed)?;
                Done { result: result.into(), rows: rows.into_iter().map(QueryResult::from).collect() }
            }
            Driver::Sqlite(connection) => {
                // SQLite works out a row when it is asked for it.
                let (result, rows) =
                    collect(query(statement), &mut **connection, first, first).await.map_err(failed)?;
                Done { result: result.into(), rows: rows.into_iter().map(QueryResult::from).collect() }
            }
        };
        timer.succeed();
        Ok(done)
    }

    /// Sends statements without values, several if need be.
    pub(super) async fn send(&mut self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = AssertSqlSafe(sql.to_owned());
        match &mut self.driver {
            Driver::Postgres(connection) => connection.execute(sql).await.map(ExecResult::from),
            Driver::Sqlite(connection) => connection.execute(sql).await.map(ExecResult::from),
        }
        .map_err(failed)
    }

    /// The rows of a statement as they come.
    pub(super) fn rows(&mut self, statement: Statement) -> Rows<'_> {
        let statement = bound(self.engine(), statement);
        let mut timer = Timer::start(self.trace.as_ref(), &statement.sql);
        match &mut self.driver {
            Driver::Postgres(connection) => Box::pin(try_stream! {
                let mut rows = (&mut **connection).fetch(query(statement));
                while let Some(row) = rows.try_next().await.map_err(failed)? {
                    yield QueryResult::from(row);
                }
                timer.succeed();
            }),
            Driver::Sqlite(connection) => Box::pin(try_stream! {
                let mut rows = (&mut **connection).fetch(query(statement));
                while let Some(row) = rows.try_next().await.map_err(failed)? {
                    yield QueryResult::from(row);
                }
                timer.succeed();
            }),
        }
    }

    /// Begins a transaction with this statement.
    pub(super) async fn begin(&mut self, sql: &'static str) -> Result<(), DbErr> {
        let sql = Some(sql.into_sql_str());
        match &mut self.driver {
            Driver::Postgres(connection) => OfPostgres::begin(connection, sql).await,
            Driver::Sqlite(connection) => OfSqlite::begin(connection, sql).await,
        }
        .map_err(failed)?;
        self.open = true;
        Ok(())
    }

    /// Commits.
    pub(super) async fn commit(&mut self) -> Result<(), DbErr> {
        match &mut self.driver {
            Driver::Postgres(connection) => OfPostgres::commit(connection).await,
            Driver::Sqlite(connection) => OfSqlite::commit(connection).await,
        }
        .map_err(failed)?;
        self.open = false;
        Ok(())
    }

    /// Rolls back.
    pub(super) async fn rollback(&mut self) -> Result<(), DbErr> {
        match &mut self.driver {
            Driver::Postgres(connection) => OfPostgres::rollback(connection).await,
            Driver::Sqlite(connection) => OfSqlite::rollback(connection).await,
        }
        .map_err(failed)?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Without a runtime nothing can be given back: the connection ends here, and with it its transaction.
        let ends = tokio::runtime::Handle::try_current().is_err();
        match &mut self.driver {
            Driver::Postgres(connection) if ends => drop(connection.return_to_pool()),
            Driver::Sqlite(connection) if ends => drop(connection.return_to_pool()),
            Driver::Postgres(connection) if self.open => OfPostgres::start_rollback(connection),
            Driver::Sqlite(connection) if self.open => OfSqlite::start_rollback(connection),
            _ => {}
        }
    }
}

/// Whether a statement ended with the server's answer, after which it waits for the next one.
pub(super) fn answered<T>(done: &Result<T, DbErr>) -> bool {
    match done {
        Ok(_) => true,
        Err(error) => matches!(sqlx_error(error), Some(sqlx::Error::Database(_))) && !is_outcome_unknown(error),
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

fn query<DB: Database>(statement: Statement) -> Query<'static, DB, SqlxValues>
where
    SqlxValues: IntoArguments<DB>,
{
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

/// Runs a query and keeps its rows, or the `first` alone; goes no further than that where it is to `stop` there.
///
/// What the server warns of while the statement itself runs, a trigger's own words perhaps, is passed over: the commit comes
/// after the statement is complete.
async fn collect<'c, DB, E>(
    query: Query<'static, DB, SqlxValues>,
    connection: E,
    first: bool,
    stop: bool,
) -> sqlx::Result<(DB::QueryResult, Vec<DB::Row>)>
where
    DB: Database,
    E: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
{
    let (mut result, mut rows) = (DB::QueryResult::default(), Vec::new());
    let mut answers = connection.fetch_many(query);
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(done) => {
                result.extend([done]);
                notices::take();
            }
            Either::Right(row) => {
                if !first || rows.is_empty() {
                    rows.push(row);
                }
                if stop {
                    break;
                }
            }
        }
    }
    drop(answers);
    Ok((result, rows))
}

/// Reports a statement to the trace when it is dropped.
struct Timer(Option<Running>);

struct Running {
    trace: Trace,
    sql: String,
    began: Instant,
    failed: bool,
}

impl Timer {
    fn start(trace: Option<&Tracing>, sql: &str) -> Self {
        Self(trace.map(|Tracing(trace)| Running {
            trace: Arc::clone(trace),
            sql: sql.to_owned(),
            began: Instant::now(),
            failed: true,
        }))
    }

    fn succeed(&mut self) {
        if let Some(running) = &mut self.0 {
            running.failed = false;
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(Running { trace, sql, began, failed }) = &self.0 {
            trace(sql, began.elapsed(), *failed);
        }
    }
}
