//! A transaction, and the form in which values are bound.
//!
//! SQLite has no UUID and no timestamp; its driver would store a UUID as 16 bytes and a time with padded digits. Here
//! both are bound as the text that PostgreSQL shows for them, so that rows read alike in `sqlite3` and in `psql`, and
//! so that text order is time order. Reading them back is the business of [`crate::entity`]'s types.

use std::borrow::Cow;
use std::pin::Pin;

use async_trait::async_trait;
use chrono::NaiveDateTime;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement, StreamTrait,
    TransactionTrait, Value,
};

use super::pool_wait::Lease;
use super::shutdown::Shutdown;
use super::{Rows, search_path};
use crate::entity::columns;

/// What such a transaction runs before its COMMIT. Deferred triggers run here then, with what they have to say; so what the
/// server warns of during the COMMIT itself is that no standby confirmed it, in whatever language its messages are.
const CONCLUDE: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// An open transaction; dropped without [`Transaction::commit`] it is rolled back.
#[derive(Debug)]
pub struct Transaction {
    pub(super) inner: DatabaseTransaction,
    pub(super) shutdown: Shutdown,
    /// Whether its commit writes: not of one that only reads, nor of a savepoint.
    pub(super) writes: bool,
    /// `None` in a savepoint, whose transaction has one.
    pub(super) _lease: Option<Lease>,
}

impl Transaction {
    /// Commits.
    ///
    /// # Errors
    /// The driver's. A connection lost here leaves the outcome unknown ([`super::is_outcome_unknown`]).
    /// [`super::NotReplicated`]: it is committed, and not known to be on the server's standby.
    pub async fn commit(self) -> Result<(), DbErr> {
        if self.writes && ConnectionTrait::get_database_backend(&self.inner) == DbBackend::Postgres {
            self.inner.execute_unprepared(CONCLUDE).await?;
        }
        self.shutdown.commit(self.inner.commit()).await
    }

    /// Rolls back.
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
        Ok(Self { inner, shutdown: self.shutdown.clone(), writes: false, _lease: None })
    }
}

/// The text of a time as PostgreSQL shows it: no fraction where it is zero, no trailing zeros in it.
pub(crate) fn timestamp_text(time: &NaiveDateTime) -> String {
    let text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The ends of casts of fields that PostgreSQL takes as text only with a cast to their type.
const UNKNOWN_TO_SQLITE: [&str; 6] =
    [" AS interval)", " AS inet)", " AS cidr)", " AS macaddr)", " AS varbit)", " AS decimal)"];

/// The statement as the engine takes it: with its schema on PostgreSQL; on SQLite with what it has no type for as text.
pub(super) fn bound(on: &impl ConnectionTrait, mut statement: Statement) -> Statement {
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
