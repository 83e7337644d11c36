//! A transaction.

use std::pin::Pin;

use async_stream::try_stream;
use async_trait::async_trait;
use futures::TryStreamExt as _;
use futures::lock::Mutex;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement, StreamTrait};

use super::Rows;
use super::held::{Done, Held};
use super::pool::Connections;
use super::shutdown::Shutdown;

/// What such a transaction runs before its COMMIT. Deferred triggers run here then, with what they have to say; so what the
/// server warns of during the COMMIT itself is that no standby confirmed it, in whatever language its messages are.
const CONCLUDE: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// An open transaction; dropped without [`Transaction::commit`] it is rolled back.
#[derive(Debug)]
pub struct Transaction {
    held: Mutex<Held>,
    /// Where the connection came from, and is kept after the end.
    connections: Connections,
    shutdown: Shutdown,
    /// Whether its commit writes.
    writes: bool,
}

impl Transaction {
    /// The transaction that was begun on `held`.
    pub(super) fn new(held: Held, connections: Connections, shutdown: Shutdown, writes: bool) -> Self {
        Self { held: Mutex::new(held), connections, shutdown, writes }
    }

    /// Commits.
    ///
    /// # Errors
    /// The driver's. A connection lost here leaves the outcome unknown ([`super::is_outcome_unknown`]).
    /// [`super::NotReplicated`]: it is committed, and not known to be on the server's standby.
    pub async fn commit(self) -> Result<(), DbErr> {
        let mut held = self.held.into_inner();
        if self.writes && self.connections.backend() == DbBackend::Postgres {
            held.send(CONCLUDE).await?;
        }
        self.shutdown.commit(held.commit()).await?;
        self.connections.keep(held);
        Ok(())
    }

    /// Rolls back.
    ///
    /// # Errors
    /// [`DbErr`] of the driver.
    pub async fn rollback(self) -> Result<(), DbErr> {
        let mut held = self.held.into_inner();
        held.rollback().await?;
        self.connections.keep(held);
        Ok(())
    }

    pub(super) async fn run(&self, statement: Statement, first: bool) -> Result<Done, DbErr> {
        self.held.lock().await.run(statement, first).await
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.connections.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        Ok(self.run(statement, false).await?.result)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.held.lock().await.send(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.run(statement, true).await?.rows.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        Ok(self.run(statement, false).await?.rows)
    }
}

impl StreamTrait for Transaction {
    type Stream<'a> = Rows<'a>;

    fn get_database_backend(&self) -> DbBackend {
        self.connections.backend()
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Rows<'a>, DbErr>> + 'a + Send>> {
        Box::pin(async move {
            let mut held = self.held.lock().await;
            let rows: Rows<'a> = Box::pin(try_stream! {
                let mut rows = held.rows(statement);
                while let Some(row) = rows.try_next().await? {
                    yield row;
                }
            });
            Ok(rows)
        })
    }
}
