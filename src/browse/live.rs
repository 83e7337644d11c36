//! Tables and columns that the live database lacks, so that a page can report them before a query fails.

use serde::Serialize;

use super::Result;
use super::session::Session;
use super::sql::Sql;
use super::table::Table;
use super::value::Datum;
use crate::db::Engine;

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Missing {
    /// The table.
    Table(bool),
    /// Some of its columns.
    Columns(Vec<String>),
}

/// For each table, what the database lacks.
///
/// # Errors
/// The driver's.
pub(crate) async fn missing(session: &mut Session, tables: &[Table]) -> Result<Vec<Option<Missing>>> {
    let sql = match session.engine() {
        Engine::Postgres => {
            "SELECT CAST(c.relname AS text), CAST(a.attname AS text) FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
             WHERE n.nspname = 'public' AND a.attnum > 0 AND NOT a.attisdropped"
        }
        Engine::Sqlite => "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c",
    };
    let live = session.rows(Sql { text: sql.to_owned(), binds: Vec::new() }).await?;
    let has = |table: &str, column: Option<&str>| {
        live.iter().any(|row| match row.as_slice() {
            [Datum::Text(of), Datum::Text(name)] => of == table && column.is_none_or(|column| column == name),
            _ => false,
        })
    };
    let lacks = |table: &Table| {
        if !has(&table.name, None) {
            return Some(Missing::Table(true));
        }
        let columns = table.columns.iter().filter(|column| !has(&table.name, Some(&column.name)));
        let columns: Vec<String> = columns.map(|column| column.name.clone()).collect();
        (!columns.is_empty()).then_some(Missing::Columns(columns))
    };
    Ok(tables.iter().map(lacks).collect())
}
