//! The tables as the database has them, for a diagram, with what differs from what the entities ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State as Shared;
use serde::Serialize;

use super::super::State;
use super::super::reply::{Json, Reply};
use super::LIMIT;
use crate::browse::{self, Count};
use crate::db::Engine;
use crate::error::Error;
use crate::schema::dialect::{postgres, sqlite_types};
use crate::schema::model::{self, Rule};
use crate::schema::{Origin, desired, diff, live, mermaid};

/// The diagram.
#[derive(Serialize)]
pub(super) struct DiagramView {
    tables: Vec<DiagramTable>,
    edges: Vec<Edge>,
    /// The same for Mermaid.
    mermaid: String,
}

#[derive(Serialize)]
struct DiagramTable {
    table: String,
    columns: Vec<DiagramColumn>,
    rows: Option<Count>,
    /// What differs from what the entities ask for.
    drift: Vec<String>,
    /// Whether the entities ask for it and the database has none.
    missing: bool,
}

#[derive(Serialize)]
struct DiagramColumn {
    name: String,
    kind: String,
    nullable: bool,
    key: bool,
    reference: bool,
    unique: bool,
}

/// A foreign key.
#[derive(Serialize)]
struct Edge {
    from: String,
    columns: Vec<String>,
    to: String,
    /// Whether it may refer to nothing.
    optional: bool,
    /// Whether at most one row refers to the same.
    unique: bool,
}

/// The diagram of the live database.
pub(super) async fn diagram(Shared(state): Shared<Arc<State>>) -> Reply<DiagramView> {
    let asked = desired().map_err(Error::from)?;
    let engine = state.seat.database.engine();
    let found = match browse::begin_read(&state.seat.database, LIMIT).await {
        Ok(transaction) => live::read(&transaction, &asked, &[]).await.map_err(Error::from),
        Err(error) => Err(error.into()),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return Err(state.failed(error).await),
    };
    let mut drift: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for change in diff(&found.schema, &asked, engine, Origin::Live, &[]).changes {
        drift.entry(change.table().unwrap_or_default().to_owned()).or_default().push(change.what());
    }
    let counts = match state.session().await {
        Ok(mut session) => match browse::estimate(&mut session, &state.tables).await {
            Ok(counts) => counts,
            Err(error) => return Err(state.failed(error).await),
        },
        Err(failure) => return Err(failure),
    };
    let count = |name: &str| {
        let at = state.tables.iter().position(|table| table.name == name)?;
        counts.get(at).cloned().flatten()
    };
    let mut tables = Vec::new();
    for wanted in &asked.tables {
        let there = found.schema.tables.iter().find(|table| table.name == wanted.name);
        let drift = drift.remove(&wanted.name).unwrap_or_default();
        let columns = there.unwrap_or(wanted).columns.iter();
        tables.push(DiagramTable {
            columns: columns.map(|each| column(there.unwrap_or(wanted), each, engine)).collect(),
            rows: there.and_then(|_| count(&wanted.name)),
            missing: there.is_none(),
            table: wanted.name.clone(),
            drift,
        });
    }
    Ok(Json(DiagramView { tables, edges: edges(&found.schema), mermaid: mermaid(&found.schema) }))
}

fn column(table: &model::Table, column: &model::Column, engine: Engine) -> DiagramColumn {
    let has = |test: &dyn Fn(&Rule) -> bool| table.constraints.iter().any(|constraint| test(&constraint.rule));
    let kind = match engine {
        Engine::Postgres => postgres::kind(&column.kind),
        Engine::Sqlite => sqlite_types::kind(&column.kind).to_owned(),
    };
    DiagramColumn {
        kind,
        nullable: column.nullable,
        key: has(&|rule| matches!(rule, Rule::PrimaryKey(columns) if columns.contains(&column.name))),
        reference: has(&|rule| matches!(rule, Rule::ForeignKey(key) if key.columns.contains(&column.name))),
        unique: has(&|rule| matches!(rule, Rule::Unique(columns) if columns.len() == 1 && columns[0] == column.name)),
        name: column.name.clone(),
    }
}

fn edges(schema: &model::Schema) -> Vec<Edge> {
    let mut edges = Vec::new();
    for table in &schema.tables {
        for (_, key) in table.foreign_keys() {
            let nullable = |name: &String| table.column(name).is_some_and(|column| column.nullable);
            let unique = |rule: &Rule| match rule {
                Rule::PrimaryKey(columns) | Rule::Unique(columns) => *columns == key.columns,
                _ => false,
            };
            edges.push(Edge {
                from: table.name.clone(),
                columns: key.columns.clone(),
                to: key.table.clone(),
                optional: key.columns.iter().any(nullable),
                unique: table.constraints.iter().any(|constraint| unique(&constraint.rule)),
            });
        }
    }
    edges
}
