//! How large an award usually is, so that a typing error can be recognised.

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::rows;
use crate::db::Engine;

/// How many times the usual an award may be before it needs consent.
pub(crate) const FACTOR: i64 = 20;

/// How many flights of an airline are looked at.
const FLIGHTS: u32 = 50;

/// How many awards are looked at, at most.
const AWARDS: u32 = 2_000;

/// How many awards tell what is usual: where fewer are found, it is looked further back.
const ENOUGH: i64 = 50;

/// How many pages of 8 kB at the end of PostgreSQL's table are looked at first, and how many times as many next.
const PAGES: i64 = 64;

/// What an entry must be to count.
const AWARD: &str = r#"e."type" = 'earn' AND e."amount" > 0 AND e."source" NOT IN ('reversal', 'adjustment')"#;

/// The median of the latest awards: for an airline's flights where one is given and has any, else of all the alliance;
/// `None` where there were none.
///
/// It is an estimate from the newest entries, and takes no longer on a large ledger: entries are only ever added at the
/// table's end, so its end holds the newest.
///
/// # Errors
/// The driver's.
pub(crate) async fn award(connection: &impl ConnectionTrait, airline_id: Option<&str>) -> Result<Option<i64>, DbErr> {
    if let Some(airline_id) = airline_id {
        let of_airline = format!(
            r#"SELECT e."amount" FROM (SELECT "id" FROM "flights" WHERE "airlineId" = $1
                ORDER BY "startTime" DESC LIMIT {FLIGHTS}) f
            JOIN "milesTransactions" e ON e."flightId" = f."id" WHERE {AWARD} LIMIT {AWARDS}"#
        );
        let (_, usual) = median(connection, &of_airline, [airline_id.into()]).await?;
        if usual.is_some() {
            return Ok(usual);
        }
    }
    match Engine::of(connection) {
        Engine::Postgres => of_last_pages(connection).await,
        Engine::Sqlite => {
            let latest = format!(
                r#"SELECT e."amount" FROM "milesTransactions" e WHERE {AWARD} ORDER BY e.rowid DESC LIMIT {AWARDS}"#
            );
            Ok(median(connection, &latest, []).await?.1)
        }
    }
}

/// Looks at more and more pages from the table's end, until there are awards enough or nothing is left.
async fn of_last_pages(connection: &impl ConnectionTrait) -> Result<Option<i64>, DbErr> {
    let sql = r#"SELECT pg_relation_size('public."milesTransactions"') / 8192 AS "pages""#;
    let row = connection.query_one_raw(rows::statement(connection, sql, [])).await?;
    let all: i64 = row.map_or(Ok(0), |row| row.try_get("", "pages"))?;
    let mut pages = PAGES;
    loop {
        let from = (all - pages).max(0);
        let latest = format!(
            r#"SELECT e."amount" FROM "milesTransactions" e WHERE e.ctid >= '({from},0)'::tid AND {AWARD}
            ORDER BY e.ctid DESC LIMIT {AWARDS}"#
        );
        let (count, usual) = median(connection, &latest, []).await?;
        if count >= ENOUGH || from == 0 {
            return Ok(usual);
        }
        pages *= PAGES;
    }
}

/// How many amounts a query finds, and their median; between two, rounded down, on both engines.
async fn median(
    connection: &impl ConnectionTrait,
    amounts: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<(i64, Option<i64>), DbErr> {
    let sql = format!(
        r#"SELECT coalesce(max("all"), 0) AS "count", CAST(sum("amount") AS bigint) / nullif(count(*), 0) AS "median" FROM (
            SELECT "amount", row_number() OVER (ORDER BY "amount") AS "place", count(*) OVER () AS "all" FROM ({amounts}) latest
        ) ranked WHERE "place" IN (("all" + 1) / 2, "all" / 2 + 1)"#
    );
    match connection.query_one_raw(rows::statement(connection, sql, values)).await? {
        Some(row) => Ok((row.try_get("", "count")?, row.try_get("", "median")?)),
        None => Ok((0, None)),
    }
}
