//! What has moved lately, in the whole alliance: miles in and out by day, and the largest entries.

use sea_orm::{ConnectionTrait, DbErr};

use super::Entry;
use super::rows::{self, COLUMNS};
use crate::db::Engine;
use crate::entity::types::Timestamp;

/// The miles of a day in UTC.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Day {
    /// The day, as `2026-11-22`.
    pub day: String,
    /// The sum of the positive entries.
    pub earned: i64,
    /// The sum of the negative ones, zero or less.
    pub spent: i64,
}

/// An entry and whose it is.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Movement {
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// The user's name.
    pub username: String,
}

/// Miles in and out since a time, by day, oldest first; days without entries are left out.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn by_day(connection: &impl ConnectionTrait, since: Timestamp) -> Result<Vec<Day>, DbErr> {
    let day = match Engine::of(connection) {
        Engine::Postgres => r#"to_char("createdAt", 'YYYY-MM-DD')"#,
        Engine::Sqlite => r#"substr("createdAt", 1, 10)"#,
    };
    let sql = format!(
        r#"SELECT {day} AS "day",
            CAST(coalesce(sum(CASE WHEN "amount" > 0 THEN "amount" END), 0) AS bigint) AS "earned",
            CAST(coalesce(sum(CASE WHEN "amount" < 0 THEN "amount" END), 0) AS bigint) AS "spent"
        FROM "milesTransactions" WHERE "createdAt" >= $1 GROUP BY 1 ORDER BY 1"#
    );
    let found = connection.query_all_raw(rows::statement(connection, sql, [since.into()])).await?;
    let day = |row: &sea_orm::QueryResult| {
        Ok(Day { day: row.try_get("", "day")?, earned: row.try_get("", "earned")?, spent: row.try_get("", "spent")? })
    };
    found.iter().map(day).collect()
}

/// The entries of most miles since a time, in either direction, the largest first.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn largest(connection: &impl ConnectionTrait, since: Timestamp, most: u64) -> Result<Vec<Movement>, DbErr> {
    let sql = format!(
        r#"SELECT e.*, u."username" FROM (SELECT {COLUMNS} FROM "milesTransactions"
            WHERE "createdAt" >= $1 ORDER BY abs(CAST("amount" AS bigint)) DESC, "createdAt" DESC, "id" LIMIT {most}) e
        JOIN "users" u ON u."userId" = e."userId"
        ORDER BY abs(CAST(e."amount" AS bigint)) DESC, e."createdAt" DESC, e."id""#
    );
    let found = connection.query_all_raw(rows::statement(connection, sql, [since.into()])).await?;
    let movement =
        |row: &sea_orm::QueryResult| Ok(Movement { entry: rows::entry(row)?, username: row.try_get("", "username")? });
    found.iter().map(movement).collect()
}
