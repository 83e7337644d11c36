//! A connection of sqlx's in its transaction, as SeaORM's: the schema engine reads the catalogue over it.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Value};
use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};
use tokio::sync::Mutex;

/// Lends a connection out.
pub(super) struct Borrowed<'a, C>(Mutex<&'a mut C>);

impl<'a, C> Borrowed<'a, C> {
    pub(super) fn new(connection: &'a mut C) -> Self {
        Self(Mutex::new(connection))
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(std::sync::Arc::new(error)))
}

macro_rules! borrowed {
    ($connection:ty, $backend:expr) => {
        #[async_trait]
        impl ConnectionTrait for Borrowed<'_, $connection> {
            fn get_database_backend(&self) -> DbBackend {
                $backend
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                self.execute_unprepared(&statement.sql).await
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                let mut connection = self.0.lock().await;
                let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut **connection).await;
                Ok(done.map_err(failed)?.into())
            }

            async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
                Ok(self.query_all_raw(statement).await?.into_iter().next())
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                let mut query = sqlx::query(AssertSqlSafe(statement.sql));
                for value in statement.values.into_iter().flat_map(|values| values.0) {
                    query = match value {
                        Value::String(text) => query.bind(text),
                        Value::Bool(truth) => query.bind(truth),
                        other => return Err(DbErr::Type(format!("{other:?} is bound by no query of the catalogue"))),
                    };
                }
                let mut connection = self.0.lock().await;
                let rows = query.fetch_all(&mut **connection).await.map_err(failed)?;
                Ok(rows.into_iter().map(Into::into).collect())
            }
        }
    };
}

borrowed!(PgConnection, DbBackend::Postgres);
borrowed!(SqliteConnection, DbBackend::Sqlite);
