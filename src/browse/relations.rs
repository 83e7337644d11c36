//! A row by its key, what it refers to, and how much refers to it.

use std::collections::BTreeMap;

use super::filter::{Filter, TimeReader, datum, push_where};
use super::session::Session;
use super::sql::{Sql, compared, from, read, read_cut};
use super::table::{Column, Table, label_column};
use super::value::{CUT, Cell, Datum, key_parts};
use super::{BrowseError, Result};
use crate::db::Engine;

/// How many characters of one value the whole row has.
const ROW_CUT: usize = 1 << 20;

/// The value of a key of one column; `None` where it has several.
pub(crate) fn key_value(key: &str) -> Option<String> {
    key_parts(key, 1)?.pop()
}

/// The conditions that a row has this key.
fn by_key(engine: Engine, table: &Table, key: &str, time: TimeReader<'_>) -> Result<Vec<Filter>> {
    let wrong = || BrowseError::Key { table: table.name.clone() };
    let parts = key_parts(key, table.key.len()).ok_or_else(wrong)?;
    let filter = |(name, part): (&String, &String)| {
        let filter = Filter::is(engine, table.readable(name)?, part, time);
        filter.map_err(|error| if matches!(error, BrowseError::Value { .. }) { wrong() } else { error })
    };
    table.key.iter().zip(&parts).map(filter).collect()
}

/// All columns of a row that may be read, each up to a million characters; `None` where it is not there.
///
/// # Errors
/// [`BrowseError::Key`], and the driver's.
pub(crate) async fn row(
    session: &mut Session,
    table: &Table,
    key: &str,
    time: TimeReader<'_>,
) -> Result<Option<Vec<Cell>>> {
    let engine = session.engine();
    let filters = by_key(engine, table, key, time)?;
    let columns: Vec<String> = table.readable_columns().map(|column| read(engine, column)).collect();
    let mut sql = Sql::default();
    sql.push("SELECT ").push(&columns.join(", ")).push(&from(table));
    push_where(engine, &mut sql, &filters);
    sql.push(" LIMIT 1");
    let rows = session.rows(sql).await?;
    let cells = |row: Vec<Datum>| {
        let cells = row.into_iter().zip(table.readable_columns());
        cells.map(|(datum, column)| Cell::of(column.kind, datum, ROW_CUT)).collect()
    };
    Ok(rows.into_iter().next().map(cells))
}

/// Names rows of a table that have these keys to people; those that are not there are left out, and all where the table has
/// no such column or several columns in its key.
///
/// # Errors
/// The driver's.
pub(crate) async fn labels(
    session: &mut Session,
    table: &Table,
    keys: &[String],
    time: TimeReader<'_>,
) -> Result<BTreeMap<String, String>> {
    let (Some(label), [key]) = (label_column(table), table.key.as_slice()) else { return Ok(BTreeMap::new()) };
    let key = table.readable(key)?;
    let engine = session.engine();
    let keys = known(engine, key, keys, time);
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let filter = Filter::any(engine, key, &keys, time)?;
    let mut sql = Sql::default();
    sql.push(&format!("SELECT {}, {}", read(engine, key), read_cut(engine, label))).push(&from(table));
    push_where(engine, &mut sql, &[filter]);
    let rows = session.rows(sql).await?;
    let named = |row: Vec<Datum>| {
        let [found, name]: [Datum; 2] = row.try_into().ok()?;
        let found = Cell::of(key.kind, found, usize::MAX).text()?;
        Some((found, Cell::of(label.kind, name, CUT).text().unwrap_or_default()))
    };
    Ok(rows.into_iter().filter_map(named).collect())
}

/// Those of these texts that are values of the column.
fn known(engine: Engine, column: &Column, values: &[String], time: TimeReader<'_>) -> Vec<String> {
    values.iter().filter(|value| datum(engine, column, value, time).is_ok()).cloned().collect()
}

/// How many rows of `table` have each of these values in `column`, by one grouped query; values that none has are left out.
///
/// # Errors
/// The driver's; of a column that may not be read also that.
pub(crate) async fn related(
    session: &mut Session,
    table: &Table,
    column: &str,
    values: &[String],
    time: TimeReader<'_>,
) -> Result<BTreeMap<String, u64>> {
    let engine = session.engine();
    let column = table.readable(column)?;
    let values = known(engine, column, values, time);
    if values.is_empty() {
        return Ok(BTreeMap::new());
    }
    let filter = Filter::any(engine, column, &values, time)?;
    let (expression, _) = compared(engine, column);
    let count = match engine {
        Engine::Postgres => "CAST(count(*) AS text)",
        Engine::Sqlite => "count(*)",
    };
    let mut sql = Sql::default();
    sql.push(&format!("SELECT {}, {count}", read(engine, column))).push(&from(table));
    push_where(engine, &mut sql, &[filter]);
    sql.push(&format!(" GROUP BY {expression}"));
    let rows = session.rows(sql).await?;
    let counted = |row: Vec<Datum>| {
        let [value, count]: [Datum; 2] = row.try_into().ok()?;
        let count = match count {
            Datum::Integer(count) => u64::try_from(count).ok()?,
            Datum::Text(count) => count.parse().ok()?,
            _ => return None,
        };
        Some((Cell::of(column.kind, value, usize::MAX).text()?, count))
    };
    Ok(rows.into_iter().filter_map(counted).collect())
}
