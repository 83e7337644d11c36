//! What the database has before a restore.

use std::collections::HashSet;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, PgPool, Row};

use super::catalog::{self, Found};
use super::read;
use crate::backup::backend::borrowed::Borrowed;
use crate::backup::error::Result;
use crate::backup::plan::{Existing, ExistingColumn, State};
use crate::backup::{position, version};
use crate::db::Engine;

/// Looks at what the database has.
///
/// # Errors
/// The driver's.
pub(super) async fn inspect(pool: &PgPool) -> Result<State> {
    let mut connection = pool.acquire().await?.detach();
    sqlx::raw_sql("BEGIN READ ONLY").execute(&mut connection).await?;
    let state = state(&mut connection).await?;
    sqlx::raw_sql("ROLLBACK").execute(&mut connection).await?;
    connection.close().await?;
    Ok(state)
}

/// The same on a connection, in its transaction.
pub(super) async fn state(connection: &mut PgConnection) -> Result<State> {
    let found = find_all(connection).await?;
    let mut existing = Vec::new();
    for table in &found {
        let sql = format!("SELECT count(*) AS rows FROM {}", table.path);
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
        let columns = table.shape.columns.iter().zip(&table.as_text);
        let taking_text = columns_taking_text(connection, &table.path).await?;
        existing.push(Existing {
            table: table.shape.name.clone(),
            rows: row.try_get::<i64, _>("rows")?.unsigned_abs(),
            columns: columns
                .map(|(column, as_text)| ExistingColumn {
                    name: column.name.clone(),
                    declared: column.declared.clone(),
                    direct: !as_text,
                    takes_text: taking_text.contains(&column.name),
                })
                .collect(),
        });
    }
    let record = read::migrations(connection).await?;
    let named = found.iter().map(|table| (&table.shape, &table.objects));
    let version = position::version_of(&Borrowed::new(connection), named, &record).await?;
    Ok(State { engine: Engine::Postgres, existing, version })
}

/// The columns of a table whose types are written as text, also by binary COPY, and are none of those that archives know.
async fn columns_taking_text(connection: &mut PgConnection, path: &str) -> Result<HashSet<String>> {
    let sql = "SELECT attname::text FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
               WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
                 AND (t.typtype = 'e' OR t.oid IN ('json'::regtype, 'bpchar'::regtype))";
    Ok(sqlx::query_scalar(sql).bind(path).fetch_all(connection).await?.into_iter().collect())
}

/// Every table that a version of this build knows.
pub(super) async fn find_all(connection: &mut PgConnection) -> Result<Vec<Found>> {
    let known = version::known()?;
    let names: Vec<&str> = known.tables.iter().map(|table| table.name.as_str()).collect();
    catalog::find(connection, &names).await
}
