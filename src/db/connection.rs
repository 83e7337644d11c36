//! The connections to one database, which run each statement as the engine and a pooler in between require.

use std::pin::Pin;
use std::sync::Arc;

use async_stream::try_stream;
use async_trait::async_trait;
use futures::TryStreamExt as _;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement, StreamTrait};

use super::held::{Done, Tracing, answered};
use super::options::{Access, Options};
use super::pool::{Connections, Pool};
use super::shutdown::Shutdown;
use super::transaction::Transaction;
use super::{Rows, transaction_pooling};

/// The connections to one database.
///
/// Statements that run one after the other share one; each that runs at the same time has its own.
#[derive(Clone, Debug)]
pub struct Connection {
    connections: Connections,
    /// Behind a pooler in transaction mode, the first statement of each transaction; see [`super::transaction_pooling`].
    pub(super) pooled: Option<Arc<str>>,
    /// Whether nothing is written: see [`Access::Read`].
    read_only: bool,
    shutdown: Shutdown,
}

/// The first statement of a transaction that may write. The warning that a commit is not on its standby comes through it.
const WRITES: &str = "SET LOCAL client_min_messages = warning";

impl Connection {
    /// Over this pool, with what the options say of tracing, of writing and of an interrupt.
    pub(crate) fn new(pool: Pool, options: &Options) -> Self {
        Self {
            connections: Connections::new(pool, options.trace.clone().map(Tracing)),
            pooled: None,
            read_only: options.access == Access::Read,
            shutdown: options.shutdown.clone(),
        }
    }

    /// sqlx's pool, for work such as COPY.
    pub(crate) fn pool(&self) -> &Pool {
        self.connections.pool()
    }

    /// Begins a transaction that may write: on SQLite `BEGIN IMMEDIATE`, so that it never fails half-way because it lacks
    /// the write lock. Of a database that was opened for reading it only reads.
    ///
    /// Before its first read a statement is sent, which to a balancer such as pgpool is a sign that the transaction
    /// writes: from there on it sends reads to the primary server too, and a lagging replica decides nothing.
    ///
    /// # Errors
    /// [`DbErr`] of the driver; on SQLite also that the file stayed locked for the whole busy time-out.
    pub async fn begin(&self) -> Result<Transaction, DbErr> {
        let first = match (self.read_only, &self.pooled) {
            (false, _) => Some(WRITES),
            (true, Some(_)) => Some("SET TRANSACTION READ ONLY; SET LOCAL row_security = off"),
            (true, None) => None,
        };
        self.begin_as("BEGIN IMMEDIATE", first, !self.read_only).await
    }

    /// Begins a transaction that only reads and sees one snapshot throughout.
    ///
    /// # Errors
    /// [`DbErr`] of the driver.
    pub async fn begin_read(&self) -> Result<Transaction, DbErr> {
        let one_snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL row_security = off";
        self.begin_as("BEGIN DEFERRED", Some(one_snapshot), false).await
    }

    /// Begins with this statement on SQLite; on PostgreSQL sends the transaction's settings after it, in one message.
    async fn begin_as(&self, sqlite: &'static str, also: Option<&str>, writes: bool) -> Result<Transaction, DbErr> {
        let mut held = self.connections.take().await?;
        if self.connections.backend() == DbBackend::Sqlite {
            held.begin(sqlite).await?;
        } else {
            held.begin("BEGIN").await?;
            let settings: Vec<&str> = also.into_iter().chain(self.pooled.as_deref()).collect();
            if !settings.is_empty() {
                held.send(&settings.join("; ")).await?;
            }
        }
        Ok(Transaction::new(held, self.connections.clone(), self.shutdown.clone(), writes))
    }

    /// The commits in flight.
    pub(super) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Closes all.
    pub(crate) async fn close(&self) {
        self.connections.close().await;
    }

    /// Runs a statement; behind a pooler as a transaction of its own: see [`super::transaction_pooling`].
    async fn run(&self, statement: Statement, first: bool) -> Result<Done, DbErr> {
        if self.pooled.is_some() {
            let transaction = self.begin().await?;
            let done = transaction.run(statement, first).await?;
            transaction.commit().await?;
            return Ok(done);
        }
        let mut held = self.connections.take().await?;
        let done = held.run(statement, first).await;
        if answered(&done) {
            self.connections.keep(held);
        }
        done
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        self.connections.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        Ok(self.run(statement, false).await?.result)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut held = self.connections.take().await?;
        let done = held.send(sql).await;
        if answered(&done) {
            self.connections.keep(held);
        }
        done
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.run(statement, true).await?.rows.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        Ok(self.run(statement, false).await?.rows)
    }
}

impl StreamTrait for Connection {
    type Stream<'a> = Rows<'a>;

    fn get_database_backend(&self) -> DbBackend {
        self.connections.backend()
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Rows<'a>, DbErr>> + 'a + Send>> {
        Box::pin(async move {
            if self.pooled.is_some() {
                return Ok(transaction_pooling::stream(self.begin().await?, statement));
            }
            let mut held = self.connections.take().await?;
            let rows: Rows<'a> = Box::pin(try_stream! {
                {
                    let mut rows = held.rows(statement);
                    while let Some(row) = rows.try_next().await? {
                        yield row;
                    }
                }
                self.connections.keep(held);
            });
            Ok(rows)
        })
    }
}
