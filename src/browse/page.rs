//! One page of a table: rows in an order that ends in the key, from a cursor on, forward or back.

use futures::StreamExt as _;
use futures::stream::BoxStream;

use super::cursor::{Cursor, Mark};
use super::filter::{Filter, push_where};
use super::keyset::{Place, Sorted, push_beyond, push_order};
use super::session::Session;
use super::sql::{Sql, compared, from, read, read_cut};
use super::table::{Column, Table};
use super::value::{CUT, Cell, Datum, key_text};
use super::{BrowseError, Result};
use crate::db::Engine;

/// The position of a page.
#[derive(Clone, Debug)]
pub(crate) enum At {
    /// At the beginning.
    Start,
    /// After this cursor.
    After(String),
    /// Before this cursor.
    Before(String),
    /// At the end.
    End,
}

/// Which page.
#[derive(Clone, Debug)]
pub(crate) struct PageQuery<'a> {
    /// The table.
    pub table: &'a Table,
    /// The columns to read.
    pub columns: Vec<&'a Column>,
    /// Filters that all rows match.
    pub filters: Vec<Filter>,
    /// The order, see [`sort_order`].
    pub sort: Vec<String>,
    /// Where.
    pub at: At,
    /// Most rows, 1 or more.
    pub limit: usize,
}

/// A page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
    /// Their keys.
    pub keys: Vec<String>,
    /// The cursor after the last row, where rows follow.
    pub next: Option<String>,
    /// The cursor before the first row, where rows precede; `end` where the page is empty.
    pub previous: Option<String>,
    /// How they were sorted.
    pub sorted_by: SortedBy,
}

/// How the rows of a page were sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SortedBy {
    /// By an index.
    Index,
    /// By reading and sorting all rows of the filter.
    Scan,
}

/// The whole order of a page: the given columns, `-` before those that descend, and the key.
///
/// # Errors
/// [`BrowseError::UnknownColumn`], [`BrowseError::SecretColumn`].
pub(crate) fn sort_order(table: &Table, given: &[&str]) -> Result<Vec<String>> {
    let mut order: Vec<String> = Vec::new();
    let bare = |sort: &str| sort.strip_prefix('-').unwrap_or(sort).to_owned();
    for sort in given {
        let column = table.readable(&bare(sort))?;
        if !order.iter().any(|known| bare(known) == column.name) {
            order.push((*sort).to_owned());
        }
    }
    // In the direction of the last column, so that an index on both serves.
    let minus = if order.last().is_some_and(|last| last.starts_with('-')) { "-" } else { "" };
    for key in &table.key {
        if !order.iter().any(|known| bare(known) == *key) {
            order.push(format!("{minus}{key}"));
        }
    }
    Ok(order)
}

fn sorted<'a>(table: &'a Table, sort: &[String]) -> Result<Vec<Sorted<'a>>> {
    let one = |sort: &String| {
        let (descends, name) = sort.strip_prefix('-').map_or((false, sort.as_str()), |name| (true, name));
        Ok(Sorted { column: table.readable(name)?, descends })
    };
    sort.iter().map(one).collect()
}

/// Reads a page.
///
/// # Errors
/// [`BrowseError::Cursor`], [`BrowseError::CursorGone`], [`BrowseError::UnknownColumn`], [`BrowseError::SecretColumn`], and
/// the driver's.
pub(crate) async fn page(session: &mut Session, query: &PageQuery<'_>) -> Result<Page> {
    let engine = session.engine();
    let order = sorted(query.table, &query.sort)?;
    let (cursor, reversed) = match &query.at {
        At::Start => (None, false),
        At::End => (None, true),
        At::After(word) => (Some(Cursor::decode(word, &query.sort)?), false),
        At::Before(word) => (Some(Cursor::decode(word, &query.sort)?), true),
    };
    let places = match &cursor {
        None => None,
        Some(cursor) => Some(places(session, query.table, &order, cursor).await?),
    };
    let read = reads(query, &order);
    let mut sql = Sql::default();
    sql.push("SELECT ");
    for (index, (column, whole)) in read.iter().enumerate() {
        sql.push(if index == 0 { "" } else { ", " });
        sql.push(&if *whole { super::sql::read(engine, column) } else { read_cut(engine, column) });
    }
    sql.push(&from(query.table));
    let filtered = push_where(engine, &mut sql, &query.filters);
    if let Some(places) = &places {
        sql.push(if filtered { " AND " } else { " WHERE " });
        push_beyond(engine, &mut sql, &order, places, reversed);
    }
    push_order(engine, &mut sql, query.table, &order, reversed);
    sql.push(&format!(" LIMIT {}", query.limit + 1));
    let explain = sql.clone();
    let mut rows = session.rows(sql).await.map_err(|error| explained(error, cursor.is_some()))?;
    let more = rows.len() > query.limit;
    rows.truncate(query.limit);
    if reversed {
        rows.reverse();
    }
    let column = |name: &str| read.iter().position(|(column, _)| column.name == name);
    let cursor_of = |row: &Vec<Datum>| {
        let mark = |sorted: &Sorted<'_>| {
            let at = column(&sorted.column.name)?;
            Some(Mark::of(&row[at], read[at].1))
        };
        let values = order.iter().map(mark).collect::<Option<Vec<_>>>()?;
        Some(Cursor { sort: query.sort.clone(), values }.encode())
    };
    let (is_after, is_before) = if reversed { (cursor.is_some(), more) } else { (more, cursor.is_some()) };
    let end = || Some("end".to_owned()).filter(|_| is_before);
    let next = rows.last().filter(|_| is_after).and_then(cursor_of);
    let previous = if rows.is_empty() { end() } else { rows.first().filter(|_| is_before).and_then(cursor_of) };
    let key_cell = |row: &[Datum], name: &String| {
        column(name).map_or(Cell::Null, |at| Cell::of(read[at].0.kind, row[at].clone(), usize::MAX))
    };
    let keys = rows.iter().map(|row| {
        let parts: Vec<Cell> = query.table.key.iter().map(|name| key_cell(row, name)).collect();
        key_text(&parts)
    });
    let keys = keys.collect();
    let shown = query.columns.len();
    let cells = |row: Vec<Datum>| {
        let cells = row.into_iter().take(shown).zip(&read);
        cells.map(|(datum, (column, _))| Cell::of(column.kind, datum, CUT)).collect()
    };
    let rows = rows.into_iter().map(cells).collect();
    let sorted_by = sorted_by(session, explain).await?;
    Ok(Page { rows, keys, next, previous, sorted_by })
}

/// What is read of each row, and whether whole: what is shown, then what else the cursor and the key need.
fn reads<'a>(query: &PageQuery<'a>, order: &[Sorted<'a>]) -> Vec<(&'a Column, bool)> {
    let mut read: Vec<(&Column, bool)> = Vec::new();
    let others = order.iter().map(|sorted| sorted.column);
    for column in query.columns.iter().copied().chain(others) {
        if read.len() < query.columns.len() || !read.iter().any(|(known, _)| known.name == column.name) {
            // A key names its row only where it is whole.
            read.push((column, query.table.is_key(&column.name)));
        }
    }
    read
}

/// The cursor's values. One that was too long for it is taken from its row.
async fn places(session: &mut Session, table: &Table, order: &[Sorted<'_>], cursor: &Cursor) -> Result<Vec<Place>> {
    let engine = session.engine();
    let mut row = Sql::default();
    row.push(&from(table));
    for (index, key) in table.key.iter().enumerate() {
        let at = order.iter().position(|sorted| sorted.column.name == *key).ok_or(BrowseError::Cursor)?;
        let (expression, sql_type) = compared(engine, order[at].column);
        row.push(if index == 0 { " WHERE " } else { " AND " }).push(&expression).push(" = ");
        row.bind(engine, cursor.values[at].datum().ok_or(BrowseError::Cursor)?, sql_type);
    }
    if cursor.values.contains(&Mark::OfRow) {
        let mut exists = Sql { text: "SELECT '1'".into(), binds: row.binds.clone() };
        exists.push(&row.text);
        let found = session.rows(exists).await.map_err(|error| explained(error, true))?;
        if found.is_empty() {
            return Err(BrowseError::CursorGone);
        }
    }
    let place = |(sorted, mark): (&Sorted<'_>, &Mark)| match mark.datum() {
        Some(datum) => Place::Value(datum),
        None => {
            let text = format!("SELECT {}{}", compared(engine, sorted.column).0, row.text);
            Place::Query(Sql { text, binds: row.binds.clone() })
        }
    };
    Ok(order.iter().zip(&cursor.values).map(place).collect())
}

/// A forged cursor may hold what its columns cannot: PostgreSQL's class 22, "data exception".
fn explained(error: sqlx::Error, by_cursor: bool) -> BrowseError {
    let code = error.as_database_error().and_then(|error| error.code());
    if by_cursor && code.is_some_and(|code| code.starts_with("22")) { BrowseError::Cursor } else { error.into() }
}

/// Whether the planner sorts what it reads.
async fn sorted_by(session: &mut Session, sql: Sql) -> Result<SortedBy> {
    let engine = session.engine();
    let explain = match engine {
        Engine::Postgres => "EXPLAIN ",
        Engine::Sqlite => "EXPLAIN QUERY PLAN ",
    };
    let plan = session.rows(Sql { text: format!("{explain}{}", sql.text), binds: sql.binds }).await?;
    let sorts = plan.iter().filter_map(|row| row.last()).any(|line| match (engine, line) {
        (Engine::Postgres, Datum::Text(line)) => {
            line.trim_start().trim_start_matches("->").trim_start().starts_with("Sort  (")
        }
        (Engine::Sqlite, Datum::Text(line)) => line == "USE TEMP B-TREE FOR ORDER BY",
        _ => false,
    });
    Ok(if sorts { SortedBy::Scan } else { SortedBy::Index })
}

/// All rows of a query, whole and as they come, at most `limit`.
///
/// # Errors
/// [`BrowseError::UnknownColumn`], [`BrowseError::SecretColumn`]; those of the rows are the driver's.
pub(crate) fn export_rows<'a>(
    session: &'a mut Session,
    query: &PageQuery<'_>,
    limit: Option<u64>,
) -> Result<BoxStream<'a, Result<Vec<Cell>, sqlx::Error>>> {
    let engine = session.engine();
    let order = sorted(query.table, &query.sort)?;
    let columns: Vec<String> = query.columns.iter().map(|column| read(engine, column)).collect();
    let mut sql = Sql::default();
    sql.push("SELECT ").push(&columns.join(", ")).push(&from(query.table));
    push_where(engine, &mut sql, &query.filters);
    push_order(engine, &mut sql, query.table, &order, false);
    if let Some(limit) = limit {
        sql.push(&format!(" LIMIT {limit}"));
    }
    let kinds: Vec<_> = query.columns.iter().map(|column| column.kind).collect();
    let cells = move |row: Vec<Datum>| {
        row.into_iter().zip(&kinds).map(|(datum, kind)| Cell::of(*kind, datum, usize::MAX)).collect()
    };
    Ok(session.stream(sql).map(move |row| row.map(&cells)).boxed())
}
