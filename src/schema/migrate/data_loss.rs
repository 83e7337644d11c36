//! Data that scripts lose: the tables and columns that their `-- loses:` lines name, with the rows that are in them now.

use migration::{Direction, Migration};
use sea_orm::{ConnectionTrait, Statement};
use serde::Serialize;

use super::{MigrateError, dialect};
use crate::db::{Engine, quote};
use crate::schema::dialect::literal;

/// A table or column that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// `table`, or `table.column`.
    pub what: String,
    /// Rows of the table, or rows that have a value in the column.
    pub rows: i64,
}

/// What running these scripts would lose. What is not there yet has no rows to lose.
pub(super) async fn count(
    txn: &impl ConnectionTrait,
    migrations: &[&Migration],
    direction: Direction,
) -> Result<Vec<Loss>, MigrateError> {
    let engine = Engine::of(txn);
    let mut losses = Vec::new();
    for migration in migrations {
        for what in migration.loses(dialect(engine), direction) {
            let (table, column) = what.split_once('.').map_or((what, None), |(table, column)| (table, Some(column)));
            let rows = if exists(txn, table, column).await? {
                let counted = column.map_or_else(|| "*".to_owned(), quote);
                number(txn, format!("SELECT count({counted}) FROM {}", quote(table))).await?
            } else {
                0
            };
            losses.push(Loss { what: what.to_owned(), rows });
        }
    }
    Ok(losses)
}

async fn exists(txn: &impl ConnectionTrait, table: &str, column: Option<&str>) -> Result<bool, MigrateError> {
    let sql = match Engine::of(txn) {
        Engine::Postgres => {
            let column =
                column.map_or_else(|| "attnum > 0".to_owned(), |column| format!("attname = {}", literal(column)));
            let table = literal(&format!("public.{}", quote(table)));
            format!(
                "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass({table})::oid AND NOT attisdropped AND {column}"
            )
        }
        Engine::Sqlite => {
            let column = column.map_or_else(|| "true".to_owned(), |column| format!("name = {}", literal(column)));
            format!("SELECT count(*) FROM pragma_table_info({}) WHERE {column}", literal(table))
        }
    };
    Ok(number(txn, sql).await? > 0)
}

async fn number(txn: &impl ConnectionTrait, sql: String) -> Result<i64, MigrateError> {
    let row = txn.query_one_raw(Statement::from_string(Engine::of(txn).backend(), sql)).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
}
