//! The tables, how many rows they have, and the values of a column.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State as Shared};
use serde::Serialize;

use super::super::State;
use super::super::reply::{Json, Reply};
use super::filters::has_references;
use super::parameters::Parameters;
use crate::browse::{self, Column, Count, Distinct, Kind, Missing, Operator, Referrer, Table};
use crate::db::Engine;

/// Up to how many rows a table opens with its newest first, though all of them are read for it.
const SORTED_AT_ONCE: [(Engine, u64); 2] = [(Engine::Postgres, 2_000_000), (Engine::Sqlite, 300_000)];

/// The columns that say how new a row is, the telling ones first.
const TIMES: [&str; 4] = ["createdAt", "startTime", "joinedAt", "updatedAt"];

#[derive(Serialize)]
pub(super) struct TablesView<'a> {
    tables: Vec<TableView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TableView<'a> {
    table: &'a str,
    noun: String,
    key: &'a [String],
    rows: Option<Count>,
    columns: Vec<ColumnView<'a>>,
    default_sort: Vec<String>,
    relations: Vec<RelationView<'a>>,
    missing: Option<Missing>,
}

#[derive(Serialize)]
struct ColumnView<'a> {
    name: &'a str,
    kind: &'static str,
    nullable: bool,
    key: bool,
    secret: bool,
    references: Option<TargetColumn<'a>>,
    choices: Option<&'a [String]>,
    operators: Vec<&'static str>,
}

#[derive(Serialize)]
struct TargetColumn<'a> {
    table: &'a str,
    column: &'a str,
}

#[derive(Serialize)]
struct RelationView<'a> {
    table: &'a str,
    column: &'a str,
    to: &'a str,
}

/// All tables.
pub(super) async fn list(Shared(state): Shared<Arc<State>>) -> axum::response::Response {
    use axum::response::IntoResponse as _;
    let listed: Reply<TablesView<'_>> = async {
        let mut session = state.session().await?;
        let estimates = match browse::estimate(&mut session, &state.tables).await {
            Ok(estimates) => estimates,
            Err(error) => return Err(state.failed(error).await),
        };
        let missing = match browse::missing(&mut session, &state.tables).await {
            Ok(missing) => missing,
            Err(error) => return Err(state.failed(error).await),
        };
        let engine = state.seat.database.engine();
        let tables = state.tables.iter().zip(estimates).zip(missing);
        let tables = tables.map(|((table, rows), missing)| view(engine, table, rows, missing)).collect();
        Ok(Json(TablesView { tables }))
    }
    .await;
    listed.into_response()
}

fn view(engine: Engine, table: &Table, rows: Option<Count>, missing: Option<Missing>) -> TableView<'_> {
    let most = SORTED_AT_ONCE.iter().find(|(of, _)| *of == engine).map_or(0, |(_, most)| *most);
    let is_small = rows.is_none_or(|count| count.rows() <= most);
    let time = TIMES
        .iter()
        .find_map(|name| table.columns.iter().find(|column| column.name == *name && column.kind == Kind::Timestamp));
    let default_sort = time.filter(|_| is_small).map(|column| format!("-{}", column.name)).into_iter().collect();
    let relations = table.referrers.iter();
    TableView {
        table: &table.name,
        noun: noun(&table.name),
        key: &table.key,
        rows,
        columns: table.columns.iter().map(|column| column_view(table, column)).collect(),
        default_sort,
        relations: relations.map(|Referrer { table, column, to }| RelationView { table, column, to }).collect(),
        missing,
    }
}

fn column_view<'a>(table: &Table, column: &'a Column) -> ColumnView<'a> {
    let mut operators: Vec<&str> = Operator::of(column).into_iter().map(Operator::name).collect();
    if column.references.as_ref().is_some_and(|(to, _)| has_references(to)) {
        operators.push(Operator::Ref.name());
    }
    ColumnView {
        name: &column.name,
        kind: column.kind.name(),
        nullable: column.nullable,
        key: table.is_key(&column.name),
        secret: column.secret,
        references: column.references.as_ref().map(|(table, column)| TargetColumn { table, column }),
        choices: Some(column.choices.as_slice()).filter(|choices| !choices.is_empty()),
        operators,
    }
}

/// `flight passenger` of `flightPassengers`.
fn noun(table: &str) -> String {
    let mut words = String::new();
    for character in table.chars() {
        if character.is_uppercase() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words.strip_suffix('s').map(str::to_owned).unwrap_or(words)
}

/// How many rows fulfil the filters.
pub(super) async fn count(
    Shared(state): Shared<Arc<State>>,
    Path(table): Path<String>,
    RawQuery(query): RawQuery,
) -> Reply<Count> {
    let parameters = Parameters::read(query.as_deref(), &["filter"])?;
    let table = state.table(&table)?;
    let filters = state.filters(table, &parameters.all("filter")).await?;
    match browse::count(&state.seat.database, table, &filters).await {
        Ok(count) => Ok(Json(count)),
        Err(error) => Err(state.failed(error).await),
    }
}

/// The values of a column.
pub(super) async fn values(
    Shared(state): Shared<Arc<State>>,
    Path(table): Path<String>,
    RawQuery(query): RawQuery,
) -> Reply<Distinct> {
    let parameters = Parameters::read(query.as_deref(), &["column", "prefix", "filter"])?;
    let table = state.table(&table)?;
    let column = match table.readable(parameters.one("column").unwrap_or_default()) {
        Ok(column) => column,
        Err(error) => return Err(state.failed(error).await),
    };
    let mut filters = state.filters(table, &parameters.all("filter")).await?;
    if let Some(prefix) = parameters.one("prefix").filter(|prefix| !prefix.is_empty()) {
        filters.extend(state.filters(table, &[format!("{}:starts:{prefix}", column.name)]).await?);
    }
    match browse::distinct(&state.seat.database, table, column, &filters).await {
        Ok(distinct) => Ok(Json(distinct)),
        Err(error) => Err(state.failed(error).await),
    }
}
