//! A connection that can only read, from one snapshot, with a limit on the time of each statement.
//!
//! PostgreSQL: a transaction that is read only, with `statement_timeout`. SQLite: `query_only`, and a progress handler that
//! interrupts what runs past the limit. Both end by themselves when the value is dropped, so that a client that disconnects
//! leaves nothing behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use sea_orm::{ConnectionTrait as _, DbErr};
use sqlx::sqlite::SqliteValueRef;
use sqlx::{AssertSqlSafe, Decode, Postgres, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use super::sql::Sql;
use super::value::Datum;
use crate::db::{Database, Engine, Transaction, search_path, sqlx_error};

/// How many dead connections of the pool are skipped: as many as it may have, and one.
const TRIES: u32 = 9;

/// For how long after its end a limit interrupts what runs: long enough for what it is meant for, and over when the
/// connection is used by others.
const GRACE: Duration = Duration::from_secs(1);

/// How many steps of SQLite's machine run between two looks at the clock.
const STEPS: i32 = 1_000;

/// A session.
pub(crate) struct Session {
    inner: Inner,
}

enum Inner {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite { transaction: sqlx::Transaction<'static, Sqlite>, limit: Limit },
}

/// When statements of an SQLite connection are interrupted. Its progress handler outlives the session, so ending the session
/// lifts the limit; or where a statement still runs, whose reader went away, interrupts that.
struct Limit {
    /// How long each statement may take.
    each: Duration,
    start: Instant,
    /// Milliseconds after `start`.
    end: Arc<AtomicU64>,
    /// Whether a statement was begun whose rows were not all taken.
    running: Arc<AtomicBool>,
}

impl Limit {
    fn set(&self, limit: Duration) {
        let end = self.start.elapsed() + limit;
        self.end.store(u64::try_from(end.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        if self.running.load(Ordering::Relaxed) {
            self.set(Duration::ZERO);
        } else {
            self.end.store(u64::MAX, Ordering::Relaxed);
        }
    }
}

impl Session {
    /// Opens one whose statements take at most `limit` each. Dead connections of the pool are skipped.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) async fn open(database: &Database, limit: Duration) -> Result<Self, sqlx::Error> {
        let mut tries = 0;
        loop {
            match Self::once(database, limit).await {
                Err(error) if tries < TRIES && is_lost(&error) => tries += 1,
                opened => return opened,
            }
        }
    }

    async fn once(database: &Database, limit: Duration) -> Result<Self, sqlx::Error> {
        if let Some(pool) = database.postgres() {
            const BEGIN: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
            let mut transaction = pool.begin_with(BEGIN).await?;
            // A lock that is not free would otherwise take the whole time.
            let mut settings = format!(
                "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = 2000; \
                 SET LOCAL idle_in_transaction_session_timeout = 60000",
                limit.as_millis()
            );
            if !database.preamble().is_empty() {
                settings = format!("{}; {settings}", database.preamble());
            }
            sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *transaction).await?;
            return Ok(Self { inner: Inner::Postgres(transaction) });
        }
        let Some(pool) = database.sqlite() else { return Err(sqlx::Error::PoolClosed) };
        let mut connection = pool.acquire().await?;
        let start = Instant::now();
        let end = Arc::new(AtomicU64::new(u64::MAX));
        let seen = Arc::clone(&end);
        connection.lock_handle().await?.set_progress_handler(STEPS, move || {
            let late = start.elapsed().checked_sub(Duration::from_millis(seen.load(Ordering::Relaxed)));
            late.is_none_or(|late| late > GRACE)
        });
        sqlx::raw_sql("PRAGMA query_only = ON").execute(&mut *connection).await?;
        let transaction = sqlx::Transaction::begin(connection, None).await?;
        let limited = Limit { each: limit, start, end, running: Arc::default() };
        Ok(Self { inner: Inner::Sqlite { transaction, limit: limited } })
    }

    /// Which engine it is on.
    pub(super) fn engine(&self) -> Engine {
        match self.inner {
            Inner::Postgres(_) => Engine::Postgres,
            Inner::Sqlite { .. } => Engine::Sqlite,
        }
    }

    /// Records that no more rows of the last statement are wanted.
    pub(super) fn leave(&mut self) {
        if let Inner::Sqlite { limit, .. } = &self.inner {
            limit.running.store(false, Ordering::Relaxed);
        }
    }

    /// All rows of a statement.
    ///
    /// # Errors
    /// The driver's.
    pub(super) async fn rows(&mut self, sql: Sql) -> Result<Vec<Vec<Datum>>, sqlx::Error> {
        self.stream(sql).try_collect().await
    }

    /// The rows of a statement as they come.
    pub(super) fn stream(&mut self, sql: Sql) -> BoxStream<'_, Result<Vec<Datum>, sqlx::Error>> {
        match &mut self.inner {
            Inner::Postgres(transaction) => {
                let text = search_path::qualify(&sql.text).into_owned();
                let mut query = sqlx::query(AssertSqlSafe(text));
                for bind in sql.binds {
                    query = query.bind(match bind {
                        Datum::Null => None,
                        Datum::Integer(number) => Some(number.to_string()),
                        Datum::Real(number) => Some(number.to_string()),
                        Datum::Text(text) => Some(text),
                        Datum::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
                    });
                }
                query.fetch(&mut **transaction).map(|row| postgres_row(&row?)).boxed()
            }
            Inner::Sqlite { transaction, limit } => {
                let mut query = sqlx::query(AssertSqlSafe(sql.text));
                for bind in sql.binds {
                    query = match bind {
                        Datum::Null => query.bind(None::<String>),
                        Datum::Integer(number) => query.bind(number),
                        Datum::Real(number) => query.bind(number),
                        Datum::Text(text) => query.bind(text),
                        Datum::Bytes(bytes) => query.bind(bytes),
                    };
                }
                limit.set(limit.each);
                limit.running.store(true, Ordering::Relaxed);
                let running = Arc::clone(&limit.running);
                let ended = futures::stream::poll_fn(move |_| {
                    running.store(false, Ordering::Relaxed);
                    Poll::Ready(None)
                });
                query.fetch(&mut **transaction).map(|row| sqlite_row(&row?)).chain(ended).boxed()
            }
        }
    }
}

fn postgres_row(row: &sqlx::postgres::PgRow) -> Result<Vec<Datum>, sqlx::Error> {
    let datum = |index| Ok(row.try_get::<Option<String>, _>(index)?.map_or(Datum::Null, Datum::Text));
    (0..row.len()).map(datum).collect()
}

fn sqlite_row(row: &sqlx::sqlite::SqliteRow) -> Result<Vec<Datum>, sqlx::Error> {
    let datum = |index: usize| {
        let value: SqliteValueRef<'_> = row.try_get_raw(index)?;
        if value.is_null() {
            return Ok(Datum::Null);
        }
        let class = value.type_info().name().to_owned();
        let decoded = match class.as_str() {
            "INTEGER" => <i64 as Decode<'_, Sqlite>>::decode(value).map(Datum::Integer),
            "REAL" => <f64 as Decode<'_, Sqlite>>::decode(value).map(Datum::Real),
            "BLOB" => <Vec<u8> as Decode<'_, Sqlite>>::decode(value).map(Datum::Bytes),
            // Text may hold any bytes.
            _ => <Vec<u8> as Decode<'_, Sqlite>>::decode(value)
                .map(|bytes| Datum::Text(String::from_utf8_lossy(&bytes).into_owned())),
        };
        decoded.map_err(|source| sqlx::Error::ColumnDecode { index: index.to_string(), source })
    };
    (0..row.len()).map(datum).collect()
}

/// Begins a transaction for the engines that work on SeaORM's connections, with a limit on each of its statements; on SQLite
/// without.
///
/// # Errors
/// The driver's.
pub(crate) async fn begin_read(database: &Database, limit: Duration) -> Result<Transaction, DbErr> {
    let mut tries = 0;
    let transaction = loop {
        match database.begin_read().await {
            Err(error) if tries < TRIES && sqlx_error(&error).is_some_and(is_lost) => tries += 1,
            begun => break begun?,
        }
    };
    if database.engine() == Engine::Postgres {
        let sql = format!("SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = 2000", limit.as_millis());
        transaction.execute_unprepared(&sql).await?;
    }
    Ok(transaction)
}

/// Whether the connection was dead, so that another one may do.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(refusal) => refusal
            .code()
            .is_some_and(|code| matches!(code.as_ref(), "57P01" | "57P02" | "57P05") || code.starts_with("08")),
        _ => false,
    }
}

/// Whether a statement ran into the limit of its session.
pub(crate) fn is_timed_out(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    // SQLITE_INTERRUPT.
    matches!(code.as_deref(), Some("57014" | "9"))
}
