//! What SQLite's own `DROP COLUMN` would say, asked of an empty copy of the schema in memory: the file is only read.
//!
//! A table is made anew with `legacy_alter_table`, under which no view and no trigger is looked at. One that still names the
//! column would then fail at every statement on the table.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Statement as Query};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::sync::Arc;

use super::{Dependent, Touched};
use crate::db::quote;
use crate::schema::dialect::literal;
use crate::schema::sql_tokens::{Token, tokens};

pub(super) async fn find(txn: &impl ConnectionTrait, touched: &[Touched<'_>]) -> Result<Vec<Dependent>, DbErr> {
    let dropped: Vec<&Touched<'_>> = touched.iter().filter(|each| each.dropped).collect();
    if dropped.is_empty() {
        return Ok(Vec::new());
    }
    let mut copy = copy(txn, &dropped).await?;
    let mut found = Vec::new();
    for each in dropped {
        let sql = format!("ALTER TABLE {} DROP COLUMN {}", quote(each.table), quote(each.column));
        while let Err(error) = copy.execute(AssertSqlSafe(sql.clone())).await {
            let Some((kind, name, before)) = culprit(&error) else { break };
            let way_out = format!("DROP {} {}", kind.to_uppercase(), quote(&name));
            copy.execute(AssertSqlSafe(way_out.clone())).await.map_err(driver)?;
            // What was broken before is not broken by this.
            if !before {
                let on = format!("{}.{}", each.table, each.column);
                found.push(Dependent { object: format!("{kind} {name}"), on, way_out: Some(way_out) });
            }
        }
    }
    copy.close().await.map_err(driver)?;
    Ok(found)
}

fn driver(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

/// Tables with their columns alone, so that no key and no index keeps a column from going; views and triggers as they are.
async fn copy(txn: &impl ConnectionTrait, dropped: &[&Touched<'_>]) -> Result<SqliteConnection, DbErr> {
    let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(false).disable_statement_logging();
    let mut copy = options.connect().await.map_err(driver)?;
    let sql = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               AND type IN ('table', 'view', 'trigger') ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'view' THEN 1 ELSE 2 END, rowid";
    for row in txn.query_all_raw(Query::from_string(DbBackend::Sqlite, sql)).await? {
        let (kind, name, sql): (String, String, String) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let sql = if kind == "table" {
            let columns = format!("SELECT name FROM pragma_table_xinfo({})", literal(&name));
            let rows = txn.query_all_raw(Query::from_string(DbBackend::Sqlite, columns)).await?;
            let names: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
            let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
            format!("CREATE TABLE {} ({})", quote(&name), names.join(", "))
        } else {
            as_names(&sql, dropped)
        };
        // What cannot be made here is broken already, or hidden by a module that this program does not have.
        let _ = copy.execute(AssertSqlSafe(sql)).await;
    }
    Ok(copy)
}

/// The statement with the columns in backticks: SQLite takes a name in double quotes that is no column any more for a text,
/// and says nothing.
fn as_names(sql: &str, dropped: &[&Touched<'_>]) -> String {
    let mut result = String::new();
    let mut done = 0;
    for placed in tokens(sql) {
        let Token::Word(name, true) = &placed.token else { continue };
        if sql[placed.start..].starts_with('"') && dropped.iter().any(|each| each.column.eq_ignore_ascii_case(name)) {
            result.push_str(&sql[done..placed.start]);
            result.push_str(&format!("`{}`", name.replace('`', "``")));
            done = placed.end;
        }
    }
    result.push_str(&sql[done..]);
    result
}

/// The object that SQLite's message names, and whether it was broken before: `error in view rich after drop column: …`.
fn culprit(error: &sqlx::Error) -> Option<(&'static str, String, bool)> {
    let text = error.as_database_error()?.message();
    let rest = text.strip_prefix("error in ")?;
    let (kind, rest) =
        ["view", "trigger"].iter().find_map(|kind| Some((*kind, rest.strip_prefix(kind)?.strip_prefix(' ')?)))?;
    match rest.split_once(" after drop column: ") {
        Some((name, _)) => Some((kind, name.to_owned(), false)),
        None => rest.split_once(": ").map(|(name, _)| (kind, name.to_owned(), true)),
    }
}
