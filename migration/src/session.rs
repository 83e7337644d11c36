//! The few things that the runner asks of a connection, so that it runs on SeaORM's transactions as well as on a
//! driver's own connection.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::Engine;

/// The values of one row as text, NULL as `None`.
pub type Row = Vec<Option<String>>;

/// A connection to one of the two engines; for all that changes something, inside a transaction.
pub trait Session: Send {
    /// Which engine it is.
    fn engine(&self) -> Engine;

    /// Runs one statement as it is, without preparing it.
    fn execute(&mut self, sql: &str) -> impl Future<Output = Result<(), DbErr>> + Send;

    /// Runs one query whose columns are all text.
    fn query(&mut self, sql: &str) -> impl Future<Output = Result<Vec<Row>, DbErr>> + Send;
}

/// A connection or transaction of SeaORM.
#[derive(Debug)]
pub struct Orm<'a, C> {
    engine: Engine,
    connection: &'a C,
}

impl<'a, C: ConnectionTrait> Orm<'a, C> {
    /// Wraps it.
    ///
    /// # Errors
    /// Where it is neither PostgreSQL nor SQLite.
    pub fn new(connection: &'a C) -> Result<Self, DbErr> {
        Ok(Self { engine: Engine::of(connection)?, connection })
    }
}

impl<C: ConnectionTrait> Session for Orm<'_, C> {
    fn engine(&self) -> Engine {
        self.engine
    }

    async fn execute(&mut self, sql: &str) -> Result<(), DbErr> {
        self.connection.execute_unprepared(sql).await.map(drop)
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<Row>, DbErr> {
        let statement = Statement::from_string(self.connection.get_database_backend(), sql);
        let rows = self.connection.query_all_raw(statement).await?;
        rows.iter()
            .map(|row| (0..row.column_names().len()).map(|column| row.try_get_by_index(column)).collect())
            .collect()
    }
}
