//! A pool of connections to one database, which runs each statement as the engine and a pooler in between require.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, SqliteTransactionMode, Statement,
    StreamTrait, TransactionOptions, TransactionTrait,
};

use super::pool_wait::{Lease, Leases};
use super::shutdown::Shutdown;
use super::transaction::{Transaction, bound};
use super::{Rows, transaction_pooling};

/// A pool of connections to one database.
#[derive(Clone, Debug)]
pub struct Connection {
    inner: DatabaseConnection,
    /// Behind a pooler in transaction mode, the first statement of each transaction; see [`super::transaction_pooling`].
    pub(super) pooled: Option<Arc<str>>,
    /// Whether nothing is written: see [`super::Access::Read`].
    pub(super) read_only: bool,
    leases: Leases,
    pub(super) shutdown: Shutdown,
}

/// The first statement of a transaction that may write. The warning that a commit is not on its standby comes through it.
const WRITES: &str = "SET LOCAL client_min_messages = warning";

impl Connection {
    /// Wraps SeaORM's pool.
    pub(crate) fn new(inner: DatabaseConnection) -> Self {
        Self { inner, pooled: None, read_only: false, leases: Leases::default(), shutdown: Shutdown::default() }
    }

    /// SeaORM's own pool, for `sea-orm-migration` and for sqlx work such as COPY. It binds SQLite's driver's own forms.
    pub(crate) fn inner(&self) -> &DatabaseConnection {
        &self.inner
    }

    /// Begins a transaction that may write: on SQLite `BEGIN IMMEDIATE`, so that it never fails half-way because it lacks
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
            (true, Some(_)) => Some("SET TRANSACTION READ ONLY; SET LOCAL row_security = off"),
            (true, None) => None,
        };
        self.begin_as(SqliteTransactionMode::Immediate, first, !self.read_only).await
    }

    /// Begins a transaction that only reads and sees one snapshot throughout.
    ///
    /// # Errors
    /// The driver's.
    pub async fn begin_read(&self) -> Result<Transaction, DbErr> {
        let one_snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL row_security = off";
        self.begin_as(SqliteTransactionMode::Deferred, Some(one_snapshot), false).await
    }

    /// Begins in this mode on SQLite; on PostgreSQL sends the transaction's settings first, in one message.
    /// SeaORM's own way would prepare a statement for it under a name, before [`super::transaction_pooling`] can clear that
    /// name.
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
            return Ok(Transaction { inner, shutdown: self.shutdown.clone(), writes, _lease: Some(lease) });
        }
        let lease = self.lease().await;
        let inner = self.inner.begin().await?;
        let told: Vec<&str> = also.into_iter().chain(self.pooled.as_deref()).collect();
        if !told.is_empty() {
            inner.execute_unprepared(&told.join("; ")).await?;
        }
        Ok(Transaction { inner, shutdown: self.shutdown.clone(), writes, _lease: Some(lease) })
    }

    /// To be held for as long as a connection of the pool is used.
    pub(super) async fn lease(&self) -> Lease {
        self.leases.take(&self.inner).await
    }

    /// The commits in flight.
    pub(super) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
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
