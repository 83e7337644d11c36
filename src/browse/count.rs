//! Row counts: exact where counting is quick enough, else a lower bound or the planner's estimate.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Result;
use super::filter::{Filter, push_where};
use super::session::{Session, is_timed_out};
use super::sql::{Sql, from};
use super::table::Table;
use super::value::Datum;
use crate::db::{Database, Engine};

/// How long an exact count may take.
const EXACT: Duration = Duration::from_millis(200);

/// How long rows are counted one by one after that.
const COUNTING: Duration = Duration::from_millis(100);

/// The most that is counted one by one.
const MOST: u64 = 100_000;

/// A row count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Exact.
    Exact(u64),
    /// At least this many: the time was over before all were counted.
    AtLeast(u64),
    /// The planner's estimate.
    About(u64),
}

impl Count {
    /// The number, however well it is known.
    pub(crate) const fn rows(self) -> u64 {
        match self {
            Self::Exact(n) | Self::AtLeast(n) | Self::About(n) => n,
        }
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let (n, how) = match self {
            Self::Exact(n) => (n, "exact"),
            Self::AtLeast(n) => (n, "atLeast"),
            Self::About(n) => (n, "about"),
        };
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("n", n)?;
        map.serialize_entry(how, &true)?;
        map.end()
    }
}

/// Counts the rows of a table that match all filters, within about 300 ms.
///
/// # Errors
/// The driver's.
pub(crate) async fn count(database: &Database, table: &Table, filters: &[Filter]) -> Result<Count> {
    count_within(database, table, filters, EXACT, COUNTING).await
}

async fn count_within(
    database: &Database,
    table: &Table,
    filters: &[Filter],
    exact: Duration,
    counting: Duration,
) -> Result<Count> {
    let engine = database.engine();
    let matching = |what: &str| {
        let mut sql = Sql::default();
        sql.push(what).push(&from(table));
        push_where(engine, &mut sql, filters);
        sql
    };
    let as_text = |what: &str| match engine {
        Engine::Postgres => format!("SELECT CAST({what} AS text)"),
        Engine::Sqlite => format!("SELECT {what}"),
    };
    let mut session = Session::open(database, exact).await?;
    match session.rows(matching(&as_text("count(*)"))).await {
        Ok(rows) => return Ok(Count::Exact(number(&rows))),
        Err(error) if is_timed_out(&error) => {}
        Err(error) => return Err(error.into()),
    }
    drop(session);
    // A count that the limit interrupts yields nothing, so rows are counted one by one until the time is over.
    let mut session = Session::open(database, counting).await?;
    let end = Instant::now() + counting;
    let mut seen = 0;
    {
        let mut rows = session.stream(matching(&as_text("1")));
        while seen < MOST && Instant::now() < end {
            match rows.next().await {
                None => return Ok(Count::Exact(seen)),
                Some(Ok(_)) => seen += 1,
                Some(Err(error)) if is_timed_out(&error) => break,
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }
    if seen > 0 {
        session.leave();
    }
    if engine == Engine::Postgres && (seen == 0 || filters.is_empty()) {
        drop(session);
        let mut session = Session::open(database, counting).await?;
        let plan = matching("EXPLAIN SELECT 1");
        let plan = session.rows(plan).await?;
        if let Some(about) = planned(&plan).filter(|about| *about > seen) {
            return Ok(Count::About(about));
        }
    }
    Ok(Count::AtLeast(seen))
}

fn number(rows: &[Vec<Datum>]) -> u64 {
    match rows.first().and_then(|row| row.first()) {
        Some(Datum::Integer(number)) => u64::try_from(*number).unwrap_or_default(),
        Some(Datum::Text(number)) => number.parse().unwrap_or_default(),
        _ => 0,
    }
}

/// The rows that the first line of a plan expects: `Seq Scan on x  (cost=0.00..1.00 rows=1000893 width=4)`.
fn planned(plan: &[Vec<Datum>]) -> Option<u64> {
    let Datum::Text(line) = plan.first()?.first()? else { return None };
    let rest = line.split_once(" rows=")?.1;
    rest.split(' ').next()?.parse().ok()
}

/// About how many rows each of these tables has, without counting; `None` where the server has no estimate.
///
/// # Errors
/// The driver's.
pub(crate) async fn estimate(session: &mut Session, tables: &[Table]) -> Result<Vec<Option<Count>>> {
    if session.engine() == Engine::Sqlite {
        let mut estimates = Vec::with_capacity(tables.len());
        for table in tables {
            // Rows that were deleted count, so it is no less than there are.
            let mut sql = Sql::default();
            sql.push("SELECT coalesce(max(rowid), 0)").push(&from(table));
            // The table may not be there.
            let rows = session.rows(sql).await.ok();
            estimates.push(rows.map(|rows| Count::About(number(&rows))));
        }
        return Ok(estimates);
    }
    let mut sql = Sql::default();
    sql.push(
        "SELECT CAST(c.relname AS text), CAST(CAST(c.reltuples AS bigint) AS text) FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.reltuples >= 0",
    );
    let known = session.rows(sql).await?;
    let of = |table: &Table| {
        let row = known.iter().find(|row| row.first() == Some(&Datum::Text(table.name.clone())))?;
        match row.get(1)? {
            Datum::Text(rows) => rows.parse().ok().map(Count::About),
            _ => None,
        }
    };
    Ok(tables.iter().map(of).collect())
}
