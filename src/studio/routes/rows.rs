//! Pages of a table, and one row with all that it refers to and that refers to it.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, RawQuery, State as Shared};
use serde::Serialize;

use super::super::State;
use super::super::reply::{Failure, Json, Reply};
use super::parameters::Parameters;
use crate::browse::{self, At, Cell, Count, PageQuery, SortedBy, Table};
use crate::error::{Error, Kind};
use crate::message::message;

/// Rows of a page where no number is asked for.
const USUAL: usize = 100;

/// The most rows of a page.
const MOST: usize = 500;

/// The most columns to sort by, beside the key.
const SORTED: usize = 4;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageView {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    keys: Vec<String>,
    sort: Vec<String>,
    next: Option<String>,
    previous: Option<String>,
    sorted_by: SortedBy,
    ms: u64,
}

/// The columns and the order that a request asks for.
pub(super) async fn shape<'a>(
    state: &State,
    table: &'a Table,
    columns: &[&str],
    sort: &[&str],
) -> Result<(Vec<&'a browse::Column>, Vec<String>), Failure> {
    if sort.len() > SORTED {
        return Err(Error::new(Kind::Usage, "usage", message!("at most {} columns to sort by", SORTED)).into());
    }
    let shown: browse::Result<Vec<_>> = if columns.is_empty() {
        Ok(table.readable_columns().collect())
    } else {
        columns.iter().map(|name| table.readable(name)).collect()
    };
    let shape = shown.and_then(|shown| Ok((shown, browse::sort_order(table, sort)?)));
    match shape {
        Ok(shape) => Ok(shape),
        Err(error) => Err(state.failed(error).await),
    }
}

/// A page.
pub(super) async fn page(
    Shared(state): Shared<Arc<State>>,
    Path(table): Path<String>,
    RawQuery(query): RawQuery,
) -> Reply<PageView> {
    let start = Instant::now();
    let known = ["filter", "sort", "after", "before", "limit", "columns"];
    let parameters = Parameters::read(query.as_deref(), &known)?;
    let table = state.table(&table)?;
    let limit = parameters.number("limit", 1, MOST)?.unwrap_or(USUAL);
    let at = match (parameters.one("after"), parameters.one("before")) {
        (None, None) => At::Start,
        (Some(cursor), None) => At::After(cursor.to_owned()),
        (None, Some("end")) => At::End,
        (None, Some(cursor)) => At::Before(cursor.to_owned()),
        (Some(_), Some(_)) => return Err(Error::new(Kind::Usage, "usage", "a page is after or before a cursor").into()),
    };
    let (columns, sort) = shape(&state, table, &parameters.list("columns"), &parameters.list("sort")).await?;
    let filters = state.filters(table, &parameters.all("filter")).await?;
    let mut session = state.session().await?;
    let query = PageQuery { table, columns, filters, sort, at, limit };
    let page = match browse::page(&mut session, &query).await {
        Ok(page) => page,
        Err(error) => return Err(state.failed(error).await),
    };
    Ok(Json(PageView {
        columns: query.columns.iter().map(|column| column.name.clone()).collect(),
        rows: page.rows,
        keys: page.keys,
        sort: query.sort,
        next: page.next,
        previous: page.previous,
        sorted_by: page.sorted_by,
        ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    }))
}

#[derive(Serialize)]
pub(super) struct RowView {
    key: String,
    columns: Vec<String>,
    row: Vec<Cell>,
    label: Option<String>,
    references: Vec<ReferenceView>,
    relations: Vec<RelationCount>,
}

#[derive(Serialize)]
struct ReferenceView {
    column: String,
    table: String,
    key: String,
    label: Option<String>,
}

#[derive(Serialize)]
struct RelationCount {
    table: String,
    column: String,
    count: Count,
}

/// One row.
pub(super) async fn row(
    Shared(state): Shared<Arc<State>>,
    Path((table, key)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Reply<RowView> {
    Parameters::read(query.as_deref(), &[])?;
    let table = state.table(&table)?;
    let found = found(&state, table, &key).await;
    match found {
        Ok(Some(row)) => Ok(Json(row)),
        Ok(None) => {
            Err(Error::new(Kind::NotFound, "not_found", message!("this row of {} is gone", &table.name)).into())
        }
        Err(Problem::Browse(error)) => Err(state.failed(error).await),
        Err(Problem::Failure(failure)) => Err(failure),
    }
}

enum Problem {
    Browse(browse::BrowseError),
    Failure(Failure),
}

impl From<browse::BrowseError> for Problem {
    fn from(error: browse::BrowseError) -> Self {
        Self::Browse(error)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

async fn found(state: &State, table: &Table, key: &str) -> Result<Option<RowView>, Problem> {
    let time = state.time();
    let engine = state.seat.database.engine();
    let mut session = state.session().await?;
    let Some(row) = browse::row(&mut session, table, key, &time).await? else { return Ok(None) };
    let columns: Vec<String> = table.readable_columns().map(|column| column.name.clone()).collect();
    let value = |name: &str| columns.iter().position(|column| column == name).and_then(|at| row[at].text());
    let mut references = Vec::new();
    for column in table.readable_columns() {
        let Some((to, _)) = &column.references else { continue };
        let (Some(target), Some(value)) = (state.tables.iter().find(|table| table.name == *to), value(&column.name))
        else {
            continue;
        };
        let labels = browse::labels(&mut session, target, std::slice::from_ref(&value), &time).await?;
        references.push(ReferenceView {
            column: column.name.clone(),
            table: to.clone(),
            key: browse::key_text(&[Cell::Text(value.clone())]),
            label: labels.get(&value).cloned(),
        });
    }
    drop(session);
    let mut relations = Vec::new();
    for referrer in &table.referrers {
        let Some(from) = state.tables.iter().find(|table| table.name == referrer.table) else { continue };
        let Some(value) = value(&referrer.to) else { continue };
        let filter = browse::Filter::is(engine, from.readable(&referrer.column)?, &value, &time)?;
        let count = browse::count(&state.seat.database, from, &[filter]).await?;
        relations.push(RelationCount { table: referrer.table.clone(), column: referrer.column.clone(), count });
    }
    let label = browse::label_column(table).and_then(|column| value(&column.name));
    Ok(Some(RowView { key: key.to_owned(), columns, row, label, references, relations }))
}
