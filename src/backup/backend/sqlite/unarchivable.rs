//! Looks for cells that an archive cannot hold ([`crate::backup::unarchivable`]).

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::catalog;
use crate::backup::error::Result;
use crate::backup::error::{Fault, Unarchivable};
use crate::backup::unarchivable::{NAMED, collect_large, key, large};
use crate::backup::version;
use crate::db::quote;
use crate::schema::model::Kind;

/// Looks for them.
///
/// # Errors
/// The driver's.
pub(super) async fn find(connection: &mut SqliteConnection) -> Result<Vec<Unarchivable>> {
    let latest = version::latest()?;
    let wanted = version::wanted()?;
    let mut found = Vec::new();
    for table in &latest.schema.tables {
        let sql = "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid";
        let rows = sqlx::query(sql).bind(&table.name).fetch_all(&mut *connection).await?;
        let (mut columns, mut keys, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let (name, declared): (String, String) = (row.try_get("name")?, row.try_get("type")?);
            let kind = catalog::ours(&latest.schema, &wanted, &table.name, &name, &declared).map(|column| &column.kind);
            if matches!(kind, Some(Kind::Integer | Kind::BigInteger | Kind::Boolean)) {
                numbers.push(name.clone());
            }
            if row.try_get::<i64, _>("pk")? > 0 {
                keys.push(name.clone());
            }
            columns.push(name);
        }
        if columns.is_empty() {
            continue;
        }
        let (path, key) = (quote(&table.name), key(&keys, "'rowid ' || rowid", ""));
        let sql = |key: &str, list: &str, large: &str| {
            format!("SELECT CAST({key} AS TEXT) AS key, {list} FROM {path} WHERE {large} LIMIT {NAMED}")
        };
        let size = |column: &String| format!("coalesce(octet_length({}), 0)", quote(column));
        for row in sqlx::query(AssertSqlSafe(large(&columns, &key, size, sql))).fetch_all(&mut *connection).await? {
            collect_large(&mut found, &table.name, &columns, row.try_get("key")?, |index| row.try_get(index))?;
        }
        for column in numbers {
            let sql = format!(
                "SELECT CAST({key} AS TEXT) AS key FROM {path} WHERE typeof({}) NOT IN ('integer', 'null') LIMIT {NAMED}",
                quote(&column)
            );
            for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await? {
                let (table, column, key) = (table.name.clone(), column.clone(), row.try_get("key")?);
                found.push(Unarchivable { table, column, key, fault: Fault::Type });
            }
        }
    }
    Ok(found)
}
