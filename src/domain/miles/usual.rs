//! How large an award usually is, so that a slip of the finger can be told from one.

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::rows;
use crate::db::Engine;

/// How many times the usual an award may be before somebody is asked.
pub const FACTOR: i64 = 20;

/// How many flights of an airline are looked at.
const FLIGHTS: u32 = 50;

/// How many entries are looked at, at most.
const ENTRIES: u32 = 2_000;

/// How many pages of 8 kB at the end of PostgreSQL's table hold the latest entries.
const PAGES: u32 = 64;

/// The median of the latest awards: for an airline's flights where one is given, else of all the alliance; `None` where
/// there were none.
///
/// It is an estimate from the newest entries, and takes no longer on a large ledger: entries are only ever added at the
/// table's end, so the last pages hold the newest.
///
/// # Errors
/// The driver's.
pub async fn award(connection: &impl ConnectionTrait, airline_id: Option<&str>) -> Result<Option<i64>, DbErr> {
    let engine = Engine::of(connection);
    let award = r#"e."type" = 'earn' AND e."amount" > 0 AND e."source" NOT IN ('reversal', 'adjustment')"#;
    let (latest, values): (String, Vec<Value>) = match (airline_id, engine) {
        (Some(airline_id), _) => (
            format!(
                r#"SELECT e."amount" FROM (SELECT "id" FROM "flights" WHERE "airlineId" = $1
                    ORDER BY "startTime" DESC LIMIT {FLIGHTS}) f
                JOIN "milesTransactions" e ON e."flightId" = f."id" WHERE {award} LIMIT {ENTRIES}"#
            ),
            vec![airline_id.into()],
        ),
        (None, Engine::Postgres) => (
            format!(
                r#"SELECT e."amount" FROM "milesTransactions" e
                WHERE e.ctid >= format('(%s,0)', greatest(0, pg_relation_size('"milesTransactions"') / 8192 - {PAGES}))::tid
                    AND {award} LIMIT {ENTRIES}"#
            ),
            Vec::new(),
        ),
        (None, Engine::Sqlite) => (
            format!(
                r#"SELECT e."amount" FROM "milesTransactions" e WHERE {award} ORDER BY e.rowid DESC LIMIT {ENTRIES}"#
            ),
            Vec::new(),
        ),
    };
    let sql = format!(
        r#"SELECT CAST(avg("amount") AS bigint) AS "median" FROM (
            SELECT "amount", row_number() OVER (ORDER BY "amount") AS "place", count(*) OVER () AS "all" FROM ({latest}) latest
        ) ranked WHERE "place" IN (("all" + 1) / 2, "all" / 2 + 1)"#
    );
    let row = connection.query_one_raw(rows::statement(connection, sql, values)).await?;
    row.map_or(Ok(None), |row| row.try_get("", "median"))
}
