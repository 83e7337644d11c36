//! What the ledger's statements have in common: the entry's columns, reading one back, and the clock.

use std::fmt;
use std::sync::LazyLock;

use chrono::Utc;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, IdenStatic as _, Iterable as _, QueryResult, Statement, Value};

use super::{Entry, Posted};
use crate::db::Engine;
use crate::entity::types::{Id, Timestamp};
use crate::entity::{columns, miles_transaction};

/// The columns of an entry that are written; the others take their defaults.
pub(super) const WRITTEN: &str = r#""id", "userId", "amount", "type", "source", "flightId", "productId", "note", "createdAt", "reversesId", "batchId", "actor""#;

/// The columns of an entry that are read: all that the entity has, in its order.
pub(super) const COLUMNS: Columns = Columns;

/// See [`COLUMNS`].
pub(super) struct Columns;

impl fmt::Display for Columns {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        static RENDERED: LazyLock<String> = LazyLock::new(|| columns::read_list::<miles_transaction::Entity>(None));
        to.write_str(&RENDERED)
    }
}

/// Whether the database gives an entry nothing that is not known before it is written.
pub(super) fn is_told() -> bool {
    let written = |name: &str| WRITTEN.split(", ").any(|column| column.trim_matches('"') == name);
    miles_transaction::Column::iter().all(|column| written(column.as_str()) || columns::is_told(column))
}

/// The instant on the server's clock at which the expression is evaluated, not that at which the transaction began:
/// read under the lock of the user's row, it makes entries of one user follow each other in time as they did in fact.
pub(super) const POSTGRES_CLOCK: &str = "(clock_timestamp() AT TIME ZONE 'UTC')";

/// A statement for the engine of `connection`; placeholders are `$1`, `$2`, … on both.
pub(super) fn statement(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// The entry in a row that has its columns.
pub(super) fn entry(row: &QueryResult) -> Result<Entry, DbErr> {
    Entry::from_query_result(row, "")
}

/// The entry `id` with the balance as it is now, where there is such an entry.
pub(super) async fn stored(connection: &impl ConnectionTrait, id: Id) -> Result<Option<Posted>, DbErr> {
    let sql = format!(
        r#"SELECT {}, CAST(u."miles" AS bigint) AS "balance"
        FROM "milesTransactions" e JOIN "users" u ON u."userId" = e."userId" WHERE e."id" = $1"#,
        columns::read_list::<miles_transaction::Entity>(Some("e"))
    );
    let Some(row) = connection.query_one_raw(statement(connection, sql, [id.into()])).await? else {
        return Ok(None);
    };
    Ok(Some(Posted { entry: entry(&row)?, balance: row.try_get("", "balance")?, already: true }))
}

/// Whether there is an entry or a batch `id`.
pub(super) async fn is_there(connection: &impl ConnectionTrait, id: Id) -> Result<bool, DbErr> {
    let sql = r#"SELECT 1 AS "one" FROM "milesTransactions" WHERE "id" = $1 OR "batchId" = $1 LIMIT 1"#;
    Ok(connection.query_one_raw(statement(connection, sql, [id.into()])).await?.is_some())
}

/// The time for entries that are about to be written: the server's, or on SQLite this machine's, to the microsecond.
pub(super) async fn clock(connection: &impl ConnectionTrait) -> Result<Timestamp, DbErr> {
    match Engine::of(connection) {
        Engine::Sqlite => Ok(Utc::now().into()),
        Engine::Postgres => {
            let sql = format!(r#"SELECT {POSTGRES_CLOCK} AS "now""#);
            let row = connection.query_one_raw(statement(connection, sql, [])).await?;
            row.ok_or_else(|| DbErr::RecordNotFound("the clock".to_owned()))?.try_get("", "now")
        }
    }
}
