//! A connection and a transaction that bind the same values on both engines.
//!
//! SQLite has no UUID and no timestamp; its driver would store a UUID as 16 bytes and a time with padded digits. Here
//! both are bound as the text that PostgreSQL shows for them, so that rows read alike in `sqlite3` and in `psql`, and
//! so that text order is time order. Reading them back is the business of [`crate::entity`]'s types.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDateTime;
use futures::Stream;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    SqliteTransactionMode, Statement, StreamTrait, TransactionOptions, TransactionTrait, Value,
};

use super::pool_wait::{Lease, Leases};
use super::shutdown::Lasting;
use super::{search_path, transaction_pooling};
use crate::entity::columns;

/// A pool of connections to one database.
#[derive(Clone, Debug)]
pub struct Connection {
    inner: DatabaseConnection,
    /// Behind a pooler in transaction mode, the first statement of each transaction; see [`super::transaction_pooling`].
    pub(super) pooled: Option<Arc<str>>,
    /// Whether nothing is written: see [`super::Access::Read`].
    pub(super) read_only: bool,
    leases: Leases,
    pub(super) lasting: Lasting,
}

/// The first statement of a transaction that may write. The warning that a commit is not on its standby comes through it.
const WRITES: &str = "SET LOCAL client_min_messages = warning";

/// What such a transaction runs before its COMMIT. Deferred triggers run here then, with what they have to say; so what the
/// server warns of during the COMMIT itself is that no standby confirmed it, in whatever language its messages are.
const CONCLUDE: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// Rows as they come from the database.
pub type Rows<'a> = Pin<Box<dyn Stream<Item = Result<QueryResult, DbErr>> + Send + 'a>>;

/// An open transaction; dropped without [`Transaction::commit`] it is rolled back.
#[derive(Debug)]
pub struct Transaction {
    inner: DatabaseTransaction,
    lasting: Lasting,
    /// Whether its commit makes something last: not of one that only reads, nor of a savepoint.
    writes: bool,
    /// `None` in a savepoint, whose transaction has one.
    _lease: Option<Lease>,
}

impl Connection {
    /// Wraps SeaORM's pool.
    pub fn new(inner: DatabaseConnection) -> Self {
        Self { inner, pooled: None, read_only: false, leases: Leases::default(), lasting: Lasting::default() }
    }

    /// SeaORM's own pool, for `sea-orm-migration` and for sqlx work such as COPY. It binds SQLite's driver's own forms.
    pub fn inner(&self) -> &DatabaseConnection {
        &self.inner
    }

    /// Begins a transaction that may write: on SQLite `BEGIN IMMEDIATE`, so that it never fails half-way for want of
    /// the write lock. Of a database that was opened for reading it only reads.
    ///
    /// Before its first read a statement is sent, which to a balancer such as pgpool is a sign that the transaction
    /// writes: from there on it sends reads to the primary server too, and a lagging replica decides nothing.
    ///
    /// # Errors
    /// The driver's; on SQLite also that the file stayed locked for the whole busy time-out.
    pub async fn begin(&self) -> Result<Transaction, DbErr> {
        let first = match (self.read_only, &self.pooled) {
            (false, _) => Some(WRITES),
            (true, Some(_)) => Some("SET TRANSACTION READ ONLY"),
            (true, None) => None,
        };
        self.begin_as(SqliteTransactionMode::Immediate, first, !self.read_only).await
    }

    /// Begins a transaction that only reads and sees one snapshot throughout.
    ///
    /// # Errors
    /// The driver's.
    pub async fn begin_read(&self) -> Result<Transaction, DbErr> {
        let one_snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        self.begin_as(SqliteTransactionMode::Deferred, Some(one_snapshot), false).await
    }

    /// Begins in this mode on SQLite; on PostgreSQL tells the transaction what it must know first, in one message.
    /// SeaORM's own way would prepare a statement for it under a name, before [`super::transaction_pooling`] can clear that name.
    async fn begin_as(
        &self,
        mode: SqliteTransactionMode,
        also: Option<&str>,
        writes: bool,
    ) -> Result<Transaction, DbErr> {
        if self.inner.get_database_backend() == DbBackend::Sqlite {
            let options = TransactionOptions { sqlite_transaction_mode: Some(mode), ..TransactionOptions::default() };
            let lease = self.lease().await;
            let inner = self.inner.begin_with_options(options).await?;
            return Ok(Transaction { inner, lasting: self.lasting.clone(), writes, _lease: Some(lease) });
        }
        let lease = self.lease().await;
        let inner = self.inner.begin().await?;
        let told: Vec<&str> = also.into_iter().chain(self.pooled.as_deref()).collect();
        if !told.is_empty() {
            inner.execute_unprepared(&told.join("; ")).await?;
        }
        Ok(Transaction { inner, lasting: self.lasting.clone(), writes, _lease: Some(lease) })
    }

    /// To be held for as long as a connection of the pool is used.
    pub(super) async fn lease(&self) -> Lease {
        self.leases.take(&self.inner).await
    }

    /// The changes that are being made to last.
    pub(super) fn lasting(&self) -> &Lasting {
        &self.lasting
    }
}

impl Transaction {
    /// SeaORM's own transaction, for `sea-orm-migration`.
    pub fn inner(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Makes it last.
    ///
    /// # Errors
    /// The driver's. A connection lost here leaves the outcome unknown ([`super::is_outcome_unknown`]).
    /// [`super::NotReplicated`]: it is made, and not known to be on the server's standby.
    pub async fn commit(self) -> Result<(), DbErr> {
        if self.writes && ConnectionTrait::get_database_backend(&self.inner) == DbBackend::Postgres {
            self.inner.execute_unprepared(CONCLUDE).await?;
        }
        self.lasting.commit(self.inner.commit()).await
    }

    /// Undoes it.
    ///
    /// # Errors
    /// The driver's.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.inner.rollback().await
    }

    /// Begins a savepoint.
    ///
    /// # Errors
    /// The driver's.
    pub async fn savepoint(&self) -> Result<Self, DbErr> {
        let inner = self.inner.begin().await?;
        Ok(Self { inner, lasting: self.lasting.clone(), writes: false, _lease: None })
    }
}

/// The text of a time as PostgreSQL shows it: no fraction where it is zero, no trailing zeros in it.
pub fn timestamp_text(time: &NaiveDateTime) -> String {
    let text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The ends of casts of fields that PostgreSQL takes as text only with a cast to their type.
const UNKNOWN_TO_SQLITE: [&str; 6] =
    [" AS interval)", " AS inet)", " AS cidr)", " AS macaddr)", " AS varbit)", " AS decimal)"];

/// The statement as the engine takes it: with its schema on PostgreSQL; on SQLite with what it has no type for as text.
fn bound(on: &impl ConnectionTrait, mut statement: Statement) -> Statement {
    if on.get_database_backend() == DbBackend::Postgres {
        if let Cow::Owned(sql) = search_path::qualify(&statement.sql) {
            statement.sql = sql;
        }
        return statement;
    }
    // SQLite would make a number of what it casts to a type that it does not know.
    for known in UNKNOWN_TO_SQLITE {
        if statement.sql.contains(known) {
            statement.sql = statement.sql.replace(known, " AS text)");
        }
    }
    if let Some(values) = statement.values.as_mut() {
        for value in &mut values.0 {
            match value {
                Value::Uuid(id) => *value = Value::String(id.map(|id| id.hyphenated().to_string())),
                Value::ChronoDateTime(time) => *value = Value::String(time.as_ref().map(timestamp_text)),
                Value::Array(_, None) => *value = Value::String(None),
                Value::Array(_, Some(_)) => *value = Value::String(columns::text(value)),
                _ => {}
            }
        }
    }
    statement
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.inner)
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(bound(&self.inner, statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.inner.query_one_raw(bound(&self.inner, statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.inner.query_all_raw(bound(&self.inner, statement)).await
    }
}

impl StreamTrait for Transaction {
    type Stream<'a> = Rows<'a>;

    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.inner)
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Rows<'a>, DbErr>> + 'a + Send>> {
        let rows = self.inner.stream_raw(bound(&self.inner, statement));
        Box::pin(async move { Ok(Box::pin(rows.await?) as Rows<'a>) })
    }
}

/// Behind a pooler each of these is a transaction of its own: see [`super::transaction_pooling`].
#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        if self.pooled.is_some() {
            let transaction = self.begin().await?;
            let done = transaction.execute_raw(statement).await?;
            transaction.commit().await?;
            return Ok(done);
        }
        let _lease = self.lease().await;
        self.inner.execute_raw(bound(&self.inner, statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _lease = self.lease().await;
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        if self.pooled.is_some() {
            let transaction = self.begin().await?;
            let row = transaction.query_one_raw(statement).await?;
            transaction.commit().await?;
            return Ok(row);
        }
        let _lease = self.lease().await;
        self.inner.query_one_raw(bound(&self.inner, statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if self.pooled.is_some() {
            let transaction = self.begin().await?;
            let rows = transaction.query_all_raw(statement).await?;
            transaction.commit().await?;
            return Ok(rows);
        }
        let _lease = self.lease().await;
        self.inner.query_all_raw(bound(&self.inner, statement)).await
    }
}

impl StreamTrait for Connection {
    type Stream<'a> = Rows<'a>;

    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.inner)
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Rows<'a>, DbErr>> + 'a + Send>> {
        if self.pooled.is_some() {
            return Box::pin(async move { Ok(transaction_pooling::stream(self.begin().await?, statement)) });
        }
        Box::pin(async move {
            let lease = self.lease().await;
            let rows = self.inner.stream_raw(bound(&self.inner, statement)).await?;
            Ok(lease.over(Box::pin(rows)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_postgres_text() {
        for (given, shown) in [
            ("2025-01-05T10:30:00.123456", "2025-01-05 10:30:00.123456"),
            ("2025-01-05T10:30:00.5", "2025-01-05 10:30:00.5"),
            ("2025-01-05T10:30:00", "2025-01-05 10:30:00"),
        ] {
            assert_eq!(timestamp_text(&given.parse().unwrap()), shown);
        }
    }
}
