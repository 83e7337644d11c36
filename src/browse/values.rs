//! The distinct values of a column, most frequent first.

use std::time::Duration;

use serde::Serialize;

use super::Result;
use super::filter::{Filter, push_where};
use super::session::{Session, is_timed_out};
use super::sql::{Sql, compared, from, name, read_cut};
use super::table::{Column, Table};
use super::value::{CUT, Cell, Datum};
use crate::db::{Database, Engine};

/// The most values that are answered.
const MOST: usize = 50;

/// How long all rows may take to be counted: a person waits for the list while they type.
const WHOLE: Duration = Duration::from_millis(500);

/// How long a part of them may take.
const PART: Duration = Duration::from_millis(1500);

/// How many rows are counted where all take too long.
const SAMPLE: u64 = 100_000;

/// A value and in how many rows it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ValueCount {
    /// The value.
    pub value: Cell,
    /// The number of rows.
    pub count: u64,
}

/// Values of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Distinct {
    /// At most 50, most frequent first.
    pub values: Vec<ValueCount>,
    /// Whether there are more.
    pub more: bool,
    /// Whether only the first rows of the table were counted.
    pub sampled: bool,
}

/// The values of a column in the rows that fulfil all filters.
///
/// # Errors
/// The driver's.
pub(crate) async fn distinct(
    database: &Database,
    table: &Table,
    column: &Column,
    filters: &[Filter],
) -> Result<Distinct> {
    let mut session = Session::open(database, WHOLE).await?;
    match session.rows(query(database.engine(), table, column, filters, None)).await {
        Ok(rows) => Ok(answer(column, rows, false)),
        Err(error) if is_timed_out(&error) => {
            drop(session);
            let mut session = Session::open(database, PART).await?;
            let rows = session.rows(query(database.engine(), table, column, filters, Some(SAMPLE))).await?;
            Ok(answer(column, rows, true))
        }
        Err(error) => Err(error.into()),
    }
}

fn query(engine: Engine, table: &Table, column: &Column, filters: &[Filter], sample: Option<u64>) -> Sql {
    let name = name(engine, column);
    let (expression, _) = compared(engine, column);
    let count = match engine {
        Engine::Postgres => "CAST(count(*) AS text)",
        Engine::Sqlite => "count(*)",
    };
    let mut sql = Sql::default();
    sql.push(&format!("SELECT {}, {count}", read_cut(engine, column)));
    match sample {
        None => {
            sql.push(&from(table));
            push_where(engine, &mut sql, filters);
        }
        Some(rows) => {
            sql.push(&format!(" FROM (SELECT {name}")).push(&from(table));
            push_where(engine, &mut sql, filters);
            sql.push(&format!(" LIMIT {rows}) sample"));
        }
    }
    sql.push(&format!(" GROUP BY {expression} ORDER BY count(*) DESC, {expression} LIMIT {}", MOST + 1));
    sql
}

fn answer(column: &Column, rows: Vec<Vec<Datum>>, sampled: bool) -> Distinct {
    let more = rows.len() > MOST;
    let values = rows.into_iter().take(MOST).filter_map(|row| {
        let [value, count]: [Datum; 2] = row.try_into().ok()?;
        let count = match count {
            Datum::Integer(count) => u64::try_from(count).ok()?,
            Datum::Text(count) => count.parse().ok()?,
            _ => return None,
        };
        Some(ValueCount { value: Cell::of(column.kind, value, CUT), count })
    });
    Distinct { values: values.collect(), more, sampled }
}
